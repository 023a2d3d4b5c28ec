"""How soon the newest line is on the screen, how soon a key is answered, and what it all holds."""

import time
from functools import partial

from benchmarks.logs import data
from benchmarks.logs.figures import OURS
from benchmarks.logs.plan import Log, Plan, is_ours, opened, tell
from benchmarks.logs.terminal import LateError, Terminal
from benchmarks.logs.viewers import Viewer, lines, shows


def measure(plan: Plan) -> None:
    """Both logs, in each viewer."""
    for log in (plan.small, plan.large):
        plan.rotate(partial(_launch, plan, log))
    _compare(plan)


def _compare(plan: Plan) -> None:
    """How much longer ours take where there is more to read."""
    middles = {
        (figure.name, figure.size): figure.middle
        for figure in plan.results.of("launch")
        if figure.who == OURS
    }
    note = plan.results.notes("launch", plan.large.title, OURS)
    for name in ("newest line", "key answered"):
        small, large = (middles.get((name, log.title)) for log in (plan.small, plan.large))
        if small and large:
            note(f"{name}: × {plan.small.title}", large / small, "")


def _launch(plan: Plan, log: Log, viewer: Viewer, number: int) -> float:
    """One launch; return how long the newest line took."""
    tell(f"launch: {log.title}, {viewer.name}")
    note = plan.results.notes("launch", log.title, viewer.name)
    marker = f"launch-{number}-{time.time_ns()}"
    with log.restored():
        log.append(data.newest(marker))
        with opened(viewer, log) as terminal:
            try:
                first = terminal.wait(shows(marker), plan.limit) - terminal.launched
            except LateError as error:
                note("newest line", str(error))
                note("memory, all indexed", f"{terminal.megabytes()[0]:,.0f} MB by then", "MB")
                return plan.limit
            note("newest line", first)
            try:
                terminal.press(viewer.key)
                note("key answered", terminal.wait(viewer.answered, plan.limit) - terminal.launched)
                if number == 0:
                    _load(plan, viewer, terminal)
                    note("memory, all indexed", terminal.megabytes()[0], "MB")
            except LateError as error:
                note("key answered", str(error))
    return first


def _load(plan: Plan, viewer: Viewer, terminal: Terminal) -> None:
    """Wait until it has read all that it wants to read."""
    if is_ours(viewer):
        # Its workers are still there then.
        terminal.wait(lines, plan.limit)
    else:
        terminal.settle(plan.limit)
