#!/bin/sh
# The roles, once, when the database is initialised. The service owns its database and nothing else;
# backups read everything, and create databases to restore into. Neither is a superuser.
set -eu

secrets=${SECRETS:-/run/secrets}
# Standard input, not arguments: those are seen by everybody on the machine.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --username "${POSTGRES_USER:-postgres}" --dbname "$POSTGRES_DB" <<SQL
CREATE ROLE quartermaster LOGIN PASSWORD '$(cat "$secrets/database_password")';
CREATE ROLE backup LOGIN CREATEDB PASSWORD '$(cat "$secrets/backup_password")'
    IN ROLE pg_read_all_data;
ALTER DATABASE "$POSTGRES_DB" OWNER TO quartermaster;
REVOKE ALL ON DATABASE "$POSTGRES_DB" FROM PUBLIC;
GRANT CONNECT ON DATABASE "$POSTGRES_DB" TO backup;
SQL
