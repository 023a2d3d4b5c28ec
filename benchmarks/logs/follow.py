"""How late lines are on the screen while many are written, and what showing them costs."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from benchmarks.logs import data
from benchmarks.logs.emulator import Screen
from benchmarks.logs.figures import OURS, Notes
from benchmarks.logs.plan import Log, Plan, is_ours, opened, tell
from benchmarks.logs.terminal import LateError, Terminal
from benchmarks.logs.viewers import KEYS, Viewer, lines, matches, shows

FILTER = "level>=warning"
FILTERED = f"{OURS}, {FILTER}"
_MARK = re.compile(r"mark-(\d{6})")
_TICK = 0.01
# One in so many lines is a warning, and each with a mark.
_WARNINGS = 10
_KEYS_SECONDS = 2.0
_REST = 0.2
# What is not drawn so long after the last line was written is not waited for.
_GRACE = 5.0


def measure(plan: Plan) -> None:
    """Each rate, once, for it takes long: the small log in each viewer, so that none is held up by
    what it has loaded, and the large one in ours, also with a filter."""
    for rate in plan.rates:
        for viewer in plan.viewers:
            _follow(plan, plan.small, viewer, rate)
        if ours := plan.named(OURS):
            _follow(plan, plan.large, ours, rate)
            _follow(plan, plan.large, ours, rate, filtered=True)


@dataclass
class Written:
    """How many lines, how many of them warnings, and when each mark."""

    lines: int
    warnings: int
    marks: list[float]


def _follow(plan: Plan, log: Log, viewer: Viewer, rate: int, *, filtered: bool = False) -> None:
    who = FILTERED if filtered else viewer.name
    tell(f"follow: {log.title}, {rate:,}/s, {who}")
    note = plan.results.notes("follow", log.title, who)
    with log.restored(), opened(viewer, log) as terminal:
        try:
            _ready(plan, viewer, terminal, filtered=filtered)
        except LateError as error:
            note(f"{rate:,}/s lag median", str(error))
            return
        found = matches if filtered else lines
        before = found(terminal.screen) or 0
        used = terminal.cpu_seconds()
        written = write(log, rate, plan.seconds)
        used = terminal.cpu_seconds() - used
        lags, undrawn = drawn(terminal, written)
        note(f"{rate:,}/s lag median", median(lags))
        note(f"{rate:,}/s lag max", max(lags))
        note(f"{rate:,}/s CPU", used)
        note(f"{rate:,}/s marks not drawn", undrawn, "lines")
        if is_ours(viewer):
            expected = before + (written.warnings if filtered else written.lines)
            note("lines missing", _missing(terminal, found, expected), "lines")
            every, own = terminal.megabytes()
            note("memory", every, "MB")
            note("memory without workers", own, "MB")
            _press_keys(terminal, log, rate, note)


def _ready(plan: Plan, viewer: Viewer, terminal: Terminal, *, filtered: bool) -> None:
    if is_ours(viewer):
        terminal.wait(lines, plan.limit)
        if filtered:
            terminal.answer("/", shows("show matches"), plan.limit)
            terminal.answer(f"{FILTER}\r", matches, plan.limit)
    terminal.settle(plan.limit)


def write(log: Log, rate: int, seconds: float) -> Written:
    """Append lines at a steady rate, a mark in each piece."""
    written = Written(0, 0, [])
    begun = time.perf_counter()
    with log.path.open("ab", buffering=0) as file:
        while (now := time.perf_counter() - begun) < seconds:
            count = int(now * rate) - written.lines
            if count > 0:
                warnings, mark = (count - 1) // _WARNINGS, len(written.marks)
                file.write(
                    data.newest("request") * (count - 1 - warnings)
                    + data.newest("request", "WARNING") * warnings
                    + data.newest(f"mark-{mark:06}", "WARNING")
                )
                written.marks.append(time.perf_counter())
                written.lines += count
                written.warnings += warnings + 1
            time.sleep(_TICK)
    return written


def drawn(terminal: Terminal, written: Written) -> tuple[list[float], int]:
    """The lag of each mark, and how many were not drawn at all.

    A mark has been drawn when it or a later one is on the screen. One that never was counts as
    drawn when the wait for it ended.
    """
    last, deadline = len(written.marks) - 1, time.perf_counter() + _GRACE
    seen = [(0.0, -1)]
    while seen[-1][1] < last and time.perf_counter() < deadline:
        for at, screen in terminal.frames():
            newest = max(map(int, _MARK.findall(screen.text)), default=-1)
            if newest > seen[-1][1]:
                seen.append((at, newest))
        time.sleep(_TICK)
    end, lags, position = time.perf_counter(), [], 1
    for mark, at in enumerate(written.marks):
        while position < len(seen) and seen[position][1] < mark:
            position += 1
        lags.append((seen[position][0] if position < len(seen) else end) - at)
    return lags, last - seen[-1][1]


def _missing(terminal: Terminal, found: Callable[[Screen], int | None], expected: int) -> int:
    try:
        terminal.wait(lambda screen: found(screen) == expected, _GRACE)
    except LateError:
        return abs(expected - (found(terminal.screen) or 0))
    return 0


def _press_keys(terminal: Terminal, log: Log, rate: int, note: Notes) -> None:
    """Press keys while lines go on being written."""
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, log, rate, _KEYS_SECONDS)
        try:
            while not writing.done():
                for condition in (KEYS, lambda screen: not KEYS(screen)):
                    note("key answered", terminal.answer("?", condition, _GRACE))
                time.sleep(_REST)
        except LateError as error:
            note("key answered", str(error))
