"""Compressed logs are read once, as far as they are sound, in little memory."""

import bz2
import gzip
import io
import lzma
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from console.lines import WHOLE_LINE
from console.logs.sources.archive import ArchiveSource, archive_kind
from console.logs.sources.block import Block
from tests.console.logs.sources.following import texts


def zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        module = pytest.importorskip("compression.zstd")
    else:
        module = pytest.importorskip("zstandard")
    return bytes(module.compress(data))


KINDS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd,
}
LINES = [b"line %d" % number for number in range(60_000)]
TEXT = b"\n".join(LINES)


def read(source: ArchiveSource) -> list[Block]:
    blocks = source.poll()
    while not source.ended:
        blocks += source.poll()
    return blocks


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_once_to_its_end(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"app.log.1{kind}"
    # Two members, as `cat a.gz b.gz` makes them, and a last line without a newline.
    path.write_bytes(KINDS[kind](TEXT + b"\n") + KINDS[kind](b"more\nlast"))
    source = ArchiveSource(path)
    assert texts(read(source)) == [*LINES, b"more", b"last"]
    assert source.poll() == []
    assert source.state == ""


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_known_by_its_content(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "app.old"
    path.write_bytes(KINDS[kind](TEXT))
    assert archive_kind(path) == kind
    assert archive_kind(tmp_path / f"missing{kind}") == kind
    plain = tmp_path / f"plain{kind}"
    plain.write_bytes(TEXT)
    assert archive_kind(plain) == archive_kind(tmp_path) == archive_kind(tmp_path / "no.log") == ""


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_before_the_damage_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"app.log{kind}"
    whole = KINDS[kind](bytes(range(33, 127)) * 20_000 + b"\n" + TEXT)
    path.write_bytes(whole[: len(whole) * 3 // 4])
    source = ArchiveSource(path)
    blocks = read(source)
    assert sum(block.size for block in blocks) > 500_000
    assert "broken archive" in source.state or kind == ".zst"


def test_a_bomb_does_not_explode(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as file:
        for _ in range(100):
            file.write(bytes(1 << 20))
    path.write_bytes(buffer.getvalue())
    source = ArchiveSource(path)
    tracemalloc.start()
    blocks = read(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [block.size for block in blocks] == [100 << 20]
    assert peak < 3 * WHOLE_LINE


def test_a_missing_one_is_waited_for(tmp_path: Path) -> None:
    source = ArchiveSource(tmp_path / "app.log.gz")
    assert source.poll() == []
    assert source.state == "no such file yet"
    (tmp_path / "app.log.gz").write_bytes(gzip.compress(b"line\n"))
    assert texts(read(source)) == [b"line"]
    assert source.state == ""


def test_zstandard_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.version_info >= (3, 14):
        pytest.skip("it is in the standard library")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path = tmp_path / "app.log.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd")
    source = ArchiveSource(path)
    assert source.poll() == []
    assert source.state == "needs the zstandard package: quartermaster[console-zst]"
