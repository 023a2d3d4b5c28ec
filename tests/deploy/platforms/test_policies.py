"""What every platform's files must agree with: the service's configuration, the time a stop takes,
the connections of the database, and whom to believe about the client; broken files are found."""

import json
import re
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import cast

import pytest
from hypercorn.typing import HTTPScope

from service.config import KEYS, Config, load
from service.database.budget import connections_per_process
from service.http.proxies import TrustedProxies
from tests.deploy.platforms.platforms import (
    CLIENT,
    PARAMETER,
    PLATFORMS,
    REFERENCE,
    Platform,
    text,
)
from tests.support import ROOT

SECRETS = ("SECRET_KEY", "JWT_SECRET_KEY", "DATABASE_URL", "RATELIMIT_STORAGE_URI")
NEEDED = {"FLASK_ENV", "CORS_ORIGINS", "PUBLIC_URL", "FORWARDED_ALLOW_IPS", *SECRETS}
# Read by the database's driver and by Gunicorn's configuration.
BESIDE = {"PGSSLMODE", "FLASK_ENV", "DATABASE_URL"}
FORGED = "198.51.100.99"
# For the shutdown after the drain.
AFTER_THE_DRAIN = 3
GUNICORN = "gunicorn -c deploy/gunicorn.conf.py"


def environ(platform: Platform) -> dict[str, str]:
    """The variables with something plausible for what is not in the files."""
    stand_in = {
        "SECRET_KEY": token_hex(32),
        "JWT_SECRET_KEY": token_hex(32),
        "DATABASE_URL": "postgres://u:p@db.example/app",
        "RATELIMIT_STORAGE_URI": "redis://cache.example:6379/0",
        "CORS_ORIGINS": "https://app.example.org",
        "PUBLIC_URL": "https://api.example.org",
    }
    unsaid = {REFERENCE, PARAMETER}
    return {
        name: stand_in.get(name, "") if value in unsaid else value
        for name, value in platform.variables.items()
    }


def processes(platform: Platform, settings: Config) -> int:
    """How many run in an instance."""
    return settings.WEB_CONCURRENCY if GUNICORN in platform.command else 1


def connections(platform: Platform, settings: Config) -> int:
    """How many the service may open while a deployment runs."""
    each = connections_per_process(settings.SQLALCHEMY_ENGINE_OPTIONS)
    return platform.instances * platform.generations * processes(platform, settings) * each


RULES: Mapping[str, Callable[[Platform, Config], bool]] = {
    "unknown variable": lambda of, _: set(of.variables) <= {*KEYS, *BESIDE},
    "missing variable": lambda of, _: set(of.variables) >= NEEDED,
    "secret in the clear": lambda of, _: (
        {of.variables.get(each) for each in SECRETS} == {REFERENCE}
    ),
    "no migration": lambda of, _: of.migration == "alembic upgrade head",
    "health": lambda of, _: of.health in {"/health/ready", None},
    "not production": lambda _, settings: settings.ENVIRONMENT == "production",
    "stop": lambda of, settings: of.stop >= settings.GRACEFUL_TIMEOUT + AFTER_THE_DRAIN,
    "processes": lambda of, _: GUNICORN not in of.command or "WEB_CONCURRENCY" in of.variables,
    # Three are PostgreSQL's own, one is the migration's.
    "connections": lambda of, settings: connections(of, settings) <= of.connections - 4,
    "client": lambda of, settings: seen(of, settings) == CLIENT,
}


def flaws(platform: Platform) -> list[str]:
    """The rules that the platform's files break."""
    settings = load(environ=environ(platform))
    return [name for name, holds in RULES.items() if not holds(platform, settings)]


def seen(platform: Platform, settings: Config) -> str:
    """Whom the service takes for the client, when it writes another address into the header."""
    proxies = TrustedProxies(settings.FORWARDED_ALLOW_IPS)
    chain = ", ".join((FORGED, *platform.chain)).encode()
    headers = [(b"x-forwarded-for", chain)]
    scope = {"client": (platform.peer, 1), "headers": headers, "scheme": "http"}
    client = proxies.applied_to(cast("HTTPScope", scope))["client"]
    return client[0] if client else ""


@pytest.mark.parametrize("name", PLATFORMS)
def test_files_agree_with_the_service(name: str) -> None:
    assert flaws(PLATFORMS[name]({})) == []


