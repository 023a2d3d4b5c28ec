"""Both Compose files are right to Compose itself and keep the project's policies; broken copies
fail."""

import os
from pathlib import Path

import pytest

from tests.deploy.docker.composition import (
    DEPLOY,
    ENVIRON,
    FILES,
    PRODUCTION,
    STACK,
    compose,
    copied,
    render,
)
from tests.deploy.docker.mutation import mutated
from tests.deploy.docker.policies import pooler, problems, problems_of_production
from tests.support import ROOT

MONITORING = {"prometheus", "alertmanager", "blackbox", "loki", "grafana", "alloy"}
ALWAYS = {"nginx", "service", "migrate", "pgbouncer", "postgres", "valkey", "backup", "rotate"}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("profiles", [[], ["--profile", "monitoring"]])
def test_compose_reads_it(name: str, profiles: list[str]) -> None:
    done = compose(DEPLOY, name, *profiles, "config", "--quiet", **ENVIRON)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "profiles", "services"),
    [
        (STACK, [], ALWAYS | {"keys"}),
        (STACK, ["--profile", "monitoring"], ALWAYS | {"keys"} | MONITORING),
        (STACK, ["--profile", "development"], ALWAYS | {"keys", "development"}),
        (PRODUCTION, [], ALWAYS),
        (PRODUCTION, ["--profile", "monitoring"], ALWAYS | MONITORING),
    ],
)
def test_what_runs(name: str, profiles: list[str], services: set[str]) -> None:
    done = compose(DEPLOY, name, *profiles, "config", "--services", **ENVIRON)
    assert set(done.stdout.split()) == services


def test_the_stack_needs_no_settings() -> None:
    assert compose(DEPLOY, STACK, "config", "--quiet").stderr == ""


@pytest.mark.parametrize("missing", sorted(ENVIRON))
def test_production_demands_its_settings(missing: str) -> None:
    variables = {name: value for name, value in ENVIRON.items() if name != missing}
    done = compose(DEPLOY, PRODUCTION, "config", "--quiet", **variables)
    assert f"{missing} is missing a value" in done.stderr


@pytest.mark.parametrize("name", FILES)
def test_it_keeps_the_policies(name: str) -> None:
    assert problems(render(DEPLOY, name)) == []


