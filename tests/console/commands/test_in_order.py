"""Pieces of a file come in its order, forwards and backwards, a bounded number ahead of the eye."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.commands.in_order import InOrder
from console.commands.selection import decode, select_job
from console.logs.files.log_file import LogFile
from console.logs.files.workers import Workers
from tests.support import wait_until

LINES = 400_000


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> LogFile:
    """A file of 21 MB, every line its number."""
    path: Path = tmp_path_factory.mktemp("in_order") / "numbers"
    path.write_bytes(b"".join(b"%052d\n" % number for number in range(LINES)))
    return LogFile.open(path)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    workers = Workers()
    yield workers
    workers.close()


def numbers(state: bytes) -> list[int]:
    selected = decode(state)
    found = [int(each) for each in selected.data.splitlines()]
    assert len(found) == selected.matches
    return found


@pytest.mark.parametrize(("first", "last"), [(0, LINES), (1, LINES - 1), (77_777, 77_778), (5, 5)])
def test_every_line_comes_once_and_in_order(
    log: LogFile, workers: Workers, first: int, last: int
) -> None:
    limits = first * 53, last * 53
    with InOrder(log, *limits, select_job(""), workers) as states:
        found = [number for state in states for number in numbers(state)]
        assert found == list(range(first, last))
        assert states.problem == ""
    with InOrder(log, *limits, select_job(""), workers, backwards=True) as states:
        pieces = [numbers(state) for state in states]
        assert [number for piece in reversed(pieces) for number in piece] == found


def test_no_more_is_read_than_is_taken(log: LogFile, workers: Workers) -> None:
    handed_out: list[int] = []

    class Watched(InOrder):
        def deliver(self, piece: object, state: bytes) -> None:
            handed_out.append(len(state))
            super().deliver(piece, state)  # type: ignore[arg-type]

    with Watched(log, 0, log.end, select_job(""), workers) as states:
        taken = iter(states)
        next(taken)
        wait_until(lambda: len(handed_out) == 9, "eight pieces ahead of the one taken")
        next(taken)
        wait_until(lambda: len(handed_out) == 10, "one more")


def test_a_worker_that_dies_loses_nothing(log: LogFile) -> None:
    workers = Workers()
    try:
        with InOrder(log, 0, log.end, select_job(""), workers) as states:
            found: list[int] = []
            for number, state in enumerate(states):
                found += numbers(state)
                if number == 1:
                    os.kill(workers.processes[0], signal.SIGKILL)
            assert found == list(range(LINES))
    finally:
        workers.close()


def test_what_no_worker_can_do_is_told(log: LogFile, workers: Workers) -> None:
    with InOrder(log, 0, log.end, select_job("level>="), workers) as states:
        assert list(states) == []
        assert "left out: FilterError" in states.problem
