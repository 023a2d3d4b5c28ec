"""The digest of a table: the same in any order and session, another after any change."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.backup.content import LARGE_OBJECTS, read_content
from deploy.backup.manifest import Content

# A column called x, as the alias in the query is, and every type whose text depends on a session.
TABLE = """
CREATE TABLE "odd ""table" (
    x int, "a b" text, f float8, b bytea, at timestamptz, i interval, d date, l text[], j jsonb
)
"""
NAME = 'public."odd ""table"'
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ROWS = st.tuples(
    st.none() | st.integers(-5, 5),
    st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.binary(max_size=5),
    st.none() | MOMENTS,
)
INSERT = f'INSERT INTO {NAME} (x, "a b", f, b, at) VALUES ($1, $2, $3, $4, $5)'


class Database:
    """A connection, and the loop it lives on."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.connection = self.run(asyncpg.connect(url, timeout=10))

    def run(self, doing: Any) -> Any:
        return self.runner.run(doing)

    def execute(self, statement: str) -> None:
        self.run(self.connection.execute(statement))

    def content(self) -> Content:
        found: Content = self.run(read_content(self.connection, 10.0))
        return found

    def digest_of(self, rows: list[tuple[Any, ...]]) -> tuple[int, str]:
        self.execute(f"TRUNCATE {NAME}")
        for row in rows:
            self.run(self.connection.execute(INSERT, *row))
        table = self.content().tables[NAME]
        return table.rows, table.digest


@pytest.fixture
def database(empty_database: str) -> Iterator[Database]:
    """A database with an odd table."""
    made = Database(empty_database)
    made.execute(TABLE)
    yield made
    made.run(made.connection.close(timeout=10))
    made.runner.close()


def told(row: tuple[Any, ...]) -> tuple[str, ...]:
    """The row as PostgreSQL tells apart: -0.0 is not 0.0 when written."""
    return tuple(map(repr, row))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ROWS, max_size=8), st.lists(ROWS, max_size=8), st.randoms())
def test_equal_rows_and_they_alone_have_one_digest(
    database: Database, rows: list[Any], others: list[Any], random: Any
) -> None:
    digest = database.digest_of(rows)
    assert digest[0] == len(rows)
    shuffled = [*rows]
    random.shuffle(shuffled)
    assert database.digest_of(shuffled) == digest
    same = sorted(map(told, rows)) == sorted(map(told, others))
    assert (database.digest_of(others) == digest) is same


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ROWS, min_size=1, max_size=8), ROWS, st.data())
def test_any_change_changes_the_digest(
    database: Database, rows: list[Any], new: Any, data: st.DataObject
) -> None:
    digest = database.digest_of(rows)
    at = data.draw(st.integers(0, len(rows) - 1))
    if told(rows[at]) != told(new):
        assert database.digest_of([*rows[:at], new, *rows[at + 1 :]]) != digest
    # Twice the same row is not the row's absence, as it would be with XOR.
    assert database.digest_of([*rows, new, new]) != digest
    assert database.digest_of([*rows[:at], *rows[at + 1 :]]) != digest


def test_the_session_does_not_matter(database: Database) -> None:
    database.execute(
        f"INSERT INTO {NAME} VALUES (1, 'ä', 0.1 + 0.2, '\\xff', now(), '1 mon 2 days', now(),"
        """ '{"a,b"}', '{"k": 1.0}')"""
    )
    first = database.content()
    database.execute(
        "SET timezone = 'Asia/Kathmandu'; SET datestyle = 'German'; SET bytea_output = 'escape';"
        "SET intervalstyle = 'iso_8601'; SET extra_float_digits = -5; SET row_security = on;"
        "SET search_path = nowhere; SET quote_all_identifiers = on"
    )
    assert database.content() == first


def test_what_is_counted(database: Database) -> None:
    database.execute(
        """
        CREATE TABLE parent (n int); CREATE TABLE child () INHERITS (parent);
        INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2), (3);
        CREATE TABLE parted (n int) PARTITION BY RANGE (n);
        CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9);
        INSERT INTO parted VALUES (1);
        CREATE TABLE empty (); INSERT INTO empty DEFAULT VALUES;
        CREATE TEMPORARY TABLE mine (n int);
        CREATE VIEW seen AS SELECT * FROM parent;
        CREATE SCHEMA "Other"; CREATE TABLE "Other".t (x int);
        CREATE SEQUENCE down INCREMENT -1; SELECT nextval('down'), nextval('down');
        SELECT lo_from_bytea(0, 'abc');
        """
    )
    content = database.content()
    assert {name: table.rows for name, table in content.tables.items()} == {
        NAME: 0,
        "public.parent": 1,
        "public.child": 2,
        "public.part": 1,
        "public.empty": 1,
        '"Other".t': 0,
        LARGE_OBJECTS: 1,
    }
    assert (content.sequences["public.down"].value, content.rows) == (-2, 6)
    assert not content.sequences["public.down"].ascending
