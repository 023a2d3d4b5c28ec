"""Jobs for the workers under test: one that is sound, and some that are not."""

import os
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec


class Words:
    """Counts first words; `slow` seconds for each block."""

    def __init__(self, slow: float = 0.0) -> None:
        self._slow = slow
        self._found: Counter[str] = Counter()

    def add(self, block: bytes, offset: int) -> None:  # noqa: ARG002 - what Work has
        time.sleep(self._slow)
        self._found.update(line.split(b" ", 1)[0].decode() for line in block.splitlines())

    def take(self) -> bytes:
        found, self._found = self._found, Counter()
        return msgspec.msgpack.encode(found)


class Fatal(Words):
    """Takes its process down at a line that says so: always, or the first time only."""

    def __init__(self, once: str = "") -> None:
        super().__init__()
        self._once = once

    def add(self, block: bytes, offset: int) -> None:
        if b"fatal" in block and not (self._once and Path(self._once).exists()):
            if self._once:
                Path(self._once).touch()
            os.abort()
        super().add(block, offset)


class Raising(Words):
    """Raises at a line that says so."""

    def add(self, block: bytes, offset: int) -> None:
        if b"fatal" in block:
            raise ValueError("as the line says")
        super().add(block, offset)


class Hanging(Words):
    """Never comes back from a line that says so."""

    def add(self, block: bytes, offset: int) -> None:
        while b"fatal" in block:
            time.sleep(0.05)
        super().add(block, offset)


class Large(Words):
    """Gathers more than a socket holds."""

    def take(self) -> bytes:
        return bytes(5_000_000)


class Telling(Words):
    """Tells which process and which modules it runs among."""

    def take(self) -> bytes:
        return msgspec.msgpack.encode({"pid": os.getpid(), "modules": sorted(sys.modules)})
