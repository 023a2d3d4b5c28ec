"""PostgreSQL's programs: found, started without a password in sight, stopped, and understood."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

from deploy.backup.problems import BackupError, UsageError
from deploy.backup.url import DatabaseURL

T = TypeVar("T")

_KEPT = re.compile(r"PATH|HOME|TMPDIR|LD_LIBRARY_PATH|PGPASSFILE|PGSSL\w+|PGSYSCONFDIR|KRB5\w*")
_ASK_LIMIT = 10.0
_STDERR = 64 * 1024
ADVICE = (
    ("server version mismatch", "install the client programs of the server's version"),
    ("unsupported version", "it was written by a newer pg_dump: set BACKUP_PG_BIN to that version"),
    ('parameter "transaction_timeout"', "use pg_restore of the server's version: BACKUP_PG_BIN"),
    ("permission denied", "GRANT pg_read_all_data TO the role"),
    ("row-level security", "use a role with BYPASSRLS"),
    ("lock timeout", "a migration holds a lock: back up again after it"),
    # pg_dump's --lock-wait-timeout; there is no other in it.
    ("statement timeout", "a migration holds a lock: back up again after it"),
    ("No space left", "make room on the disk"),
)


@dataclass(frozen=True, slots=True)
class Program:
    """A program and its version, as (18, 4)."""

    path: Path
    version: tuple[int, ...]

    @property
    def release(self) -> str:
        """As `18.4`."""
        return ".".join(map(str, self.version))


def find(name: str, major: int, folder: Path | None) -> Program:
    """The program: in BACKUP_PG_BIN, else where packages put the server's version, else on PATH."""
    if folder:
        places = [folder / name]
    else:
        usual = (f"/usr/lib/postgresql/{major}/bin", f"/usr/pgsql-{major}/bin")
        onpath = shutil.which(name)
        places = [Path(each) / name for each in usual] + ([Path(onpath)] if onpath else [])
    found = next((each for each in places if each.is_file()), None)
    if found is None:
        where = f"in {folder}" if folder else "on PATH"
        raise UsageError(
            f"{name} is not {where}: install postgresql-client-{major}, or set BACKUP_PG_BIN"
        )
    return Program(found, _version(found))


def check_writer(program: Program, server: int) -> None:
    """A pg_dump older than the server does not know what there is to back up."""
    if program.version[0] < server:
        raise UsageError(
            f"{program.path} is {program.release}, the server {server}: install "
            f"postgresql-client-{server}, or set BACKUP_PG_BIN to that version's folder"
        )


def check_reader(program: Program, server: int) -> None:
    """pg_restore sets what servers before 17 do not know, from 17 on."""
    if program.version[0] >= 17 > server:
        raise UsageError(
            f"{program.path} is {program.release}, which cannot restore to a server of version "
            f"{server}: set BACKUP_PG_BIN to the folder of pg_restore {server}"
        )


def _version(path: Path) -> tuple[int, ...]:
    try:
        told = subprocess.run(
            [path, "--version"],
            env=_environ(None),
            capture_output=True,
            text=True,
            timeout=_ASK_LIMIT,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(f"{path} does not run: {error}") from error
    match = re.search(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?", told)
    if match is None:
        raise UsageError(f"{path} does not say its version")
    return tuple(int(each) for each in match.groups() if each)


def _environ(url: DatabaseURL | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
    if url and url.password is not None:
        kept["PGPASSWORD"] = url.password
    return kept | {"LC_ALL": "C", "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "backup"}


@dataclass
class Work:
    """Something done in a thread, with at most one program at a time, that can be stopped."""

    stopped: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stop(self) -> None:
        """Ends the program; whoever copies its bytes notices."""
        with self._lock:
            self.stopped = True
            if self._process:
                self._process.kill()

    def check(self) -> None:
        """Raises if somebody called `stop`."""
        if self.stopped:
            raise BackupError("stopped")

    @contextmanager
    def running(
        self, program: Program, *arguments: str, url: DatabaseURL | None, feed: bool = False
    ) -> Iterator[IO[bytes]]:
        """The program's standard output, or with `feed` its standard input.

        Raises `BackupError` on leaving the block if the program failed, whatever else did.
        """
        with tempfile.TemporaryFile() as errors:
            with self._lock:
                self.check()
                process = subprocess.Popen(
                    [program.path, *arguments],
                    env=_environ(url),
                    stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL if feed else subprocess.PIPE,
                    stderr=errors,
                )
                self._process = process
            pipe = process.stdin if feed else process.stdout
            assert pipe is not None  # noqa: S101 - asked for above
            failure: BaseException | None = None
            try:
                yield pipe
                _close(pipe)
                process.wait()
            except BaseException as error:
                failure = error
            finally:
                process.kill()
                _close(pipe)
                code = process.wait()
            if failure and not isinstance(failure, BrokenPipeError):
                raise failure
            self.check()
            # Code 0 after a broken pipe: it had read all it wanted.
            if code:
                raise BackupError(_reason(program.path.name, code, errors))


def _close(pipe: IO[bytes]) -> None:
    # It may have ended, and its exit code tells why.
    with suppress(BrokenPipeError):
        pipe.close()


def _reason(name: str, code: int, errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - _STDERR))
    lines = errors.read().decode("utf-8", "replace").splitlines()
    telling = [line for line in lines if "error:" in line or "fatal:" in line.lower()]
    said = (telling or lines or [f"ended with {code}"])[0]
    said = said.removeprefix(f"{name}: ").removeprefix("error: ")
    advice = next((each for mark, each in ADVICE if any(mark in line for line in lines)), "")
    return f"{name}: {said}" + (f" ({advice})" if advice else "")


async def in_thread(work: Work, do: Callable[[], T]) -> T:
    """`do()` in a thread; when the caller is cancelled, it is stopped and waited for."""
    task = asyncio.ensure_future(asyncio.to_thread(do))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        work.stop()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise
