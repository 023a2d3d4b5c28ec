"""What is watched: found in a folder, read from opsconsole.toml, or given."""

import os
from pathlib import Path

import pytest

from console.targets import (
    Command,
    Endpoint,
    TargetError,
    discover,
    endpoint,
    load,
    log_entry,
)


def test_an_empty_folder_still_makes_a_target(tmp_path: Path) -> None:
    target = discover(tmp_path, {})
    assert target.name == tmp_path.name
    assert target.health == (Endpoint("127.0.0.1:5500", "http://127.0.0.1:5500/health"),)
    assert target.logs == (tmp_path / "var/log/service.jsonl",)
    assert target.alembic is None
    assert not target.production


def test_a_project_is_found(tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").touch()
    (tmp_path / "logs").mkdir()
    for age, name in ((300, "new.log"), (100, "old.jsonl")):
        path = tmp_path / "logs" / name
        path.touch()
        os.utime(path, (age, age))
    target = discover(tmp_path, {"PORT": "8080", "APP_ENV": "production"})
    assert target.alembic == tmp_path
    assert target.logs == (tmp_path / "logs/new.log",)
    assert target.health[0].url == "http://127.0.0.1:8080/health"
    assert target.production


def test_the_usual_log_and_then_the_named_one_come_first(tmp_path: Path) -> None:
    (tmp_path / "var/log").mkdir(parents=True)
    (tmp_path / "var/log/service.jsonl").touch()
    (tmp_path / "var/log/other.jsonl").touch()
    assert discover(tmp_path, {}).logs == (tmp_path / "var/log/service.jsonl",)
    assert discover(tmp_path, {"LOG_FILE": "/x/y.jsonl"}).logs == (Path("/x/y.jsonl"),)


def test_a_backup_report_is_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "opsconsole.toml"
    path.write_text('[target.shop]\nbackup_report = "var/backup.json"\n')
    assert load(path).backup_report == tmp_path / "var/backup.json"
    path.write_text("[target.shop]\nbackup_report = 1\n")
    with pytest.raises(TargetError, match=r"line 2: backup_report: must be a string"):
        load(path)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("http://127.0.0.1:5500/health", "127.0.0.1:5500"),
        ("https://shop.example/health?a=b", "shop.example"),
        ("web1=http://u:p@10.0.0.1/health", "web1"),
    ],
)
def test_an_endpoint_has_a_name(text: str, name: str) -> None:
    assert endpoint(text).name == name
    assert endpoint(text).url.startswith("http")


@pytest.mark.parametrize("text", ["", "web1", "ftp://x/y", "http://", "x=http://h:port/"])
def test_what_is_no_http_url_is_refused(text: str) -> None:
    with pytest.raises(TargetError, match="looks like"):
        endpoint(text)


def test_a_target_is_read(tmp_path: Path) -> None:
    path = tmp_path / "opsconsole.toml"
    path.write_text(
        '[target.shop]\nenvironment = "production"\nread_only = true\n'
        'health = { web1 = "http://a/health", web2 = "http://b/health" }\n'
        'log = ["log/a.jsonl", "/var/b.jsonl"]\nalembic = "."\n'
        '[target.test]\nhealth = "http://c/health"\n'
    )
    shop = load(path, "shop")
    assert shop.production
    assert shop.read_only
    assert [e.name for e in shop.health] == ["web1", "web2"]
    assert shop.logs == (tmp_path / "log/a.jsonl", Path("/var/b.jsonl"))
    assert shop.alembic == tmp_path
    assert load(path, "test").health == (Endpoint("c", "http://c/health"),)
    with pytest.raises(TargetError, match="choose with --name: shop, test"):
        load(path)
    with pytest.raises(TargetError, match=r"no \[target.other\]"):
        load(path, "other")


def test_a_log_may_be_a_command(tmp_path: Path) -> None:
    path = tmp_path / "opsconsole.toml"
    path.write_text(
        '[target.shop]\nlog = ["log/*.jsonl", "-", "cmd: ssh web2 \'tail -F x\'",\n'
        '  { command = ["kubectl", "logs", "-f", "web 3"] }]\n'
    )
    commands = Command(("ssh", "web2", "tail -F x")), Command(("kubectl", "logs", "-f", "web 3"))
    assert load(path).logs == (tmp_path / "log/*.jsonl", Path("-"), *commands)
    assert [each.name for each in commands] == ["ssh web2 'tail -F x'", "kubectl logs -f 'web 3'"]
    path.write_text('[target.shop]\nlog = { command = ["journalctl", "-f"] }\n')
    assert load(path).logs == (Command(("journalctl", "-f")),)


@pytest.mark.parametrize(
    "text", ["", "cmd:", "cmd: ", "cmd: ''", "cmd: echo 'x", "a\0b", "cmd: a\0b"]
)
def test_what_is_no_log_is_refused(text: str) -> None:
    with pytest.raises(TargetError, match=r"a log is a path|a command is a list|no closing quot"):
        log_entry(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[target.a]\nlog = { command = 'tail -F x' }\n", "line 2: log: a command is a list of"),
        ("[target.a]\nlog = [{ command = [1] }]\n", "line 2: log: a command is a list of"),
        ("[target.a]\nlog = [{ run = ['x'] }]\n", "line 2: log: must be a string or a list"),
        ("[target.a]\nlog = \n", "opsconsole.toml line 2: "),
        ("", "opsconsole.toml line 1: no \\[target.NAME\\]"),
        ("[target.a]\n\nlog = 3\n", "opsconsole.toml line 3: log: must be a string or a list"),
        ('[target.a]\nread_only = "no"\n', "line 2: read_only: must be true or false"),
        ("[target.a]\nalembic = []\n", "line 2: alembic: must be a string"),
        ('[target.b]\n[target.a]\nhelth = "x"\n', "line 3: helth: unknown key"),
        ('[target.a]\nhealth = "nonsense"\n', "line 2: health: a health URL looks like"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "opsconsole.toml"
    path.write_text(text)
    with pytest.raises(TargetError, match=message) as caught:
        load(path, "a")
    assert "\n" not in str(caught.value)
