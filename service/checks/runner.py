"""Runs the lines, all at once, each with a time limit."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from service.checks.line import Line, Outcome, Result, Status, Unknowable, failed
from service.checks.scene import Scene
from service.checks.threads import AbandonedThreads

LINE_LIMIT = 20.0


def run(lines: Sequence[Line], scene: Scene, *, every: Sequence[Line] = ()) -> list[Result]:
    """What came of each line, in their order. `every`: all lines there are, of which a problem of
    the configuration belongs to one."""
    return asyncio.run(_run(lines, scene, every or lines))


async def _run(lines: Sequence[Line], scene: Scene, every: Sequence[Line]) -> list[Result]:
    asyncio.get_running_loop().set_default_executor(AbandonedThreads())
    owned = [key for line in every for key in line.keys or ()]
    try:
        outcomes = await asyncio.gather(*(_outcome(line, scene, owned) for line in lines))
    finally:
        await scene.close()
    return [
        Result(line, _presentable(outcome, scene))
        for line, outcome in zip(lines, outcomes, strict=True)
    ]


async def _outcome(line: Line, scene: Scene, owned: Sequence[str]) -> Outcome:
    keys = line.keys
    for sentence in scene.problems:
        key = sentence.split(maxsplit=1)[0]
        if key in keys if keys is not None else key not in owned:
            return _refused(sentence)
    try:
        async with asyncio.timeout(LINE_LIMIT):
            return await line.check(scene)
    except Unknowable as error:
        return Outcome(Status.UNKNOWN, error.found, error.remedy)
    except TimeoutError:
        return Outcome(
            Status.UNKNOWN, f"not determined within {LINE_LIMIT:g} s", "see what is slow, run again"
        )
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}, line {frame.lineno}"
        return Outcome(
            Status.UNKNOWN,
            f"the check itself failed: {type(error).__name__} ({where})",
            "report this as a bug",
        )


def _refused(sentence: str) -> Outcome:
    """A sentence of the configuration, `what is wrong: what to do`, as an outcome."""
    found, _, remedy = sentence.partition(": ")
    return failed(found, remedy or "docs/configuration.md says what it takes")


def _presentable(outcome: Outcome, scene: Scene) -> Outcome:
    """Without any secret and without what could drive a terminal, whatever a check may quote: an
    error's text, a header of somebody's proxy."""
    secrets = sorted(scene.secrets().values(), key=len, reverse=True)

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return "".join(each if each.isprintable() else "?" for each in text)

    return replace(
        outcome, found=clean(outcome.found), remedy=outcome.remedy and clean(outcome.remedy)
    )
