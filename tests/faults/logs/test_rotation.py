"""The log is rotated again and again while Gunicorn's workers write: no line is lost or torn."""

import getpass
import grp
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.observability.targets import FileTarget
from tests.debian import debian_tool
from tests.faults.logs.asking import asking
from tests.faults.logs.reading import content, named, parsed
from tests.faults.record import row
from tests.faults.scene import Scene
from tests.service.support import GUNICORN, Service, start_service
from tests.support import ROOT, free_port, wait_until

SHIPPED = ROOT / "deploy" / "systemd" / "logrotate"
TIMES = 6


def by_logrotate(log: Path) -> Callable[[int], None]:
    """The real program with the shipped file, but for whose the logs are."""
    tool = debian_tool("logrotate")
    owner = f"{getpass.getuser()} {grp.getgrgid(os.getgid()).gr_name}"
    text = SHIPPED.read_text()
    for before, after in (
        ("/var/log/quartermaster/*.jsonl", str(log)),
        ("su quartermaster quartermaster", f"su {owner}"),
        ("create 0640 quartermaster quartermaster", f"create 0640 {owner}"),
        # Two rotations in one second have one name.
        ("dateformat -%Y%m%d-%s", ""),
        ("    dateext\n", ""),
    ):
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    file = log.with_name("logrotate.conf")
    file.write_text(text)
    file.chmod(0o644)

    def rotate(_: int) -> None:
        done = subprocess.run(
            [tool.path, "--force", "--state", str(file.with_name("state")), str(file)],
            env=tool.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return rotate


def by_renaming(log: Path) -> Callable[[int], None]:
    """Under a new name; the service makes the next file itself."""
    return lambda number: log.rename(f"{log}.{number}") and None


def by_deleting(log: Path) -> Callable[[int], None]:
    """Deleted and made again; a second name keeps what was in it for the test."""

    def delete(number: int) -> None:
        os.link(log, f"{log}.{number}")
        log.unlink()
        log.touch()

    return delete


WAYS = {"logrotate": by_logrotate, "rename": by_renaming, "delete, create": by_deleting}


@contextmanager
def four_workers(site: Scene, log: Path) -> Iterator[Service]:
    """The service under Gunicorn."""
    more = {"LOG_FILE": str(log), "WEB_CONCURRENCY": "4", "PORT": str(free_port())}
    service = start_service(log.with_name("stdout"), GUNICORN, **site.variables() | more)
    try:
        yield service
    finally:
        service.stop()


@pytest.mark.parametrize("way", WAYS)
def test_no_line_is_lost_or_torn(site: Scene, tmp_path: Path, way: str) -> None:
    log = tmp_path / "service.jsonl"
    goal = "every line of four workers once, and whole"
    with (
        row(f"log: {way}, {TIMES} times under load", goal) as it,
        four_workers(site, log) as service,
    ):
        rotate = WAYS[way](log)

        def writers() -> set[int]:
            whole = log.read_bytes().rpartition(b"\n")[0] if log.exists() else b""
            return {line["pid"] for line in parsed(whole)[0] if line["path"] == "/health/live"}

        with asking(service.url) as told:
            for number in range(TIMES):
                wait_until(lambda: len(writers()) > 1, "lines of several workers", 30)
                rotate(number)
            wait_until(lambda: len(writers()) > 1, "lines of several workers", 30)
        code = service.stop()
        files = [each for each in tmp_path.glob("service.jsonl*") if each.is_file()]
        lines, torn = parsed(content(files))
        found = Counter(named(lines, told.run))
        missing = sorted(set(told.sent) - set(found))
        it.note(lines=f"{len(told.sent):,}", files=len(files))
        it.must(code == 0, f"exit code {code}")
        it.must(not told.failed, f"{len(told.failed)} requests failed")
        it.must(not torn, f"torn: {torn[:3]}")
        # A file that a worker makes before logrotate does is set aside by that, with its lines.
        rotated = [each for each in files if each.suffix != ".backup"]
        it.must(len(rotated) == TIMES + 1, f"{len(rotated)} files")
        it.must(not missing, f"{len(missing)} lost: {missing[:3]}")
        it.must(max(found.values()) == 1, f"twice: {found.most_common(3)}")


def test_copytruncate_is_not_what_we_ship(tmp_path: Path) -> None:
    """It loses what comes between its copy and its truncation, whoever writes; what it truncates is
    written on from its start, and not from where it was."""
    settings = [line.strip() for line in SHIPPED.read_text().splitlines() if line[:1] != "#"]
    assert "copytruncate" not in settings
    log = tmp_path / "log"
    target = FileTarget(str(log))
    target.write(b"before\n", None)
    shutil.copy(log, tmp_path / "log.1")
    target.write(b"lost to the truncation\n", None)
    os.truncate(log, 0)
    target.write(b"after\n", None)
    assert log.read_bytes() == b"after\n"
