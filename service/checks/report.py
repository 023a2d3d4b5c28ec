"""The results, for a person and for a program."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import click

from service.checks.line import Group, Result, Status

MARKS = {Status.PASS: "✔", Status.FAIL: "✖", Status.UNKNOWN: "?"}
COLOURS = {Status.PASS: "green", Status.FAIL: "red", Status.UNKNOWN: "yellow"}
HEADINGS = {
    Group.PRODUCTION: "Production checklist",
    Group.SECURITY: "Security checklist",
    Group.OPERATION: "Operation",
}


def as_json(results: Sequence[Result], *, ok: bool) -> dict[str, Any]:
    """Everything, as plain values."""
    return {
        "ok": ok,
        "summary": counts(results),
        "checks": [
            {
                "id": result.line.id,
                "title": result.line.title,
                "group": result.line.group,
                "status": result.outcome.status,
                "found": result.outcome.found,
                "remedy": result.outcome.remedy,
            }
            for result in results
        ],
    }


def as_text(results: Sequence[Result], width: int) -> Iterator[str]:
    """Line by line, coloured; `width`: how many columns there are."""
    column = max((len(result.line.id) for result in results), default=0)
    for group in Group:
        of_group = [result for result in results if result.line.group is group]
        if of_group:
            yield click.style(HEADINGS[group], bold=True)
            for result in of_group:
                yield from _shown(result, column, width)
            yield ""
    number = counts(results)
    yield (
        f"{len(results)} lines: {number['pass']} pass, {number['fail']} fail, "
        f"{number['unknown']} unknown. docs/checklist.md explains each."
    )


def counts(results: Sequence[Result]) -> dict[str, int]:
    """How many of each status."""
    found = Counter(result.outcome.status for result in results)
    return {status.value: found[status] for status in Status}


def _shown(result: Result, column: int, width: int) -> Iterator[str]:
    status = result.outcome.status
    margin = " " * (column + 6)
    found, *more = textwrap.wrap(result.outcome.found, max(20, width - len(margin))) or [""]
    mark = click.style(MARKS[status], fg=COLOURS[status])
    yield f"  {mark} {result.line.id:<{column}}  {found}"
    yield from (margin + each for each in more)
    if result.outcome.remedy:
        first, *rest = textwrap.wrap(
            result.outcome.remedy,
            max(20, width - len(margin) - 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield f"{margin}{click.style('→', fg=COLOURS[status])} {first}"
        yield from (f"{margin}  {each}" for each in rest)
