{{/* The prefix of all names: the release's name, followed by the chart's unless the release's name contains it. */}}
{{- define "name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "operatorName" -}}{{ include "name" . }}{{- end }}
{{- define "providerName" -}}{{ include "name" . }}-provider{{- end }}

{{- define "movementName" -}}{{ include "name" . }}-movement{{- end }}

{{/* The Secret with the keys of the tokens of realms at the movement relay. */}}
{{- define "movementKeysName" -}}{{ .Values.movement.keysSecretName | default (printf "%s-keys" (include "movementName" .)) }}{{- end }}

{{/* The movement relay of this installation as Realms report it; empty where there is none. */}}
{{- define "movementHost" -}}
{{- if .Values.movement.host }}{{ .Values.movement.host }}
{{- else if .Values.movement.enabled }}{{ include "movementName" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}
{{- end }}

{{- define "providerUrl" -}}http://{{ include "providerName" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}{{- end }}

{{- define "leaseNamespace" -}}{{ first .Values.watchNamespaces | default .Release.Namespace }}{{- end }}

{{/* selector (dict "root" $ "component" "operator"): immutable, so it holds the component and never the version. */}}
{{- define "selector" -}}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/name: {{ .component }}
{{- end }}

{{- define "labels" -}}
{{ include "selector" . }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "image" -}}
{{- $repository := required "image.repository: name the registry and the repository the image was pushed to, such as registry.example.org/realm-operator" .Values.image.repository }}
{{- $tag := .Values.image.tag | default .Chart.AppVersion }}
{{- $repository }}{{ ternary "@" ":" (hasPrefix "sha256:" $tag) }}{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* What the pods of both components have in common (dict "root" $ "component" … "values" …): they pass the `restricted` profile. */}}
{{- define "podSettings" -}}
serviceAccountName: {{ include (printf "%sName" .component) .root }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- if .root.Values.podSecurity.userIds }}
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  {{- end }}
  seccompProfile: { type: RuntimeDefault }
topologySpreadConstraints:
  {{- range tuple "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "selector" $ | nindent 8 }}
  {{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The port for probes and metrics: that of the realm provider is not the public one, that of the relay not the one of connectors. */}}
{{- define "probePort" -}}{{ ternary "peer" "http" (has .component (list "provider" "movement")) }}{{- end }}

{{- define "containerSettings" -}}
{{- $port := include "probePort" . }}
image: {{ include "image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
ports:
  - { name: http, containerPort: 8080 }
  {{- if eq $port "peer" }}
  - { name: peer, containerPort: 8081 }
  {{- end }}
  {{- if eq .component "movement" }}
  - { name: movement, containerPort: 7777, protocol: UDP{{ if .values.hostPort }}, hostPort: 7777{{ end }} }
  {{- end }}
startupProbe: { httpGet: { path: /health/live, port: {{ $port }} }, periodSeconds: 1, failureThreshold: 60 }
livenessProbe: { httpGet: { path: /health/live, port: {{ $port }} }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }
readinessProbe: { httpGet: { path: /health/ready, port: {{ $port }} }, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 3 }
resources: {{- toYaml .values.resources | nindent 2 }}
# A process that refuses its configuration says why in its log.
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* Permissions in each watched namespace, or in all namespaces (dict "root" $ "name" … "account" … "labels" … "rules" …). */}}
{{- define "rights" -}}
{{- range $index, $namespace := .root.Values.watchNamespaces | default (list "") }}
{{- $kind := ternary "Role" "ClusterRole" (ne $namespace "") }}
{{- if $index }}
---
{{ end -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $.name }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- $.labels | nindent 4 }}
rules:
  {{- $.rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ $.name }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- $.labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ $.name }}
subjects:
  - { kind: ServiceAccount, name: {{ $.account }}, namespace: {{ $.root.Release.Namespace }} }
{{- end }}
{{- end }}

{{/* The name of cluster-wide permissions, which must differ between releases of the same name in two namespaces. */}}
{{- define "rightsName" -}}
{{- if .root.Values.watchNamespaces }}{{ .account }}{{ else }}{{ printf "%s-%s" .root.Release.Namespace .account }}{{ end }}
{{- end }}

{{/* Mode of the files of mounted Secrets: without fsGroup they belong to root. In decimal, because not every YAML parser reads 0440 as octal. */}}
{{- define "secretMode" -}}{{ ternary 288 292 .Values.podSecurity.userIds }}{{- end }}

{{/* Variables of both components that the user sets; they come first, so that those of the chart win. */}}
{{- define "commonEnv" -}}
{{- range .Values.env }}
- {{ toYaml . | nindent 2 | trim }}
{{- end }}
{{- if include "hasAuthorities" . }}
- { name: NODE_EXTRA_CA_CERTS, value: /run/ca-certificates/ca.crt }
{{- end }}
{{- end }}

{{- define "hasAuthorities" -}}
{{- if or .Values.caCertificates.configMapName .Values.caCertificates.secretName }}true{{ end }}
{{- end }}

{{- define "authorityMount" -}}
{{- if include "hasAuthorities" . }}
- { name: ca-certificates, mountPath: /run/ca-certificates, readOnly: true }
{{- end }}
{{- end }}

{{- define "authorityVolume" -}}
{{- with .Values.caCertificates }}
{{- if .configMapName }}
- { name: ca-certificates, configMap: { name: {{ .configMapName }}, defaultMode: 292, items: [{ key: {{ .key }}, path: ca.crt }] } }
{{- else if .secretName }}
- { name: ca-certificates, secret: { secretName: {{ .secretName }}, defaultMode: 292, items: [{ key: {{ .key }}, path: ca.crt }] } }
{{- end }}
{{- end }}
{{- end }}