def test_production_keeps_its_own() -> None:
    assert problems_of_production(render(DEPLOY, PRODUCTION)) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  read_only: true\n  cap_drop", "  cap_drop", "nginx: its root file system"),
        ("cap_drop: [ALL]", "cap_drop: [NET_RAW]", "postgres: it keeps capabilities"),
        ('  security_opt: ["no-new-privileges:true"]\n', "", "service: it may gain privileges"),
        ('    user: "101:101"\n', "", "nginx: it runs as root"),
        ('user: "999:999"', 'user: "0:0"', "postgres: it runs as root"),
        ('limits: {cpus: "2", memory: 1G, pids: 300}', 'limits: {cpus: "2", pids: 300}', "memory"),
        ("image: postgres:17", "image: postgres", "postgres: its image is not pinned"),
        ("nginx:1.30-alpine", "nginx:latest", "nginx: its image is not pinned"),
        ('options: {max-size: 20m, max-file: "5"}', "options: {}", "grows without end"),
        ("restart: unless-stopped", "restart: always", "it is not started again"),
        ("      test: [CMD-SHELL, \"valkey-cli ping | grep -q -e PONG -e NOAUTH\"]\n",
         "      disable: true\n", "valkey: nobody knows"),
        ("POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password", "POSTGRES_PASSWORD: postgres",
         "a secret could be in POSTGRES_PASSWORD"),
        ("./monitoring/blackbox:/etc/blackbox:ro", "./monitoring/blackbox:/etc/blackbox",
         "blackbox: may write"),
        ("./monitoring/blackbox:/etc/blackbox:ro", "./monitoring/box:/etc/blackbox:ro",
         "blackbox: there is no"),
        ("--config.file=/etc/blackbox/blackbox.yml", "--config.file=/etc/blackbox/box.yml",
         "no file for /etc/blackbox/box.yml"),
        ("      migrate: {condition: service_completed_successfully}\n      pgbouncer",
         "      migrate: {condition: service_started}\n      pgbouncer",
         "service: does not wait until migrate"),
        ("      service: {condition: service_healthy}",
         "      service: {condition: service_started}", "nginx: does not wait"),
        ("stop_grace_period: 45s", "stop_grace_period: 30s", "before it has drained"),
        ("stop_grace_period: 75s", "stop_grace_period: 10s", "before its requests"),
        ("    internal: true\n", "", "leads out"),
        ("./docker/pgbouncer.ini:/etc", "./docker/bouncer.ini:/etc", "pgbouncer: there is no"),
        ("    networks: [edge, data, monitoring]",
         "    networks: [edge, data]\n    ports: ['5500']", "service: port 5500 is open"),
        ("    shm_size: 256m\n    networks: [data]", "    networks: [data, egress]",
         "postgres: can be reached"),
        ("FORWARDED_ALLOW_IPS: ${EDGE_SUBNET:-172.30.55.0/24}", "FORWARDED_ALLOW_IPS: 0.0.0.0/0",
         "believes others"),
        ("replicas: ${REPLICAS:-3}", "replicas: 20", "too many for PgBouncer"),
        ("max_connections=100", "max_connections=30", "too many for PostgreSQL"),
    ],
)  # fmt: skip
def test_the_policies_find_what_is_broken(old: str, new: str, told: str, tmp_path: Path) -> None:
    path = copied(tmp_path) / STACK
    path.write_text(mutated(path.read_text(), old, new))
    assert told in "; ".join(problems(render(tmp_path, STACK)))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('      - "443:443"\n', '      - "443:443"\n      - "8080:80"\n', "8080"),
        ("    secrets: [valkey.conf]\n", "", "valkey: is given []"),
        ("    secrets: [secret_key, jwt",
         "      - ./docker:/run/secrets:ro\n    secrets: [secret_key, jwt",
         "service: sees all secrets"),
        ("secrets: [secret_key, jwt", "secrets: [postgres_password, secret_key, jwt",
         "service: is given"),
        ("    image: ${IMAGE}-backup:${VERSION}\n    build: !reset null\n",
         "    image: ${IMAGE}-backup:${VERSION}\n", "backup: is built there"),
        ('postgres_password: {file: "${SECRETS_FOLDER:-./docker/secrets}/postgres_password"}',
         "postgres_password: {environment: VERSION}", "not in a file"),
    ],
)  # fmt: skip
def test_its_own_find_what_is_broken(old: str, new: str, told: str, tmp_path: Path) -> None:
    path = copied(tmp_path) / PRODUCTION
    path.write_text(mutated(path.read_text(), old, new))
    rendered = render(tmp_path, PRODUCTION)
    assert told in "; ".join(problems(rendered) + problems_of_production(rendered))


@pytest.mark.parametrize("name", FILES)
def test_nothing_of_the_machine_is_mounted(name: str) -> None:
    services = render(DEPLOY, name)["services"].values()
    mounts = [mount for each in services for mount in each.get("volumes", [])]
    sources = [Path(each["source"]) for each in mounts if each["type"] == "bind"]
    assert sources
    assert all(each.is_relative_to(ROOT) for each in sources)


def test_the_images_run_the_scripts() -> None:
    for script in ("nginx/40-server-name.sh", "postgres/roles.sh"):
        assert os.access(DEPLOY / "docker" / script, os.X_OK), script


def test_pgbouncer_is_set_as_outside_containers() -> None:
    here, there = (
        pooler(DEPLOY / each) for each in ("docker/pgbouncer.ini", "pgbouncer/pgbouncer.ini")
    )
    elsewhere = {"listen_addr", "unix_socket_dir", "pidfile", "auth_file", "server_tls_sslmode",
                 "server_tls_ca_file"}  # fmt: skip
    differ = {key for key in here.keys() | there.keys() if here.get(key) != there.get(key)}
    assert differ == elsewhere


def test_the_example_of_settings_has_what_production_demands() -> None:
    example = DEPLOY / "docker/production.env.example"
    done = compose(DEPLOY, PRODUCTION, "--env-file", str(example), "config", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
