# Vault's agent beside the service: it keeps the files that <KEY>_FILE names, in memory under /run.
# One secret in Vault (KV version 2) holds every value; the fallbacks are there, if empty:
#
#   vault kv put secret/quartermaster secret_key=… secret_key_fallbacks= jwt_secret_key=… \
#     jwt_secret_key_fallbacks= database_url=… ratelimit_storage_uri=…
#
# As the service's user: vault agent -config=/etc/quartermaster/agent.hcl
# The service reads its files when it starts: restart it after a change, as docs/secrets.md says.

vault {
  address = "https://vault.example.com:8200"
}

auto_auth {
  method "approle" {
    config = {
      role_id_file_path                   = "/etc/quartermaster/vault-role-id"
      secret_id_file_path                 = "/etc/quartermaster/vault-secret-id"
      remove_secret_id_file_after_reading = false
    }
  }
}

template_config {
  # An agent that cannot write a file ends, and is seen to, instead of leaving the others stale.
  exit_on_retry_failure = true
}

template {
  destination          = "/run/quartermaster/secrets/secret_key"
  contents             = "{{ with secret \"secret/data/quartermaster\" }}{{ .Data.data.secret_key }}{{ end }}"
  error_on_missing_key = true
  perms                = "0400"
}

template {
  destination          = "/run/quartermaster/secrets/secret_key_fallbacks"
  contents             = "{{ with secret \"secret/data/quartermaster\" }}{{ .Data.data.secret_key_fallbacks }}{{ end }}"
  error_on_missing_key = true
  perms                = "0400"
}

template {
  destination          = "/run/quartermaster/secrets/jwt_secret_key"
  contents             = "{{ with secret \"secret/data/quartermaster\" }}{{ .Data.data.jwt_secret_key }}{{ end }}"
  error_on_missing_key = true
  perms                = "0400"
}

template {
  destination          = "/run/quartermaster/secrets/jwt_secret_key_fallbacks"
  contents             = "{{ with secret \"secret/data/quartermaster\" }}{{ .Data.data.jwt_secret_key_fallbacks }}{{ end }}"
  error_on_missing_key = true
  perms                = "0400"
}

template {
  destination          = "/run/quartermaster/secrets/database_url"
  contents             = "{{ with secret \"secret/data/quartermaster\" }}{{ .Data.data.database_url }}{{ end }}"
  error_on_missing_key = true
  perms                = "0400"
}

template {
  destination          = "/run/quartermaster/secrets/ratelimit_storage_uri"
  contents             = "{{ with secret \"secret/data/quartermaster\" }}{{ .Data.data.ratelimit_storage_uri }}{{ end }}"
  error_on_missing_key = true
  perms                = "0400"
}
