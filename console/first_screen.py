"""The newest log lines, on the terminal before the framework is imported.

That takes a quarter of a second, in which an operator could be reading. What is drawn here is what
the framework is going to draw, so that nothing moves when it takes over.
"""

import os
import sys
import termios
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from console.logs.files.edges import lines_from, starts_before
from console.logs.files.log_file import LogFile
from console.logs.records.record import Record, decode
from console.targets import Target
from console.text import fit, width_of
from console.watch.entries import plain_files
from console.widgets.log_columns import Columns
from console.widgets.title import tabs, title

__all__ = ["first_screen", "opens_on_logs", "screen_lines"]

# Below and above the log: two lines at the top, the names of the columns, its state, the keys.
_OTHER_LINES = 5
_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[0m\x1b[?25h\x1b[?1049l"
_GROUND, _RAISED, _ALARM = "\x1b[48;2;18;22;28m", "\x1b[48;2;26;32;41m", "\x1b[48;2;142;31;36m"
_INKS = {
    "plain": "\x1b[38;2;200;208;218m",
    "dim": "\x1b[38;2;125;136;150m",
    "strong": "\x1b[1;38;2;242;245;248m",
    "tab": "\x1b[1;38;2;242;245;248;48;2;49;58;71m",
    "good": "\x1b[38;2;127;199;122m",
    "warn": "\x1b[38;2;227;179;65m",
    "bad": "\x1b[38;2;240;112;106m",
    "accent": "\x1b[38;2;108;178;235m",
}
_BARE = {"strong": "\x1b[1m", "tab": "\x1b[1;7m", "dim": "\x1b[2m"}

Line = Sequence[tuple[str, str]]


def opens_on_logs(target: Target) -> bool:
    """Whether there is nothing to watch but logs."""
    return bool(target.logs) and not (target.health or target.alembic or target.backup_report)


@contextmanager
def first_screen(target: Target) -> Iterator[None]:
    """Draw the target's newest lines on the terminal; restore that if it fails to be taken over.

    What is typed meanwhile is not echoed, and waits for whoever reads it.
    """
    before = termios.tcgetattr(sys.stdin)
    quiet = list(before)
    quiet[3] &= ~termios.ECHO
    # Enter stays what the framework takes for it.
    quiet[0] &= ~termios.ICRNL
    termios.tcsetattr(sys.stdin, termios.TCSANOW, quiet)
    width, height = os.get_terminal_size(sys.stdout.fileno())
    truecolor = os.environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}
    inks = _INKS if truecolor else _BARE
    drawn = [_ENTER]
    for number, line in enumerate(screen_lines(target, width, height)):
        ground = _GROUND
        if number < 2 or number >= height - 2:
            ground = _ALARM if target.production and number < 2 else _RAISED
        drawn.append(f"\x1b[{number + 1};1H\x1b[0m{ground if truecolor else ''}")
        drawn += [
            f"{inks.get(ink, '')}{text}\x1b[0m{ground if truecolor else ''}" for text, ink in line
        ]
    sys.stdout.write("".join(drawn))
    sys.stdout.flush()
    try:
        yield
    except BaseException:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        raise
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def screen_lines(target: Target, width: int, height: int) -> list[Line]:
    """Return the Logs screen as texts and inks, each line `width` cells wide."""
    columns = Columns.fit(width - 1)
    room = max(height - _OTHER_LINES, 0)
    rows = [list(columns.draw(record)) for record in _newest(target, room)]
    lines: list[Line] = [
        list(title(target, ("", "dim"), time.strftime("%H:%M:%S"), width)),
        list(tabs("logs")),
        [(columns.heading(), "dim")],
        *rows,
        *([] for _ in range(room - len(rows))),
        [(" following", "good")],
        [],
    ]
    return [_filled(line, width) for line in lines[:height]]


def _newest(target: Target, count: int) -> list[Record]:
    records: list[Record] = []
    for path in plain_files(target.logs):
        with suppress(OSError):
            log = LogFile.open(path)
            starts = starts_before(log, log.end, count)
            lines = lines_from(log, starts[0], len(starts)) if starts else []
            records += [decode(line.line) for line in lines]
    if len(target.logs) > 1:
        records.sort(key=lambda record: record.at or 0.0)
    return records[max(len(records) - count, 0) :]


def _filled(line: Iterable[tuple[str, str]], width: int) -> Line:
    """Cut or fill a line to exactly `width` cells."""
    filled: list[tuple[str, str]] = []
    for text, ink in line:
        cells = width_of(text)
        if cells >= width:
            filled.append((fit(text, width), ink))
            return filled
        filled.append((text, ink))
        width -= cells
    return [*filled, (" " * width, "plain")]
