"""What a Compose file must keep to, read from what Compose renders."""

import re
from collections.abc import Iterator
from configparser import ConfigParser
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from service.database.budget import connections_per_process
from tests.deploy.docker.composition import DEPLOY, Rendered, seconds

JOBS = frozenset({"keys", "migrate"})
# The one that writes to a volume which is new, and thereby root's.
MAY_BE_ROOT = frozenset({"keys"})
# Mounted from the machine it runs on, not from the project.
MADE_THERE = frozenset({"/var/www/acme", "/run/secrets"})
SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|DSN|_KEY|://[^/@]*:[^/@]*@")
RESERVED = 3 + 5  # PostgreSQL's superusers; migration, backup and people


def problems(rendered: Rendered) -> list[str]:
    """Of any Compose file of this project."""
    services: dict[str, dict[str, Any]] = rendered["services"]
    found = []
    for name, service in services.items():
        found += [f"{name}: {each}" for each in flaws_of_service(name, service)]
        found += [f"{name}: {each}" for each in flaws_of_mounts(service)]
    found += flaws_of_order(services)
    found += flaws_of_networks(rendered)
    return found + list(flaws_of_connections(services))


def flaws_of_service(name: str, service: dict[str, Any]) -> Iterator[str]:
    """How it is confined, bounded and kept running."""
    confined = {
        "its root file system can be written to": service.get("read_only") is True,
        "it keeps capabilities": service.get("cap_drop") == ["ALL"] and "cap_add" not in service,
        "it may gain privileges": "no-new-privileges:true" in service.get("security_opt", []),
        "it is not confined": "privileged" not in service
        and "host" not in (service.get("network_mode"), service.get("pid"), service.get("ipc")),
        "it runs as root, or as whoever its image says": is_harmless(name, service.get("user")),
        "its image is not pinned": re.search(r":(v?\d[\w.-]*|local)$", service.get("image", "")),
        "its log grows without end": {"max-size", "max-file"}
        <= service.get("logging", {}).get("options", {}).keys(),
        "it is not started again, or a job that is": service.get("restart")
        == ("no" if name in JOBS else "unless-stopped"),
        "nobody knows whether it works": name in JOBS or is_checked(service),
    }
    yield from (told for told, right in confined.items() if not right)
    limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
    yield from (f"no limit of {each}" for each in ("cpus", "memory", "pids") if each not in limits)
    for key, value in (service.get("environment") or {}).items():
        if SECRET.search(f"{key}={value}") and value and not key.endswith("_FILE"):
            yield f"a secret could be in {key}"


def is_harmless(name: str, user: str | None) -> bool:
    """Whether it is a number, and not root's."""
    number = re.fullmatch(r"(\d+):\d+", user or "")
    return number is not None and (number[1] != "0" or name in MAY_BE_ROOT)


def is_checked(service: dict[str, Any]) -> bool:
    """Whether there is a health check with limits."""
    return {"test", "interval", "timeout", "start_period"} <= service.get("healthcheck", {}).keys()


def flaws_of_mounts(service: dict[str, Any]) -> Iterator[str]:
    """What of this machine it sees."""
    mounts = [each for each in service.get("volumes", []) if each["type"] == "bind"]
    for mount in mounts:
        if not mount.get("read_only"):
            yield f"may write to {mount['source']}"
        made_there = mount["target"] in MADE_THERE or not mount["bind"].get("create_host_path")
        if not made_there and not Path(mount["source"]).exists():
            yield f"there is no {mount['source']}"
    for path in re.findall(r"/etc/[\w./-]+\.\w+", " ".join(service.get("command") or [])):
        at = next(each for each in mounts if path.startswith(each["target"]))
        if not Path(at["source"] + path.removeprefix(at["target"])).is_file():
            yield f"there is no file for {path}"


