"""`alembic upgrade head`, watched line by line."""

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from console.lines import LineSplitter
from console.migrations.command import last_useful_line, start, stop

__all__ = ["Upgrade", "UpgradeResult"]

_OUTPUT_LINES = 2_000
_LINE_LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class UpgradeResult:
    """How an upgrade ended; `seconds` it took, and its useful last line when `code` is not 0."""

    code: int
    seconds: float
    reason: str


class Upgrade:
    """One run of `alembic upgrade head`; `lines` holds the newest of its output."""

    def __init__(self, folder: Path, on_line: Callable[[], None]) -> None:
        self.lines: list[str] = []
        self.terminated = False
        self._folder = folder
        self._on_line = on_line
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> UpgradeResult:
        """Run to the end, however long it takes. Raises AlembicError when it cannot start."""
        begin = time.perf_counter()
        process = self._process = await start(self._folder, "upgrade", "head")
        splitter = LineSplitter()
        while process.stdout and (chunk := await process.stdout.read(64 * 1024)):
            self._take([line.raw for line in splitter.feed(chunk)])
        self._take([line.raw for line in splitter.finish()])
        code = await process.wait()
        reason = last_useful_line("\n".join(self.lines)) if code else ""
        if self.terminated:
            reason = "terminated on request"
        return UpgradeResult(code, time.perf_counter() - begin, reason)

    async def terminate(self) -> None:
        """Ask Alembic to end (SIGTERM): the database rolls back what is not committed."""
        self.terminated = True
        if self._process is not None:
            await stop(self._process, signal.SIGTERM)

    def _take(self, raw_lines: list[bytes]) -> None:
        if raw_lines:
            texts = (raw.decode("utf-8", "backslashreplace") for raw in raw_lines)
            self.lines += [text.rstrip("\r")[:_LINE_LIMIT] for text in texts]
            del self.lines[:-_OUTPUT_LINES]
            self._on_line()
