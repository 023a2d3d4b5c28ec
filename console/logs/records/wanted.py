"""A few fields of many lines, as `decode` would understand them, at the speed of the JSON parser.

Most logs have lines that are read by their types alone, see `typed`. Of other lines, too, only the
wanted keys are built, and a field only under the first of its names for as long as all lines have
that one; after that under all of them. What takes more than that, such as a line that is no JSON,
goes through `decode`.
"""

from collections import namedtuple
from collections.abc import Callable, Collection, Iterator, Sequence, Sized
from functools import partial
from operator import attrgetter
from typing import Any

import msgspec

from console.logs.records.aliases import ALIASES, ATTRIBUTES, LATE
from console.logs.records.columns import understood
from console.logs.records.lines import lines_of
from console.logs.records.objects import CARRIERS
from console.logs.records.record import DEFAULTS, Record, decode_line, value_of
from console.logs.records.rows import Rows
from console.logs.records.typed import COARSE, TypedColumns
from console.logs.records.wrapped import Wrapped, may_be_wrapped

__all__ = ["SAMPLE", "Columns", "few", "put", "reader"]

_NO_VALUE = (None, msgspec.UNSET, "")
SAMPLE = 16
"""By so many lines it is judged what the others of a block are like."""
_IN_NO_STRUCT = frozenset('"\\').union(map(chr, range(32)))


def reader(names: Collection[str]) -> Callable[[bytes], list[Any]]:
    """Return a function that returns one object per line of a block of lines.

    The object is a tuple of the values in the order of `names`; a name that is an identifier is an
    attribute, too. Canonical names (level, status, time in seconds since the epoch, duration_ms, …)
    have what `Record` has, "" or None if missing; another name is a dotted path, None if there is
    nothing. A line is ended by a newline, the last of a block may lack it.
    """
    columns = Columns(names)
    row = partial(tuple.__new__, namedtuple("Row", names, rename=True))  # noqa: PYI024

    def read(block: bytes) -> list[Any]:
        return list(map(row, zip(*columns(block), strict=True)))

    return read


