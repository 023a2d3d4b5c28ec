"""Programs that answer and end: how long each takes for the same question."""

import os
import subprocess
import time
from collections.abc import Container

from benchmarks.logs.figures import OURS, Notes
from benchmarks.logs.plan import Plan, tell
from benchmarks.logs.questions import DUCKDB, Question, questions
from benchmarks.logs.viewers import ROOT

_LIMIT = 120.0


class FailedError(Exception):
    """A program gave no answer, or a wrong one."""


def measure(plan: Plan, sections: Container[str], missing: Container[str]) -> None:
    """The questions of some sections, by all programs but those that are missing."""
    for question in questions():
        if question.section in sections:
            _measure(plan, question, missing)


def _measure(plan: Plan, question: Question, missing: Container[str]) -> None:
    done: set[str] = set()
    for _ in range(plan.rounds):
        took: dict[str, float] = {}
        rows: dict[str, list[str]] = {}
        for who, command in question.commands.items():
            if who.partition(",")[0] in missing or who in done or not (plan.peers or who == OURS):
                continue
            tell(f"{question.section}: {question.name}, {who}")
            note = plan.results.notes(question.section, plan.large.title, who)
            try:
                took[who], said = run(command(str(plan.large.path)))
            except FailedError as error:
                note(question.name, str(error))
                done.add(who)
                continue
            rows[who] = said.splitlines()
            note(question.name, took[who])
            _check(plan, question, rows[who], note)
            if took[who] > plan.slow:
                done.add(who)
        if question.section == "sql" and {OURS, DUCKDB} <= took.keys():
            note = plan.results.notes("sql", plan.large.title, OURS)
            note(f"{question.name}: ratio", took[OURS] / took[DUCKDB], "")
            if rows[OURS] != rows[DUCKDB]:
                note(f"{question.name}: ratio", "other rows")


def _check(plan: Plan, question: Question, rows: list[str], note: Notes) -> None:
    expected = plan.large.matching.get(question.filter)
    if expected is not None and rows[-1:] != [str(expected)]:
        note(question.name, f"counts {''.join(rows[-1:])} instead of {expected}")


def run(command: list[str]) -> tuple[float, str]:
    """The program's seconds, and what it said. Raises `FailedError`."""
    begun = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"TZ": "UTC"},
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FailedError(f"not in {_LIMIT:g} s") from None
    except OSError as error:
        raise FailedError(str(error)) from None
    took = time.perf_counter() - begun
    if done.returncode:
        last = (done.stderr.splitlines() or [""])[-1]
        raise FailedError(f"exit code {done.returncode}: {last[:200]}")
    return took, done.stdout
