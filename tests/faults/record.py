"""What a fault came to: a row of the table that `python -m tests.faults` prints.

Counts must always be right. Times are held to the goal there, where nothing else runs, and to a
generous limit in `make test`, which shares its cores with whatever else is going on.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# The file rows are added to; also what tells that times are held to their goals.
ROWS = "FAULTS_ROWS"
GENEROSITY = 10


def measured() -> bool:
    """Whether times are held to their goals."""
    return ROWS in os.environ


def record(fault: str, *, goal: str = "", unmet: tuple[str, ...] = (), **figures: object) -> None:
    """Adds the row of the test that runs, if anybody wants rows."""
    if not measured():
        return
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    shown = {name.replace("_", " "): str(value) for name, value in figures.items()}
    row = {"test": test, "fault": fault, "goal": goal, "figures": shown, "unmet": unmet}
    with Path(os.environ[ROWS]).open("a") as rows:
        rows.write(json.dumps(row) + "\n")


@dataclass
class Row:
    """A fault, what is demanded of it, and what it came to."""

    fault: str
    goal: str
    figures: dict[str, object] = field(default_factory=dict)
    unmet: list[str] = field(default_factory=list)

    def note(self, **figures: object) -> None:
        """Figures of this fault alone."""
        self.figures.update(figures)

    def must(self, good: object, what: str) -> None:
        """Holds it to that, whatever the machine does meanwhile."""
        if not good:
            self.unmet.append(what)

    def within(self, what: str, seconds: float, goal: float) -> None:
        """Notes the time, and holds it to the goal."""
        self.figures[what] = shown(seconds)
        limit = goal if measured() else max(goal * GENEROSITY, 5.0)
        if seconds > limit:
            self.unmet.append(f"{what}: {shown(seconds)}, more than {shown(limit)}")


def shown(seconds: float) -> str:
    """A time for people."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


@contextmanager
def row(fault: str, goal: str) -> Iterator[Row]:
    """The row; at the end of the block it is recorded, and the test fails on what is unmet."""
    found = Row(fault, goal)
    try:
        yield found
    except BaseException as error:
        found.unmet.append(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
        raise
    finally:
        record(fault, goal=goal, unmet=tuple(found.unmet), **found.figures)
    assert not found.unmet, f"{fault}: {'; '.join(found.unmet)} ({found.figures})"
