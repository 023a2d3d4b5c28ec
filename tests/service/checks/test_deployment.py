"""A deployment as in production passes every line; each thing that is broken about it fails exactly
its own line, which says what to do."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.checks.lines import LINES
from tests.service.checks.deployment import (
    PLAIN_TEXT_PASSWORDS,
    SCHEMA_BEHIND,
    Deployment,
    copy_of_the_tree,
    report_of_the_tree,
    write_backup_report,
)
from tests.service.support import start_service
from tests.support import free_port

NOBODY = "127.0.0.1:1"


def test_production_like_deployment_passes_every_line(deployment: Deployment) -> None:
    report = deployment.report()
    assert report.ids("fail", "unknown") == [], report.json
    assert report.ids("pass") == [line.id for line in LINES]
    assert report.code == 0
    assert report.json["ok"] is True
    assert report.json["summary"] == {"pass": len(LINES), "fail": 0, "unknown": 0}
    assert all(each["remedy"] is None for each in report.json["checks"])


@dataclass
class Setting:
    """What a broken deployment may be made of."""

    deployment: Deployment
    folder: Path
    request: pytest.FixtureRequest

    def changed(self, change: Callable[[Path], Any]) -> Path:
        """The deployed tree with a change; its tests have been run."""
        tree = copy_of_the_tree(self.deployment.tree, self.folder / "tree")
        change(tree)
        report_of_the_tree(tree, self.folder / "tests.json")
        return tree

    def file(self, name: str, content: str) -> str:
        """The path of a file with that content."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return str(path)


Made = Callable[[Setting], str]


@dataclass(frozen=True)
class Broken:
    """One thing that is wrong. `remedy`: what the line's remedy must name. `variables`: of the
    check's environment; they, and arguments, may be made on the spot."""

    line: str
    how: str
    remedy: str
    variables: Mapping[str, str | Made] = field(default_factory=dict)
    front: str | None = None
    arguments: Sequence[str | Made] = ()
    change: Callable[[Path], Any] | None = None


def written(name: str, content: str) -> Callable[[Path], Any]:
    """A change of the tree: a file in it."""
    return lambda tree: (tree / name).write_text(content)


def readable_dotenv(tree: Path) -> None:
    (tree / ".env").write_text("SECRET_KEY=whatever\n")
    (tree / ".env").chmod(0o644)


def leaked(setting: Setting) -> str:
    """A secret that is in the code: one of the hashes in requirements.txt looks random enough."""
    text = (setting.deployment.tree / "requirements.txt").read_text()
    found = re.search(r"sha256:([0-9a-f]{64})", text)
    assert found
    return found[1]


def other_version_installed(setting: Setting) -> str:
    """PYTHONPATH with the deployed tree and, before what is installed, another Quart's metadata."""
    setting.file("quart-0.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: quart\nVersion: 0.1")
    return f"{setting.folder}:{setting.deployment.tree}"


def clock_ahead(setting: Setting) -> str:
    """PYTHONPATH with the deployed tree and a clock that is five seconds fast."""
    setting.file(
        "sitecustomize.py", "import time\nreal = time.time\ntime.time = lambda: real() + 5"
    )
    return f"{setting.folder}:{setting.deployment.tree}"


def failed_tests(setting: Setting) -> str:
    report = json.loads(Path(setting.deployment.environ["TEST_REPORT"]).read_text())
    return setting.file("tests.json", json.dumps(report | {"failed": 1}))


def database(name: str, user: str = "") -> Made:
    return lambda setting: setting.deployment.database(name, user)


def front(name: str) -> Made:
    return lambda setting: setting.deployment.url(name)


def fixture(name: str) -> Made:
    return lambda setting: str(setting.request.getfixturevalue(name))


def backup(**age: float) -> Made:
    return lambda setting: write_backup_report(setting.folder / "backup.json", age=timedelta(**age))


def failed_backup(setting: Setting) -> str:
    """Verified this morning, and since then something is wrong."""
    report = {"verified_at": datetime.now(UTC).isoformat(), "ok": False, "error": "disk full"}
    return setting.file("failed.json", json.dumps(report))