class Columns:
    """Of blocks of lines, one list of values for each name, as `reader` has them.

    The faster form of the two: nothing is made for a line but its values. With `coarse` they are
    only what is needed to count them, which is faster still: times are rounded down to seconds,
    texts cut after COARSE characters or None for "", and `user_id` may be an integer.
    """

    def __init__(self, names: Collection[str], *, coarse: bool = False) -> None:
        self.names = tuple(names)
        self._coarse = coarse
        self._typed = TypedColumns.of(self.names, coarse=coarse)
        # Whether most lines of the last block were of the types that `typed` has.
        self._usual = False
        # The fields that some line did not have under the first of their names.
        self._wide: set[str] = set()
        self._rows = self._layout()
        self._wrapped = Wrapped(self.names, self.of_lines, coarse=coarse)

    def __call__(self, block: bytes) -> list[list[Any]]:
        """Return a list for each name, with a value for each line."""
        return self.of_lines(lines_of(block))

    def of_lines(self, lines: Sequence[bytes]) -> list[list[Any]]:
        """Return a list for each name, with a value for each line, with or without its newline."""
        if self._typed is not None:
            if not self._usual:
                self._usual = few(self._typed(lines[:SAMPLE])[1], lines[:SAMPLE])
            if self._usual:
                columns, others = self._typed(lines)
                self._usual = few(others, lines)
                self._decode(lines, others, columns)
                return columns
        return self._of_wrapped(lines) if self._are_wrapped(lines) else self._of_any(lines)

    def _are_wrapped(self, lines: Sequence[bytes]) -> bool:
        return sum(map(may_be_wrapped, lines[:SAMPLE])) > SAMPLE // 2

    def _of_wrapped(self, lines: Sequence[bytes]) -> list[list[Any]]:
        """Do what `of_lines` does for lines with something around most of them."""
        columns: list[list[Any]] = [[None] * len(lines) for _ in self.names]
        rest = self._wrapped.fill(lines, columns)
        if rest:
            put(rest, self._of_any([lines[number] for number in rest]), columns)
        return columns

    def _of_any(self, lines: Sequence[bytes]) -> list[list[Any]]:
        """Do what `of_lines` does for lines of any kind."""
        rows, failed = self._rows.decode(lines)
        slow = set(failed)
        wider: set[str] = set()
        columns = [self._column(name, rows, slow, wider) for name in self.names]
        if wider:
            self._wide |= wider
            self._rows = self._layout()
            return self._of_any(lines)
        self._decode(lines, slow, columns)
        return list(map(_coarse, self.names, columns)) if self._coarse else columns

    def _layout(self) -> Rows:
        keys: list[str] = []
        for name in self.names:
            if name in ALIASES and name not in self._wide:
                keys.append(ALIASES[name][0].path)
            elif _IN_NO_STRUCT.isdisjoint(name):
                keys += _keys(name)
        return Rows(keys)

    def _column(self, name: str, rows: Sequence[Any], slow: set[int], wider: set[str]) -> list[Any]:
        """Return the values of a field.

        Adds the numbers of lines that need `decode` to `slow`, and to `wider` the field if some
        line has not the first of its names.
        """
        if name in ALIASES:
            return self._known(name, rows, slow, wider)
        if not _IN_NO_STRUCT.isdisjoint(name):
            slow.update(range(len(rows)))
            return [None] * len(rows)
        values = self._rows.at_path(rows, name)
        missing = [number for number, value in enumerate(values) if value in _NO_VALUE]
        for number in missing:
            values[number] = None
        slow.update(self._carried(name, missing, rows))
        return values

    def _known(self, name: str, rows: Sequence[Any], slow: set[int], wider: set[str]) -> list[Any]:
        first, *others = ALIASES[name]
        told = self._rows.column(rows, first.path)
        values = understood(first.read, told)
        if None not in values:
            return values
        default = DEFAULTS[ATTRIBUTES[name]]
        # That it is null under its first name is an answer, see `aliases`.
        missing = [n for n, value in enumerate(values) if value is None and told[n] is not None]
        values = [default if value is None else value for value in values]
        if missing and name not in self._wide:
            wider.add(name)
        if not missing or name in wider:
            return values
        few = [rows[number] for number in missing]
        for alias in others:
            found = self._rows.at_path(few, alias.path)
            if found.count(msgspec.UNSET) == len(found):
                continue
            still = []
            for number, value in zip(missing, understood(alias.read, found), strict=True):
                if value is None:
                    still.append(number)
                else:
                    values[number] = value
            missing = still
            few = [rows[number] for number in missing]
        slow.update(self._carried(name, missing, rows))
        return values

    def _carried(self, name: str, missing: list[int], rows: Sequence[Any]) -> Iterator[int]:
        """Return those of the missing values that may be told by a carrier or inside of it."""
        few = [rows[number] for number in missing]
        for key in _late_keys(name):
            told = self._rows.column(few, key)
            if told.count(msgspec.UNSET) == len(told):
                continue
            for number, value in zip(missing, told, strict=True):
                # ECS has an object called `log`, which carries nothing.
                if value not in _NO_VALUE and not (key == "log" and isinstance(value, dict)):
                    yield number

    def _decode(
        self, lines: Sequence[bytes], numbers: Collection[int], columns: list[list[Any]]
    ) -> None:
        """Put what `decode` finds in some lines into the columns."""
        decoded = _Decoded()
        records = [decoded[lines[number]] for number in numbers]
        found = []
        for name in self.names:
            if name in ATTRIBUTES:
                values = list(map(attrgetter(ATTRIBUTES[name]), records))
            else:
                values = [value_of(record, name) for record in records]
            found.append(_coarse(name, values) if self._coarse else values)
        put(numbers, found, columns)


class _Decoded(dict[bytes, Record]):
    """The record of each line, made once: what floods a log is mostly the same line."""

    def __missing__(self, line: bytes) -> Record:
        record = self[line] = decode_line(line.removesuffix(b"\n"))
        return record


def _coarse(name: str, values: list[Any]) -> list[Any]:
    if name == "time":
        return [at if at is None else at // 1 for at in values]
    return [value[:COARSE] if type(value) is str else value for value in values]


def put(numbers: Collection[int], found: Sequence[list[Any]], columns: Sequence[list[Any]]) -> None:
    """Put what was found for the lines with these numbers into the columns of all lines."""
    for column, values in zip(columns, found, strict=True):
        for number, value in zip(numbers, values, strict=True):
            column[number] = value


def few(some: Sized, every: Sized) -> bool:
    """Tell whether some are not more than what can be dealt with one by one."""
    return len(some) * 4 <= len(every)


def _keys(name: str) -> Iterator[str]:
    """Return the keys under which a field may be found, and those of what may carry it."""
    for path in [alias.path for alias in ALIASES.get(name, ())] or [name]:
        yield path
        yield path.partition(".")[0]
    yield from _late_keys(name)


def _late_keys(name: str) -> list[str]:
    return [*CARRIERS, *(alias.path for alias in LATE.get(name, ()))]
