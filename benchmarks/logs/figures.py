"""What was measured, and what it is held to."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import msgspec

from benchmarks.machine import Machine

OURS = "opsconsole"
SECTIONS = {
    "launch": "Launch: an unread log on the screen",
    "follow": "Follow: what is written, on the screen",
    "filter": "Filter: what is looked for, on the screen",
    "count": "Count matches from the command line",
    "jump": "Jump to a time",
    "statistics": "Statistics over the whole log",
    "sql": "SQL over the whole log",
}
"""Every section of a run and its title."""

GOALS = {
    ("launch", "newest line"): 0.10,
    ("launch", "key answered"): 0.45,
    ("launch", "memory, all indexed"): 80.0,
    ("follow", "1,000/s lag median"): 0.10,
    ("follow", "1,000/s lag max"): 0.20,
    ("follow", "1,000/s CPU"): 0.4,
    ("follow", "10,000/s lag median"): 0.06,
    ("follow", "10,000/s lag max"): 0.12,
    ("follow", "10,000/s CPU"): 1.2,
    ("follow", "50,000/s lag median"): 0.06,
    ("follow", "50,000/s lag max"): 0.15,
    ("follow", "50,000/s CPU"): 2.0,
    ("follow", "key answered"): 0.10,
    ("follow", "lines missing"): 0.0,
    ("follow", "memory"): 50.0,
    ("filter", "level>=error: first screen"): 0.10,
    ("filter", "level>=error: exact count"): 1.0,
    ("filter", "status>=500 duration_ms>250: first screen"): 0.20,
    ("filter", "status>=500 duration_ms>250: exact count"): 4.5,
    ("filter", "launch to index and error count"): 2.5,
    ("filter", "key answered meanwhile"): 0.10,
    ("filter", "wrong counts"): 0.0,
    ("jump", "to a time"): 0.10,
    ("statistics", "of each route"): 4.0,
}
"""By section and what is measured, ours may need at most this much, at any size and rate that the
name does not tell."""
EVERY = {
    ("follow", "key answered"),
    ("follow", "lines missing"),
    ("filter", "key answered meanwhile"),
    ("filter", "wrong counts"),
}
"""Where each value is held to the goal, not their median."""
RATIO_GOALS = {"launch": 1.2, "sql": 1.5}
"""Times what a small log takes, and what DuckDB needs alone."""


class Figure(msgspec.Struct):
    """One thing measured of one program, once a round. `unit`: s, MB, lines, or empty for a ratio.
    `size`: of the log. `problem`: why there is no value, or none that can be compared."""

    section: str
    name: str
    size: str
    who: str
    unit: str
    values: list[float] = msgspec.field(default_factory=list)
    problem: str = ""

    @property
    def middle(self) -> float | None:
        """The median over the rounds."""
        return median(self.values) if self.values else None

    @property
    def held(self) -> float | None:
        """What is held to the goal: their median, or the largest where it is about every one."""
        if self.values and (self.section, self.name) in EVERY:
            return max(self.values)
        return self.middle

    @property
    def goal(self) -> float | None:
        """What ours is held to."""
        if not self.who.startswith(OURS):
            return None
        if not self.unit and self.section in RATIO_GOALS:
            return RATIO_GOALS[self.section]
        return GOALS.get((self.section, self.name))

    @property
    def met(self) -> bool | None:
        """Whether it is within the goal; None without one. What could not be measured is not."""
        if self.problem and self.who.startswith(OURS):
            return False
        if self.goal is None or self.held is None:
            return None
        return self.held <= self.goal


class Results(msgspec.Struct):
    """All of a run. `missing`: peers that are not here, and why."""

    machine: Machine
    rounds: int
    lines: dict[str, int]
    versions: dict[str, str]
    missing: dict[str, str]
    figures: list[Figure] = msgspec.field(default_factory=list)

    def notes(self, section: str, size: str, who: str) -> "Notes":
        """What takes down the figures of one program in a section."""
        return Notes(self.figures, section, size, who)

    def of(self, section: str) -> Iterator[Figure]:
        """The figures of a section, as they were measured."""
        return (figure for figure in self.figures if figure.section == section)


@dataclass(frozen=True)
class Notes:
    """Takes down what is measured, by its name: a value each round, or why there is none."""

    figures: list[Figure]
    section: str
    size: str
    who: str

    def __call__(self, name: str, value: float | str, unit: str = "s") -> None:
        """Add a value or a problem."""
        wanted = (self.section, name, self.size, self.who)
        for figure in self.figures:
            if (figure.section, figure.name, figure.size, figure.who) == wanted:
                break
        else:
            figure = Figure(*wanted, unit)
            self.figures.append(figure)
        if isinstance(value, str):
            figure.problem = value
        else:
            figure.values.append(value)
