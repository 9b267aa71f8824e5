{{- define "countersign.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* At most 50 characters: the longest suffix of an object's name still fits into 63. */}}
{{- define "countersign.fullname" -}}
{{- $name := include "countersign.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "countersign.selectorLabels" -}}
app.kubernetes.io/name: {{ include "countersign.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "countersign.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "countersign.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "countersign.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "countersign.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "countersign.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "countersign.claimName" -}}
{{- default (include "countersign.fullname" .) .Values.storage.persistence.existingClaim -}}
{{- end }}

{{/* The host of the issuer: clients, IdPs and partners know the bridge by no other. */}}
{{- define "countersign.host" -}}
{{- regexReplaceAll "^https://([^:/]+).*$" .Values.config.issuer "${1}" -}}
{{- end }}

{{/* "true" where several bridges can run side by side; empty otherwise. */}}
{{- define "countersign.shared" -}}
{{- if and (eq .Values.storage.driver "postgres") (eq .Values.cache.driver "redis") -}}true{{- end -}}
{{- end }}

{{/* What the schema cannot say: combinations that would run, and be wrong. */}}
{{- define "countersign.refuse" -}}
{{- if and (gt (int .Values.replicas) 1) (not (include "countersign.shared" .)) -}}
{{- fail (printf "replicas: %d bridges cannot share storage.driver %s with cache.driver %s. Set postgres and redis, or replicas: 1." (int .Values.replicas) .Values.storage.driver .Values.cache.driver) -}}
{{- end -}}
{{- if and (not .Values.tls.existingSecret) (empty .Values.config.listen.trusted_proxies) -}}
{{- fail "config.listen.trusted_proxies: name the networks (CIDR) of the ingress controller's pods, or set tls.existingSecret so that the bridge ends TLS." -}}
{{- end -}}
{{- if ne (eq .Values.cache.redis.topology "sentinel") (not (empty .Values.cache.redis.sentinelGroup)) -}}
{{- fail "cache.redis.sentinelGroup: belongs to topology sentinel, which needs it." -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.enabled) -}}
{{- fail "metrics.enabled: a ServiceMonitor needs metrics to read." -}}
{{- end -}}
{{- if le (int .Values.termination.gracePeriodSeconds) (add 20 .Values.termination.drainSeconds | int) -}}
{{- fail "termination.gracePeriodSeconds: must be more than drainSeconds and the 20 s that open requests may take to finish." -}}
{{- end -}}
{{- end }}

{{/* countersign.yaml: the values under `config`, and what depends on where the chart mounts things. */}}
{{- define "countersign.configFile" -}}
{{- $run := "/run/countersign" -}}
{{- $file := deepCopy .Values.config -}}
{{- $_ := set $file.listen "port" 8443 -}}
{{- if .Values.tls.existingSecret -}}
{{- $_ := set $file.listen "tls" (dict "certificate_file" (print $run "/tls/tls.crt") "key_file" (print $run "/tls/tls.key")) -}}
{{- end -}}
{{- if empty $file.outbound.dns_servers -}}
{{- $_ := unset $file.outbound "dns_servers" -}}
{{- end -}}
{{- range list "quorum" "auditor_quorum" -}}
{{- if kindIs "invalid" (get $file.key_log .) -}}
{{- $_ := unset $file.key_log . -}}
{{- end -}}
{{- end -}}
{{- if .Values.outboundCa.existingConfigMap -}}
{{- $_ := set $file.outbound "ca_file" (print $run "/certificates/outbound.crt") -}}
{{- end -}}
{{- if .Values.metrics.enabled -}}
{{- $_ := set $file "metrics" (dict "address" .Values.config.listen.address "port" .Values.metrics.port) -}}
{{- end -}}
{{- $_ := set $file "storage" (include "countersign.storage" . | fromYaml) -}}
{{- $_ := set $file "cache" (include "countersign.cache" . | fromYaml) -}}
{{- $signer := dict "driver" "local" "key_encryption_key" (dict "file" (print $run "/secrets/key-encryption-key")) -}}
{{- if .Values.secrets.keys.previousKeyEncryptionKey -}}
{{- $_ := set $signer "previous_key_encryption_key" (dict "file" (print $run "/secrets/previous-key-encryption-key")) -}}
{{- end -}}
{{- $_ := set $file "signer" $signer -}}
{{- if .Values.keyLog.headFile.existingClaim -}}
{{- $_ := set $file.key_log "head_file" "/var/lib/countersign-head/log-head.json" -}}
{{- end -}}
{{- toYaml $file -}}
{{- end }}

{{- define "countersign.storage" -}}
driver: {{ .Values.storage.driver }}
{{- if eq .Values.storage.driver "sqlite" }}
path: /var/lib/countersign/countersign.db
{{- else }}
url:
  file: /run/countersign/secrets/database-url
{{- with .Values.storage.postgres }}
tls: {{ .tls | quote }}
pool_size: {{ .poolSize }}
{{- if .ca.existingConfigMap }}
ca_file: /run/countersign/certificates/database.crt
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "countersign.cache" -}}
driver: {{ .Values.cache.driver }}
{{- if eq .Values.cache.driver "redis" }}
url:
  file: /run/countersign/secrets/cache-url
{{- if .Values.secrets.keys.sentinelPassword }}
sentinel_password:
  file: /run/countersign/secrets/sentinel-password
{{- end }}
{{- with .Values.cache.redis }}
topology: {{ .topology }}
{{- with .sentinelGroup }}
sentinel_group: {{ . | quote }}
{{- end }}
prefix: {{ .prefix | quote }}
timeout_ms: {{ .timeoutMs }}
{{- if .ca.existingConfigMap }}
ca_file: /run/countersign/certificates/cache.crt
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The ConfigMaps with certificates to trust, as sources of one volume; empty where there are none. */}}
{{- define "countersign.certificateSources" -}}
{{- include "countersign.certificateSource" (list "outbound.crt" .Values.outboundCa) -}}
{{- if eq .Values.storage.driver "postgres" -}}
{{- include "countersign.certificateSource" (list "database.crt" .Values.storage.postgres.ca) -}}
{{- end -}}
{{- if eq .Values.cache.driver "redis" -}}
{{- include "countersign.certificateSource" (list "cache.crt" .Values.cache.redis.ca) -}}
{{- end -}}
{{- end }}

