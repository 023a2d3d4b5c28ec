"""How soon matches are on the screen, how soon all of them are counted, and keys meanwhile."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.logs import lnav
from benchmarks.logs.emulator import Screen
from benchmarks.logs.figures import OURS, Notes
from benchmarks.logs.plan import ERRORS, NOTHING, SLOW, Plan, opened, tell
from benchmarks.logs.terminal import Condition, LateError, Seen, Terminal
from benchmarks.logs.viewers import FIRST, KEYS, STATE, Viewer, lines, matches, shows

_KEY_LIMIT = 5.0
# What keys draw takes its time from the search.
_REST = 0.5
_HIDDEN = "Lines not shown"
# What lnav is told, and what it then shows.
_FORMATTED = {
    ERRORS: (":set-min-log-level error\r", "minimum log level is now"),
    SLOW: (":filter-expr :status >= 500 AND :duration_ms > 250\r", _HIDDEN),
}
_BARE = {ERRORS: (':filter-in "level":"ERROR"\r', _HIDDEN)}


def measure(plan: Plan) -> None:
    """The large log, in the viewers that can filter by level or by text."""
    plan.rotate(lambda viewer, _: _measure(plan, viewer))


def _measure(plan: Plan, viewer: Viewer) -> float:
    measures: dict[str, Callable[[Plan, Terminal, Notes], None]] = {
        OURS: _ours,
        lnav.FORMATTED: partial(_lnav, _FORMATTED),
        lnav.BARE: partial(_lnav, _BARE),
        "tailjlogs": _tailjlogs,
    }
    begun = time.perf_counter()
    if viewer.name in measures:
        note = plan.results.notes("filter", plan.large.title, viewer.name)
        tell(f"filter: {viewer.name}")
        try:
            with opened(viewer, plan.large) as terminal:
                measures[viewer.name](plan, terminal, note)
        except LateError as error:
            note("stopped", str(error))
    return time.perf_counter() - begun if viewer.name != OURS else 0.0


def _ours(plan: Plan, terminal: Terminal, note: Notes) -> None:
    terminal.wait(_following, plan.limit)
    both = terminal.watch(lambda screen: matches(screen) is not None and lines(screen))
    terminal.answer(f"/{ERRORS}", shows(f"/ {ERRORS}"), plan.limit)
    terminal.answer("\r", lambda screen: not _asks(screen), plan.limit)
    _press_keys_until(both, plan, terminal, note)
    terminal.settle(plan.limit)
    note("launch to index and error count", both.at - terminal.launched)
    for wanted in (ERRORS, SLOW, NOTHING):
        terminal.answer("\x1b", lambda screen: " match" not in screen.rows[STATE], _KEY_LIMIT)
        terminal.answer("G", _following, _KEY_LIMIT)
        terminal.answer("/", _asks, _KEY_LIMIT)
        terminal.answer(wanted, shows(f"/ {wanted}"), _KEY_LIMIT)
        terminal.settle(plan.limit)
        complete = terminal.watch(lambda screen: matches(screen) is not None)
        begun = time.perf_counter()
        note(f"{wanted}: first screen", terminal.answer("\r", _all(wanted), plan.limit))
        _press_keys_until(complete, plan, terminal, note)
        terminal.settle(plan.limit)
        note(f"{wanted}: exact count", complete.at - begun)
        wrong = matches(terminal.screen) != plan.large.matching.get(wanted, 0)
        note("wrong counts", float(wrong), "")


def _press_keys_until(seen: Seen, plan: Plan, terminal: Terminal, note: Notes) -> None:
    deadline = time.perf_counter() + plan.limit
    while not seen.at:
        if time.perf_counter() > deadline:
            raise LateError(f"not in {plan.limit:g} s")
        for condition in (KEYS, lambda screen: not KEYS(screen)):
            answered = terminal.answer("?", condition, _KEY_LIMIT)
            note("key answered meanwhile", answered)
        time.sleep(_REST)
        terminal.catch_up()


def _following(screen: Screen) -> bool:
    return "following" in screen.rows[STATE]


def _asks(screen: Screen) -> bool:
    return any(row.startswith("/ ") for row in screen.rows)


def _all(wanted: str) -> Condition:
    """That all rows of the log match, or that none are there."""

    def fits(screen: Screen) -> bool:
        # A row begins with the time, the level and, if it is a request, the status; a scrollbar may
        # be at its end.
        shown = [row[:-1].split()[:3] for row in screen.rows[FIRST:STATE]]
        rows = [(*row, "", "")[1:3] for row in shown if row]
        if wanted == NOTHING:
            return rows in ([], [("matches", "")])
        if wanted == ERRORS:
            return bool(rows) and all(level in {"error", "critical"} for level, _ in rows)
        return bool(rows) and all(status.startswith("5") for _, status in rows)

    return fits


def _lnav(told: Mapping[str, tuple[str, str]], plan: Plan, terminal: Terminal, note: Notes) -> None:
    terminal.settle(plan.limit)
    for wanted, (command, shown) in told.items():
        begun = time.perf_counter()
        try:
            took = terminal.answer(command, shows(shown), plan.limit)
            note(f"{wanted}: first screen", took)
            note(f"{wanted}: exact count", max(took, terminal.settle(plan.limit) - begun))
        except LateError as error:
            note(f"{wanted}: exact count", str(error))
            return
        if wanted == ERRORS:
            terminal.answer(":set-min-log-level trace\r", shows("now -- trace"), plan.limit)
            terminal.settle(plan.limit)


def _tailjlogs(plan: Plan, terminal: Terminal, note: Notes) -> None:
    """It looks for a text in the whole line, at each key."""
    terminal.settle(plan.limit)
    terminal.answer("\\", shows("Filter text"), plan.limit)
    begun = time.perf_counter()
    others = (" INFO ", " WARNING ", " DEBUG ")
    terminal.press("ERROR")
    first = terminal.wait(
        lambda screen: not any(other in screen.text for other in others), plan.limit
    )
    note(f"{ERRORS}: first screen", first - begun)
    complete = max(terminal.settle(plan.limit), first) - begun
    note(f"{ERRORS}: exact count", complete)
