"""A search finds what the reference finds: near matches at once, all of them soon, new ones as
they are written."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from console.lines import Line
from console.logs.files.blocks import SLICE
from console.logs.files.log_file import LogFile
from console.logs.files.search import Search
from console.logs.files.workers import Workers
from console.logs.filters.parser import parse
from console.logs.filters.reference import matches
from console.logs.records.record import decode
from tests.console.logs.files.growing import appended
from tests.support import wait_until

NOON = 1_768_478_400


def content_of(lines: int, seed: int = 1) -> bytes:
    """Lines of all lengths: one in a hundred an error, some no JSON, some empty."""
    chance = random.Random(seed)
    made = []
    for number in range(lines):
        level = "ERROR" if chance.random() < 0.01 else "INFO"
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOON + number))
        padding = "x" * chance.choice((0, 10, 300, 2_000))
        made.append(
            f'{{"timestamp":"{stamp}","level":"{level}","status":{chance.choice((200, 404, 500))},'
            f'"duration_ms":{chance.randrange(1000)},"event":"number {number} {padding}"}}'
            if chance.random() < 0.97
            else chance.choice(("", "ERROR: plain text", "Traceback:\n  File x\nKeyError: number"))
        )
    return ("\n".join(made) + "\n").encode()


CONTENT = content_of(12_000)
FILTERS = (
    "level>=error",
    "status>=500 duration_ms>250",
    "traceback",
    '"number 7777 "',
    "-level:*",
    "",
    "nowhere",
)


def expected(content: bytes, text: str) -> list[int]:
    expression = parse(text).expression
    found, at = [], 0
    for raw in content.split(b"\n")[:-1]:
        if matches(expression, decode(Line(raw, len(raw)))):
            found.append(at)
        at += len(raw) + 1
    return found


def complete(search: Search) -> Search:
    wait_until(lambda: search.complete, "the whole file", 20)
    return search


@pytest.fixture
def log(log_of: Callable[[bytes], LogFile]) -> LogFile:
    assert len(CONTENT) > 5 * SLICE
    return log_of(CONTENT)


@pytest.mark.parametrize("text", FILTERS)
def test_it_finds_what_the_reference_finds(log: LogFile, workers: Workers, text: str) -> None:
    wanted = expected(CONTENT, text)
    search = complete(Search(log, parse(text), workers))
    assert (search.count, search.problem) == (len(wanted), "")
    assert search.after(0, len(wanted) + 1) == (wanted, True)
    assert search.before(log.end, len(wanted) + 1) == (wanted, True)
    for rank in range(0, len(wanted), max(len(wanted) // 50, 1)):
        assert search.at(rank) == wanted[rank]
        assert search.rank(wanted[rank]) == rank
        assert search.rank(wanted[rank] + 1) == rank + 1
        assert search.after(wanted[rank], 3).offsets == wanted[rank : rank + 3]
        assert search.before(wanted[rank], 3).offsets == wanted[max(rank - 3, 0) : rank]
    assert search.at(len(wanted)) is None
    search.close()


def test_before_any_worker_has_begun(log: LogFile, workers: Workers) -> None:
    wanted = expected(CONTENT, "level>=error")
    workers.close()
    search = Search(log, parse("level>=error"), workers)
    assert search.before(log.end, 20) == (wanted[-20:], True)
    middle = wanted[len(wanted) // 2]
    assert search.after(middle, 5).offsets == wanted[len(wanted) // 2 :][:5]
    assert not search.complete
    assert search.after(0, 10_000, seconds=60) == (wanted, True)
    assert search.complete


def test_a_slice_looked_at_twice_counts_once(log: LogFile, workers: Workers) -> None:
    workers.close()
    search = Search(log, parse("level>=error"), workers, eye=0)
    piece = search.next_piece()
    assert piece is not None
    state = search._look(piece.start, piece.stop, piece.end)
    search._learn(0)
    search.deliver(piece, state)
    count = search.count
    assert count == sum(at < piece.stop for at in expected(CONTENT, "level>=error"))
    search.deliver(piece, state)
    search._learn(1)
    assert search.count == count


def test_time_runs_out_before_patience_does(log: LogFile, workers: Workers) -> None:
    workers.close()
    search = Search(log, parse("nowhere"), workers)
    assert search.before(log.end, 1, seconds=-1) == ([], False)
    assert search.after(0, 1, seconds=-1) == ([], False)


def test_what_is_appended_is_searched_as_it_comes(
    log_of: Callable[[bytes], LogFile], workers: Workers
) -> None:
    first = 2 * SLICE + 12_345
    log = log_of(CONTENT[:first])
    search = Search(log, parse("level>=error"), workers)
    dense = Search(log, parse("number"), workers)
    for _ in appended(log, CONTENT[first:], (1, 100, 5_000, 400_000)):
        search.grow()
        dense.grow()
    complete(search)
    complete(dense)
    for each, text in ((search, "level>=error"), (dense, "number")):
        wanted = expected(CONTENT, text)
        assert each.count == len(wanted)
        assert each.after(0, 100_000).offsets == wanted


def test_a_burst_larger_than_what_is_looked_at_at_once(
    log_of: Callable[[bytes], LogFile], workers: Workers
) -> None:
    log = log_of(CONTENT[:1000])
    search = Search(log, parse("level>=error"), workers)
    with log.path.open("ab") as file:
        file.write(CONTENT[1000:] + CONTENT)
    log.refresh()
    search.grow()
    assert complete(search).count == 2 * len(expected(CONTENT, "level>=error"))


def test_limits_of_time_say_which_part_is_looked_at(log: LogFile, workers: Workers) -> None:
    since, until = "2026-01-15T12:30:00Z", "2026-01-15T13:00:00Z"
    first = CONTENT.index(since.encode()) - len('{"timestamp":"')
    last = CONTENT.index(until.encode()) - len('{"timestamp":"')
    wanted = [at for at in expected(CONTENT, "level>=error") if first <= at < last]
    assert len(wanted) > 5
    search = Search(log, parse(f"level>=error since:{since} until:{until}"), workers)
    assert complete(search).count == len(wanted)
    assert search.after(0, 1_000).offsets == wanted
    assert search.before(log.end, 1_000).offsets == wanted
    later = Search(log, parse(f"level>=error since:{since}"), workers)
    wanted = [at for at in expected(CONTENT, "level>=error") if first <= at]
    assert complete(later).count == len(wanted)


def test_what_is_written_after_the_limit_is_not_looked_at(
    log_of: Callable[[bytes], LogFile], workers: Workers
) -> None:
    until = "2026-01-15T13:00:00Z"
    cut = CONTENT.index(until.encode()) - len('{"timestamp":"')
    log = log_of(CONTENT[: cut - 100_000])
    search = Search(log, parse(f"level>=error until:{until}"), workers)
    with log.path.open("ab") as file:
        file.write(CONTENT[cut - 100_000 :])
    log.refresh()
    search.grow()
    assert complete(search).count == sum(at < cut for at in expected(CONTENT, "level>=error"))


def test_where_matches_are_many_only_their_number_is_kept(log: LogFile, workers: Workers) -> None:
    search = complete(Search(log, parse(""), workers))
    assert sum(map(len, search._kept.values())) == 0
    assert search.at(search.count // 2) == expected(CONTENT, "")[search.count // 2]


def test_whoever_waits_is_told(log: LogFile, workers: Workers) -> None:
    told: list[float] = []
    search: list[Search] = []

    def note() -> None:
        if search:
            told.append(search[0].progress)

    search.append(Search(log, parse("level>=error"), workers, on_change=note))
    wait_until(lambda: told and told[-1] == 1, "the last notice")
    assert told == sorted(told)


def test_nobody_is_left_to_be_told(log: LogFile, workers: Workers) -> None:
    told: list[int] = []

    def wake_a_closed_loop() -> None:
        told.append(1)
        raise RuntimeError("Event loop is closed")

    abandoned = Search(log, parse("level>=error"), workers, on_change=wake_a_closed_loop)
    wait_until(lambda: told, "the first notice")
    assert complete(Search(log, parse("level>=error"), workers)).problem == ""
    assert len(told) <= 2
    assert not abandoned.complete


def test_the_nearest_first(log_of: Callable[[bytes], LogFile]) -> None:
    log = log_of(b"x\n" * (20 * SLICE // 2))
    idle = Workers(1)
    idle.close()
    search = Search(log, parse("level>=error"), idle, eye=9 * SLICE)
    order = []
    while piece := search.next_piece():
        order.append(piece.start // SLICE)
    assert order == [8, 4, 12, 0, 16]
    search = Search(log, parse("level>=error"), idle)
    assert [search.next_piece().start // SLICE for _ in range(2)] == [16, 12]  # type: ignore[union-attr]
    search.eye = 0
    assert search.next_piece().start == 0  # type: ignore[union-attr]


def test_a_truncated_file_ends_the_search_without_an_error(
    log_of: Callable[[bytes], LogFile], tmp_path: Path, workers: Workers
) -> None:
    log = log_of(CONTENT)
    log.path.write_bytes(b"short\n")
    search = complete(Search(log, parse("level>=error"), workers))
    assert search.count == 0
    assert search.after(0, 10).offsets == []
