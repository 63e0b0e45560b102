{{/* The prefix of all names: the release's name, followed by the chart's unless the release's name contains it. */}}
{{- define "name" -}}
{{- $chart := .Values.nameOverride | default .Chart.Name }}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name $chart) (contains $chart .Release.Name) }}
{{- .Values.fullnameOverride | default $name | trunc 50 | trimSuffix "-" }}
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

{{/* Labels of an object. Those of the chart win, because its selectors need them. */}}
{{- define "labels" -}}
{{- toYaml (merge (include "ownLabels" . | fromYaml) .root.Values.commonLabels) }}
{{- end }}

{{- define "ownLabels" -}}
{{ include "selector" . }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "image" -}}
{{- $repository := required "image.repository: name the registry and the repository the image was pushed to, such as registry.example.org/realm-operator" .Values.image.repository }}
{{- $tag := .Values.image.tag | default .Chart.AppVersion }}
{{- include "fromRegistry" (dict "root" . "image" $repository) }}{{ ternary "@" ":" (hasPrefix "sha256:" $tag) }}{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* An image, or its repository, in the registry of the values instead of its own (dict "root" $ "image" …). */}}
{{- define "fromRegistry" -}}
{{- with .root.Values.imageRegistry }}{{ . }}/{{ regexReplaceAll "^[^/]+/" $.image "" }}{{ else }}{{ .image }}{{ end }}
{{- end }}

{{/* The name of the ServiceAccount of a component (dict "root" $ "component" … "values" …). */}}
{{- define "accountName" -}}
{{- .values.serviceAccount.name | default (include (printf "%sName" .component) .root) }}
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
