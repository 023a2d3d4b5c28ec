"""`make run`: the embedded database, its schema at the head, the service, and in a terminal the
console beside it. Ends when the service or the console does; SIGTERM ends everything cleanly."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from service.config import ConfigurationError, load
from service.database import embedded
from service.database.location import EMBEDDED

COMMANDS = Path(sys.executable).parent
SERVICE_OUTPUT = Path("var/log/service.out")


def main() -> int:
    """Returns the exit code: the service's, or the migration's if that failed."""
    try:
        settings = load()
    except ConfigurationError as error:
        print(*(f"configuration: {problem}" for problem in error.problems), sep="\n")
        return 2
    with ExitStack() as stack:
        if not settings.SQLALCHEMY_DATABASE_URI:
            # Held from here on, so that it is started once for the migration and the service.
            stack.enter_context(embedded.start(EMBEDDED))
        migration = subprocess.run([COMMANDS / "alembic", "upgrade", "head"], check=False)
        if migration.returncode:
            return migration.returncode
        if sys.stdin.isatty() and sys.stdout.isatty():
            return with_console()
        service = subprocess.Popen([sys.executable, "-m", "service"])
        forward_signals(service)
        return service.wait()


def with_console() -> int:
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
    console = subprocess.Popen([COMMANDS / "opsconsole"])
    forward_signals(console)
    console.wait()
    if service.poll() is None:
        service.terminate()
    code = service.wait()
    if code:
        print(f"The service ended with code {code}. Its last words, in {SERVICE_OUTPUT}:")
        print(*SERVICE_OUTPUT.read_text(errors="replace").splitlines()[-10:], sep="\n")
    return code


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
