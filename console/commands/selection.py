"""The jobs by which worker processes select lines, and write them as they are to be shown."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from console.commands.chosen import Chooser, joined, plan_of
from console.commands.rendering import Look, renderer
from console.logs.files.blocks import count_lines
from console.logs.files.jobs import Job

__all__ = ["CountWork", "SelectWork", "Selected", "count_job", "decode", "select_job"]


class Selected(NamedTuple):
    """How many lines match, what they are or look like, and their times, if these are wanted."""

    matches: int
    data: bytes = b""
    times: Sequence[float | None] = ()


_encode = msgspec.msgpack.encode
decode = msgspec.msgpack.Decoder(Selected).decode


class SelectWork:
    """Gathers the lines that match `text`: as `look` shows them, or without it as they are."""

    def __init__(
        self,
        text: str,
        look: dict[str, Any] | None = None,
        source: str = "",
        *,
        timed: bool = False,
    ) -> None:
        self._choose = Chooser(text, timed=timed)
        self._render = renderer(msgspec.convert(look, Look)).lines if look is not None else None
        self._source = source
        self._count = 0
        self._found: list[bytes] = []
        self._times: list[float | None] = []

    def add(self, block: bytes, offset: int) -> None:  # noqa: ARG002 - as Work has it
        """Take in a block of whole lines."""
        lines, times = self._choose(block)
        if lines:
            self._count += len(lines)
            self._times += times
            render = self._render
            self._found.append(render(lines, self._source) if render else joined(lines))

    def take(self) -> bytes:
        """Return them as Selected; `decode` reads it."""
        state = _encode(Selected(self._count, b"".join(self._found), self._times))
        self._count, self._found, self._times = 0, [], []
        # What comes next is from somewhere else in the file.
        self._choose.restart()
        return state


class CountWork:
    """Counts the lines that match `text`."""

    def __init__(self, text: str) -> None:
        self._plan = plan_of(text)
        self._count = 0

    def add(self, block: bytes, offset: int) -> None:  # noqa: ARG002 - as Work has it
        """Take in a block of whole lines."""
        self._count += self._plan.count(block) if self._plan else count_lines(block)

    def take(self) -> bytes:
        """Return the count as Selected; `decode` reads it."""
        count, self._count = self._count, 0
        return _encode(Selected(count))


def select_job(
    text: str, look: Look | None = None, source: str = "", *, timed: bool = False
) -> Job:
    """Return the job that makes a SelectWork."""
    shown = None if look is None else msgspec.to_builtins(look)
    arguments = {"text": text, "look": shown, "source": source, "timed": timed}
    return Job(f"{__name__}:SelectWork", arguments)


def count_job(text: str) -> Job:
    """Return the job that makes a CountWork."""
    return Job(f"{__name__}:CountWork", {"text": text})
