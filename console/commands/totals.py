"""How many lines match, and what they add up to."""

from collections.abc import Callable, Iterable

from console.commands.chosen import plan_of
from console.commands.crew import Crew
from console.commands.files import FileInput, Input
from console.commands.selection import count_job, decode
from console.logs.files.fold import Fold, Part
from console.logs.files.jobs import Job
from console.logs.statistics.statistics import Statistics
from console.logs.statistics.work import FUNCTION

__all__ = ["count", "statistics"]


def count(inputs: Iterable[Input], text: str, crew: Crew) -> int:
    """Return how many lines match a filter without limits of time, "" for all lines."""
    plan, total = plan_of(text), 0

    def add(state: bytes) -> None:
        nonlocal total
        total += decode(state).matches

    for source in inputs:
        if isinstance(source, FileInput) and source.large:
            _fold(source, count_job(text), crew, add)
            continue
        for block in source.blocks():
            total += plan.count(block.data) if plan else block.line_count
    return total


def statistics(inputs: Iterable[Input], text: str, crew: Crew) -> Statistics:
    """Return what the lines that match such a filter add up to."""
    plan, total = plan_of(text), Statistics()
    for source in inputs:
        if isinstance(source, FileInput) and source.large:
            job = Job(FUNCTION, {"text": text, "source": source.name})
            _fold(source, job, crew, lambda state: total.merge(Statistics.decode(state)))
            continue
        for block in source.blocks():
            only = plan.select(block.data) if plan else None
            offset = block.end - block.size
            total.add_block(block.data, source=source.name, offset=offset, only=only)
    return total


def _fold(source: FileInput, job: Job, crew: Crew, merge: Callable[[bytes], None]) -> None:
    part = Part(source.log, source.start, source.stop)
    with Fold([part], crew.workers(), job, merge) as fold:
        fold.wait()
        source.problem = source.problem or fold.problem
