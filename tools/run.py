"""`make run`: the embedded database, its schema at the head, the service, and in a terminal the
console beside it. Ends when the service or the console does; SIGTERM ends everything cleanly."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

from service.config import ConfigurationError, load
from service.database import embedded
from service.database.location import EMBEDDED

COMMANDS = Path(sys.executable).parent
SERVICE_OUTPUT = Path("var/log/service.out")
PATIENCE = 15.0


def main() -> int:
    """Returns the exit code: the service's, or the migration's if that failed."""
    try:
        settings = load()
    except ConfigurationError as error:
        return error.report()
    with ExitStack() as stack:
        if not settings.SQLALCHEMY_DATABASE_URI:
            # Held from here on, so that it is started once for the migration and the service.
            stack.enter_context(embedded.start(EMBEDDED))
        migration = subprocess.run([COMMANDS / "alembic", "upgrade", "head"], check=False)
        if migration.returncode:
            return migration.returncode
        if sys.stdin.isatty() and sys.stdout.isatty():
            return with_console(settings.PORT)
        service = subprocess.Popen([sys.executable, "-m", "service"])
        forward_signals(service)
        return service.wait()


def with_console(port: int) -> int:
    """The console in this terminal; the service's own output goes to a file meanwhile."""
    SERVICE_OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    with SERVICE_OUTPUT.open("wb") as output:
        service = subprocess.Popen(
            [sys.executable, "-m", "service"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_for(service, port)
    if service.poll() is not None:
        return report(service.returncode)
    console = subprocess.Popen([COMMANDS / "opsconsole"])
    forward_signals(console)
    console.wait()
    if service.poll() is None:
        service.terminate()
    return report(service.wait())


def report(code: int) -> int:
    """Says why, if the service did not end as it should; returns its exit code."""
    if code:
        print(f"The service ended with code {code}. Its last words, in {SERVICE_OUTPUT}:")
        print(*SERVICE_OUTPUT.read_text(errors="replace").splitlines()[-10:], sep="\n")
    return code


def wait_for(service: subprocess.Popen[bytes], port: int) -> None:
    """Returns once the service listens: the console need not begin with a refused connection."""
    deadline = time.monotonic() + PATIENCE
    while service.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)


def forward_signals(child: subprocess.Popen[bytes]) -> None:
    """The child decides how to end; what a terminal sends to both of them reaches it anyway."""

    def forward(signum: int, _frame: FrameType | None) -> None:
        if child.poll() is None:
            child.send_signal(signum)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, forward)


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])
    try:
        sys.exit(main())
    except embedded.EmbeddedPostgresError as error:
        sys.exit(str(error))
