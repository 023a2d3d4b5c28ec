"""The real logrotate, told to rotate in each of its ways, hides no line from the reader."""

import getpass
import grp
import gzip
import os
import subprocess
from pathlib import Path

import pytest

from tests.console.logs.sources.following import LINES, Reading, Writer, reading, times
from tests.debian import debian_tool
from tests.support import wait_until

TURNS = 6

CONFIGURATION = """{path} {{
    rotate 20
    missingok
    su {user} {group}
    {ways}
}}
"""


def logrotate(path: Path, ways: str) -> None:
    """Rotate once."""
    tool = debian_tool("logrotate")
    folder = path.parent / "logrotate"
    folder.mkdir(exist_ok=True)
    file = folder / "conf"
    group = grp.getgrgid(os.getgid()).gr_name
    text = CONFIGURATION.format(path=path, user=getpass.getuser(), group=group, ways=ways)
    file.write_text(text)
    file.chmod(0o644)
    done = subprocess.run(
        [tool.path, "--force", "--state", str(folder / "state"), str(file)],
        env=tool.environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def reached(followed: Reading, count: int) -> bool:
    return followed.take()["app.log"] >= count


def written(folder: Path) -> set[int]:
    """The numbers of all lines that are in files, compressed or not."""
    numbers: set[int] = set()
    for path in folder.rglob("app*"):
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        # A copy may end in half of a line that was being written.
        numbers.update(line.n for line in LINES.decode_lines(data[: data.rfind(b"\n") + 1]))
    return numbers


@pytest.mark.parametrize(
    "ways",
    [
        "create",
        "nocreate",
        "create\n compress",
        "create\n compress\n delaycompress",
        "create\n dateext\n dateformat -%Y%m%d-%s",
        "create\n extension .log",
        "create\n compress\n delaycompress\n olddir old",
        "copytruncate",
        "copytruncate\n compress",
    ],
)
def test_every_line_comes_once(tmp_path: Path, ways: str) -> None:
    path = tmp_path / "app.log"
    (tmp_path / "old").mkdir()
    dated = "dateext" in ways
    writer = Writer(path, 5_000)
    with reading(path, times=times) as followed:
        wait_until(lambda: reached(followed, 1), "the first lines")
        for turn in range(2 if dated else TURNS):
            # Some right after each other; two in one second would have the same date.
            enough = followed.take()["app.log"] + (5_500 if dated else 300 * (turn % 2))
            wait_until(lambda enough=enough: reached(followed, enough), "more lines")
            logrotate(path, ways)
        wait_until(lambda: path.exists() and path.stat().st_size, "lines in the last file")
        total = writer.stop()
        on_disk = written(tmp_path)
        assert total - 1 in on_disk
        numbers = followed.numbers["app.log"]
        wait_until(lambda: followed.take() and on_disk <= set(numbers), "every line")
    assert len(numbers) == len(set(numbers))
    if "copytruncate" in ways:
        # What was written between the copy and the truncation is in no file at all.
        assert followed.follower.truncations > 0
    else:
        assert set(numbers) == set(range(total))
