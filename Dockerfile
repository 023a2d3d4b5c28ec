# docker build --target production -t quartermaster .        (buildah and podman: --format docker)
#
# Nothing here needs BuildKit. A tag moves: for the same image every time, give the base by digest,
# --build-arg PYTHON_IMAGE=python:3.13-slim-trixie@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-trixie

# The pinned packages, as wheels: this stage has no compiler either.
FROM ${PYTHON_IMAGE} AS packages
WORKDIR /source
COPY requirements.txt ./
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile \
        --only-binary :all: --require-hashes -r requirements.txt

# The service beside them, and in /app what its commands read from the working directory.
FROM packages AS build
COPY deploy/docker/requirements.txt deploy/docker/requirements.txt
RUN python -m venv /opt/build \
    && /opt/build/bin/python -m pip install --no-cache-dir --only-binary :all: --require-hashes \
        -r deploy/docker/requirements.txt
COPY . .
# The console is not in the build context: its command would find nothing. Bytecode is written here,
# once, for a file system that is read-only later; it is never compared with the source's time.
RUN /opt/build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation \
        --wheel-dir /opt/build/wheels . \
    && python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile \
        --no-index --no-deps /opt/build/wheels/*.whl \
    && rm /opt/venv/bin/opsconsole \
    && python deploy/docker/slim.py /opt/venv \
    && mkdir /app \
    && cp -r --parents alembic alembic.ini app.py requirements.txt deploy/gunicorn.conf.py \
        deploy/hypercorn_conf.py deploy/docker/healthcheck.py deploy/docker/keys.py \
        deploy/docker/rotate.py /app \
    && if [ -f var/tests.json ]; then cp --parents var/tests.json /app; fi \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib /app \
    && chmod -R a+rX,go-w /opt/venv /app

# Backups: PostgreSQL's own programs, of the server's major version or a later one.
FROM ${PYTHON_IMAGE} AS backup
RUN apt-get update \
    && apt-get install -y --no-install-recommends 'postgresql-client-17=17.*' \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY deploy/backup/requirements.txt deploy/backup/requirements.txt
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --no-cache-dir \
        --only-binary :all: --require-hashes -r deploy/backup/requirements.txt \
    && groupadd --gid 10001 app \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin app \
    && install -d -o app -g app -m 0750 /var/lib/backups \
    && install -d -o app -g app /var/lib/backup-report
COPY deploy/backup deploy/backup
COPY deploy/docker/backupcheck.py deploy/docker/backupcheck.py
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BACKUP_STORE=/var/lib/backups \
    BACKUP_REPORT=/var/lib/backup-report/backup.json
USER 10001:10001
STOPSIGNAL SIGTERM
# `unhealthy`: the last backup failed.
HEALTHCHECK --interval=60s --timeout=5s --start-period=10m \
    CMD ["python", "-I", "-S", "/app/deploy/docker/backupcheck.py"]
CMD ["python", "-m", "deploy.backup", "run", "--every", "24h"]

# What both of the following have.
FROM ${PYTHON_IMAGE} AS runtime
RUN groupadd --gid 10001 app \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin app \
    && install -d -o app -g app /var/lib/backup-report /var/log/service
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="quartermaster" \
      org.opencontainers.image.description="The HTTP service, behind a proxy and beside a PostgreSQL" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
# No port below 1024, no file written outside /tmp and /dev/shm.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    FLASK_ENV=production \
    PORT=5500 \
    BACKUP_REPORT=/var/lib/backup-report/backup.json \
    GIT_COMMIT=${REVISION}
USER 10001:10001
EXPOSE 5500
STOPSIGNAL SIGTERM

# The source is mounted over /app and comes before what is installed.
FROM runtime AS development
ENV FLASK_ENV=development \
    LOG_FILE="" \
    PYTHONPATH=/app \
    QUART_RUN_HOST=0.0.0.0 \
    QUART_RUN_PORT=5500
CMD ["quart", "run", "--reload"]

FROM runtime AS production
# The process alone. A database that is away must not get every replica restarted.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-S", "/app/deploy/docker/healthcheck.py", "/health/live"]
# SIGTERM drains: `docker stop --timeout 45` is longer than GRACEFUL_TIMEOUT. One process, which needs
# no init; more are replicas, or in one container `gunicorn -c deploy/gunicorn.conf.py`.
CMD ["python", "-m", "service"]
