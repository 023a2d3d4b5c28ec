"""What the environment may say, and what stops the process from starting."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

from service.config import (
    KEYS,
    ConfigurationError,
    DevelopmentConfig,
    ProductionConfig,
    load,
    load_for_migration,
)
from tests.service.support import GUNICORN, SERVICE
from tests.support import ROOT, environment
from tools import configuration

SECRET = "0123456789abcdefghijklmnopqrstuv"
OTHER = "vutsrqponmlkjihgfedcba9876543210"
THIRD = "q8f2k5x1c7b3n9m4w6e0r5t2y8u1i3o7"
PRODUCTION = {
    "FLASK_ENV": "production",
    "SECRET_KEY": SECRET,
    "JWT_SECRET_KEY": OTHER,
    "DATABASE_URL": "postgresql://u:p@db/app",
    "CORS_ORIGINS": "https://app.example.org",
}


HYPERCORN = ("-m", "hypercorn", "-c", "file:deploy/hypercorn_conf.py", "app:app")
QUART = ("-m", "quart", "run")


def problems(environ: Mapping[str, str]) -> list[str]:
    try:
        load(environ=environ)
    except ConfigurationError as error:
        return error.problems
    return []


def test_development_needs_nothing() -> None:
    settings = load(environ={})
    assert isinstance(settings, DevelopmentConfig)
    assert (settings.PORT, settings.DEBUG, settings.LOG_FILE) == (
        5500,
        True,
        "var/log/service.jsonl",
    )


def test_sound_production_has_no_problem() -> None:
    settings = load(environ=PRODUCTION)
    assert isinstance(settings, ProductionConfig)
    assert (settings.DEBUG, settings.SESSION_COOKIE_SECURE, settings.PREFERRED_URL_SCHEME) == (
        False,
        True,
        "https",
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"JWT_SECRET_KEY": ""}, "JWT_SECRET_KEY is not set"),
        ({"SECRET_KEY": "s3kr1t-but-short"}, "SECRET_KEY is shorter than 32"),
        ({"JWT_SECRET_KEY": "dev-secret"}, "JWT_SECRET_KEY is a development default"),
        ({"SECRET_KEY": "a" * 40}, "SECRET_KEY does not look random"),
        ({"SECRET_KEY": "change-me-change-me-change-me-1234"}, "SECRET_KEY does not look random"),
        ({"JWT_SECRET_KEY": SECRET}, "the same"),
        ({"SECRET_KEY_FALLBACKS": "short"}, "SECRET_KEY_FALLBACKS has a key that is shorter"),
        ({"JWT_SECRET_KEY_FALLBACKS": f"{THIRD},dev"}, "a key that is a development default"),
        ({"JWT_SECRET_KEY_FALLBACKS": SECRET}, "share a fallback"),
        ({"JWT_SECRET_KEY_FALLBACKS": THIRD, "SECRET_KEY_FALLBACKS": THIRD}, "share a fallback"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS has a *"),
        ({"CORS_ORIGINS": "https://*.example.org"}, "CORS_ORIGINS has a *"),
        ({"CORS_ORIGINS": "http://app.example.org"}, "only https"),
        ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG is on"),
        ({"FLASK_DEBUG": "maybe"}, "DEBUG must be 1 or 0"),
        ({"PORT": "http"}, "PORT must be a whole number"),
        ({"PORT": "70000"}, "PORT is 70000"),
        ({"JWT_ACCESS_TOKEN_EXPIRES": "0"}, "JWT_ACCESS_TOKEN_EXPIRES must be more than zero"),
        ({"FLASK_REQUEST_TIMEOUT": "0"}, "REQUEST_TIMEOUT must be more than zero"),
        ({"FLASK_MAX_REQUESTS_IN_FLIGHT": "0"}, "MAX_REQUESTS_IN_FLIGHT must be more than zero"),
        ({"GRACEFUL_TIMEOUT": "soon"}, "GRACEFUL_TIMEOUT must be a number"),
        ({"SQLALCHEMY_ENGINE_OPTIONS": "pool_size=1"}, "must be a JSON object"),
        ({"SQLALCHEMY_ENGINE_OPTIONS": "[]"}, "must be a JSON object"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT must be"),
        ({"PASSWORD_SCHEME": "md5"}, "PASSWORD_SCHEME must be"),
        ({"APP_ENV": "development"}, "FLASK_ENV and APP_ENV differ"),
    ],
)
def test_each_problem_is_one_line_of_its_own(change: dict[str, str], told: str) -> None:
    found = problems(PRODUCTION | change)
    assert len(found) == 1
    assert told in found[0]
    assert "\n" not in found[0]
    for name in ("SECRET_KEY", "JWT_SECRET_KEY"):
        value = change.get(name)
        assert not value or value not in found[0]


def test_unknown_environment_is_held_to_the_rules_of_production() -> None:
    found = problems({"FLASK_ENV": "prod"})
    assert any("choose development, testing or production" in line for line in found)
    assert any("SECRET_KEY" in line for line in found)


@pytest.mark.parametrize(
    ("environ", "key", "value"),
    [
        ({"FLASK_PORT": "8000"}, "PORT", 8000),
        ({"FLASK_PORT": "8000", "PORT": "9000"}, "PORT", 9000),
        ({"FLASK_HOST": "::1"}, "HOST", "::1"),
        ({"HOST": "another-tools-host"}, "HOST", "127.0.0.1"),
        ({"DEBUG": "*"}, "DEBUG", True),
        ({"FLASK_DEBUG": "off"}, "DEBUG", False),
        (
            {"CORS_ORIGINS": " https://a.b , https://c.d,"},
            "CORS_ORIGINS",
            ("https://a.b", "https://c.d"),
        ),
        ({"SQLALCHEMY_DATABASE_URI": "postgres://a"}, "SQLALCHEMY_DATABASE_URI", "postgres://a"),
        (
            {"SQLALCHEMY_ENGINE_OPTIONS": '{"pool_size": 3}'},
            "SQLALCHEMY_ENGINE_OPTIONS",
            {"pool_size": 3},
        ),
        ({"FLASK_SESSION_COOKIE_NAME": "sid"}, "SESSION_COOKIE_NAME", "sid"),
        ({"FLASK_MAX_FORM_PARTS": "10"}, "MAX_FORM_PARTS", 10),
        ({"PORT": ""}, "PORT", 5500),
        ({"SECRET_KEY_FALLBACKS": f"{SECRET}, {OTHER}"}, "SECRET_KEY_FALLBACKS", (SECRET, OTHER)),
        ({"FLASK_SECRET_KEY_FALLBACKS": f'["{SECRET}"]'}, "SECRET_KEY_FALLBACKS", (SECRET,)),
    ],
)
def test_names_a_flask_deployment_sets(environ: dict[str, str], key: str, value: object) -> None:
    assert getattr(load(environ=environ), key) == value


def test_values_given_in_code_win() -> None:
    settings = load({"ENVIRONMENT": "testing", "PORT": 1}, {"PORT": "2", "FLASK_ENV": "production"})
    assert (settings.ENVIRONMENT, settings.PORT) == ("testing", 1)


def test_migration_with_an_address_of_its_own_needs_no_other() -> None:
    only = {"FLASK_ENV": "production", "MIGRATION_DATABASE_URL": "postgresql://u@h/d"}
    assert load_for_migration(only).MIGRATION_DATABASE_URL == "postgresql://u@h/d"


def test_migration_needs_the_database_and_no_secret() -> None:
    only = {"FLASK_ENV": "production", "DATABASE_URL": "postgresql://u@h/d"}
    assert load_for_migration(only).SQLALCHEMY_DATABASE_URI == "postgresql://u@h/d"
    with pytest.raises(ConfigurationError):
        load_for_migration({"FLASK_ENV": "production"})


def test_the_page_says_what_the_code_does() -> None:
    assert set(configuration.documented()) == set(KEYS)
    assert configuration.PAGE.read_text() == configuration.page(), "run make docs"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"DATABASE_URL": "mysql://u:hunter2@h/d"}, "DATABASE_URL must begin with postgresql://"),
        (
            {"SQLALCHEMY_ENGINE_OPTIONS": '{"pool_sise": 1}', "DATABASE_URL": "postgresql://h/d"},
            "SQLALCHEMY_ENGINE_OPTIONS",
        ),
    ],
)
def test_what_the_engine_refuses_is_a_configuration_problem(
    variables: dict[str, str], told: str
) -> None:
    done = start(SERVICE, FLASK_ENV="testing", PORT="0", **variables)
    assert done.returncode == 2, done.stderr
    assert f"configuration: {told}" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


@pytest.mark.parametrize("command", [SERVICE, GUNICORN, HYPERCORN, QUART])
def test_unsafe_production_does_not_start(command: tuple[str, ...]) -> None:
    done = start(
        command,
        FLASK_ENV="production",
        FLASK_DEBUG="1",
        SECRET_KEY="hunter2-hunter2",
        CORS_ORIGINS="*",
    )
    assert done.returncode == 2, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 5, done.stderr
    assert all(line.startswith("configuration: ") for line in lines)
    assert "hunter2" not in done.stderr + done.stdout


def start(command: tuple[str, ...], **variables: str) -> subprocess.CompletedProcess[str]:
    """What came of starting the server: these tests expect it to refuse."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
