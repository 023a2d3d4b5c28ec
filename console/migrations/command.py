"""Finding the project's `alembic` command and running it with a time limit."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from pathlib import Path

__all__ = ["AlembicError", "find_alembic", "last_useful_line", "run", "start", "stop"]

_OUTPUT_LIMIT = 4 * 1024 * 1024
_NOISE = re.compile(r"\(Background on this error|\[SQL: |\[parameters: |\s|$")
_VERDICT = re.compile(r"(FAILED|ERROR)\b|[\w.]*(Error|Exception|Exit|Interrupt|Warning)\b(:|$)")


class AlembicError(Exception):
    """Alembic could not say what it was asked; the message is the useful line of its output."""


def find_alembic(folder: Path) -> list[str]:
    """Return the command to run for the project whose alembic.ini is in `folder`.

    The project's own virtualenv comes first, then the console's, then PATH: env.py imports the
    project. Raises AlembicError when there is no alembic.ini or no command.
    """
    if not (folder / "alembic.ini").is_file():
        raise AlembicError(f"no alembic.ini in {folder}; give its folder with --alembic DIR")
    for candidate in (folder / ".venv/bin/alembic", Path(sys.executable).with_name("alembic")):
        if os.access(candidate, os.X_OK):
            return [str(candidate.absolute())]
    found = shutil.which("alembic")
    if found is None:
        raise AlembicError("no alembic command; install it in the project: pip install alembic")
    return [found]


async def start(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    """Start Alembic in `folder`, its output and errors in one stream.

    It gets a session of its own, so that closing the terminal does not kill it half way.
    """
    try:
        return await asyncio.create_subprocess_exec(
            *find_alembic(folder),
            *arguments,
            cwd=folder,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise AlembicError(f"alembic did not start: {error.strerror or error}") from error


async def run(folder: Path, *arguments: str, time_limit: float) -> str:
    """Return the output of an Alembic command that succeeds within `time_limit` seconds.

    Raises AlembicError when it does not.
    """
    process = await start(folder, *arguments)
    try:
        async with asyncio.timeout(time_limit):
            output = await _read(process)
            code = await process.wait()
    except TimeoutError:
        raise AlembicError(
            f"alembic {arguments[0]} did not answer in {time_limit:.0f} s; is the database up?"
        ) from None
    finally:
        await stop(process, signal.SIGKILL)
        # The pipe is closed only at its end, which a grandchild may hold off.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await _read(process)
    if code:
        raise AlembicError(last_useful_line(output) or f"alembic exited with code {code}")
    return output


async def stop(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
    """Send `how` to a process, if it still runs, and wait for its end."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
    await process.wait()


def last_useful_line(output: str) -> str:
    """Return the line that says what went wrong: the last error's, else the last one's."""
    lines = [line for line in output.splitlines() if line.strip()]
    plain = [line for line in lines if not _NOISE.match(line)]
    verdicts = [line for line in plain if _VERDICT.match(line)]
    return next(iter((verdicts or plain or lines)[-1:]), "").strip()


async def _read(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        return ""
    output = b""
    while chunk := await process.stdout.read(64 * 1024):
        output = (output + chunk)[-_OUTPUT_LIMIT:]
    return output.decode("utf-8", "backslashreplace")
