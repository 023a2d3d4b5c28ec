"""What is held to both sides: a behaviour, the outcome declared of each side, and a verdict."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.contract.settings import PLAIN
from tests.contract.support import SIDES, Settings, Side, SideName

Verdict = Literal["same", "better", "different"]
Observe = Callable[[Side], str]
"""Uses one side as a client would, asserts, and returns the outcome in a few words."""


@dataclass(frozen=True)
class Behaviour:
    """One row of the contract. `reason`: why the sides differ, empty where they do not."""

    area: str
    name: str
    observe: Observe
    expected: dict[SideName, str]
    verdict: Verdict
    reason: str
    settings: Settings

    def __str__(self) -> str:
        return f"{self.area}: {self.name}"


BEHAVIOURS: list[Behaviour] = []
"""Every behaviour there is, in the order of the report."""


def same(name: str, outcome: str, *, settings: Settings = PLAIN) -> Callable[[Observe], Observe]:
    """The outcome is this on both sides."""
    return _declare(name, {"flask": outcome, "here": outcome}, "same", "", settings)


def better(
    name: str, *, flask: str, here: str, because: str, settings: Settings = PLAIN
) -> Callable[[Observe], Observe]:
    """This side does what clients or operators would have wanted of Flask."""
    return _declare(name, {"flask": flask, "here": here}, "better", because, settings)


def different(
    name: str, *, flask: str, here: str, because: str, settings: Settings = PLAIN
) -> Callable[[Observe], Observe]:
    """The sides differ on purpose."""
    return _declare(name, {"flask": flask, "here": here}, "different", because, settings)


def _declare(
    name: str, expected: dict[SideName, str], verdict: Verdict, reason: str, settings: Settings
) -> Callable[[Observe], Observe]:
    # A row whose sides agree is not a difference, whatever it was when it was written.
    if (verdict == "same") != (len({expected[side] for side in SIDES}) == 1):
        raise ValueError(f"{name}: {verdict}, and the outcomes declared are {expected}")
    if (verdict == "same") == bool(reason):
        raise ValueError(f"{name}: a difference has a reason, and nothing else has one")

    def declare(observe: Observe) -> Observe:
        area = (sys.modules[observe.__module__].__doc__ or "").partition(".")[0]
        BEHAVIOURS.append(Behaviour(area, name, observe, expected, verdict, reason, settings))
        return observe

    return declare
