"""What is asked of every load, whatever the fault was."""

from tests.faults.outcomes import Outcomes
from tests.faults.record import Row, shown
from tests.faults.scene import Load, Scene


def judge(row: Row, site: Scene, load: Load, since: float, until: float) -> Outcomes:
    """Ends the load; notes what became of it before, during and after the fault. No acknowledged
    write may be missing, none done twice, none by half."""
    found = load.end()
    windows = (
        found.between(0, since),
        found.between(since, until),
        found.between(until, float("inf")),
    )
    missing, doubled = site.missing(found, load.run), found.doubled()
    row.note(
        requests=f"{len(found.requests):,}",
        failed=found.how(),
        gap=shown(found.longest_gap()),
        p50=" / ".join(_milliseconds(each.percentile(50)) for each in windows),
        p99=" / ".join(_milliseconds(each.percentile(99)) for each in windows),
        lost=f"{len(missing)} / {len(doubled)}",
    )
    row.must(not missing, f"{len(missing)} acknowledged writes are missing")
    row.must(not doubled, f"{len(doubled)} writes were done twice")
    row.must(not site.halves(), f"{site.halves()} creates are there by half")
    return found


def _milliseconds(seconds: float) -> str:
    if not seconds:
        return "–"  # there were no answers
    return f"{seconds * 1000:.0f}" if seconds >= 0.01 else f"{seconds * 1000:.1f}"


def must_not_fail(row: Row, found: Outcomes) -> None:
    """No request failed, and no connection was cut that might have carried one."""
    row.must(not found.failed, f"failed: {found.how()}")
    row.must(not found.closed, f"{len(found.closed)} idle connections closed without a word")
