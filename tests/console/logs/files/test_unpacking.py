"""A compressed log is read by offset while it is unpacked, in bounded room."""

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from console.logs.files.unpacking import Unpacking
from tests.support import wait_until

CONTENT = b"".join(b"line %d of many\n" % number for number in range(200_000)) + b"the last"


def finish(unpacking: Unpacking) -> Unpacking:
    wait_until(lambda: unpacking.done, "all of it", 20)
    unpacking.log.refresh()
    return unpacking


def content(unpacking: Unpacking) -> bytes:
    return unpacking.log.read(0, 1 << 30)


@pytest.mark.parametrize(
    ("suffix", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
def test_every_kind(tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"app.log.{suffix}"
    half = len(CONTENT) // 2
    # As `cat a.gz b.gz` makes it.
    path.write_bytes(compress(CONTENT[:half]) + compress(CONTENT[half:]))
    unpacking = finish(Unpacking(path, folder=tmp_path))
    assert (unpacking.state, content(unpacking)) == ("", CONTENT)
    assert unpacking.log.end == len(CONTENT)
    assert [path] == list(tmp_path.iterdir())
    unpacking.close()


def test_a_broken_one_keeps_what_could_be_read(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(gzip.compress(CONTENT)[:-20_000])
    unpacking = finish(Unpacking(path, folder=tmp_path))
    assert unpacking.state.startswith("broken from here on: ")
    found = content(unpacking)
    assert len(found) > 1_000_000
    assert CONTENT.startswith(found)
    unpacking.close()


def test_a_bomb_is_not_unpacked_further_than_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(50_000_000)))
    unpacking = finish(Unpacking(path, folder=tmp_path, limit=5_000_000))
    assert unpacking.state == "only the first 4 MiB: it is larger than the limit"
    assert 4_000_000 < unpacking.log.size <= 5_000_000
    unpacking.close()


def test_the_disk_is_not_filled(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(gzip.compress(CONTENT))
    unpacking = finish(Unpacking(path, folder=tmp_path, reserve=1 << 60))
    assert unpacking.state == "only the first 0 MiB: the disk is nearly full"
    assert unpacking.log.size == 0
    unpacking.close()


def test_closed_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "large.gz"
    path.write_bytes(gzip.compress(os.urandom(1 << 16) * 800, 1))
    seen: list[int] = []
    unpacking = Unpacking(path, folder=tmp_path, on_change=lambda: seen.append(1))
    wait_until(lambda: seen, "the first chunk")
    unpacking.close()
    assert unpacking.done
    assert unpacking.state.endswith("stopped")


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Unpacking(tmp_path / "none.gz")
