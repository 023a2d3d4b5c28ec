"""The Vault agent's file: what it writes is what the service reads, and nobody else may read it."""

import re
from pathlib import Path
from typing import Any

import hcl2
import pytest

from service.config import KEYS, load
from service.config.reading import VARIABLES
from tests.service.test_config import OTHER, PRODUCTION, SECRET
from tests.support import ROOT

SHIPPED = (ROOT / "deploy" / "vault" / "agent.hcl").read_text()
FIELD = re.compile(
    r'\{\{ with secret \\"secret/data/quartermaster\\" \}\}'
    r"\{\{ \.Data\.data\.(\w+) \}\}\{\{ end \}\}"
)
VALUES = {
    "secret_key": SECRET,
    "secret_key_fallbacks": "",
    "jwt_secret_key": OTHER,
    "jwt_secret_key_fallbacks": "",
    "database_url": "postgresql://u:p@db/app",
    "ratelimit_storage_uri": "redis://cache:6379/0",
}


def templates(text: str) -> list[dict[str, Any]]:
    """The agent's templates, their strings without quotes."""
    parsed = hcl2.loads(text)
    return [
        {
            name: value.strip('"') if isinstance(value, str) else value
            for name, value in each.items()
        }
        for each in parsed["template"]
    ]


def flaws(text: str) -> list[str]:
    """What is wrong with the file."""
    found = []
    if hcl2.loads(text)["template_config"][0].get("exit_on_retry_failure") is not True:
        found.append("a failure is not told")
    for each in templates(text):
        path = Path(each["destination"])
        if path.parent != Path("/run/quartermaster/secrets"):
            found.append(f"{path} is not in memory")
        if path.name.upper() not in VARIABLES:
            found.append(f"{path.name} is no key of the service's")
        field = FIELD.fullmatch(each["contents"])
        if field is None or field[1] != path.name:
            found.append(f"{path.name} is written from something else")
        if each["perms"] != "0400":
            found.append(f"{path.name} can be read by others")
        if each["error_on_missing_key"] is not True:
            found.append(f"{path.name} may be left out unseen")
    written = {Path(each["destination"]).name for each in templates(text)}
    secret = {name.lower() for name in KEYS if name.startswith(("SECRET_KEY", "JWT_SECRET_KEY"))}
    found += [f"{name} is not written" for name in sorted(secret - written)]
    return found


def test_shipped_file_has_no_flaw() -> None:
    assert flaws(SHIPPED) == []


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ('secrets/database_url"', 'secrets/databse_url"', "is no key"),
        (".Data.data.database_url", ".Data.data.secret_key", "from something else"),
        ('"/run/quartermaster/secrets/secret_key"', '"/var/lib/secret_key"', "not in memory"),
        ("exit_on_retry_failure = true", "exit_on_retry_failure = false", "not told"),
    ],
)
def test_broken_file_is_seen(written: str, instead: str, told: str) -> None:
    assert SHIPPED.count(written) == 1
    assert any(told in each for each in flaws(SHIPPED.replace(written, instead)))


def test_readable_or_optional_secret_is_seen() -> None:
    assert "can be read by others" in flaws(SHIPPED.replace("0400", "0444", 1))[0]
    optional = SHIPPED.replace("error_on_missing_key = true", "error_on_missing_key = false", 1)
    assert "left out unseen" in flaws(optional)[0]


def test_service_starts_with_what_the_agent_writes(tmp_path: Path) -> None:
    environ = {name: PRODUCTION[name] for name in ("FLASK_ENV", "CORS_ORIGINS")}
    for each in templates(SHIPPED):
        name = Path(each["destination"]).name
        field = FIELD.fullmatch(each["contents"])
        assert field is not None
        (tmp_path / name).write_text(VALUES[field[1]])
        environ[f"{name.upper()}_FILE"] = str(tmp_path / name)
    settings = load(environ=environ)
    assert (settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS) == (SECRET, ())
    assert VALUES["ratelimit_storage_uri"] == settings.RATELIMIT_STORAGE_URI
