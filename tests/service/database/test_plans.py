"""Every statement of the service is planned by PostgreSQL with an index, for values and for none.

The tables hold 20,000 rows each, and their statistics say 1,000,000: as many rows on as few pages
make reading all of a table look fifty times cheaper than it is, and still no plan may do it.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from service.database.base import metadata
from service.http.pagination import DEFAULT_LIMIT
from service.users import queries as users
from tests.service.database.statements import (
    BUILDERS,
    RARE,
    Statement,
    builders_in,
    building_functions,
    statements,
)

ROWS = 20_000
SEEM = 1_000_000
STATEMENTS = asyncio.run(statements())

FILL = """
INSERT INTO users (email, password_hash)
SELECT 'user' || n || '@example.com', 'x' FROM generate_series(1, {rows}) AS n;
INSERT INTO issued_tokens (jti, family, user_id, expires_at)
SELECT '00000000-0000-0000-0000-' || lpad(n::text, 12, '0'), gen_random_uuid(), n,
    now() + n * interval '1 minute' FROM generate_series(1, {rows}) AS n;
INSERT INTO revoked_tokens (jti, user_id, expires_at)
SELECT jti, user_id, expires_at FROM issued_tokens;
INSERT INTO idempotency_keys (key, fingerprint, answer, expires_at)
SELECT sha256(jti::bytea), sha256(jti::bytea), 'x', expires_at FROM issued_tokens;
"""
# Of a table, and of its indexes.
SEEM_LARGE = """
UPDATE pg_class SET reltuples = {seem} WHERE oid IN (
    SELECT 'public.{table}'::regclass
    UNION SELECT indexrelid FROM pg_index WHERE indrelid = 'public.{table}'::regclass
)
"""
INDEXES = """
SELECT index.relname, constrained.conname IS NOT NULL
FROM pg_index
JOIN pg_class AS index ON index.oid = indexrelid
JOIN pg_class AS owner ON owner.oid = indrelid
LEFT JOIN pg_constraint AS constrained
    ON constrained.conindid = indexrelid AND contype IN ('p', 'u')
WHERE owner.relname = %s
"""


@pytest.fixture(scope="module")
def filled(create_database: Any, migrated_template: str) -> Iterator[psycopg.Connection]:
    """A connection to a database that looks large; what a test changes is rolled back."""
    with psycopg.connect(create_database(migrated_template)) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(FILL.format(rows=ROWS))
        connection.execute("ANALYZE")
        for table in metadata.tables:
            connection.execute(SEEM_LARGE.format(table=table, seem=SEEM))
        connection.commit()
        yield connection


@pytest.fixture
def large(filled: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The same, as nobody has changed it."""
    yield filled
    filled.rollback()


def plan(connection: psycopg.Connection, statement: Statement, *, generic: bool) -> dict[str, Any]:
    """How PostgreSQL would run the statement: with its values, or prepared for any."""
    if generic:
        row = connection.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement.sql}").fetchone()
    else:
        assert statement.arguments is not None
        cursor = psycopg.RawCursor(connection)
        prefix = "EXPLAIN (FORMAT JSON) "
        row = cursor.execute(prefix + statement.sql, statement.arguments).fetchone()
    assert row is not None
    found: dict[str, Any] = row[0][0]["Plan"]
    return found


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The plan's nodes, from the top."""
    yield node
    for each in node.get("Plans", []):
        yield from nodes(each)


def flaws(top: dict[str, Any]) -> list[str]:
    """What in the plan costs more the more rows there are."""
    found = []
    for node in nodes(top):
        kind, name = node["Node Type"], node.get("Index Name", node.get("Relation Name"))
        by_index = kind in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}
        if (name in metadata.tables and kind == "Seq Scan") or (
            by_index and "Index Cond" not in node
        ):
            found.append(f"reads all of {name}")
        elif "Sort" in kind and node["Plans"][0]["Plan Rows"] > 1:
            found.append(f"sorts {node['Plans'][0]['Plan Rows']} rows")
    return found


