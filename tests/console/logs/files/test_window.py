"""A window opens at the tail, goes anywhere, and keeps its place through filters and growth."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from console.lines import LINE_LIMIT
from console.logs.files.index import Index
from console.logs.files.log_file import LogFile
from console.logs.files.search import Found, Search
from console.logs.files.window import Window
from console.logs.files.workers import Workers
from console.logs.filters.parser import parse
from tests.support import wait_until

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp()


def line(number: int) -> bytes:
    stamp = datetime.fromtimestamp(NOON + number, UTC).isoformat()
    level = "ERROR" if number % 100 == 7 else "INFO"
    return f'{{"timestamp":"{stamp}","level":"{level}","event":"number {number}"}}\n'.encode()


COUNT = 60_000


@pytest.fixture
def window(log_of: Callable[[bytes], LogFile]) -> Window:
    return Window(log_of(b"".join(map(line, range(COUNT)))))


@pytest.fixture
def errors(window: Window, workers: Workers) -> Iterator[Search]:
    search = Search(window.log, parse("level>=error"), workers)
    wait_until(lambda: search.complete, "all errors", 20)
    yield search
    search.close()


def numbers(window: Window, height: int = 10) -> list[int]:
    return [
        int(placed.line.raw.rpartition(b" ")[2].rstrip(b'"}')) for placed in window.show(height)
    ]


def append(window: Window, *lines: bytes) -> None:
    with window.log.path.open("ab") as file:
        file.write(b"".join(lines))
    assert window.refresh() == ""


def test_it_opens_at_the_tail_and_follows(window: Window) -> None:
    assert numbers(window, 3) == [COUNT - 3, COUNT - 2, COUNT - 1]
    append(window, line(COUNT))
    assert numbers(window, 3) == [COUNT - 2, COUNT - 1, COUNT]
    assert window.waiting() == 0


def test_scrolling_up_ends_following_and_counts_what_waits_below(window: Window) -> None:
    numbers(window)
    window.scroll(-5)
    assert not window.following
    assert numbers(window) == list(range(COUNT - 15, COUNT - 5))
    append(window, *map(line, range(COUNT, COUNT + 20)))
    assert numbers(window) == list(range(COUNT - 15, COUNT - 5))
    assert window.waiting() == 25
    window.scroll(5)
    assert not window.following
    window.scroll(1_000)
    assert window.following
    assert numbers(window)[-1] == COUNT + 19


def test_the_edges(window: Window) -> None:
    window.go_to(0)
    assert numbers(window, 3) == [0, 1, 2]
    window.scroll(-3)
    assert numbers(window, 3) == [0, 1, 2]
    window.scroll(2)
    assert numbers(window, 3) == [2, 3, 4]
    window.go_to(window.log.end)
    assert numbers(window, 3) == [COUNT - 3, COUNT - 2, COUNT - 1]
    window.go_to_end()
    assert window.following


def test_to_a_time(window: Window) -> None:
    window.go_to_time(NOON + 1_234.5)
    assert numbers(window, 3) == [1_235, 1_236, 1_237]
    window.go_to_time(NOON + 10 * COUNT)
    assert numbers(window, 2) == [COUNT - 2, COUNT - 1]


def test_a_filter_keeps_the_place_and_so_does_lifting_it(window: Window, errors: Search) -> None:
    window.go_to_time(NOON + 30_050)
    assert numbers(window, 2) == [30_050, 30_051]
    window.search = errors
    assert numbers(window, 3) == [30_107, 30_207, 30_307]
    window.search = None
    assert numbers(window, 2) == [30_050, 30_051]
    window.search = errors
    numbers(window, 3)
    window.scroll(1)
    assert numbers(window, 3) == [30_207, 30_307, 30_407]
    window.search = None
    assert numbers(window, 2) == [30_207, 30_208]


def test_filtered_at_the_tail_and_counted(window: Window, errors: Search) -> None:
    window.search = errors
    assert numbers(window, 2) == [COUNT - 193, COUNT - 93]
    append(window, line(COUNT), line(COUNT + 7))
    assert numbers(window, 2) == [COUNT - 93, COUNT + 7]
    window.scroll(-3)
    assert window.waiting() == 0
    assert numbers(window, 2) == [COUNT - 393, COUNT - 293]
    assert window.waiting() == 3


def test_following_does_not_resume_while_matches_may_be_below(
    window: Window, errors: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.search = errors
    window.go_to(0)
    numbers(window, 3)
    # As when the time for looking is over.
    monkeypatch.setattr(errors, "after", lambda offset, _: Found([offset], complete=False))
    window.scroll(5)
    assert not window.following


def test_below_a_long_way_up_the_index_counts(window: Window, workers: Workers) -> None:
    window.go_to(0)
    window.show(10)
    assert window.waiting() is None
    window.index = Index(window.log, workers)
    wait_until(lambda: window.index is not None and window.index.complete, "the index", 20)
    assert window.waiting() == COUNT - 10


def test_context_of_a_match(window: Window, errors: Search) -> None:
    match = errors.at(300)
    assert match is not None
    around = window.around(match, before=2, after=1)
    assert [placed.line.raw + b"\n" for placed in around] == [
        line(n) for n in range(30_005, 30_009)
    ]
    assert [placed.start for placed in window.around(0, 5, 0)] == [0]


def test_a_huge_line_is_one_row(log_of: Callable[[bytes], LogFile]) -> None:
    window = Window(log_of(line(0) + b"x" * 10_000_000 + b"\n" + line(2)))
    assert [placed.line.size for placed in window.show(5)] == [
        len(line(0)) - 1,
        10_000_000,
        len(line(2)) - 1,
    ]
    assert len(window.shown[1].line.raw) == LINE_LIMIT
    window.go_to(5_000_000)
    assert window.show(1)[0].start == len(line(0))


def test_an_empty_file(log_of: Callable[[bytes], LogFile]) -> None:
    window = Window(log_of(b""))
    assert window.show(10) == []
    window.scroll(-1)
    window.scroll(1)
    assert (window.show(10), window.waiting()) == ([], 0)
    append(window, line(0))
    window.go_to_end()
    assert numbers(window) == [0]
