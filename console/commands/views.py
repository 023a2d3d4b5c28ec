"""The view `logs`, as SQL."""

from collections.abc import Callable, Container, Iterable, Mapping

from console.commands.contract import COLUMNS, LEVEL_NAMES

__all__ = ["broken_lines", "literal", "literals", "view"]

_READ_AS = {"status": "INTEGER", "duration_ms": "DOUBLE"}
# As `convert` writes them: times in seconds since the epoch.
_TYPES = {"time": "DOUBLE", **_READ_AS}
# What the contract calls otherwise.
_KEYS = {"time": "timestamp", "message": "event"}
_SOURCE, _RAW = "source", "raw"
# NULL is a line that is no JSON.
_IS_OBJECT = f"({_RAW} IS NOT NULL AND starts_with({_RAW}::VARCHAR, '{{'))"
_LINES = "format = 'newline_delimited'"
_STRICT = f"{_LINES}, filename = true"
# A line that is broken in its middle is a row of nothing.
_LENIENT = f"{_STRICT}, ignore_errors = true"


def view(
    plain: Mapping[str, str],
    converted: str | None,
    *,
    strays: Container[str] = (),
    raw: bool,
    strict: bool = False,
) -> str:
    """Return a SELECT of all lines, with `raw` or without.

    `plain` are paths of files of the contract's lines, and what they are called; `converted` is the
    path of one that `convert` has written. There must be any. Of the paths in `strays`, the lines
    that are no objects are left out: they are in `converted`. `strict`: without `raw`, such a line
    is an error.
    """
    parts: list[str] = []
    clean = {path: name for path, name in plain.items() if path not in strays}
    if clean:
        parts.append(_objects(clean) if raw else _fields(clean, strict=strict))
    if mixed := {path: name for path, name in plain.items() if path in strays}:
        chosen = "*" if raw else f"* EXCLUDE ({_RAW})"
        parts.append(f"SELECT {chosen} FROM ({_objects(mixed)}) WHERE {_IS_OBJECT}")  # noqa: S608
    if converted is not None:
        columns = {name: _TYPES.get(name, "VARCHAR") for name in (*COLUMNS, _SOURCE)}
        if raw:
            columns[_RAW] = "JSON"
        reader = f"read_json({literal(converted)}, columns = {_struct(columns)}, {_LINES})"
        parts.append(f"SELECT * REPLACE (to_timestamp(time) AS time) FROM {reader}")  # noqa: S608
    return " UNION ALL ".join(parts)


def broken_lines(path: str) -> str:
    """Return a SELECT of how many lines of a file are no objects, those of spaces not counted."""
    lines = f"SELECT json AS {_RAW} FROM read_ndjson_objects({literal(path)}, {_LENIENT})"  # noqa: S608
    return f"SELECT count(*) FROM ({lines}) WHERE NOT {_IS_OBJECT}"  # noqa: S608


def literal(text: str) -> str:
    """Return a text in SQL's quotes."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """Return a list of texts."""
    return f"[{', '.join(map(literal, texts))}]"


def _fields(plain: Mapping[str, str], *, strict: bool) -> str:
    """Have only those keys decoded that a statement asks for."""
    columns = {_KEYS.get(name, name): _READ_AS.get(name, "VARCHAR") for name in COLUMNS}
    options = _STRICT if strict else _LENIENT
    reader = f"read_json({literals(plain)}, columns = {_struct(columns)}, {options})"
    chosen = _columns(plain, lambda name: _KEYS.get(name, name))
    return f"SELECT {chosen} FROM {reader}"  # noqa: S608


def _objects(plain: Mapping[str, str]) -> str:
    """Have all of each line read."""
    reader = f"read_ndjson_objects({literals(plain)}, {_LENIENT})"

    def column(name: str) -> str:
        value = f"(json->>'$.{_KEYS.get(name, name)}')"
        return f"TRY_CAST({value} AS {_READ_AS[name]})" if name in _READ_AS else value

    return f"SELECT {_columns(plain, column)}, json AS {_RAW} FROM {reader}"  # noqa: S608


def _columns(plain: Mapping[str, str], column: Callable[[str], str]) -> str:
    chosen = [f"{_understood(name, column(name))} AS {name}" for name in COLUMNS]
    source = f"map({literals(plain)}, {literals(plain.values())})[filename] AS {_SOURCE}"
    return ", ".join([*chosen, source])


def _understood(name: str, value: str) -> str:
    if name == "time":
        return f"TRY_CAST({value} AS TIMESTAMPTZ)"
    if name == "level":
        cases = (f"WHEN {literal(n)} THEN {literal(known)}" for n, known in LEVEL_NAMES.items())
        return f"CASE lower({value}) {' '.join(cases)} END"
    if name == "status":
        return f"CASE WHEN {value} BETWEEN 100 AND 999 THEN {value} END"
    return value if name == "duration_ms" else f"NULLIF({value}, '')"


def _struct(columns: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{literal(name)}: '{kind}'" for name, kind in columns.items()) + "}"