BROKEN = [
    Broken("debug", "development", "FLASK_ENV=production", {"FLASK_ENV": "development"}),
    Broken("secret-key", "short", "token_hex", {"SECRET_KEY": "a short one"}),
    Broken("jwt-secret-key", "not random", "token_hex", {"JWT_SECRET_KEY": "ab" * 32}),
    Broken("database-url", "local", "DATABASE_SELF_HOSTED", {"DATABASE_SELF_HOSTED": "0"}),
    Broken("database-url", "away", "start", {"DATABASE_URL": f"postgresql://u:p@{NOBODY}/d"}),
    Broken("https", "plain HTTP", "certificate", front="plain"),
    Broken("https", "away", "start the proxy", {"PUBLIC_URL": f"https://{NOBODY}"}),
    Broken("https", "expires soon", "renew", front="expiring"),
    Broken("https", "for another name", "renew", front="wrong-name"),
    Broken("https", "untrusted", "SSL_CERT_FILE", {"SSL_CERT_FILE": "/dev/null"}),
    Broken("https", "old TLS", "ssl_protocols", front="old-tls"),
    Broken("https", "no redirect", "return 301", arguments=["--plain-url", front("plain")]),
    Broken("cors", "unlike what runs", "restart", {"CORS_ORIGINS": "https://new.example.org"}),
    Broken("tests", "failed", "make test", {"TEST_REPORT": failed_tests}),
    Broken(
        "tests",
        "on other code",
        "make test",
        {"TEST_REPORT": lambda setting: setting.deployment.environ["TEST_REPORT"]},
        change=written("service/more.py", "MORE = 1\n"),
    ),
    Broken(
        "dependencies", "others installed", "pip install", {"PYTHONPATH": other_version_installed}
    ),
    Broken(
        "dependencies",
        "not pinned",
        "make requirements",
        change=written("requirements.txt", "quart>=0.20\n"),
    ),
    Broken("logs", "for people", "LOG_FORMAT=json", {"LOG_FORMAT": "console", "LOG_FILE": ""}),
    Broken("health-check", "down", "start the service", {"PORT": "1"}),
    Broken("monitoring", "open metrics", "location = /metrics", front="metrics-open"),
    Broken("backups", "none", "verified_at", {"BACKUP_REPORT": "nowhere.json"}),
    Broken("backups", "last one failed", "deploy.backup run", {"BACKUP_REPORT": failed_backup}),
    Broken("server", "quart run", "gunicorn", {"PORT": fixture("development_server")}),
    Broken("reverse-proxy", "tells its version", "server_tokens off", front="banner"),
    Broken("reverse-proxy", "leads elsewhere", "point the proxy", front="elsewhere"),
    Broken(
        "managed-database",
        "superuser",
        "CREATE ROLE",
        {"DATABASE_URL": database("shop", "postgres")},
    ),
    Broken("managed-database", "no password", "scram", {"DATABASE_URL": database("shop", "guest")}),
    Broken(
        "connection-pool",
        "no ping",
        "leave it out",
        {"SQLALCHEMY_ENGINE_OPTIONS": '{"pool_pre_ping": false}'},
    ),
    Broken("secrets-in-code", "in a file", "set SECRET_KEY anew", {"SECRET_KEY": leaked}),
    Broken("secrets-in-code", ".env for all", "chmod 600 .env", change=readable_dotenv),
    Broken(
        "sql-injection",
        "f-string",
        "parameter",
        change=written(
            "service/users/search.py",
            "import sqlalchemy as sa\n\n\n"
            "def search(name: str) -> sa.TextClause:\n"
            "    return sa.text(f\"SELECT * FROM users WHERE name = '{name}'\")\n",
        ),
    ),
    Broken("xss", "no policy", "Content-Security-Policy", front="policy-hidden"),
    Broken("xss", "inline scripts", "Content-Security-Policy", front="inline-scripts"),
    Broken("csrf", "cookie for all", "Lax", {"SESSION_COOKIE_SAMESITE": "None"}),
    Broken("security-headers", "hidden", "x-frame-options", front="header-hidden"),
    Broken("security-headers", "weakened", "strict-transport", front="header-replaced"),
    Broken("rate-limiting", "away", "start", {"RATELIMIT_STORAGE_URI": f"redis://{NOBODY}"}),
    Broken(
        "password-hashing",
        "plain text",
        "password_hash",
        {"DATABASE_URL": database(PLAIN_TEXT_PASSWORDS)},
    ),
    Broken("session-cookies", "over HTTP", "SECURE", {"SESSION_COOKIE_SECURE": "0"}),
    Broken("proxy-trust", "host from client", "X-Forwarded-Host", front="host-from-client"),
    Broken("proxy-trust", "address from client", "X-Forwarded-For", front="client-from-client"),
    Broken("header-duplication", "add_header", "add_header", front="header-twice"),
    Broken("configuration", "no port", "", {"PORT": "70000"}),
    Broken("migrations", "behind", "quart db upgrade", {"DATABASE_URL": database(SCHEMA_BEHIND)}),
    Broken("connection-budget", "instances", "WEB_CONCURRENCY=1", arguments=["--instances", "3"]),
    Broken("backup-age", "old", "backup job", {"BACKUP_REPORT": backup(days=2)}),
    Broken(
        "log-file",
        "no folder",
        "LOG_FILE",
        {"LOG_FILE": lambda setting: setting.file("file", "") + "/service.jsonl"},
    ),
    Broken(
        "log-file",
        "unlike what runs",
        "restart",
        {"LOG_FILE": lambda setting: setting.file("empty.jsonl", "")},
    ),
    Broken("clock-skew", "ahead", "chronyd", {"PYTHONPATH": clock_ahead}),
]


