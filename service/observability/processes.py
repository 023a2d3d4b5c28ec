"""The processes of one machine whose metrics add up, in the folder PROMETHEUS_MULTIPROC_DIR.

Each process keeps its values in files named after its pid, and holds a lock while it serves. The
kernel drops the lock of a process that is killed, and with it go its gauges; what it had counted is
added to the files of pid 0, so that the folder does not grow with every process there ever was.
"""

import fcntl
import os
import re
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ETIMEDOUT
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

GONE = 0
# A process that was stopped while it reads must not hold up the others, least of all the arbiter.
LOCK_LIMIT = 1.0
NAME = re.compile(r"(?P<kind>counter|histogram|gauge_(?P<mode>[a-z]+))_(?P<pid>\d+)\.db")


def make(folder: Path) -> None:
    """Makes the folder, or ends the process: nothing has read the configuration yet, which would
    say so."""
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        os.close(os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o640))
    except OSError as error:
        told = f"configuration: PROMETHEUS_MULTIPROC_DIR cannot be written to: {error.strerror}"
        print(told, file=sys.stderr)
        sys.exit(2)


def prepare(folder: Path) -> None:
    """Makes the folder; empties it of what another start left, unless somebody serves already."""
    make(folder)
    if not living(folder):
        for path in [*folder.glob("*.db"), *folder.glob("*.serving")]:
            path.unlink(missing_ok=True)


@contextmanager
def serving(folder: Path) -> Iterator[None]:
    """This process counts as one that serves, during the block or until it is gone."""
    path = folder / f"{os.getpid()}.serving"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        # Shared, because whoever looks whether it is held asks for an exclusive one, for a moment.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def living(folder: Path) -> set[int]:
    """Those that serve now. What is left of others that did is put away."""
    found = set()
    for path in folder.glob("*.serving"):
        if _is_held(path):
            found.add(int(path.stem))
        else:
            with suppress(OSError):  # it does not count, put away or not
                forget(folder, int(path.stem))
    return found


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def forget(folder: Path, pid: int) -> None:
    """Takes the gauges of a process that has gone, and adds what it counted to pid 0.

    Raises `OSError`; the next scrape tries again.
    """
    with _locked(folder, fcntl.LOCK_EX):
        for path in folder.glob(f"*_{pid}.db"):
            match = NAME.fullmatch(path.name)
            if match and not match["mode"]:
                _add(path, folder / f"{match['kind']}_{GONE}.db")
            path.unlink(missing_ok=True)
        (folder / f"{pid}.serving").unlink(missing_ok=True)


def _add(source: Path, target: Path) -> None:
    try:
        values = list(MmapedDict.read_all_values_from_file(str(source)))  # type: ignore[no-untyped-call]
    except (RuntimeError, struct.error, UnicodeDecodeError):  # killed as it made the file
        return
    total = MmapedDict(str(target))  # type: ignore[no-untyped-call]
    for key, value, _, _ in values:
        total.write_value(key, total.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
    total.close()  # type: ignore[no-untyped-call]


@contextmanager
def files(folder: Path, pids: set[int]) -> Iterator[list[str]]:
    """The files that count, gauges only of those processes; unchanged during the block."""
    with _locked(folder, fcntl.LOCK_SH):
        found = []
        for path in folder.glob("*.db"):
            match = NAME.fullmatch(path.name)
            counts = match and (not match["mode"] or int(match["pid"]) in pids)
            if counts and path.stat().st_size:
                found.append(str(path))
        yield found


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o640)
    try:
        _lock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, how: int) -> None:
    deadline = time.monotonic() + LOCK_LIMIT
    while True:
        try:
            return fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(ETIMEDOUT, "another process holds the metrics") from None
            time.sleep(0.005)