def all_flaws(connection: psycopg.Connection) -> dict[str, list[str]]:
    """The statements with flaws in their plans, or without a plan at all."""
    found = {}
    for statement in STATEMENTS:
        for generic in (False, True):
            if not generic and statement.arguments is None:
                continue
            try:
                with connection.transaction(force_rollback=True):
                    wrong = flaws(plan(connection, statement, generic=generic))
            except psycopg.Error as error:
                wrong = [str(error)]
            if wrong:
                found[f"{statement.name}, {'generic' if generic else 'for values'}"] = wrong
    return found


@pytest.mark.parametrize("generic", [False, True], ids=["for values", "generic"])
@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: each.name)
def test_plan_costs_the_same_at_any_size(
    large: psycopg.Connection, statement: Statement, generic: bool
) -> None:
    if not generic and statement.arguments is None:
        pytest.skip("nobody knows its values")
    top = plan(large, statement, generic=generic)
    assert not flaws(top), json.dumps(top, indent=1)


def test_statistics_are_those_of_a_large_table(large: psycopg.Connection) -> None:
    for table in metadata.tables:
        whole = plan(large, Statement("", f"SELECT * FROM {table}", []), generic=False)
        assert whole["Plan Rows"] >= SEEM * 0.9, table
        assert flaws(whole) == [f"reads all of {table}"]


@pytest.mark.parametrize("table", list(metadata.tables))
def test_every_index_is_missed(large: psycopg.Connection, table: str) -> None:
    indexes = large.execute(INDEXES, (table,)).fetchall()
    assert indexes
    before = set(all_flaws(large))
    for index, constrains in indexes:
        with large.transaction(force_rollback=True):
            large.execute(
                f"ALTER TABLE {table} DROP CONSTRAINT {index} CASCADE"
                if constrains
                else f"DROP INDEX {index}"
            )
            assert set(all_flaws(large)) - before, f"{index} serves no statement"


def test_page_is_read_from_the_index_in_its_order(large: psycopg.Connection) -> None:
    assert (users.USUAL_ROWS, str(users.USUAL_LIMIT)) == (DEFAULT_LIMIT + 1, str(DEFAULT_LIMIT + 1))
    [page] = [each for each in STATEMENTS if each.name.endswith("page_query(usual)")]
    for generic in (False, True):
        kinds = [node["Node Type"] for node in nodes(plan(large, page, generic=generic))]
        assert kinds == ["Limit", "Index Scan"]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT * FROM users WHERE name = 'x'", "reads all of users"),
        ("SELECT id FROM users ORDER BY id", "reads all of pk_users"),
        ("SELECT * FROM users WHERE id > 5 ORDER BY name LIMIT 5", "sorts"),
        ("SELECT * FROM users WHERE lower(email) = 'x'", "reads all of users"),
    ],
)
def test_plan_that_grows_is_found(large: psycopg.Connection, sql: str, told: str) -> None:
    assert any(
        each.startswith(told) for each in flaws(plan(large, Statement("", sql, []), generic=False))
    )


def test_every_function_that_builds_sql_is_known() -> None:
    assert building_functions() == {*BUILDERS, *RARE}


@pytest.mark.parametrize(
    "line",
    [
        "sa.select(users.c.id)",
        "insert(users)",
        "users.delete().where(x)",
        "await connection.fetch('SELECT * FROM users')",
    ],
)
def test_new_function_that_builds_sql_is_found(line: str) -> None:
    assert builders_in(f"async def new():\n    return {line}\n") == {"new"}


def test_statements_of_every_table_are_found() -> None:
    found = " ".join(each.sql for each in STATEMENTS)
    for table in metadata.tables:
        assert re.search(rf"FROM {table}\b", found), table
        assert len([each for each in STATEMENTS if table in each.sql]) >= 3
