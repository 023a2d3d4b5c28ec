"""A SELECT by DuckDB itself, told the columns of the log: `python -m benchmarks.logs.duckdb_alone`.

It is what `opsconsole sql` is compared with: the same names, and no column that has to be guessed.
"""

import sys

import duckdb

_COLUMNS = {
    "timestamp": "TIMESTAMPTZ",
    "status": "INTEGER",
    "duration_ms": "DOUBLE",
    **dict.fromkeys(
        ("level", "event", "request_id", "method", "path", "route", "user_id", "client"), "VARCHAR"
    ),
}
_VIEW = """
CREATE VIEW logs AS
SELECT * REPLACE (lower(level) AS level) RENAME (timestamp AS time, event AS message)
FROM read_json('{path}', columns = {columns}, format = 'newline_delimited')
"""


def main() -> None:
    """Write the rows as CSV."""
    path, statement = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute(_VIEW.format(path=path.replace("'", "''"), columns=_COLUMNS))
    connection.execute(f"COPY ({statement}) TO '/dev/stdout' (HEADER)")


if __name__ == "__main__":
    main()
