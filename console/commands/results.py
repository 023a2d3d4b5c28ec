"""What a statement gives: a table for people, CSV, JSON or Parquet for programs."""

from contextlib import suppress
from pathlib import Path

from console.commands.database import Database
from console.commands.output import Output
from console.commands.views import literal
from console.text import fit, visible, width_of

__all__ = ["FORMATS", "send", "write_result", "write_table"]

FORMATS = {
    "csv": "FORMAT csv, HEADER true",
    # One object a line.
    "json": "FORMAT json",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
"""How DuckDB is told to write what is no table."""

_ROWS = 1_000
_CELL = 200
_LEAST = 8
_GAP = "  "
_FRACTIONS = {"DOUBLE", "FLOAT"}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT")
_NUMBERS = (*_FRACTIONS, *_INTEGERS, "DECIMAL")
_CHUNK = 256 * 1024


def write_table(database: Database, statement: str, output: Output, width: int | None) -> bool:
    """Write a table, at most `width` columns wide if that is told.

    Returns whether there are more rows than it has. Raises DatabaseError.
    """
    columns = database.columns(statement)
    texts = f"SELECT COLUMNS(*)::VARCHAR FROM (\n{statement}\n)"  # noqa: S608
    rows = database.rows(texts, _ROWS + 1)
    cells = [[name for name, _ in columns], *rows[:_ROWS]]
    kinds = [kind for _, kind in columns]
    shown = [list(map(_text, row, kinds)) for row in cells]
    widths = [max(map(width_of, column)) for column in zip(*shown, strict=True)]
    _narrow(widths, width)
    for row in shown:
        line = _GAP.join(map(_cell, row, widths, kinds)).rstrip()
        output.write(line.encode() + b"\n")
    output.flush()
    return len(rows) > _ROWS


def write_result(database: Database, statement: str, kind: str, path: Path) -> None:
    """Write a new file in one of FORMATS. Raises DatabaseError."""
    database.execute(f"COPY (\n{statement}\n) TO {literal(str(path))} ({FORMATS[kind]})")


def send(path: Path, output: Output, *, terminal: bool) -> None:
    """Write the content of a file; on a `terminal`, only what can be read there."""
    with path.open("rb") as file:
        if terminal:
            for line in file:
                text = line.decode("utf-8", "backslashreplace").removesuffix("\n")
                output.write(visible(text, len(text)).encode() + b"\n")
        while chunk := file.read(_CHUNK):
            output.write(chunk)
    output.flush()


def _narrow(widths: list[int], width: int | None) -> None:
    """Take from the widest columns what is too much."""
    room = sum(widths) if width is None else width - len(_GAP) * (len(widths) - 1)
    for _ in range(sum(widths) - room):
        widest = widths.index(max(widths))
        if widths[widest] <= _LEAST:
            return
        widths[widest] -= 1


def _text(value: str | None, kind: str) -> str:
    """Return a cell, a fraction with at most three digits."""
    if value is None:
        return ""
    if kind in _FRACTIONS:
        with suppress(ValueError):
            return f"{float(value):.3f}".rstrip("0").rstrip(".")
    return visible(value, _CELL)


def _cell(text: str, width: int, kind: str) -> str:
    cell = fit(text, width)
    return f"{cell.rstrip():>{width}}" if kind.startswith(_NUMBERS) else cell
