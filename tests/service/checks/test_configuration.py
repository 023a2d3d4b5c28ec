"""What the configuration alone decides: each mistake in it fails exactly its own line."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from service.checks import code, sql
from service.checks.line import Result, Status
from service.checks.lines import LINES
from service.checks.runner import run
from service.checks.scene import Scene
from service.database.location import EMBEDDED

# Those that look at no code and no deployment.
DECIDED_BY_CONFIGURATION = [
    line
    for line in LINES
    if not line.deployed and line.check.__module__ not in {code.__name__, sql.__name__}
]
SOUND = {
    "FLASK_ENV": "production",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuv",
    "JWT_SECRET_KEY": "vutsrqponmlkjihgfedcba9876543210",
    # Addresses that belong to nobody (RFC 5737).
    "DATABASE_URL": "postgresql://shop:password@192.0.2.1/shop",
    "CORS_ORIGINS": "https://app.example.org",
    "RATELIMIT_STORAGE_URI": "redis://192.0.2.2",
    "PUBLIC_URL": "https://shop.example.org",
}


def checked(environ: Mapping[str, str]) -> list[Result]:
    return run(DECIDED_BY_CONFIGURATION, Scene(environ, deployed=False))


def test_sound_configuration_passes() -> None:
    results = checked(SOUND)
    assert {result.outcome.status for result in results} == {Status.PASS}, results


@pytest.mark.parametrize(
    ("line", "variables", "remedy"),
    [
        ("debug", {"FLASK_ENV": "development"}, "FLASK_ENV=production"),
        ("debug", {"FLASK_ENV": "staging"}, "choose development, testing or production"),
        ("debug", {"APP_ENV": "testing"}, "set one of them"),
        ("debug", {"FLASK_DEBUG": "1"}, "set it to 0"),
        ("debug", {"FLASK_TESTING": "1"}, "unset FLASK_TESTING"),
        ("secret-key", {"SECRET_KEY": ""}, "token_hex"),
        ("secret-key", {"SECRET_KEY": "change-me-" * 5}, "token_hex"),
        ("secret-key", {"SECRET_KEY": SOUND["JWT_SECRET_KEY"]}, "each its own"),
        ("jwt-secret-key", {"JWT_SECRET_KEY": "short"}, "token_hex"),
        ("database-url", {"DATABASE_URL": ""}, ""),
        ("database-url", {"DATABASE_URL": "mysql://u:p@h/d"}, "postgresql://"),
        ("database-url", {"DATABASE_URL": "postgresql://u@localhost/d"}, "DATABASE_SELF_HOSTED"),
        ("database-url", {"DATABASE_URL": "postgresql:///d?host=/run"}, "DATABASE_SELF_HOSTED"),
        (
            "database-url",
            {
                "DATABASE_URL": f"postgresql:///app?host={EMBEDDED}/data",
                "DATABASE_SELF_HOSTED": "1",
            },
            "production database",
        ),
        ("https", {"PUBLIC_URL": ""}, "set PUBLIC_URL"),
        ("https", {"PUBLIC_URL": "http://shop.example.org"}, "PUBLIC_URL"),
        ("https", {"PUBLIC_URL": "https://[shop"}, "PUBLIC_URL"),
        ("cors", {"CORS_ORIGINS": "*"}, "https origin"),
        ("cors", {"CORS_ORIGINS": "http://app.example.org"}, "only https"),
        ("logs", {"LOG_LEVEL": "debug"}, "LOG_LEVEL=info"),
        ("logs", {"LOG_LEVEL": "loud"}, "configuration.md"),
        ("logs", {"LOG_FORMAT": "console"}, "LOG_FORMAT=json"),
        ("connection-pool", {"SQLALCHEMY_ENGINE_OPTIONS": '{"pool_sise": 5}'}, "leave it out"),
        ("connection-pool", {"SQLALCHEMY_ENGINE_OPTIONS": '{"pool_size": "5"}'}, "leave it out"),
        ("connection-pool", {"SQLALCHEMY_ENGINE_OPTIONS": '{"pool_recycle": -1}'}, "leave it out"),
        (
            "connection-pool",
            {"SQLALCHEMY_ENGINE_OPTIONS": '{"pool_size": 0, "max_overflow": 0}'},
            "leave it out",
        ),
        ("connection-pool", {"SQLALCHEMY_ENGINE_OPTIONS": "pool_size=5"}, ""),
        ("csrf", {"SESSION_COOKIE_SAMESITE": "None"}, "SAMESITE=Lax"),
        (
            "csrf",
            {"JWT_TOKEN_LOCATION": "cookies", "JWT_COOKIE_CSRF_PROTECT": "0"},
            "CSRF_PROTECT=1",
        ),
        ("csrf", {"JWT_TOKEN_LOCATION": "cookies", "JWT_CSRF_METHODS": "POST"}, "unset"),
        ("csrf", {"JWT_TOKEN_LOCATION": "tea leaves"}, ""),
        ("rate-limiting", {"RATELIMIT_ENABLED": "0"}, "RATELIMIT_ENABLED=1"),
        ("rate-limiting", {"RATELIMIT_LOGIN": "many"}, "like 10 per minute"),
        ("rate-limiting", {"RATELIMIT_STORAGE_URI": "memory://"}, "redis://"),
        ("password-hashing", {"PASSWORD_SCHEME": "scrypt:1024:8:1"}, "unset PASSWORD_SCHEME"),
        ("password-hashing", {"PASSWORD_SCHEME": "md5"}, ""),
        ("session-cookies", {"SESSION_COOKIE_HTTPONLY": "0"}, "unset SESSION_COOKIE_HTTPONLY"),
        (
            "session-cookies",
            {"JWT_TOKEN_LOCATION": "cookies", "JWT_COOKIE_SECURE": "0"},
            "unset JWT_COOKIE_SECURE",
        ),
        ("proxy-trust", {"FORWARDED_ALLOW_IPS": "*"}, "address of the proxy"),
        ("proxy-trust", {"FORWARDED_ALLOW_IPS": "10.0.0.1,::/0"}, "address of the proxy"),
        ("proxy-trust", {"FORWARDED_ALLOW_IPS": "the proxy"}, "give addresses"),
        ("configuration", {"GRACEFUL_TIMEOUT": "soon"}, "configuration.md"),
        ("configuration", {"MAX_CONTENT_LENGTH": "0"}, "configuration.md"),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else None,
)
def test_mistake_fails_exactly_its_line(line: str, variables: dict[str, str], remedy: str) -> None:
    results = {result.line.id: result.outcome for result in checked(SOUND | variables)}
    failed = [each for each in results if results[each].status is not Status.PASS]
    assert failed == [line], results
    assert results[line].status is Status.FAIL
    assert results[line].remedy
    assert remedy in results[line].remedy


def test_memory_is_a_store_for_one_process() -> None:
    alone = SOUND | {"RATELIMIT_STORAGE_URI": "memory://", "WEB_CONCURRENCY": "1"}
    assert all(result.outcome.status is Status.PASS for result in checked(alone))


def test_log_file_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "service.jsonl", tmp_path):
        results = checked(SOUND | {"LOG_FILE": str(path)})
        assert [each.line.id for each in results if each.outcome.status is Status.FAIL] == [
            "log-file"
        ]
    for path in (tmp_path / "file", tmp_path / "folder" / "service.jsonl"):
        results = checked(SOUND | {"LOG_FILE": str(path)})
        assert all(each.outcome.status is Status.PASS for each in results)
    assert not (tmp_path / "folder").exists()