@pytest.fixture(scope="session")
def development_server(
    deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The port of a `quart run` with the deployment's environment."""
    port = str(free_port())
    log = tmp_path_factory.mktemp("development") / "stdout"
    command = ("-m", "quart", "run", "--host", "127.0.0.1", "--port", port)
    service = start_service(log, command, **{**deployment.environ, "PORT": port})
    yield port
    service.stop()


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: f"{each.line}: {each.how}")
def test_one_broken_thing_fails_exactly_its_line(
    deployment: Deployment, tmp_path: Path, request: pytest.FixtureRequest, broken: Broken
) -> None:
    setting = Setting(deployment, tmp_path, request)

    def made(value: str | Made) -> str:
        return value if isinstance(value, str) else value(setting)

    variables = {name: made(value) for name, value in broken.variables.items()}
    arguments = [made(value) for value in broken.arguments]
    tree = None
    if broken.change is not None:
        tree = setting.changed(broken.change)
        variables.setdefault("TEST_REPORT", str(tmp_path / "tests.json"))
    if broken.front is not None:
        arguments += ["--url", deployment.url(broken.front)]
    report = deployment.report(*arguments, tree=tree, **variables)
    assert report.ids("fail") == [broken.line], report.json
    failed = report.by_id[broken.line]
    assert failed["found"]
    assert failed["remedy"]
    assert broken.remedy in failed["remedy"]
    assert report.code == 1
    assert report.json["ok"] is False
    assert all(each["remedy"] for each in report.json["checks"] if each["status"] == "unknown")


def test_each_line_is_broken_by_something() -> None:
    assert {broken.line for broken in BROKEN} == {line.id for line in LINES}


# What needs the database, and cannot be told without it.
ON_DATABASE = {
    "managed-database",
    "password-hashing",
    "migrations",
    "connection-budget",
    "clock-skew",
}


def test_what_depends_on_something_broken_is_unknown_and_points_there(
    deployment: Deployment,
) -> None:
    report = deployment.report(DATABASE_URL=f"postgresql://shop@{NOBODY}/shop")
    assert set(report.ids("unknown")) == ON_DATABASE
    for each in ON_DATABASE:
        assert report.by_id[each]["remedy"] == "see the line database-url"


def test_service_that_says_its_database_is_away_has_a_health_check_that_works(
    deployment: Deployment, tmp_path: Path
) -> None:
    environ = {**deployment.environ, "PORT": str(free_port())}
    nowhere = f"postgresql://shop@{NOBODY}/shop"
    service = start_service(tmp_path / "stdout", **(environ | {"DATABASE_URL": nowhere}))
    try:
        report = deployment.report(PORT=environ["PORT"])
    finally:
        service.stop()
    assert (report.ids("fail"), report.ids("unknown")) == ([], ["health-check"])
    assert report.by_id["health-check"]["found"] == "unhealthy, not ready"


