"""What single checks decide, on what a deployment on one machine cannot show."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.checks.code import read_requirements
from service.checks.database import Session, flaw_of_session
from service.checks.headers import flaw_of_policy, max_age
from service.checks.hosts import hosts_in, is_this_machine
from service.checks.line import Group, Line, Outcome, Status, Unknowable, passed
from service.checks.operation import read_backup_report, reason_of_failure, skew
from service.checks.passwords import is_strong
from service.checks.runner import run
from service.checks.scene import Scene, password_in
from service.checks.sql import built_sql
from service.checks.web import reason

SECRET = "0123456789abcdefghijklmnopqrstuv"


def outcome_of(check, *, keys: tuple[str, ...] | None = (), **environ: str) -> Outcome:
    """What the runner makes of a line with that check."""
    line = Line("line", "A line", Group.OPERATION, check, keys)
    (result,) = run([line], Scene(environ))
    return result.outcome


def test_bug_in_a_check_is_unknown_and_says_where() -> None:
    async def buggy(_: Scene) -> Outcome:
        raise KeyError("hunter2")

    outcome = outcome_of(buggy)
    assert outcome.status is Status.UNKNOWN
    assert outcome.found.startswith("the check itself failed: KeyError (test_lines.py, line ")
    assert "hunter2" not in outcome.found


def test_check_that_takes_too_long_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(scene: Scene) -> Outcome:
        await scene.public.get("/")
        return passed("")

    monkeypatch.setattr("service.checks.runner.LINE_LIMIT", 0.0)
    outcome = outcome_of(slow, PUBLIC_URL="https://127.0.0.1:1")
    assert (outcome.status, outcome.found) == (Status.UNKNOWN, "not determined within 0 s")


def test_secrets_are_never_shown() -> None:
    async def blabs(scene: Scene) -> Outcome:
        told = (
            f"{scene.settings.SECRET_KEY} and {password_in(scene.settings.RATELIMIT_STORAGE_URI)}"
        )
        raise Unknowable(told, told)

    outcome = outcome_of(blabs, SECRET_KEY=SECRET, RATELIMIT_STORAGE_URI="redis://:pass%20word@h")
    assert (outcome.found, outcome.remedy) == ("*** and ***", "*** and ***")


def test_nothing_from_outside_drives_the_terminal() -> None:
    async def quotes(_: Scene) -> Outcome:
        return passed("Server: \x1b]0;owned\x07\n\u202enginx")

    assert outcome_of(quotes).found == "Server: ?]0;owned???nginx"


def test_what_the_configuration_refuses_fails_the_line_of_that_key() -> None:
    async def never(_: Scene) -> Outcome:
        raise AssertionError

    refused = outcome_of(never, keys=("SECRET_KEY",), SECRET_KEY="short")
    assert refused.found == "SECRET_KEY is shorter than 32 characters"
    assert refused.remedy
    assert refused.remedy.startswith("set it to the output of python -c")


SOUND = {"superuser": False, "encrypted": True, "method": "scram-sha-256:shop", "local": False}


@pytest.mark.parametrize(
    ("session", "remedy"),
    [
        ({}, None),
        ({"local": True, "encrypted": False}, None),
        ({"encrypted": False}, "sslmode=verify-full"),
        ({"method": None}, "scram-sha-256"),
        ({"superuser": True}, "CREATE ROLE"),
    ],
)
def test_session_with_the_database(session: dict, remedy: str | None) -> None:
    flaw = flaw_of_session(Session(**{**SOUND, **session}))
    assert (flaw is None) == (remedy is None)
    assert flaw is None or remedy in flaw.remedy


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://u:p%40@db.example.com:5432/app", ["db.example.com"]),
        ("postgresql://u@a,b:1/app", ["a", "b"]),
        ("postgresql://u@[::1]:5432/app", ["::1"]),
        ("postgresql:///app?host=/run/postgresql", ["/run/postgresql"]),
        ("postgresql://u@/app?host=10.0.0.9", ["10.0.0.9"]),
        ("postgresql:///app", ["/"]),
        ("postgresql://[", []),
    ],
)
def test_hosts_of_a_database_url(url: str, hosts: list[str]) -> None:
    assert hosts_in(url) == hosts


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("db.localhost", True),
        ("LOCALHOST.", True),
        ("127.0.0.1", True),
        ("/run/postgresql", True),
        ("host.docker.internal", True),
        ("192.0.2.1", False),
        ("no-such-name.invalid", False),
    ],
)
def test_hosts_that_are_this_machine(host: str, *, local: bool) -> None:
    assert is_this_machine(host) is local


@pytest.mark.parametrize(
    ("scheme", "strong"),
    [
        ("argon2id", True),
        ("scrypt:32768:8:3", True),
        ("scrypt:131072:8:1", True),
        ("scrypt:32768:8:1", False),
        ("scrypt:65536:4:2", False),
        ("scrypt", False),  # Werkzeug's default is 32768:8:1
        ("pbkdf2:sha256:600000", True),
        ("pbkdf2:sha256", True),  # Werkzeug's default is a million
        ("pbkdf2:sha256:260000", False),
        ("pbkdf2:sha512:210000", True),
        ("pbkdf2:sha1:9000000", False),
    ],
)
def test_schemes_at_owasps_cost(scheme: str, *, strong: bool) -> None:
    assert is_strong(scheme) is strong


@pytest.mark.parametrize(
    "statement",
    [
        'sa.text(f"SELECT {name}")',
        'sa.text("SELECT " + name)',
        'sa.text("SELECT %s" % name)',
        'sa.text("SELECT {}".format(name))',
        'sa.text(" ".join(parts))',
        'reader.execute(f"SELECT {name}")',
        "sa.text(statement_of(name))",
        "sa.text(name)",
        'connection.exec_driver_sql("SELECT " + ("a" + name))',
        'sql = f"SELECT {name}"\nsa.text(sql)',
        'sql = "SELECT 1"\nsql += name\nsa.text(sql)',
        'sql: str = "SELECT %s" % name\nreader.scalar(sql)',
    ],
)
def test_sql_that_is_put_together(statement: str) -> None:
    assert built_sql(f"import sqlalchemy as sa\n{statement}")[1]


@pytest.mark.parametrize(
    "statement",
    [
        'sa.text("SELECT :name")',
        'sa.text("SELECT 1" + " FROM users")',
        'sa.text("SELECT 1 " "FROM users")',
        'sa.text(f"SELECT 1")',
        'SQL = "SELECT 1"\nsa.text(SQL)',
        "reader.execute(sa.select(users).where(users.c.id == user_id + 1))",
        'print(f"Hello {name}")',
    ],
)
def test_sql_that_is_literal(statement: str) -> None:
    assert not built_sql(f"import sqlalchemy as sa\n{statement}")[1]


def test_requirements_with_markers_comments_and_loose_ends() -> None:
    pinned, loose = read_requirements(
        "# made by uv\n"
        "quart==0.20.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via shop\n"
        "colorama==0.4 ; sys_platform == 'win32' --hash=sha256:cc\n"
        "click==8.1 ; python_version >= '3.8' --hash=sha256:dd\n"
        "loose>=1 --hash=sha256:ee\n"
        "wild==1.* --hash=sha256:ee\n"
        "hashless==2.0\n"
        "--extra-index-url https://example.com\n"
    )
    assert pinned == {"quart": "0.20.0", "click": "8.1"}
    assert loose == ["loose", "wild", "hashless", "--extra-index-url https://example.com"]


@pytest.mark.parametrize(
    ("policies", "sound"),
    [
        (["default-src 'none'; frame-ancestors 'self'"], True),
        (["default-src 'self'"], True),
        (["default-src 'self' 'unsafe-inline'; script-src 'self'"], True),
        (["default-src *", "default-src 'none'"], True),  # all of them hold at once
        ([], False),
        (["frame-ancestors 'self'"], False),
        (["default-src 'self' 'unsafe-inline'"], False),
        (["default-src 'none'; script-src https:"], False),
    ],
)
def test_content_security_policies(policies: list[str], *, sound: bool) -> None:
    assert (flaw_of_policy(policies) is None) is sound


def test_strict_transport_security() -> None:
    assert max_age("max-age=31536000; includeSubDomains") == 31_536_000
    assert max_age('includeSubDomains; Max-Age="60"') == 60
    assert max_age("nonsense") == 0


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((100.0, 100.0), 0.0),
        ((99.0, 100.0), 0.0),  # a Date without its fraction
        ((105.0, 105.0), 4.5),
        ((95.0, 96.0), -4.0),
    ],
)
def test_skew_beyond_what_the_way_there_and_back_explains(
    told: tuple[float, float], expected: float
) -> None:
    assert skew(*told, 100.0, 100.5) == expected


def test_backup_reports(tmp_path: Path) -> None:
    path = tmp_path / "backup.json"
    path.write_text('{"verified_at": "2026-01-15T03:00:00Z"}')
    assert read_backup_report(path) == datetime(2026, 1, 15, 3, tzinfo=UTC)
    path.write_text('{"verified_at": "2026-01-15T03:00:00+02:00"}')
    assert read_backup_report(path) == datetime(2026, 1, 15, 1, tzinfo=UTC)
    for content in ("", "[]", "{}", '{"verified_at": 1}', '{"verified_at": "yesterday"}'):
        path.write_text(content)
        with pytest.raises(ValueError, match="verified_at"):
            read_backup_report(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"verified_at": "2026-01-15T03:00:00Z"}', None),
        ('{"ok": true, "error": null}', None),
        ('{"ok": false, "error": "app-1: its SHA-256\\u001b[2J"}', "app-1: its SHA-256?[2J"),
        ('{"ok": false, "error": null}', "it does not say why"),
        ("[]", None),
        ("", None),
    ],
)
def test_failed_attempts_are_told(tmp_path: Path, content: str, told: str | None) -> None:
    path = tmp_path / "backup.json"
    path.write_text(content)
    assert reason_of_failure(path) == told


def test_reasons_are_in_few_words() -> None:
    assert reason(TimeoutError()) == "no answer in time"
    assert reason(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")).startswith("TLS failed")
    assert reason(OSError(113, "No route to host")) == "No route to host"
