"""How a command ends, and how wide its output may be."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from console.commands.arguments import UsageError
from console.text import visible

__all__ = ["run", "width"]

# Where there is no terminal to ask.
_WIDTH = 120


class _Stopped(BaseException):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def run(name: str, work: Callable[[list[str]], bool]) -> int:
    """Run `work`; return the exit code: 0, or 1 if it found nothing, or 2 if something was wrong.

    `work` adds to the list it is given what was wrong with single logs. A signal, or that the
    output is not read any more, ends it quietly, and with it all that it has started.
    """
    problems: list[str] = []
    found = False
    for number in (signal.SIGTERM, signal.SIGHUP):
        # As nohup asks for, what is ignored stays so.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)
    try:
        found = work(problems)
    except UsageError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except _Stopped as stopped:
        return 128 + stopped.number
    except OSError as error:
        problems.append((error.strerror or str(error)).lower())
    for problem in problems:
        print(f"{name}: {visible(problem)}", file=sys.stderr)
    return 2 if problems else 0 if found else 1


def width() -> int:
    """Return the columns of the terminal, $COLUMNS first."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and 0 < len(told) < 6:
        return int(told) or _WIDTH
    try:
        return os.get_terminal_size(1).columns or _WIDTH
    except OSError:
        return _WIDTH


def _stop(number: int, _: FrameType | None) -> NoReturn:
    raise _Stopped(number)
