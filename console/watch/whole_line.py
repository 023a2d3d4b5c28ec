"""All of a line, of which the screen has only the beginning when it is long."""

from console.lines import LINE_LIMIT, WHOLE_LINE, Line
from console.logs.records import Record, decode
from console.watch.pager import Row

__all__ = ["whole_record"]


def whole_record(row: Row) -> Record:
    """Return the record of a row, read again up to 16 MiB where it is a long line."""
    line = row.line
    if line.size > LINE_LIMIT:
        try:
            raw = row.part.log.read(row.start, min(line.size, WHOLE_LINE)).removesuffix(b"\n")
        except OSError:
            return decode(line)
        # Truncated meanwhile, the file has other lines there.
        if raw.startswith(line.raw[:LINE_LIMIT]):
            line = Line(raw, line.size)
    return decode(line)
