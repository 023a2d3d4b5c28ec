"""Of very many names the most frequent are kept, and no count is further off than is told."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from console.logs.statistics import heavy
from console.logs.statistics.heavy import ROOM, Tally, Weighed, shed

NAMES = st.lists(st.integers(0, 40).map(str), max_size=150)


def tally_of(names: list[str]) -> Tally:
    tally = Tally()
    for start in range(0, len(names), 10):
        tally.add(Counter(names[start : start + 10]))
    return tally


@given(st.lists(NAMES, min_size=1, max_size=4), st.integers(1, 12))
@settings(max_examples=60)
def test_counts_are_off_by_no_more_than_is_told(parts: list[list[str]], room: int) -> None:
    real = Counter(name for part in parts for name in part)
    before, heavy.ROOM = heavy.ROOM, room
    try:
        merged = Tally()
        for part in parts:
            merged.merge(tally_of(part))
    finally:
        heavy.ROOM = before
    assert merged.total == real.total()
    assert merged.lost <= merged.total / (room + 1)
    assert len(merged.counts) <= 2 * room
    for name, count in real.items():
        assert count - merged.lost <= merged.counts.get(name, 0) <= count


def test_everything_is_exact_while_there_is_room() -> None:
    names = [f"user{number}" for number in range(ROOM)]
    tally = Tally()
    for _ in range(3):
        tally.add(Counter(names))
    tally.add({"user7": 5})
    assert tally.lost == 0
    assert tally.top(2) == [("user7", 8), ("user0", 3)]


def test_a_flood_of_names_takes_little_room_and_hides_nothing() -> None:
    tally = Tally()
    for start in range(0, 100_000, 500):
        tally.add(Counter([f"{number} " + "x" * 5_000 for number in range(start, start + 500)]))
        tally.add({"the one": 50})
    assert tally.top(1)[0][0] == "the one"
    assert tally.counts["the one"] >= 10_000 - tally.lost
    assert tally.lost <= tally.total / (ROOM + 1)
    assert sum(map(len, tally.counts)) <= 2 * ROOM * 100


def test_the_light_give_way_and_the_heavy_pay() -> None:
    known = {name: Weighed(count=9, weight=w) for name, w in {"a": 5, "b": 2, "c": 1}.items()}
    price, gone = shed(known, 1)
    assert (price, len(gone)) == (2, 2)
    assert known == {"a": Weighed(count=9, weight=3)}
