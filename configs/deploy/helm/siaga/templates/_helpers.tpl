{{- define "siaga.name" -}}
{{- if contains "siaga" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-siaga{{ end -}}
{{- end }}

{{- /* Labels of a stage's pods, and of whatever belongs to it: (dict "root" $ "stage" "grab"). */}}
{{- define "siaga.selector" -}}
app.kubernetes.io/name: siaga
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .stage }}
{{- end }}

{{- define "siaga.labels" -}}
{{ include "siaga.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- /* The pod of a stage: (dict "root" $ "stage" "grab" "arguments" (list ...) "volume" true when it keeps its data). */}}
{{- define "siaga.pod" -}}
{{- $values := index .root.Values .stage -}}
{{- $image := .root.Values.image -}}
{{- $metrics := int .root.Values.settings.ops.metrics_port -}}
metadata:
  labels:
    {{- include "siaga.labels" . | nindent 4 }}
  annotations:
    checksum/settings: {{ toYaml .root.Values.settings | sha256sum }}
    prometheus.io/scrape: "true"
    prometheus.io/port: {{ $metrics | quote }}
spec:
  serviceAccountName: {{ include "siaga.name" .root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 45
  {{- with $image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with $values.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "siaga.selector" . | nindent 10 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: {{ .stage }}
      image: "{{ $image.repository }}:{{ $values.imageTag | default $image.tag | default .root.Chart.AppVersion }}"
      imagePullPolicy: {{ $image.pullPolicy }}
      args:
        {{- toYaml (prepend (.arguments | default list) .stage) | nindent 8 }}
      env:
        - {name: SIAGA_CONFIG, value: /config/siaga.yaml}
        - {name: SIAGA_SECRETS, value: /secrets}
        - name: SIAGA_INSTANCE
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        {{- if eq .stage "grab" }}
        - name: POD_INDEX
          valueFrom: {fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}}
        {{- end }}
        - {name: AWS_REGION, value: {{ .root.Values.s3.region | quote }}}
        {{- with .root.Values.s3.endpoint }}
        - {name: AWS_ENDPOINT_URL, value: {{ . | quote }}}
        {{- end }}
        - {name: AWS_ALLOW_HTTP, value: {{ .root.Values.s3.allowHttp | quote }}}
      ports:
        - {name: metrics, containerPort: {{ $metrics }}}
        {{- if eq .stage "desk" }}
        - {name: http, containerPort: {{ int .root.Values.settings.desk.port }}}
        {{- end }}
      # Dead is what has stopped speaking; what waits for its bus or database is alive, and not ready.
      livenessProbe:
        httpGet: {path: /livez, port: metrics}
        initialDelaySeconds: 20
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /healthz, port: metrics}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 3
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: config, mountPath: /config, readOnly: true}
        - {name: secrets, mountPath: /secrets, readOnly: true}
        - {name: scratch, mountPath: /tmp}
        - {name: data, mountPath: {{ .root.Values.settings.data_dir }}}
  volumes:
    - name: config
      configMap: {name: {{ include "siaga.name" .root }}}
    - name: secrets
      secret: {secretName: {{ .root.Values.existingSecret }}, defaultMode: 0440}
    - name: scratch
      emptyDir: {sizeLimit: 1Gi}
    {{- if not .volume }}
    - name: data
      emptyDir: {sizeLimit: 1Gi}
    {{- end }}
{{- end }}
