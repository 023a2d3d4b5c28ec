"""Lines that a container runtime has put something around: many at once, as `decode` would."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from console.logs.records.objects import behind_prefix
from console.logs.records.rows import UNDECODABLE
from console.logs.records.times import instants
from console.logs.records.typed import TypedColumns

__all__ = ["Wrapped", "may_be_wrapped"]


class _Docker(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    log: str
    time: str
    stream: str = ""


_docker = msgspec.json.Decoder(_Docker).decode
_skim = msgspec.json.Decoder(msgspec.defstruct("Object", [], gc=False)).decode

_DOCKER = b'{"log":'

Columns = list[list[Any]]


def may_be_wrapped(line: bytes) -> bool:
    """Whether a line looks as if there were something around another one."""
    return line.startswith(_DOCKER) or (line[:1] != b"{" and line.rstrip().endswith(b"}"))


class Wrapped:
    """Fills columns of the wanted names from what is inside of lines.

    `understand` returns the columns of lines that have nothing around them.
    """

    def __init__(
        self, names: Sequence[str], understand: Callable[[list[bytes]], Columns], *, coarse: bool
    ) -> None:
        self._names = names
        self._understand = understand
        self._typed = TypedColumns.of(names, coarse=coarse)
        self._coarse = coarse

    def fill(self, lines: Sequence[bytes], columns: Columns) -> list[int]:
        """Put the values of lines into the columns; return the numbers of the lines left."""
        docker = [number for number, line in enumerate(lines) if line.startswith(_DOCKER)]
        others = [number for number, line in enumerate(lines) if not line.startswith(_DOCKER)]
        return [
            *self._fill_docker(lines, docker, columns),
            *self._fill_prefixed(lines, others, columns),
        ]

    def _fill_prefixed(
        self, lines: Sequence[bytes], numbers: list[int], columns: Columns
    ) -> list[int]:
        rest: list[int] = []
        inside: list[int] = []
        bodies: list[bytes] = []
        for number in numbers:
            body = behind_prefix(lines[number].removesuffix(b"\n"))
            if not body:
                rest.append(number)
                continue
            try:
                _skim(body)
            except UNDECODABLE:
                rest.append(number)
            else:
                inside.append(number)
                bodies.append(body)
        if not bodies:
            return rest
        found = self._understand(bodies)
        times = found[self._names.index("time")] if "time" in self._names else [0.0] * len(bodies)
        for at, number in enumerate(inside):
            # The prefix may tell the time, and null may say that there is none.
            if times[at] is None:
                rest.append(number)
                continue
            for column, values in zip(columns, found, strict=True):
                column[number] = values[at]
        return rest

    def _fill_docker(
        self, lines: Sequence[bytes], numbers: list[int], columns: Columns
    ) -> list[int]:
        """Do so for lines of Docker's json-file, if those inside are of the contract."""
        if self._typed is None or not numbers:
            return numbers
        rest: list[int] = []
        inside: list[int] = []
        bodies: list[bytes] = []
        outer: list[str] = []
        for number in numbers:
            try:
                wrapper = _docker(lines[number])
                body = wrapper.log.strip().encode()
            except UNDECODABLE:
                body = b""
            if not body.startswith(b"{"):
                rest.append(number)
            else:
                inside.append(number)
                bodies.append(body)
                outer.append(wrapper.time)
        found, others = self._typed(bodies)
        times = instants(outer)
        unknown = {*others, *(at for at, time in enumerate(times) if time is None)}
        if "time" in self._names:
            # Docker's own comes first.
            found[self._names.index("time")] = [
                time // 1 if self._coarse and time is not None else time for time in times
            ]
        for at, number in enumerate(inside):
            if at in unknown:
                rest.append(number)
                continue
            for column, values in zip(columns, found, strict=True):
                column[number] = values[at]
        return rest
