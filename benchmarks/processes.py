"""What a server's processes use, and which core they run on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil

MEGABYTE = 1e6


class Memory(msgspec.Struct, frozen=True):
    """Of one process, in MB. `pss` shares what it has in common with others fairly; None where the
    system does not tell."""

    rss: float
    pss: float | None


class Cores(msgspec.Struct, frozen=True):
    """The core the server under load has for itself, and the one for everything else: the load,
    PostgreSQL, this harness. None: not pinned, for the system cannot, or has one core only."""

    server: int | None
    rest: int | None

    @property
    def text(self) -> str:
        """In words."""
        if self.server is None:
            return "not pinned: servers, load and PostgreSQL share all cores"
        return f"each server on core {self.server}; load and PostgreSQL on core {self.rest}"


def divide_cores() -> Cores:
    """The last core for servers, the first for this process and all it starts otherwise."""
    if not hasattr(os, "sched_setaffinity"):
        return Cores(None, None)
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        return Cores(None, None)
    cores = Cores(mine[-1], mine[0])
    os.sched_setaffinity(0, {mine[0]})
    return cores


@contextmanager
def starting_on(core: int | None) -> Iterator[None]:
    """What is started within runs on that core for good: a child inherits it from its parent."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def share_a_core(cores: Cores) -> bool | None:
    """Whether the two are threads of one physical core; None where the system does not tell."""
    try:
        return _physical(cores.server) == _physical(cores.rest)
    except OSError:
        return None


def _physical(core: int | None) -> list[str]:
    folder = Path(f"/sys/devices/system/cpu/cpu{core}/topology")
    return [(folder / name).read_text() for name in ("physical_package_id", "core_id")]


def family(pid: int) -> list[psutil.Process]:
    """The process and its descendants."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """What the family has used so far, in user and kernel mode."""
    total = 0.0
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def memory(pid: int) -> list[Memory]:
    """Each process of the family, the parent first."""
    found = []
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):
            full = process.memory_full_info()
            pss = getattr(full, "pss", None)
            found.append(Memory(full.rss / MEGABYTE, pss / MEGABYTE if pss else None))
    return found