def flaws_of_order(services: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Who starts and stops when."""
    wanted = {
        ("service", "migrate"): "service_completed_successfully",
        ("service", "pgbouncer"): "service_healthy",
        ("service", "valkey"): "service_healthy",
        ("migrate", "postgres"): "service_healthy",
        ("nginx", "service"): "service_healthy",
        ("backup", "migrate"): "service_completed_successfully",
    }
    for (name, other), condition in wanted.items():
        depends = services[name].get("depends_on", {})
        if depends.get(other, {}).get("condition") != condition:
            yield f"{name}: does not wait until {other} is {condition}"
    for name, service in services.items():
        if name not in JOBS and "stop_grace_period" not in service:
            yield f"{name}: is killed after ten seconds"
    service = services["service"]
    drain = float(service["environment"]["GRACEFUL_TIMEOUT"])
    # After the drain the service's own parts may take ten seconds to close: server.SHUTDOWN_LIMIT.
    if seconds(service.get("stop_grace_period", "10s")) < drain + 10:
        yield "service: is killed before it has drained"
    # Longer than proxy_read_timeout, which a request may take.
    if seconds(services["nginx"].get("stop_grace_period", "10s")) < 60:
        yield "nginx: is killed before its requests are answered"


def flaws_of_networks(rendered: Rendered) -> Iterator[str]:
    """Who reaches whom."""
    services, networks = rendered["services"], rendered["networks"]
    if not networks["data"].get("internal"):
        yield "data: the database's network leads out"
    for name, service in services.items():
        mine = set(service.get("networks") or {})
        if name in {"postgres", "pgbouncer", "valkey"} and mine != {"data"}:
            yield f"{name}: can be reached from elsewhere than the network of data"
        if name not in {"nginx", "service"} and "edge" in mine:
            yield f"{name}: is in the network whose X-Forwarded-For is believed"
        for port in service.get("ports", []):
            if name != "nginx" and port.get("host_ip") != "127.0.0.1":
                yield f"{name}: port {port['target']} is open to everybody"
    subnet = networks["edge"]["ipam"]["config"][0]["subnet"]
    trusted = services["service"]["environment"]["FORWARDED_ALLOW_IPS"]
    if ip_network(subnet) != ip_network(trusted):
        yield "service: believes others than the proxy's network"


def pooler(path: Path) -> dict[str, str]:
    """PgBouncer's settings in a file of its form."""
    parser = ConfigParser(comment_prefixes=(";",), interpolation=None)
    parser.read(path)
    return dict(parser["pgbouncer"])


def flaws_of_connections(services: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Whether all replicas fit in PgBouncer, and PgBouncer in PostgreSQL; twice the replicas, for
    that is how many there are while they are replaced."""
    settings = pooler(DEPLOY / "docker/pgbouncer.ini")
    replicas = int(services["service"]["deploy"]["replicas"])
    clients = 2 * replicas * connections_per_process({})
    if clients > int(settings["max_client_conn"]):
        yield f"{clients} connections of {replicas} replicas are too many for PgBouncer"
    servers = int(settings["default_pool_size"]) + int(settings["reserve_pool_size"])
    command = services["postgres"]["command"]
    maximum = next(
        int(each.partition("=")[2]) for each in command if each.startswith("max_connections=")
    )
    if servers + RESERVED > maximum:
        yield f"{servers} connections of PgBouncer are too many for PostgreSQL"


def problems_of_production(rendered: Rendered) -> list[str]:
    """What only the production file must keep to."""
    services = rendered["services"]
    found = [f"{name}: is built there" for name, each in services.items() if "build" in each]
    ports = {
        (name, port["published"])
        for name, each in services.items()
        for port in each.get("ports", [])
        if port.get("host_ip") != "127.0.0.1"
    }
    if ports != {("nginx", "80"), ("nginx", "443")}:
        found.append(f"open to everybody: {sorted(ports)}")
    if "keys" in services or "development" in services:
        found.append("what makes keys, or serves source code, is in it")
    for name, each in services.items():
        had = {secret["source"] for secret in each.get("secrets", [])}
        mounts = {mount["target"] for mount in each.get("volumes", [])}
        rest = {key: value for key, value in each.items() if key != "secrets"}
        named = set(re.findall(r"/run/secrets/([\w.]+)", str(rest)))
        if name == "pgbouncer":
            named.add(pooler(DEPLOY / "docker/pgbouncer.ini")["auth_file"].rpartition("/")[2])
        if name == "postgres":
            script = (DEPLOY / "docker/postgres/roles.sh").read_text()
            named |= set(re.findall(r"\$secrets/(\w+)", script))
        if had != named and "/run/secrets" not in mounts:
            found.append(f"{name}: is given {sorted(had)} and reads {sorted(named)}")
        if "/run/secrets" in mounts and name != "alertmanager":
            found.append(f"{name}: sees all secrets")
    if any("file" not in each for each in rendered["secrets"].values()):
        found.append("a secret that is not in a file")
    return found
