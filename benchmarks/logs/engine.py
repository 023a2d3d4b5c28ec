"""The log engine alone, over one large file: `python -m benchmarks.logs.engine PATH`.

Makes the file first when it is not there (1 GB; see `data`), and reads it once, so that no
figure is that of a cold disk. Meanwhile an asyncio loop ticks in the same process: its latest tick
says how long a key press would have waited.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from benchmarks.logs import data
from benchmarks.logs.loop import Changes, Ticker
from console.logs.files.fold import Fold, Part
from console.logs.files.index import Index
from console.logs.files.jobs import Job
from console.logs.files.log_file import LogFile
from console.logs.files.search import Search
from console.logs.files.window import Window
from console.logs.files.workers import Workers
from console.logs.filters.parser import parse
from console.logs.statistics.statistics import Statistics
from console.logs.statistics.work import FUNCTION

SCREEN = 50
FILTERS = ("level>=error", "status>=500 duration_ms>250", "deadlock", '"no such words"')
TIME_PROBES = 100


class Scanned(msgspec.Struct, frozen=True):
    """A filter over the whole file, in seconds. `busy`: of all processors, what it has cost; on a
    quiet machine `complete` is that, divided by the workers. `late`: the latest tick of the loop
    meanwhile."""

    first_screen: float
    complete: float
    busy: float
    late: float
    count: int
    problem: str


class Measured(msgspec.Struct, frozen=True):
    """All seconds but the memory, in MiB: of this process, what it has gained, of each worker."""

    bytes: int
    lines: int
    tail: float
    launch: dict[str, float]
    filters: dict[str, Scanned]
    index: float
    statistics: float
    time_jump: float
    match_jump: float
    memory: dict[str, float]


async def launch(log: LogFile) -> dict[str, float]:
    """From nothing to the index and the error count, as the console begins."""
    began = time.perf_counter()
    workers = Workers()
    window = Window(log)
    window.show(SCREEN)
    marks = {"tail": time.perf_counter() - began}
    searched, indexed = Changes(), Changes()
    search = Search(log, parse("level>=error"), workers, on_change=searched)
    index = Index(log, workers, on_change=indexed)
    await asyncio.to_thread(search.before, log.end, SCREEN)
    marks["first screen of errors"] = time.perf_counter() - began
    ticker = Ticker()
    await searched.until_complete(search)
    marks["error count"] = time.perf_counter() - began
    await indexed.until_complete(index)
    marks["index and error count"] = time.perf_counter() - began
    marks["latest tick"] = ticker.stop()
    search.close()
    index.close()
    await asyncio.to_thread(workers.close)
    return marks


async def scan(log: LogFile, workers: Workers, text: str) -> Scanned:
    """One filter, workers warm, the eye at the tail."""
    ticker = Ticker()
    used = cpu_seconds(workers)
    began = time.perf_counter()
    changes = Changes()
    search = Search(log, parse(text), workers, on_change=changes)
    found = await asyncio.to_thread(search.before, log.end, SCREEN)
    while not found.complete:
        found = await asyncio.to_thread(search.before, log.end, SCREEN)
    first = time.perf_counter() - began
    await changes.until_complete(search)
    whole = time.perf_counter() - began
    search.close()
    used = cpu_seconds(workers) - used
    return Scanned(first, whole, used, ticker.stop(), search.count, search.problem)


def cpu_seconds(workers: Workers) -> float:
    """What this process and the workers have used so far."""
    every = [psutil.Process(pid).cpu_times() for pid in (None, *workers.processes)]
    return sum(times.user + times.system for times in every)


def count_everything(log: LogFile, workers: Workers) -> float:
    """The statistics over the whole file."""
    found = Statistics()

    def merge(state: bytes) -> None:
        found.merge(Statistics.decode(state))

    began = time.perf_counter()
    with Fold([Part(log, 0, log.end)], workers, Job(FUNCTION), merge) as fold:
        fold.wait()
    if fold.problem:
        raise RuntimeError(fold.problem)
    return time.perf_counter() - began


def match_jumps(log: LogFile, workers: Workers) -> float:
    """The longest of some jumps to a match by its number, where only counts are kept."""
    search = Search(log, parse(""), workers)
    while not search.complete:
        time.sleep(0.01)
    longest = 0.0
    for share in range(20):
        began = time.perf_counter()
        offset = search.at(search.count * share // 20)
        search.after(offset or 0, SCREEN)
        longest = max(longest, time.perf_counter() - began)
    search.close()
    return longest


def time_jumps(log: LogFile) -> float:
    """The longest of some jumps to a time."""
    window = Window(log)
    longest = 0.0
    for step in range(TIME_PROBES):
        began = time.perf_counter()
        window.go_to_time(data.STARTED + step * 700.0)
        window.show(SCREEN)
        longest = max(longest, time.perf_counter() - began)
    return longest


def rss(pid: int | None = None) -> float:
    return float(psutil.Process(pid).memory_info().rss / 2**20)


async def measure(path: Path) -> Measured:
    before = rss()
    log = LogFile.open(path)
    began = time.perf_counter()
    Window(log).show(SCREEN)
    tail = time.perf_counter() - began
    launched = await launch(log)
    workers = Workers()
    await scan(log, workers, "level>=error")
    filters = {text: await scan(log, workers, text) for text in FILTERS}
    began = time.perf_counter()
    changes = Changes()
    index = Index(log, workers, on_change=changes)
    await changes.until_complete(index)
    indexed = time.perf_counter() - began
    memory = {"process": rss(), "gained": rss() - before}
    memory |= {f"worker {n}": rss(pid) for n, pid in enumerate(workers.processes, 1)}
    statistics = await asyncio.to_thread(count_everything, log, workers)
    match_jump = await asyncio.to_thread(match_jumps, log, workers)
    await asyncio.to_thread(workers.close)
    return Measured(
        bytes=log.size,
        lines=index.lines,
        tail=tail,
        launch=launched,
        filters=filters,
        index=indexed,
        statistics=statistics,
        time_jump=time_jumps(log),
        match_jump=match_jump,
        memory=memory,
    )


def report(measured: Measured) -> Iterator[str]:
    yield f"{measured.bytes / 1e6:,.0f} MB, {measured.lines:,} lines; seconds"
    for name, seconds in measured.launch.items():
        yield f"  launch: {name:<42}{seconds:8.3f}"
    for text, scanned in measured.filters.items():
        yield f"  {text:<30} {scanned.count:>9,} lines  {scanned.problem}"
        yield (
            f"    first screen {scanned.first_screen:6.3f}  complete {scanned.complete:6.3f}  "
            f"CPU {scanned.busy:6.2f}  latest tick {scanned.late:6.3f}"
        )
    yield f"  index {measured.index:.3f}  statistics {measured.statistics:.3f}"
    yield f"  a jump to a time {measured.time_jump:.4f}  to a match {measured.match_jump:.4f}"
    yield "  MiB: " + ", ".join(f"{name} {size:.1f}" for name, size in measured.memory.items())


def main() -> None:
    """Measures; prints a report, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logs.engine", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.path.exists():
        with options.path.open("wb") as file:
            data.write(file, 1_000_000_000)
    with options.path.open("rb") as file:
        while file.read(1 << 22):
            pass
    measured = asyncio.run(measure(options.path))
    if options.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(measured), indent=1))
    else:
        print(*report(measured), sep="\n")


if __name__ == "__main__":
    main()
