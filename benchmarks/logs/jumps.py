"""How soon the lines of a moment are on the screen."""

import json
from datetime import UTC, datetime

from benchmarks.logs import lnav
from benchmarks.logs.emulator import Screen
from benchmarks.logs.figures import OURS
from benchmarks.logs.plan import Log, Plan, opened, tell
from benchmarks.logs.terminal import Condition, LateError, Terminal
from benchmarks.logs.viewers import FIRST, STATE, lines, shows

_SHARES = (0.5, 0.1, 0.9, 0.3, 0.7)


def measure(plan: Plan) -> None:
    """Some moments of the large log, in the viewers that can be told one."""
    log = plan.large
    for name, jump in ((OURS, _ours), (lnav.FORMATTED, _lnav)):
        viewer = plan.named(name)
        if viewer is None:
            continue
        tell(f"jump: {name}")
        note = plan.results.notes("jump", log.title, name)
        try:
            with opened(viewer, log) as terminal:
                if name == OURS:
                    terminal.wait(lines, plan.limit)
                terminal.settle(plan.limit)
                for moment in moments(log):
                    note("to a time", jump(terminal, moment, plan.limit))
        except LateError as error:
            note("to a time", str(error))


def moments(log: Log) -> list[datetime]:
    """Times all over the log, to the second."""
    with log.path.open("rb") as file:
        first = json.loads(file.readline())["timestamp"]
        file.seek(-4096, 2)
        last = json.loads(file.read().splitlines()[-1])["timestamp"]
    begin, end = (datetime.fromisoformat(each) for each in (first, last))
    found = [begin + (end - begin) * share for share in _SHARES]
    return [each.astimezone(UTC).replace(microsecond=0) for each in found]


def _ours(terminal: Terminal, moment: datetime, limit: float) -> float:
    typed = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    terminal.answer("t", shows("enter go"), limit)
    terminal.answer(typed, shows(typed), limit)
    return terminal.answer("\r", _starts_with(f"{moment:%H:%M:%S}"[:-1]), limit)


def _lnav(terminal: Terminal, moment: datetime, limit: float) -> float:
    wanted = f"{moment:%Y-%m-%dT%H:%M:%S}"
    return terminal.answer(f":goto {wanted}\r", shows(f"LOG ❭{wanted[:-1]}"), limit)


def _starts_with(text: str) -> Condition:
    def fits(screen: Screen) -> bool:
        return any(row.startswith(text) for row in screen.rows[FIRST:STATE])

    return fits
