"""Where in a file a time is."""

from console.logs.files.edges import line_end, line_start, lines_from
from console.logs.files.log_file import LogFile
from console.logs.records.record import decode

__all__ = ["offset_of_time"]

# So many lines are looked at for one that has a time: a traceback is hardly ever longer.
_LINES = 64
# Below this the lines themselves are gone through: threads and processes write their lines a
# little out of order, and the time looked for may stand before lines that are older.
_NEAR = 64 * 1024
_BUDGET = 4 * 1024 * 1024


def offset_of_time(log: LogFile, at: float) -> int:
    """Return the offset of the first line at or after a time, `log.end` when there is none.

    `at` is in seconds since the epoch. The lines must be ordered by time but for a disorder of
    64 KiB. About 30 places are looked at, whatever the size of the file. Raises OSError.
    """
    lower, upper, known = 0, log.end, log.end
    while upper - lower > _NEAR:
        middle = line_start(log, (lower + upper) // 2)
        if middle <= lower and (middle := line_end(log, (lower + upper) // 2)) >= upper:
            break
        found = _timed_line(log, middle, upper)
        if found is not None and found[1] < at:
            lower = found[0]
        else:
            upper = middle
            known = min(known, found[0]) if found else known
    start = line_start(log, max(lower - _NEAR, 0))
    budget = start + _BUDGET
    while start < log.end:
        # Only a stretch without any time is as long as this, and its end is known.
        if start > budget:
            return known
        for line in lines_from(log, start, _LINES):
            time = decode(line.line).at
            if time is not None and time >= at:
                return line.start
            start = line.end
    return log.end


def _timed_line(log: LogFile, start: int, stop: int) -> tuple[int, float] | None:
    """Return the offset and the time of a line that has one: the first, if it is near `start`."""
    step = _NEAR
    while start < stop:
        for line in lines_from(log, start, _LINES):
            time = decode(line.line).at
            if time is not None:
                return line.start, time
        start = line_end(log, start + step)
        step *= 2
    return None
