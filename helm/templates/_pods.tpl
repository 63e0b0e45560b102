{{/* The ServiceAccount of a component, unless it exists already (dict "root" $ "component" … "values" …). */}}
{{- define "serviceAccount" }}
{{- with .values.serviceAccount }}
{{- if .create }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "accountName" $ }}
  namespace: {{ $.root.Release.Namespace }}
  labels: {{- toYaml (merge (include "labels" $ | fromYaml) .labels) | nindent 4 }}
  {{- with .annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if eq $.component "movement" }}
automountServiceAccountToken: false
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The name and the labels of a Deployment. */}}
{{- define "deploymentMeta" -}}
name: {{ include (printf "%sName" .component) .root }}
namespace: {{ .root.Release.Namespace }}
labels: {{- include "labels" . | nindent 2 }}
{{- with .values.deploymentAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
The pod template of a component (dict "root" $ "component" … "values" … "run" …): `run` is how its container is started, and the templates
<component>Env, <component>Mounts and <component>Volumes are lists of what it needs itself.
*/}}
{{- define "podTemplate" -}}
{{- $annotations := dict "kubectl.kubernetes.io/default-container" .component }}
metadata:
  labels: {{- toYaml (merge (include "labels" . | fromYaml) .values.podLabels) | nindent 4 }}
  annotations: {{- toYaml (merge (deepCopy .values.podAnnotations) $annotations) | nindent 4 }}
spec:
  {{- include "podSettings" . | nindent 2 }}
  {{- with .values.initContainers }}
  initContainers: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .component }}
      {{- .run | nindent 6 }}
      {{- include "containerSettings" . | nindent 6 }}
      env: {{- include "env" . | nindent 8 }}
      {{- with concat (include (printf "%sMounts" .component) .root | fromYamlArray) .values.extraVolumeMounts }}
      volumeMounts: {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- with .values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with concat (include (printf "%sVolumes" .component) .root | fromYamlArray) .values.extraVolumes }}
  volumes: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* What pods have in common: they pass the `restricted` profile. */}}
{{- define "podSettings" -}}
serviceAccountName: {{ include "accountName" . }}
{{- if eq .component "movement" }}
automountServiceAccountToken: false
{{- if not .values.hostPort }}
# It waits 15 seconds for the pod that follows it, and passes datagrams on for 20.
terminationGracePeriodSeconds: 60
{{- end }}
{{- end }}
enableServiceLinks: false
securityContext: {{- toYaml (.root.Values.podSecurity.userIds | ternary .values.podSecurityContext (omit .values.podSecurityContext "runAsUser" "runAsGroup" "fsGroup")) | nindent 2 }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{- toYaml (hasKey . "labelSelector" | ternary . (merge (dict "labelSelector" (dict "matchLabels" (include "selector" $ | fromYaml))) .)) | nindent 4 }}
  {{- end }}
{{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- range $name := tuple "nodeSelector" "tolerations" "affinity" "priorityClassName" "runtimeClassName" "dnsPolicy" "dnsConfig" "hostAliases" }}
{{- with get $.values $name }}
{{ $name }}: {{- toYaml . | nindent 2 }}
{{- end }}
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
securityContext: {{- toYaml .values.securityContext | nindent 2 }}
{{- end }}

{{/* The variables of a container: those of the user, and those of the chart, which none of the user's may replace unnoticed. */}}
{{- define "env" -}}
{{- $names := dict }}
{{- $own := include (printf "%sEnv" .component) .root | fromYamlArray }}
{{- if include "hasAuthorities" .root }}
{{- $own = prepend $own (dict "name" "NODE_EXTRA_CA_CERTS" "value" "/run/ca-certificates/ca.crt") }}
{{- end }}
{{- $all := concat .root.Values.env .values.extraEnv $own }}
{{- range $all }}
{{- if hasKey $names .name }}
{{- fail (printf "env, %s.extraEnv: %s is there twice, or is set by other values of the chart" $.component .name) }}
{{- end }}
{{- $_ := set $names .name true }}
{{- end }}
{{- toYaml $all }}
{{- end }}
