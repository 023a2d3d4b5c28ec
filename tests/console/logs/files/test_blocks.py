"""Every line is in exactly one slice and one block, wherever the slices are cut."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from console.logs.files import blocks as module
from console.logs.files.blocks import SLICE, blocks, count_lines, slice_of


@contextmanager
def file_of(content: bytes) -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        yield file.fileno()


line = st.one_of(
    st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")),
    st.integers(0, 700).map(lambda size: b"x" * size),
)


def splitlines(content: bytes) -> dict[int, bytes]:
    """The lines, each by its offset and with its newline."""
    found, at = {}, 0
    while at < len(content):
        end = content.find(b"\n", at) + 1 or len(content)
        found[at] = content[at:end]
        at = end
    return found


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(line, max_size=30),
    unfinished=st.booleans(),
    cuts=st.sets(st.integers(1, 4_000), max_size=6),
    at_starts=st.booleans(),
)
def test_cut_anywhere_each_line_comes_once(
    lines: list[bytes], unfinished: bool, cuts: set[int], at_starts: bool
) -> None:
    content = b"\n".join(lines) + (b"" if unfinished else b"\n")
    if at_starts:
        cuts = set(list(splitlines(content))[::2])
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(content)), len(content)]
    found: dict[int, bytes] = {}
    with file_of(content) as descriptor:
        for start, stop in pairwise(edges):
            for offset, block in blocks(descriptor, start, stop, len(content)):
                assert count_lines(block) == len(splitlines(block))
                for at, each in splitlines(block).items():
                    assert start <= offset + at < stop
                    assert offset + at not in found
                    found[offset + at] = each
    assert found == splitlines(content)


def test_no_block_holds_lines_of_two_slices() -> None:
    content = b"".join(b"%d %s\n" % (n, b"y" * (n % 900)) for n in range(6_000))
    assert len(content) > 2 * SLICE
    with file_of(content) as descriptor:
        found = list(blocks(descriptor, 0, len(content), len(content)))
    assert b"".join(block for _, block in found) == content
    for offset, block in found:
        assert len({slice_of(offset + at) for at in splitlines(block)}) == 1


def test_a_line_of_ten_megabytes_belongs_to_the_slice_it_begins_in() -> None:
    content = b"a\n" + b"x" * 10_000_000 + b"\nb\n"
    with file_of(content) as descriptor:
        by_slice = [
            [block for _, block in blocks(descriptor, at, at + SLICE, len(content))]
            for at in range(0, len(content), SLICE)
        ]
    assert by_slice[0] == [content[:-2]]
    assert by_slice[1:-1] == [[]] * (len(by_slice) - 2)
    assert by_slice[-1] == [b"b\n"]


def test_of_an_endless_line_only_the_beginning_is_given(monkeypatch) -> None:
    monkeypatch.setattr(module, "_LONGEST", 100_000)
    content = b"x" * 3_000_000 + b"\nb\n"
    with file_of(content) as descriptor:
        found = list(blocks(descriptor, 0, len(content), len(content)))
    assert len(found[0][1]) < 400_000
    assert found[1] == (3_000_001, b"b\n")


def test_a_file_that_has_shrunk_ends_early() -> None:
    content = b"one\ntwo\n" * 1000
    with file_of(content) as descriptor:
        os.ftruncate(descriptor, 10)
        assert list(blocks(descriptor, 4_000, 8_000, 8_000)) == []
        assert [block for _, block in blocks(descriptor, 0, 8_000, 8_000)] == [b"one\ntwo\non"]