def test_nothing_hangs_where_nobody_answers(deployment: Deployment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tarpit:  # connections wait there to be accepted
        nobody = f"127.0.0.1:{tarpit.getsockname()[1]}"
        started = time.monotonic()
        report = deployment.report(
            PORT=nobody.partition(":")[2],
            DATABASE_URL=f"postgresql://shop@{nobody}/shop",
            RATELIMIT_STORAGE_URI=f"redis://{nobody}",
            PUBLIC_URL=f"https://{nobody}",
        )
        assert time.monotonic() - started < 30
    assert report.ids("fail") == ["database-url", "https", "health-check", "rate-limiting"]
    for line in report.ids("fail"):
        assert re.search("no answer in time|timeout|Timeout", report.by_id[line]["found"])


def test_unknown_is_a_failure_when_asked_for(deployment: Deployment) -> None:
    """A forged address tells nothing on a machine that is a trusted proxy itself."""
    trusted = {"FORWARDED_ALLOW_IPS": "127.0.0.0/8"}
    arguments = ("--url", deployment.url("client-from-client"))
    lenient = deployment.report(*arguments, **trusted)
    assert (lenient.ids("fail"), lenient.ids("unknown")) == ([], ["proxy-trust"])
    assert (lenient.code, lenient.json["ok"]) == (0, True)
    strict = deployment.report(*arguments, "--fail-level", "unknown", **trusted)
    assert (strict.code, strict.json["ok"]) == (1, False)


def test_without_deploy_only_what_needs_no_deployment(deployment: Deployment) -> None:
    done = deployment.check("--json", PORT="1", PUBLIC_URL=f"https://{NOBODY}")
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert [each["id"] for each in report["checks"]] == [
        line.id for line in LINES if not line.deployed
    ]
    assert {each["status"] for each in report["checks"]} == {"pass"}


def test_lines_can_be_asked_for_one_by_one(deployment: Deployment) -> None:
    chosen = deployment.report("cors", "backups")
    assert [each["id"] for each in chosen.json["checks"]] == ["cors", "backups"]
    assert chosen.code == 0
    alone = deployment.report("configuration", CORS_ORIGINS="*")
    assert alone.code == 0  # what is wrong with CORS_ORIGINS is the line cors, asked for or not
    assert deployment.report("cors", CORS_ORIGINS="*").code == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("xss", "debug"), "this needs a running deployment: xss; add --deploy"),
        (("nonsense",), "'nonsense' is not one of 'debug', "),
    ],
)
def test_line_that_cannot_be_asked_for_is_told(
    deployment: Deployment, arguments: tuple[str, ...], told: str
) -> None:
    done = deployment.check(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_report_for_a_person(deployment: Deployment) -> None:
    arguments = ("--deploy", "--plain-url", deployment.redirect)
    done = deployment.check(
        *arguments, CORS_ORIGINS="*", BACKUP_REPORT="nowhere.json", COLUMNS="90"
    )
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert all(len(line) <= 90 for line in lines)
    assert [line for line in lines if line.endswith(("checklist", "Operation"))] == [
        "Production checklist",
        "Security checklist",
        "Operation",
    ]
    (start,) = {line.index("FLASK_ENV is") for line in lines if line.startswith("  ✔ debug ")}
    at = lines.index("  ✖ cors" + " " * (start - 8) + "CORS_ORIGINS has a *")
    assert lines[at + 1] == " " * start + "→ name each https origin"
    assert any(line.startswith("  ? backup-age ") for line in lines)
    assert lines[-1] == (
        f"{len(LINES)} lines: {len(LINES) - 3} pass, 2 fail, 1 unknown. "
        "docs/checklist.md explains each."
    )


def test_colour_is_for_terminals(deployment: Deployment) -> None:
    assert "\x1b[32m✔" in on_a_terminal(deployment)
    assert "\x1b" not in on_a_terminal(deployment, NO_COLOR="1")


def on_a_terminal(deployment: Deployment, **variables: str) -> str:
    """What the check shows there."""
    ours, theirs = pty.openpty()
    shown = b""
    try:
        with deployment.started("check", stdout=theirs, **variables) as process:
            os.close(theirs)
            while chunk := read(ours):
                shown += chunk
            process.wait(30)
    finally:
        os.close(ours)
    return shown.decode()


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # how Linux says that the other side is closed
        return b""
