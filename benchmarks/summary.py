"""Medians over the rounds, ratios within each round, and whether the goals are met."""

from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from benchmarks.cases import MEMORY_GOAL, POOL_LIMIT, START_GOAL, Case, Goal, ServerName
from benchmarks.run import Measured, Sample
from benchmarks.servers import SERVERS


class Line(msgspec.Struct, frozen=True):
    """One server in one case. `ratio`: this service's rate as a multiple of its rate. `cpu_ratio`:
    its CPU time for a request as a multiple of this service's. Both are medians of what each round
    gave, for a machine is often slower for a while; None for this service itself."""

    case: str
    server: ServerName
    rate: float
    p50: float
    p99: float
    cpu_us: float
    busy: float
    failed: int
    ratio: float | None
    cpu_ratio: float | None


class Outcome(msgspec.Struct, frozen=True):
    """One goal, in words, and what came of it."""

    text: str
    met: bool


def lines(case: Case, measured: Measured) -> list[Line]:
    """The servers that have the case, this service first."""
    samples = [sample for sample in measured.samples if sample.case == case.name]
    names = dict.fromkeys(sample.server for sample in samples)
    ours = _of("here", samples)
    return [_line(case.name, name, _of(name, samples), ours) for name in names]


def _of(name: ServerName, samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.server == name]


def _line(case: str, name: ServerName, theirs: Sequence[Sample], ours: Sequence[Sample]) -> Line:
    pairs = list(zip(ours, theirs, strict=True)) if name != "here" else []

    def middle(of: Callable[[Sample], float]) -> float:
        return median(of(sample) for sample in theirs)

    return Line(
        case,
        name,
        rate=middle(lambda sample: sample.result.rate),
        p50=middle(lambda sample: sample.result.p50),
        p99=middle(lambda sample: sample.result.p99),
        cpu_us=middle(lambda sample: sample.cpu_us),
        busy=middle(lambda sample: sample.busy),
        failed=sum(sample.result.failed for sample in theirs),
        ratio=_ratio([(our.result.rate, their.result.rate) for our, their in pairs]),
        cpu_ratio=_ratio([(their.cpu_us, our.cpu_us) for our, their in pairs]),
    )


def _ratio(pairs: Sequence[tuple[float, float]]) -> float | None:
    """None as well where something was too short to be measured."""
    ratios = [first / second for first, second in pairs if second]
    return median(ratios) if ratios else None


def outcomes(cases: Sequence[Case], measured: Measured) -> list[Outcome]:
    """Every goal that this run can tell about."""
    found = []
    for case in cases:
        of = {line.server: line for line in lines(case, measured)}
        for goal in case.goals:
            if goal.of == "pool":
                found.append(_of_pool(case, goal, of["here"].rate / POOL_LIMIT))
            elif goal.of in of and (ratio := of[goal.of].ratio) is not None:
                found.append(_of_peer(case, goal, SERVERS[goal.of].title, ratio))
    return found + _of_the_process(measured)


def _of_pool(case: Case, goal: Goal, share: float) -> Outcome:
    text = f"{case.title}: {share:.0%} of what the pool allows (goal: {goal.least:.0%})"
    return Outcome(text, share >= goal.least)


def _of_peer(case: Case, goal: Goal, title: str, ratio: float) -> Outcome:
    said = f"{case.title}: {{:.0%}} of {title} (goal: {{:.0%}})"
    if goal.least > 1:
        said = f"{case.title}: {{:.2f}} × {title} (goal: {{:g}})"
    return Outcome(said.format(ratio, goal.least), ratio >= goal.least)


def _of_the_process(measured: Measured) -> list[Outcome]:
    held = max(each.rss for each in measured.memory["here"])
    found = [Outcome(f"Memory: {held:.0f} MB (goal: {MEMORY_GOAL:g})", held <= MEMORY_GOAL)]
    if times := measured.starts["here"]:
        took = median(times)
        found.append(Outcome(f"Ready: {took:.2f} s (goal: {START_GOAL:g})", took <= START_GOAL))
    return found
