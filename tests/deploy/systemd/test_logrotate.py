"""logrotate takes the shipped file without a remark, and rotates the log of running workers under
load: every line is there once, and whole."""

import getpass
import grp
import gzip
import json
import os
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.debian import debian_tool
from tests.deploy.systemd.units import FOLDER, WEB, environment
from tests.service.support import GUNICORN, start_service
from tests.support import wait_until

SHIPPED = FOLDER / "logrotate"
PLACE = "/var/log/quartermaster/*.jsonl"


def configured(folder: Path, *changes: tuple[str, str]) -> Path:
    """The shipped file for the logs in that folder, which are this user's."""
    text = SHIPPED.read_text()
    owner = f"{getpass.getuser()} {grp.getgrgid(os.getgid()).gr_name}"
    mine = [
        (PLACE, f"{folder}/*.jsonl"),
        ("su quartermaster quartermaster", f"su {owner}"),
        ("create 0640 quartermaster quartermaster", f"create 0640 {owner}"),
    ]
    for before, after in [*mine, *changes]:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    file = folder / "logrotate"
    file.write_text(text)
    file.chmod(0o644)
    return file


def logrotate(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The real program, with a state of its own."""
    tool = debian_tool("logrotate")
    return subprocess.run(
        [tool.path, *options, "--state", str(file.with_name("state")), str(file)],
        env=tool.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What it found wrong, of what it said."""
    said = (done.stdout + done.stderr).splitlines()
    return [
        line for line in said if line.startswith(("error:", "warning:")) and "in debug" not in line
    ]


def test_it_is_right(tmp_path: Path) -> None:
    (tmp_path / "service.jsonl").write_text("{}\n")
    done = logrotate(configured(tmp_path), "--debug")
    assert (done.returncode, complaints(done)) == (0, [])
    assert str(tmp_path / "service.jsonl") in done.stderr + done.stdout


@pytest.mark.parametrize(
    "change",
    [
        ("rotate 14", "rotate many"),
        ("    daily\n", "    daily\n    dayly\n"),
        ("maxsize 500M", "maxsize 500X"),
        ("create 0640", "create rw-r"),
    ],
)
def test_a_broken_one_is_found(tmp_path: Path, change: tuple[str, str]) -> None:
    (tmp_path / "service.jsonl").write_text("{}\n")
    done = logrotate(configured(tmp_path, change), "--debug")
    assert done.returncode or complaints(done)


def test_it_is_about_the_log_the_unit_writes() -> None:
    assert Path(environment(WEB)["LOG_FILE"]).match(PLACE)


def wait_for_another_second() -> None:
    """It is in the rotated file's name."""
    before = int(time.time())
    wait_until(lambda: int(time.time()) > before, "another second")


def test_no_line_of_running_workers_is_lost_or_torn(database: str, tmp_path: Path) -> None:
    logs = tmp_path / "log"
    logs.mkdir()
    file = configured(logs)
    log = logs / "service.jsonl"
    service = start_service(
        tmp_path / "stdout", GUNICORN, DATABASE_URL=database, WEB_CONCURRENCY="2", LOG_FILE=str(log)
    )
    sent: list[str] = []
    ended = threading.Event()

    def ask(client: int) -> None:
        with httpx.Client(base_url=service.url, timeout=10) as http:
            while not ended.is_set():
                identity = f"rotated-{client}-{len(sent)}"
                http.get("/health/live", headers={"X-Request-ID": identity, "Connection": "close"})
                sent.append(identity)

    def writers() -> set[int]:
        lines = [json.loads(line) for line in log.read_bytes().split(b"\n")[:-1]]
        return {line["pid"] for line in lines if line["path"] == "/health/live"}

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    try:
        for each in clients:
            each.start()
        for _ in range(2):
            # Once both workers write to the new file, the one before is complete.
            wait_until(lambda: len(writers()) == 2, "both workers' lines", 30)
            wait_for_another_second()
            done = logrotate(file, "--force")
            assert (done.returncode, complaints(done)) == (0, [])
        wait_until(lambda: len(writers()) == 2, "both workers' lines", 30)
    finally:
        ended.set()
        for each in clients:
            each.join(20)
        code = service.stop()
    assert code == 0
    rotated = list(logs.glob("service.jsonl-*"))
    assert len(rotated) == 2
    text = log.read_bytes()
    for each in rotated:
        text += gzip.decompress(each.read_bytes()) if each.suffix == ".gz" else each.read_bytes()
    found = [json.loads(line)["request_id"] for line in text.splitlines()]
    written = [each for each in found if each and each.startswith("rotated-")]
    assert sorted(written) == sorted(sent)
    assert len(sent) > 100
