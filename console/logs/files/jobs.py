"""What worker processes are asked to do, and the messages that say so."""

import importlib
from typing import Any, Protocol

import msgspec

__all__ = ["Begin", "Done", "End", "Job", "Ready", "Reply", "Request", "Run", "Work"]


class Work(Protocol):
    """What a job makes in each process: it sees blocks, and gives away what it gathered."""

    def add(self, block: bytes, offset: int) -> None:
        """Take in a block of whole lines (see `blocks.blocks`) that begins at `offset`."""

    def take(self) -> bytes:
        """Return what was gathered since the last call, encoded, and start from nothing."""


class Job(msgspec.Struct, frozen=True):
    """How every process makes the same Work: `function`, as "package.module:name", is called with
    `arguments`, which msgspec can encode."""

    function: str
    arguments: dict[str, Any] = {}

    def make(self) -> Work:
        """Import the function and call it. Raises what either raises."""
        module, _, name = self.function.partition(":")
        work: Work = getattr(importlib.import_module(module), name)(**self.arguments)
        return work


class Begin(msgspec.Struct, frozen=True, tag=0, array_like=True):
    """To a worker: from now on, `number` is this job."""

    number: int
    job: Job


class Run(msgspec.Struct, frozen=True, tag=1, array_like=True):
    """To a worker: scan the lines that begin in `start` to `stop` of the file that ends at `end`.

    The file's descriptor travels along. Answered by one Done.
    """

    number: int
    start: int
    stop: int
    end: int


class End(msgspec.Struct, frozen=True, tag=2, array_like=True):
    """To a worker: forget the job, at once. What was asked for it is answered without a state."""

    number: int


class Ready(msgspec.Struct, frozen=True, tag=0, array_like=True):
    """From a worker: it has started."""


class Done(msgspec.Struct, frozen=True, tag=1, array_like=True):
    """From a worker, one for each Run, in their order: what was found, or why nothing was."""

    state: bytes | None
    error: str = ""


Request = Begin | Run | End
Reply = Ready | Done
