"""What every source of lines has in common, and what the reader's thread asks of it."""

from collections import deque
from typing import Protocol

from console.logs.sources.block import Block

__all__ = ["NEWS", "Source", "reason"]

NEWS = 50
"""How many messages of a source wait to be fetched; older ones are forgotten."""


class Source(Protocol):
    """Lines from one place. `news` are things that happened, to be told once."""

    name: str
    news: deque[str]

    @property
    def state(self) -> str:
        """What stands in the way; empty while all is well."""
        ...

    @property
    def truncations(self) -> int:
        """How often lines may have been lost."""
        ...

    def poll(self) -> list[Block]:
        """Return lines that are there now, without waiting and without ever raising."""
        ...

    @property
    def behind(self) -> bool:
        """Whether there is more to read at once."""
        ...

    @property
    def overlong(self) -> bool:
        """Whether it is inside a line longer than LINE_LIMIT, whose end nobody should wait for."""
        ...

    @property
    def ended(self) -> bool:
        """Whether nothing more will ever come."""
        ...

    @property
    def waitable(self) -> int | None:
        """A descriptor that becomes readable when there is something to read, if there is one."""
        ...

    def close(self) -> None:
        """Let go of files and processes."""
        ...


def reason(error: OSError) -> str:
    """Return what the system says of an error, as a state."""
    return (error.strerror or str(error) or "cannot be read").lower()
