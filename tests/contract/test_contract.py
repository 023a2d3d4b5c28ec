"""Each behaviour, held to each side."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.contract import behaviours  # noqa: F401 - declares them
from tests.contract.behaviour import BEHAVIOURS, Behaviour
from tests.contract.support import SIDES, Pair, Settings, SideName

# In the order of the pairs: a test process starts few of them, and `--dist loadgroup` each once.
CASES = [
    pytest.param(
        behaviour,
        side,
        id=f"{behaviour}-{side}",
        marks=pytest.mark.xdist_group(behaviour.settings.name),
    )
    for behaviour in sorted(BEHAVIOURS, key=lambda each: each.settings.name)
    for side in SIDES
]


@pytest.mark.parametrize(("behaviour", "side"), CASES)
def test_behaviour(
    behaviour: Behaviour,
    side: SideName,
    pairs: Callable[[Settings], Pair],
    record_property: Callable[[str, object], None],
) -> None:
    record_property("behaviour", str(behaviour))
    record_property("side", side)
    outcome = behaviour.observe(pairs(behaviour.settings).side(side))
    record_property("outcome", outcome)
    assert outcome == behaviour.expected[side]


def test_there_are_as_many_behaviours_as_promised() -> None:
    assert len(BEHAVIOURS) >= 80
    assert not [name for name, count in Counter(map(str, BEHAVIOURS)).items() if count > 1]
