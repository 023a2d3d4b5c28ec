"""No bytes and no text make the engine raise, tell something unprintable, or grow."""

import time
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.logs.filters.completion import COMPLETIONS, complete
from console.logs.filters.seen import NAMES, FieldNames
from console.logs.records import decode_line
from console.logs.statistics.statistics import Statistics
from tests.console.logs.hostile import targets
from tests.console.logs.hostile.files import FILES
from tests.console.logs.hostile.fragments import EVERY, NUMBERS, TIMES
from tests.console.logs.hostile.lines import BROKEN, lines_with, odd_numbers, odd_times

_texts = st.sampled_from(EVERY) | st.text(max_size=20)
_text = st.lists(_texts | st.sampled_from([*targets.FILTERS, *NUMBERS, *TIMES]), max_size=4).map(
    lambda parts: "".join(part[:300] for part in parts)
)
_lines = st.one_of(
    _text.flatmap(lambda text: st.sampled_from(list(lines_with(text)))),
    st.sampled_from([line for line in BROKEN if len(line) < 8_000]),
    st.sampled_from([*odd_numbers(), *odd_times()]),
    st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b" ")),
)
# Each begins what some pattern looks for the end of.
FLOODS = (
    *b'://u: ?password= a= at ( [ ] \\" 1:2: {"a": [[ "\\ . %f File"'.split(b" "),
    "\u0301".encode(),
    b"\xff",
)
# What is put together breaks elsewhere than its parts do.
_joined = st.lists(_lines, min_size=1, max_size=3).map(b"".join)
_cut = st.builds(lambda line, at: line[: at % (len(line) + 1)], _lines, st.integers(0, 9_999))
_line = st.one_of(_lines, _joined, _cut)


@settings(max_examples=150)
@given(_line)
def test_a_line(raw: bytes) -> None:
    targets.line(raw)


@settings(max_examples=60)
@given(st.lists(_line, max_size=6).map(b"\n".join), st.booleans())
def test_a_block_of_lines(raw: bytes, whole: bool) -> None:
    targets.block(raw + b"\n" if whole else raw)


@given(_text)
def test_a_filter(text: str) -> None:
    targets.filter_text(text)


@given(_text)
def test_a_text(text: str) -> None:
    targets.shown_text(text)


@pytest.mark.parametrize(
    "text", ["\u200b" * 3_990, "level=" + "5xx," * 900 + "5", "-" * 3_000 + "a"]
)
def test_a_filter_that_is_longer_when_written_out(text: str) -> None:
    targets.filter_text(text)


def test_field_names_are_learnt_in_bounded_memory() -> None:
    names = FieldNames()
    for raw in (*islice(FILES["fields of a file"](), 5_000), *FILES["fields of a line"]()):
        names.add(decode_line(raw))
    assert len(names) <= NAMES
    assert len(complete("", 0, names)) <= COMPLETIONS


def test_statistics_are_kept_in_bounded_memory() -> None:
    lines = list(islice(FILES["names"](), 24_000))
    statistics = Statistics()
    sizes = []
    for at in range(0, len(lines), 2_000):
        statistics.add_block(b"\n".join(lines[at : at + 2_000]))
        sizes.append(len(statistics.encode()))
    summary = statistics.summary()
    assert summary.lines == len(lines)
    assert summary.signatures_short_by > 0
    assert summary.clients_short_by > 0
    assert max(sizes[6:]) <= 1.1 * max(sizes[:6])


@pytest.mark.parametrize("number", range(len(FLOODS)))
def test_the_work_for_a_flood_grows_as_it_does(number: int) -> None:
    """Nothing is tried from each character to the end again."""

    def seconds(size: int) -> float:
        flood = (FLOODS[number] * size)[:size]
        begun = time.process_time()
        for _ in range(10):
            targets.line(flood)
        return time.process_time() - begun

    # What is quadratic takes a hundred times as long.
    assert seconds(60_000) < 40 * seconds(6_000) + 0.2