APP, RENDER, RUN = "app.json", "render.yaml", "deploy/gcp/cloud-run.yaml"
ECS, ARM = "deploy/aws/ecs.yaml", "deploy/azure/container-apps.json"
EB, GAE = "deploy/aws/elastic-beanstalk.yaml", "deploy/gcp/app.yaml"
SETTINGS = "deploy/azure/app-service.json"
KEY = "1f4e8a07c2b95d63" * 4
CLEAR = "secret in the clear"
SIZE = "MaxSize\n          Value: "
# The platform, the file, what is replaced in it, and the rule that must notice.
WRONG = [
    ("heroku", APP, '"10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"', '"*"', "client"),
    ("heroku", APP, '\\"max_overflow\\": 3', '\\"max_overflow\\": 20', "connections"),
    ("heroku", APP, '"value": "20"', '"value": "30"', "stop"),
    ("heroku", APP, 'tokens.", "generator": "secret"', f'tokens.", "value": "{KEY}"', CLEAR),
    ("heroku", APP, '"PUBLIC_URL"', '"PUBLIC_ADDRESS"', "unknown variable"),
    ("heroku", APP, '"WEB_CONCURRENCY"', '"WORKERS"', "processes"),
    ("heroku", "Procfile", "release: alembic", "releases: alembic", "no migration"),
    ("render", RENDER, "numInstances: 2", "numInstances: 3", "connections"),
    ("render", RENDER, "172.64.0.0/13,", "", "client"),
    ("render", RENDER, "/health/ready", "/", "health"),
    ("render", RENDER, "alembic upgrade head", "true", "no migration"),
    ("render", RENDER, "value: production", "value: testing", "not production"),
    ("render", RENDER, "DelaySeconds: 60", "DelaySeconds: 30", "stop"),
    ("ecs", ECS, "StopTimeout: 60", "StopTimeout: 30", "stop"),
    ("ecs", ECS, 'max_connections: "200"', 'max_connections: "100"', "connections"),
    ("ecs", ECS, "{ Name: PUBLIC_URL, Value", "{ Name: PUBLIC, Value", "missing variable"),
    ("elastic-beanstalk", EB, f'{SIZE}"4"', f'{SIZE}"8"', "connections"),
    ("cloud-run", RUN, 'value: "7"', 'value: "30"', "stop"),
    ("cloud-run", RUN, "value: 169.254.0.0/16", 'value: "*"', "client"),
    ("cloud-run", RUN, 'maxScale: "6"', 'maxScale: "60"', "connections"),
    ("app-engine", GAE, ",35.191.0.0/16", "", "client"),
    ("app-engine", GAE, "JWT_SECRET_KEY_FILE: /run/secrets/", f"JWT_SECRET_KEY: {KEY}", CLEAR),
    ("container-apps", ARM, 'GracePeriodSeconds": 60', 'GracePeriodSeconds": 10', "stop"),
    ("container-apps", ARM, "100.64.0.0/10,", "", "client"),
    ("app-service", SETTINGS, '"value": "60"', '"value": "5"', "stop"),
]


@pytest.mark.parametrize(("name", "file", "right", "wrong", "rule"), WRONG)
def test_a_broken_file_is_found(name: str, file: str, right: str, wrong: str, rule: str) -> None:
    shipped = text(file, {})
    assert shipped.count(right) == 1, (file, right)
    assert rule in flaws(PLATFORMS[name]({file: shipped.replace(right, wrong)}))


@pytest.mark.parametrize("folder", ["heroku", "render", "aws", "gcp", "azure"])
def test_readme_is_a_page_and_names_files_that_exist(folder: str) -> None:
    readme = (ROOT / "deploy" / folder / "README.md").read_text()
    assert len(readme.splitlines()) <= 66
    for link in re.findall(r"\]\(([^)]+)\)", readme):
        assert (ROOT / "deploy" / folder / link).exists(), link
    for file in re.findall(r"deploy/[\w/-]+\.(?:yaml|json|yml)", readme):
        assert (ROOT / file).is_file(), file


def test_python_is_one_the_service_is_tested_on() -> None:
    assert (ROOT / ".python-version").read_text().strip() == "3.11"


def test_herokus_readme_sets_what_app_json_does() -> None:
    readme = (ROOT / "deploy/heroku/README.md").read_text()
    for name, entry in json.loads(text(APP, {}))["env"].items():
        if "value" in entry:
            assert re.search(rf"{name}='?{re.escape(entry['value'])}'?[ \n]", readme), name