{{/* (list file source): one of them. */}}
{{- define "countersign.certificateSource" -}}
{{- with last . }}
{{- if .existingConfigMap }}
- configMap:
    name: {{ .existingConfigMap | quote }}
    items:
      - key: {{ .key | quote }}
        path: {{ first $ }}
{{- end }}
{{- end }}
{{- end }}

{{/* One rule of a NetworkPolicy: the ports of .peers.ports in each of .protocols, to .peers.to or anywhere. */}}
{{- define "countersign.egressRule" -}}
{{- $protocols := .protocols -}}
- ports:
  {{- range $port := .peers.ports }}
  {{- range $protocols }}
    - port: {{ $port }}
      protocol: {{ . }}
  {{- end }}
  {{- end }}
  {{- with .peers.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Requests and limits; a CPU limit only where one is set. */}}
{{- define "countersign.resources" -}}
{{- with .Values.resources -}}
requests:
  cpu: {{ .requests.cpu | quote }}
  memory: {{ .requests.memory | quote }}
limits:
  {{- with .limits.cpu }}
  cpu: {{ . | quote }}
  {{- end }}
  memory: {{ .limits.memory | quote }}
{{- end -}}
{{- end }}

{{/* (list context "live" | "ready"): where the kubelet asks how the bridge is. It does not verify the certificate. */}}
{{- define "countersign.probeTarget" -}}
path: /health/{{ last . }}
port: bridge
scheme: {{ ternary "HTTPS" "HTTP" (not (empty (first .).Values.tls.existingSecret)) }}
{{- end }}
