"""A run as a table for a terminal, and as JSON for everything else."""

from collections.abc import Iterator, Sequence
from statistics import median

import msgspec

from benchmarks.cases import ServerName
from benchmarks.machine import Machine
from benchmarks.run import Measured, Plan
from benchmarks.servers import SERVERS
from benchmarks.summary import Line, Outcome, lines, outcomes

HEAD = (
    f"{'requests/s':>12}{'this is':>10}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}{'of ours':>10}"
    f"{'core':>7}{'failed':>8}"
)


class Settings(msgspec.Struct, frozen=True):
    """How the load was made."""

    loader: str
    rounds: int
    seconds: float
    clients: dict[str, int]


class Report(msgspec.Struct, frozen=True):
    """All of a run, and what it says."""

    machine: Machine
    settings: Settings
    summary: list[Line]
    goals: list[Outcome]
    measured: Measured


def make(plan: Plan, machine: Machine, measured: Measured) -> Report:
    """The report of a run."""
    return Report(
        machine,
        Settings(
            plan.loader,
            plan.rounds,
            plan.seconds,
            {case.name: plan.clients_of(case) for case in plan.cases},
        ),
        [line for case in plan.cases for line in lines(case, measured)],
        outcomes(plan.cases, measured),
        measured,
    )


def as_text(plan: Plan, report: Report) -> str:
    """The tables."""
    return "\n".join(
        [
            *_introduction(plan, report.machine),
            *_cases(plan, report.summary),
            *_processes(report.measured),
            *_goals(report.goals),
        ]
    )


def _introduction(plan: Plan, machine: Machine) -> Iterator[str]:
    yield f"{machine.processor}, {machine.processors} processors; {machine.cores.text}."
    if machine.threads_of_one_core:
        yield "The two are threads of one physical core: what one does slows the other."
    yield f"Load by {plan.loader}; rounds: {plan.rounds} of {plan.seconds:g} s; medians."
    if plan.loader == "python":
        yield "The bundled loader is the weaker one: install wrk for figures above 5,000 a second."
    yield "this is: this service's rate as a multiple of the row's; of ours: the row's CPU time for"
    yield "a request as a multiple of this service's; core: how much of its core the server used."


def _cases(plan: Plan, summary: Sequence[Line]) -> Iterator[str]:
    for case in plan.cases:
        yield ""
        yield f"{f'{case.title}, {plan.clients_of(case)} clients':32}{HEAD}"
        yield from (_row(line) for line in summary if line.case == case.name)


def _row(line: Line) -> str:
    return (
        f"  {SERVERS[line.server].title:30}{line.rate:12,.0f}{_times(line.ratio):>10}"
        f"{line.p50:9.1f}{line.p99:9.1f}{line.cpu_us:9,.0f}{_times(line.cpu_ratio):>10}"
        f"{line.busy:7.0%}{line.failed:8}"
    )


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f} ×"


def _processes(measured: Measured) -> Iterator[str]:
    yield ""
    yield f"{'Processes':32}{'ready s':>12}{'number':>10}{'RSS MB each':>15}{'PSS MB all':>14}"
    for name in measured.memory:
        yield _process_row(name, measured)


def _process_row(name: ServerName, measured: Measured) -> str:
    held = measured.memory[name]
    starts = measured.starts[name]
    ready = f"{median(starts):.2f}" if starts else ""
    shares = [each.pss for each in held if each.pss is not None]
    shared = f"{sum(shares):.0f}" if shares else ""
    largest = max(each.rss for each in held)
    return f"  {SERVERS[name].title:30}{ready:>12}{len(held):>10}{largest:>15.0f}{shared:>14}"


def _goals(goals: Sequence[Outcome]) -> Iterator[str]:
    yield ""
    yield "Goals"
    for goal in goals:
        yield f"  {'met' if goal.met else 'NOT MET':9}{goal.text}"
