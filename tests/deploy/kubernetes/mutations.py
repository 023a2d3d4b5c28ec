"""What could go wrong in each file, and the policy that must say so: the policy, the variant that
is rendered, the file, what is in it once, and what is put in its place."""

DEPLOYMENT = "base/deployment.yaml"
MIGRATION = "base/migration.yaml"
CONFIG = "base/config.env"
NETWORK = "base/networkpolicy.yaml"
ROUTE = "components/gateway/httproute.yaml"
GATEWAY = "components/gateway/gateway.yaml"
INGRESS = "components/ingress/ingress.yaml"
BACKUP = "components/backup/cronjob.yaml"
POOLER = "components/pgbouncer/deployment.yaml"
PRODUCTION = "overlays/production/kustomization.yaml"
OWN_CONFIG = "overlays/production/config.env"

Mutation = tuple[str, str, str, str]

MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    "pods_are_restricted": (
        ("production", DEPLOYMENT, "runAsNonRoot: true", "runAsNonRoot: false"),
        ("production", DEPLOYMENT, "runAsUser: 10001", "runAsUser: 1000"),
        ("production", MIGRATION, "type: RuntimeDefault", "type: Unconfined"),
        ("production", BACKUP, "automountServiceAccountToken: false", "hostNetwork: true"),
        ("pgbouncer", POOLER, "enableServiceLinks: false", "enableServiceLinks: true"),
    ),
    "containers_are_restricted": (
        ("production", DEPLOYMENT, "readOnlyRootFilesystem: true", "privileged: true"),
        ("production", MIGRATION, "allowPrivilegeEscalation: false", "privileged: false"),
        ("production", BACKUP, "drop: [ALL]", "drop: [NET_RAW]"),
    ),
    "volumes_are_bounded": (
        ("production", DEPLOYMENT, "sizeLimit: 64Mi", "medium: Memory"),
        ("production", MIGRATION, "mountPath: /tmp", "mountPath: /var/tmp"),
        ("production", BACKUP, "emptyDir:\n                sizeLimit: 20Gi", "hostPath: {path: /}"),
    ),
    "namespace_enforces_restricted": (
        ("production", "overlays/production/namespace.yaml", "enforce: restricted", "x: baseline"),
        ("staging", "overlays/staging/kustomization.yaml", "namespace: quartermaster-staging", ""),
    ),
    "images_are_pinned": (
        ("staging", "overlays/staging/kustomization.yaml", "newTag: 0.1.0", "newTag: latest"),
        ("production", DEPLOYMENT, "image: quartermaster", "image: x/quartermaster:0.0.9"),
        ("production", BACKUP, "image: quartermaster-backup", "image: quartermaster-backup:0.0.9#"),
    ),
    "resources_are_said": (
        ("production", DEPLOYMENT, "limits:\n              memory", "limits:\n              cpu"),
        ("production", MIGRATION, "cpu: 100m", "ephemeral-storage: 1Gi"),
        ("production", BACKUP, "memory: 1Gi", "cpu: 1"),
    ),
    "pods_are_spread": (
        ("production", DEPLOYMENT, "topology.kubernetes.io/zone", "topology.kubernetes.io/region"),
        (
            "production",
            DEPLOYMENT,
            "hostname\n          maxSkew: 1\n          whenUnsatisfiable: ScheduleAnyway",
            "hostname\n          maxSkew: 1\n          whenUnsatisfiable: DoNotSchedule",
        ),
        (
            "production",
            DEPLOYMENT,
            "labelSelector: &pods\n            matchLabels:",
            "labelSelector: &pods\n            matchLabels:\n              tier: web",
        ),
    ),
    "probes_ask_the_right_questions": (
        ("production", CONFIG, "PORT=5500", "PORT=8000"),
        ("production", DEPLOYMENT, "path: /health/ready, port", "path: /health/live, port"),
        ("production", DEPLOYMENT, "failureThreshold: 45", "failureThreshold: 15"),
        ("production", DEPLOYMENT, "failureThreshold: 6", "failureThreshold: 1"),
        ("production", DEPLOYMENT, "timeoutSeconds: 4", "timeoutSeconds: 1"),
        (
            "production",
            DEPLOYMENT,
            "livenessProbe:\n            httpGet: {path: /health/live",
            "livenessProbe:\n            httpGet: {path: /health/ready",
        ),
    ),
    "a_stop_has_time_to_drain": (
        ("production", CONFIG, "GRACEFUL_TIMEOUT=30", "GRACEFUL_TIMEOUT=40"),
        ("production", DEPLOYMENT, "PeriodSeconds: 60", "PeriodSeconds: 30"),
        ("production", DEPLOYMENT, "seconds: 15", "seconds: 0"),
        ("production", DEPLOYMENT, "seconds: 15", "seconds: 30"),
    ),
    "a_roll_out_keeps_capacity": (
        ("production", DEPLOYMENT, "maxUnavailable: 0", "maxUnavailable: 1"),
        ("production", DEPLOYMENT, "revisionHistoryLimit: 5", "replicas: 3"),
        ("production", MIGRATION, "activeDeadlineSeconds: 1500", "activeDeadlineSeconds: 3600"),
    ),
    "nodes_can_be_drained": (
        ("production", "base/pdb.yaml", "maxUnavailable: 1", "minAvailable: 3"),
        ("staging", "base/pdb.yaml", "maxUnavailable: 1", "maxUnavailable: 2"),
        ("production", "base/pdb.yaml", "AlwaysAllow", "IfHealthyBudget"),
        ("pgbouncer", POOLER, "replicas: 2", "replicas: 1"),
        ("pgbouncer", "components/pgbouncer/kustomization.yaml", "  - pdb.yaml\n", ""),
    ),
    "the_autoscaler_is_calm": (
        ("production", PRODUCTION, "minReplicas, value: 3", "minReplicas, value: 1"),
        ("production", PRODUCTION, "maxReplicas, value: 10", "maxReplicas, value: 3"),
        ("production", "base/hpa.yaml", "stabilizationWindowSeconds: 300", "selectPolicy: Max"),
        ("production", "base/hpa.yaml", "name: cpu", "name: memory"),
        ("production", "base/hpa.yaml", "{type: Pods, value: 1", "{type: Percent, value: 50"),
    ),
    "each_release_has_its_migration": (
        ("production", PRODUCTION, "{kind: Job, name: migrate-tag}", "{kind: Job, name: migrate}"),
        ("production", MIGRATION, "upgrade, head]", "upgrade, +1]"),
        ("production", MIGRATION, 'sync-wave: "1"', 'sync-wave: "3"'),
        (
            "production",
            MIGRATION,
            "          env:\n",
            "          envFrom: [configMapRef: {name: quartermaster}]\n          env:\n",
        ),
    ),
    "selectors_find_their_pods": (
        ("production", "base/service.yaml", "    app.kubernetes.io/component: service\n  p", "  p"),
        (
            "production",
            "base/pdb.yaml",
            "name: quartermaster\n      app",
            "name: service\n      app",
        ),
        ("production", "base/hpa.yaml", "    name: quartermaster\n", "    name: service\n"),
        ("production", "components/backup/networkpolicy.yaml", "component: backup", "component: b"),
        ("pgbouncer", "components/pgbouncer/service.yaml", "r\n  ports", "\n  ports"),
    ),
    "monitors_find_their_services": (
        ("production", "components/monitoring/servicemonitor.yaml", "port: http", "port: metrics"),
        (
            "production",
            "components/monitoring/servicemonitor.yaml",
            "component: service",
            "component: api",
        ),
    ),
    "services_lead_to_pods": (
        ("production", "base/service.yaml", "targetPort: http", "targetPort: web"),
        ("production", "components/gateway/networkpolicy.yaml", "port: http}", "port: web}"),
        ("pgbouncer", POOLER, "- name: postgresql", "- name: pgbouncer"),
    ),
    "routes_lead_to_services": (
        ("production", ROUTE, "port: 80", "port: 5500"),
        (
            "production",
            ROUTE,
            "- name: quartermaster\n          port",
            "- name: api\n          port",
        ),
        ("ingress", INGRESS, "port: {name: http}", "port: {name: web}"),
    ),
    "references_exist": (
        ("production", DEPLOYMENT, "secretName: quartermaster", "secretName: other"),
        ("production", DEPLOYMENT, "serviceAccountName: quartermaster", "serviceAccountName: x"),
        (
            "production",
            BACKUP,
            "                    name: quartermaster-b",
            "                    name: b",
        ),
    ),
    "secrets_are_mounted_and_documented": (
        ("production", DEPLOYMENT, "value: /run/secrets/quartermaster", "value: /run/secrets"),
        ("production", BACKUP, "/BACKUP_AGE_IDENTITY", "/AGE_IDENTITY"),
        ("production", "secret.example.yaml", "  AWS_SHARED_CREDENTIALS: |", "  AWS: |"),
    ),
    "secrets_are_read_only": (
        ("production", DEPLOYMENT, "defaultMode: 0440", "defaultMode: 0444"),
        (
            "production",
            MIGRATION,
            "readOnly: true\n            - name: tmp",
            "readOnly: false\n            - name: tmp",
        ),
    ),
    "nothing_secret_is_written_down": (
        ("production", OWN_CONFIG, "# yours", "JWT_SECRET_KEY=0123456789abcdef"),
        ("production", OWN_CONFIG, "# yours", "RATELIMIT_KEY_PREFIX=redis://x:hunter2@valkey/0"),
        (
            "production",
            DEPLOYMENT,
            "- name: CREDENTIALS_DIRECTORY\n              value: /run/secrets/quartermaster",
            "- name: SECRET_KEY\n              valueFrom: {secretKeyRef: {name: x, key: y}}",
        ),
        (
            "production",
            DEPLOYMENT,
            "            - configMapRef:",
            "            - secretRef: {name: quartermaster}\n            - configMapRef:",
        ),
        (
            "production",
            "overlays/production/namespace.yaml",
            "apiVersion: v1\n",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n---\napiVersion: v1\n",
        ),
    ),
    "keys_are_known": (
        ("production", CONFIG, "GRACEFUL_TIMEOUT=30", "GRACEFUL_TIMEOUT=30\nGRACE_TIMEOUT=30"),
        ("production", OWN_CONFIG, "CORS_ORIGINS", "CORS_ORIGIN"),
        ("production", BACKUP, "BACKUP_KEEP_DAILY", "BACKUP_DAILY"),
        ("production", MIGRATION, "name: FLASK_ENV", "name: FLASK_ENVIRONMENT_"),
    ),
    "connections_fit_the_database": (
        ("production", PRODUCTION, "maxReplicas, value: 10", "maxReplicas, value: 16"),
        ("production", CONFIG, '"max_overflow": 2', '"max_overflow": 12'),
        ("production", DEPLOYMENT, "minReadySeconds: 20", "minReadySeconds: 5"),
        ("production", PRODUCTION, 'value: "200"', 'value: "100"'),
        ("pgbouncer", "components/pgbouncer/pgbouncer.ini", "connections = 40", "connections = 80"),
    ),
    "pods_fit_the_pooler": (
        ("pgbouncer", "components/pgbouncer/pgbouncer.ini", "conn = 1000", "conn = 100"),
    ),
    "what_is_not_allowed_is_denied": (
        ("production", NETWORK, "[Ingress, Egress]", "[Ingress]"),
        ("production", "overlays/production/networks.yaml", "10.20.0.0/16", "0.0.0.0/0"),
        ("production", NETWORK, "      ports:\n        - {protocol: TCP, port: 5432}\n", ""),
    ),
    "only_those_who_must_come_in": (
        (
            "production",
            "components/monitoring/networkpolicy.yaml",
            "            matchLabels:\n              kubernetes.io/metadata.name: monitoring\n",
            "            {}\n",
        ),
        (
            "pgbouncer",
            "components/pgbouncer/networkpolicy.yaml",
            "    matchLabels:\n              app.kubernetes.io/component: service\n      ports",
            "    {}\n      ports",
        ),
    ),
    "proxies_are_known": (
        ("production", OWN_CONFIG, "FORWARDED_ALLOW_IPS=10.244.0.0/16", "FORWARDED_ALLOW_IPS=*"),
        ("production", OWN_CONFIG, "10.244.0.0/16", "10.244.0.0/16,0.0.0.0/0"),
        ("production", OWN_CONFIG, "FORWARDED_ALLOW_IPS=10.244.0.0/16", ""),
    ),
    "the_client_does_not_choose_its_host": (
        ("production", ROUTE, "remove: [X-Forwarded-Host]", "remove: [X-Forwarded-For]"),
    ),
    "certificates_are_renewed": (
        ("production", GATEWAY, "cert-manager.io/cluster-issuer", "cert-manager.io/issuer-kind"),
        ("production", GATEWAY, "- kind: Secret\n            name: quartermaster-tls", "[]"),
        ("ingress", INGRESS, "hosts: [api.example.com]", "hosts: [www.example.com]"),
    ),
    "plain_http_only_redirects": (
        ("production", ROUTE, "sectionName: https\n", "sectionName: http\n"),
        ("production", ROUTE, "      sectionName: https\n", ""),
        ("ingress", INGRESS, 'redirect-to-https: "true"', 'redirect-to-https: "false"'),
    ),
    "hosts_agree": (
        ("production", OWN_CONFIG, "https://api.example.com", "https://www.example.com"),
        ("production", PRODUCTION, "hostnames/0, value: api", "hostnames/0, value: www"),
        ("production", PRODUCTION, "value: https://api", "value: https://www"),
    ),
    "backups_are_made_and_watched": (
        ("production", BACKUP, "concurrencyPolicy: Forbid", "concurrencyPolicy: Allow"),
        ("production", BACKUP, "startingDeadlineSeconds: 3600", "suspend: true"),
        ("production", BACKUP, "deploy.backup, run]", "deploy.backup, create]"),
        ("production", "overlays/production/backup.env", "s3://quartermaster", "/var/lib/"),
        ("production", "overlays/production/backup.env", "=age1-yours", "="),
        (
            "production",
            "components/monitoring/kubernetes_rules.yaml",
            'successful_time{cronjob="quartermaster-backup"}\n            ) >',
            'successful_time{cronjob="backup"}\n            ) >',
        ),
    ),
}
