"""Secrets in files: Docker's, Kubernetes', a Vault agent's, and systemd's credentials."""

import os
from pathlib import Path

import pytest

from service.config import ConfigurationError, is_chosen, load, load_for_migration
from tests.service.support import PASSWORD, quart, start_service
from tests.service.test_config import OTHER, PRODUCTION, SECRET, problems
from tests.service.web import get, post
from tests.support import alembic


def written(folder: Path, content: str | bytes, name: str = "secret") -> str:
    """The path of a file with that in it."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in PRODUCTION.items() if name not in names}


@pytest.mark.parametrize("content", [SECRET, f"{SECRET}\n", f"{SECRET}\r\n", f"  {SECRET} \n\n"])
def test_file_gives_the_value_without_the_space_around_it(tmp_path: Path, content: str) -> None:
    environ = without("SECRET_KEY") | {"SECRET_KEY_FILE": written(tmp_path, content)}
    assert load(environ=environ).SECRET_KEY == SECRET


@pytest.mark.parametrize(
    ("variable", "content", "key", "value"),
    [
        ("DATABASE_URL_FILE", "postgres://a", "SQLALCHEMY_DATABASE_URI", "postgres://a"),
        ("FLASK_SECRET_KEY_FILE", SECRET, "SECRET_KEY", SECRET),
        ("FLASK_DEBUG_FILE", "0", "DEBUG", False),
        ("PORT_FILE", "8000\n", "PORT", 8000),
        ("SECRET_KEY_FALLBACKS_FILE", f"{SECRET}\n{OTHER}\n", "SECRET_KEY_FALLBACKS", 2),
        ("SECRET_KEY_FALLBACKS_FILE", f'["{SECRET}"]', "SECRET_KEY_FALLBACKS", 1),
        ("SECRET_KEY_FALLBACKS_FILE", "\n", "SECRET_KEY_FALLBACKS", 0),
    ],
)
def test_any_key_can_come_in_a_file(
    tmp_path: Path, variable: str, content: str, key: str, value: object
) -> None:
    found = getattr(load(environ={variable: written(tmp_path, content)}), key)
    assert (len(found) if isinstance(found, tuple) else found) == value


def test_log_file_is_a_key_and_not_a_file_with_a_value() -> None:
    assert load(environ={"LOG_FILE": "var/x.jsonl"}).LOG_FILE == "var/x.jsonl"


def test_systemd_credentials_are_found_by_the_name_of_the_key(tmp_path: Path) -> None:
    written(tmp_path, SECRET, "SECRET_KEY")
    written(tmp_path, "not ours", "unrelated")
    environ = without("SECRET_KEY") | {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load(environ=environ).SECRET_KEY == SECRET
    assert is_chosen("SECRET_KEY", environ)
    assert not is_chosen("JWT_SECRET_KEY", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_empty_variable_leaves_the_word_to_the_file(tmp_path: Path) -> None:
    environ = PRODUCTION | {"SECRET_KEY": "", "SECRET_KEY_FILE": written(tmp_path, SECRET)}
    assert load(environ=environ).SECRET_KEY == SECRET


def test_value_given_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, SECRET, "SECRET_KEY")
    (told,) = problems(PRODUCTION | {"SECRET_KEY_FILE": path})
    assert told == (
        "SECRET_KEY is given by the variable SECRET_KEY and SECRET_KEY_FILE: keep one of them"
    )
    found = problems(
        without("SECRET_KEY") | {"SECRET_KEY_FILE": path, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    )
    assert "SECRET_KEY_FILE and the credential SECRET_KEY" in found[0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "it is empty"),
        ("\n", "it is empty"),
        (b"\xff\xfe", "not text in UTF-8"),
        ("x" * 65_537, "larger than 64 KiB"),
        (None, "No such file"),
    ],
)
def test_file_without_a_value_is_told(
    tmp_path: Path, content: str | bytes | None, told: str
) -> None:
    path = str(tmp_path / "absent") if content is None else written(tmp_path, content)
    found = problems(without("SECRET_KEY") | {"SECRET_KEY_FILE": path})
    assert found[0].startswith("SECRET_KEY cannot be had from SECRET_KEY_FILE: ")
    assert told in found[0]


def test_secret_in_the_place_of_a_path_is_not_printed() -> None:
    assert SECRET not in "".join(problems(without("SECRET_KEY") | {"SECRET_KEY_FILE": SECRET}))


def test_pipe_that_nobody_writes_to_does_not_hold_the_start(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    found = problems(without("SECRET_KEY") | {"SECRET_KEY_FILE": str(tmp_path / "pipe")})
    assert "not a regular file" in found[0]


def test_migration_says_that_the_file_of_its_database_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_for_migration({"DATABASE_URL_FILE": str(tmp_path / "absent")})
    assert raised.value.problems == [
        "DATABASE_URL cannot be had from DATABASE_URL_FILE: No such file or directory"
    ]


def test_service_alembic_and_quart_run_on_files_alone(database: str, tmp_path: Path) -> None:
    url = written(tmp_path, f"{database}\n", "DATABASE_URL")
    done = alembic("", "current", DATABASE_URL_FILE=url)
    assert (done.returncode, "(head)" in done.stdout) == (0, True), done.stderr
    service = start_service(tmp_path / "log", DATABASE_URL_FILE=url)
    try:
        assert get(f"{service.url}/health/ready").status_code == 200
        made = quart(
            service,
            *("users", "create-admin"),
            DATABASE_URL_FILE="",
            CREDENTIALS_DIRECTORY=str(tmp_path),
            ADMIN_EMAIL="ada@example.org",
            ADMIN_PASSWORD=PASSWORD,
        )
        assert made.returncode == 0, made.stderr
        account = {"email": "ada@example.org", "password": PASSWORD}
        assert post(f"{service.url}/api/v1/auth/login", json=account).status_code == 200
    finally:
        assert service.stop() == 0
