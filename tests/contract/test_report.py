"""The report tells what is not as declared."""

import pytest

from tests.contract.behaviour import BEHAVIOURS, better, different, same
from tests.contract.collector import Seen
from tests.contract.report import FAILING, Row, markdown, rows_of, summary, text
from tests.contract.support import SIDES

DIFFERENT = next(each for each in BEHAVIOURS if each.verdict == "different")


def seen(**outcomes: str) -> Seen:
    """What a run saw of `DIFFERENT`."""
    noted = Seen()
    for side in SIDES:
        if side in outcomes:
            told = {"behaviour": str(DIFFERENT), "side": side, "outcome": outcomes[side]}
            noted.pytest_runtest_logreport(report(told))
    return noted


def report(told: dict[str, str], outcome: str = "passed") -> pytest.TestReport:
    """What pytest says of a test that told this."""
    return pytest.TestReport(
        nodeid="x",
        location=("x", 0, "x"),
        keywords={},
        outcome=outcome,
        longrepr="boom" if outcome == "failed" else None,
        when="call",
        user_properties=list(told.items()),
    )


def test_as_declared() -> None:
    row = Row(DIFFERENT, seen(**DIFFERENT.expected))
    assert row.verdict == "different"
    assert list(row.remarks()) == [DIFFERENT.reason]


def test_other_than_declared_fails_whichever_side_it_is() -> None:
    for side in SIDES:
        row = Row(DIFFERENT, seen(**{**DIFFERENT.expected, side: "something else"}))
        assert row.verdict == FAILING
        assert f"{side} is declared as: {DIFFERENT.expected[side]}" in row.remarks()


def test_what_did_not_come_to_an_end_fails() -> None:
    noted = seen(flask=DIFFERENT.expected["flask"])
    noted.pytest_runtest_logreport(
        report({"behaviour": str(DIFFERENT), "side": "here"}, outcome="failed")
    )
    row = Row(DIFFERENT, noted)
    assert (row.verdict, row.cell("here")) == (FAILING, "no outcome")
    assert "here ended in: boom" in row.remarks()


def test_what_was_not_seen_at_all_fails() -> None:
    rows = rows_of(Seen())
    assert {row.verdict for row in rows} == {FAILING}
    assert summary(rows).endswith(f"{len(BEHAVIOURS)} {FAILING}")


def test_both_tables_have_every_behaviour() -> None:
    rows = [Row(each, Seen()) for each in BEHAVIOURS]
    table = list(markdown(rows))
    assert sum(line.startswith("| ") and "| ---" not in line for line in table) >= len(rows)
    assert {line.count(" | ") for line in table if line.startswith("| ")} == {4}
    assert sum(FAILING in line for line in text(rows)) == len(rows)


def test_a_difference_needs_a_reason_and_has_to_be_one() -> None:
    before = len(BEHAVIOURS)
    with pytest.raises(ValueError, match="outcomes"):
        better("x", flask="200", here="200", because="it is nicer")
    with pytest.raises(ValueError, match="outcomes"):
        different("x", flask="200", here="200", because="it is not the same")
    with pytest.raises(ValueError, match="reason"):
        different("x", flask="200", here="401", because="")
    same("x", "200")
    # A declaration counts once it is on a function.
    assert len(BEHAVIOURS) == before
