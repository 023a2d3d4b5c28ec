"""What is kept: as many days, weeks and months as were asked for, and never less than is safe."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from deploy.backup.names import Name
from deploy.backup.retention import Keep, kept

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC, microsecond=0)
)
NAMES = st.lists(MOMENTS, max_size=40, unique=True).map(
    lambda moments: [Name("shop", moment, "000000") for moment in moments]
)
KEEPS = st.builds(Keep, st.integers(0, 10), st.integers(0, 6), st.integers(0, 14))


@given(NAMES, KEEPS, st.data())
def test_what_holds_for_any_backups(names: list[Name], keep: Keep, data: st.DataObject) -> None:
    verified = [each for each in names if data.draw(st.booleans())]
    found = kept(names, verified, keep)
    assert found <= set(names)
    # The newest, and the newest that is known to be good, always stay.
    assert not names or max(names) in found
    assert not verified or max(verified) in found
    # No more than twice what was asked for, and asking again removes nothing.
    assert len(found) <= 2 * (keep.daily + keep.weekly + keep.monthly + 1)
    assert kept(found, [each for each in verified if each in found], keep) == found
    # More is kept of more.
    assert found <= kept(names, verified, Keep(keep.daily + 1, keep.weekly, keep.monthly))


@given(NAMES, KEEPS)
def test_broken_backups_push_no_good_one_out(names: list[Name], keep: Keep) -> None:
    later = [
        Name("shop", datetime(2028, 1, 1, tzinfo=UTC) + timedelta(days=day), "ffffff")
        for day in range(100)
    ]
    good = kept(names, names, keep)
    assert good <= kept([*names, *later], names, keep)


def test_two_years_of_nights() -> None:
    keep, stored = Keep(7, 5, 12), set[Name]()
    first = datetime(2024, 1, 1, 3, tzinfo=UTC)
    for day in range(730):
        stored.add(Name("shop", first + timedelta(days=day), "000000"))
        stored = set(kept(stored, stored, keep))
    days = sorted(each.created_at.date() for each in stored)
    last = first.date() + timedelta(days=729)
    assert days[-7:] == [last - timedelta(days=ago) for ago in range(6, -1, -1)]
    months = {(day.year, day.month) for day in days}
    assert len(months) == 12
    weeks = {day.isocalendar()[:2] for day in days}
    assert {(last - timedelta(weeks=ago)).isocalendar()[:2] for ago in range(5)} <= weeks
    assert len(days) <= 7 + 5 + 12
