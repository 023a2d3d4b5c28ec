"""The job that finds the lines of a file that cannot be JSON objects.

It imports little: the processes that do it are as fast as they start.
"""

import re
from collections.abc import Sequence

import msgspec

__all__ = ["FUNCTION", "StrayWork", "decode_strays", "is_stray", "too_many"]

# Four times as fast as to count newlines and those between braces.
_NO_OBJECT = re.compile(rb"\n(?:[^{]|(?<!}\n))")
# A line that is nearly as long as this is more than DuckDB takes for one object.
_LONG_BLOCK = 4 * 1024 * 1024
# Where more lines are no objects, the file is not one of the contract.
_STRAYS = 1_000
_STRAY_BYTES = 1024 * 1024

FUNCTION = f"{__name__}:StrayWork"
"""How a Job names it."""


class StrayWork:
    """Gathers lines that cannot be an object; None stands for too many, or too long ones."""

    def __init__(self) -> None:
        self._found: list[bytes] | None = []

    def add(self, block: bytes, offset: int) -> None:  # noqa: ARG002 - as Work has it
        """Take in a block of whole lines."""
        if self._found is None:
            return
        whole = block.startswith(b"{") and block.endswith(b"}\n") and not _NO_OBJECT.search(block)
        if len(block) > _LONG_BLOCK:
            self._found = None
        elif not whole or not _is_utf8(block):
            from console.logs.records.lines import lines_of  # noqa: PLC0415

            self._found += filter(is_stray, lines_of(block))
            if too_many(self._found):
                self._found = None

    def take(self) -> bytes:
        """Return them; `decode_strays` reads it."""
        found, self._found = self._found, []
        return msgspec.msgpack.encode(found)


decode_strays = msgspec.msgpack.Decoder(list[bytes] | None).decode


def too_many(lines: Sequence[bytes]) -> bool:
    """Tell whether so many lines are no objects that the file is not one of the contract."""
    return len(lines) > _STRAYS or sum(map(len, lines)) > _STRAY_BYTES


def is_stray(line: bytes) -> bool:
    """Tell whether a line cannot be an object."""
    return not (line.startswith(b"{") and line.endswith((b"}\n", b"}")) and _is_utf8(line))


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
