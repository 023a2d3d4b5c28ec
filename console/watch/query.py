"""SQL over the lines that are shown, by `opsconsole sql` in a process of its own."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import console
from console.health.probe import OWN_REQUEST
from console.logs.files.log_file import LogFile
from console.logs.filters.formatter import together
from console.logs.sources.source import reason
from console.text import visible
from console.watch.watch import Watch

__all__ = ["SECONDS", "Answer", "ask"]

SECONDS = 300.0
"""How long a statement may take."""
_STOP_SECONDS = 3.0
# A table has at most 1,000 rows, but any number of columns.
_OUTPUT, _ERRORS = 16 * 1024 * 1024, 64 * 1024
_NAME = "opsconsole sql: "
_MORE = "there are more rows"


@dataclass(frozen=True, slots=True)
class Answer:
    """A table as lines, all columns at the same place in each: `heading`, and at most 1,000 `rows`
    of which there are `more`. Or a `problem`, which is why there is none. `seconds` it took.

    All of it is safe to draw.
    """

    heading: str = ""
    rows: Sequence[str] = ()
    more: bool = False
    problem: str = ""
    seconds: float = 0.0


async def ask(watch: Watch, statement: str) -> Answer:
    """Run one SELECT over the lines that are shown; cancelled, it is ended at once."""
    begin = time.monotonic()
    files = [part.log for part in watch.collection.parts]
    if not files:
        return Answer(problem="there is no log to be read")
    wanted = watch.collection.wanted
    only = together(watch.target.filter, str(wanted) if wanted is not None else "")
    argv = [
        *(sys.executable, "-P", "-m", "console", "sql", "--format=table"),
        *(f"--log={_path(log)}" for log in files),
        *((f"--filter={only}",) if only else ()),
        *((f"--without-requests={OWN_REQUEST}",) if watch.target.health else ()),
        *("--", statement),
    ]
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=os.environ | {"PYTHONPATH": _search_path()},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=[log.descriptor for log in files],
        )
    except (OSError, ValueError) as error:
        told = reason(error) if isinstance(error, OSError) else str(error)
        return Answer(problem=f"it cannot be run: {visible(told)}")
    try:
        async with asyncio.timeout(SECONDS):
            output, errors = await asyncio.gather(
                _read(process.stdout, _OUTPUT), _read(process.stderr, _ERRORS)
            )
            code = await process.wait()
    except TimeoutError:
        return Answer(problem=f"it took longer than {SECONDS:,.0f} s", seconds=SECONDS)
    finally:
        await _end(process)
    return _answer(code, output, errors, time.monotonic() - begin)


def _answer(code: int, output: str, errors: str, seconds: float) -> Answer:
    told = [visible(line.removeprefix(_NAME)) for line in errors.splitlines() if line.strip()]
    problems = [line for line in told if not line.startswith(_MORE)]
    if code != 0 and not output:
        problem = "; ".join(problems) or f"it ended with exit code {code}"
        return Answer(problem=visible(problem), seconds=seconds)
    heading, *rows = [visible(line, len(line)) for line in output.splitlines()] or [""]
    more = len(problems) < len(told)
    return Answer(heading, rows, more, visible("; ".join(problems)), seconds)


def _path(log: LogFile) -> str:
    """The file's name if that still names it, or else where a child finds what is open here."""
    path = log.path.absolute()
    try:
        if os.path.samestat(path.stat(), os.fstat(log.descriptor)):
            return str(path)
    except OSError:
        pass
    return f"/dev/fd/{log.descriptor}"


def _search_path() -> str:
    package = Path(console.__file__ or "").parents[1]
    return os.pathsep.join([str(package), *filter(None, sys.path)])


async def _read(stream: asyncio.StreamReader | None, limit: int) -> str:
    """Read to the end, and keep so much of it."""
    kept = bytearray()
    while stream is not None and (chunk := await stream.read(64 * 1024)):
        kept += chunk[: limit - len(kept)]
    return kept.decode("utf-8", "backslashreplace")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Have it clean up and end, and see to it that it does."""
    for stop in (process.terminate, process.kill):
        if process.returncode is None:
            with suppress(ProcessLookupError):
                stop()
            # It may have to get rid of what it has written before it notices; and a pipe is only
            # closed at its end.
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await asyncio.gather(_read(process.stdout, 0), _read(process.stderr, 0))
                    await process.wait()
