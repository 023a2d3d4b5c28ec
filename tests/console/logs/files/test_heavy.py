"""A slice that takes long is left to the workers: nobody who asks for its lines waits for it."""

import time
from collections.abc import Callable, Iterator

import pytest

from console.logs.files.blocks import SLICE
from console.logs.files.index import Index
from console.logs.files.log_file import LogFile
from console.logs.files.search import Search
from console.logs.files.workers import Workers
from console.logs.filters.parser import parse
from tests.support import wait_until

ERROR = b'{"level":"ERROR","timestamp":"2026-01-15T10:30:00Z"}\n'
# Lines that differ: what is the same is looked at once.
NUMBERS = b"".join(b"%x\n" % number for number in range(40_000))
HEAVY = {
    "many": NUMBERS,
    "long": b"x" * (3 * SLICE) + b"\n",
    "broken": b"\xff" * (SLICE + 9) + b"\n",
}


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Processes that scan."""
    made = Workers(1)
    yield made
    made.close()


@pytest.fixture
def nobody() -> Workers:
    """Workers that never come."""
    workers = Workers(1)
    workers.close()
    return workers


@pytest.mark.parametrize("kind", HEAVY)
def test_nobody_is_kept_waiting(
    kind: str, log_of: Callable[[bytes], LogFile], nobody: Workers
) -> None:
    log = log_of(ERROR * 3 + HEAVY[kind] + ERROR * 2)
    search = Search(log, parse("level>=error"), nobody)
    begun = time.process_time()
    found = search.after(0, 5)
    assert time.process_time() - begun < 0.1
    assert found == ([], False)
    assert not search.complete


@pytest.mark.parametrize("kind", HEAVY)
def test_the_workers_look_at_it_once(
    kind: str, log_of: Callable[[bytes], LogFile], workers: Workers
) -> None:
    """The last slice is known, grows by what takes long, and then by what does not."""
    log = log_of(ERROR * 3)
    index, search = Index(log, workers), Search(log, parse("level>=error"), workers)
    wait_until(lambda: index.complete and search.complete, "the beginning")
    for part in (HEAVY[kind], ERROR * 2, HEAVY[kind] + ERROR, ERROR):
        with log.path.open("ab") as file:
            file.write(part)
        log.refresh()
        begun = time.process_time()
        index.grow()
        search.grow()
        assert time.process_time() - begun < 0.2
    wait_until(lambda: index.complete and search.complete, "what was appended", 30)
    lines = log.path.read_bytes().splitlines()
    assert index.lines == len(lines)
    assert search.count == 7
    ends = [
        len(b"\n".join(lines[:n])) + (n > 0) for n, line in enumerate(lines) if line == ERROR[:-1]
    ]
    assert search.after(0, 100) == (ends, True)
    assert search.before(log.end, 2).offsets == ends[-2:]
