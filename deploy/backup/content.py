"""What a database holds: counts and digests, computed in the server, the same in any order."""

from __future__ import annotations

import json
from typing import Any

from deploy.backup.manifest import Content, Properties, Sequence, Table

# How a value is written must depend on the value alone.
PINNED = {
    "search_path": "pg_catalog",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "xmloption": "content",
    "quote_all_identifiers": "off",
    "row_security": "off",
}

# Tables of users: none of an extension, none of another session, and of partitioned ones the parts.
_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""
_SEQUENCES = """
SELECT format('%I.%I', n.nspname, c.relname), s.seqincrement > 0, s.seqcycle
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_sequence AS s ON s.seqrelid = c.oid
WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""
# The sum of the rows' SHA-256, half by half. Sums, not XOR, in which equal rows vanish by twos;
# SHA-256, which is the same in every version and on every machine, as hashtext is not.
# ROW(x.*), not x: a column may be called x, too.
_DIGEST = """
SELECT count(*), coalesce(sum(('x' || left(h, 16))::bit(64)::bigint::numeric), 0)::text
    || ':' || coalesce(sum(('x' || substr(h, 17, 16))::bit(64)::bigint::numeric), 0)::text
FROM (SELECT encode(sha256(convert_to(ROW(x.*)::text, 'UTF8')), 'hex') AS h FROM {}) AS rows
"""
_LARGE_OBJECTS = "(SELECT oid FROM pg_largeobject_metadata) AS x"
LARGE_OBJECTS = "large objects"
_PROPERTIES = """
SELECT to_jsonb(d)::text, pg_encoding_to_char(d.encoding),
    (SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = d.oid AND setrole = 0)
FROM pg_database AS d WHERE datname = current_database()
"""


async def pin(connection: Any) -> None:
    """Makes the session write every value in one way."""
    await connection.execute(
        "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in PINNED.items())
    )


async def read_sequences(connection: Any) -> dict[str, Sequence]:
    """Where every sequence stands; they do not care for snapshots."""
    found = {}
    for name, ascending, cycles in await connection.fetch(_SEQUENCES):
        row = await connection.fetchrow(f"SELECT last_value, is_called FROM {name}")  # noqa: S608 - quoted by format
        found[name] = Sequence(row[0], row[1], ascending, cycles)
    return found


async def read_tables(connection: Any, limit: float) -> dict[str, Table]:
    """Count and digest of every table; `limit` is in seconds, for each."""
    names = [name for (name,) in await connection.fetch(_TABLES)]
    places = {name: f"ONLY {name} AS x" for name in names} | {LARGE_OBJECTS: _LARGE_OBJECTS}
    found = {}
    for name, place in places.items():
        rows, digest = await connection.fetchrow(_DIGEST.format(place), timeout=limit)
        found[name] = Table(rows, digest)
    return found


async def read_properties(connection: Any) -> Properties:
    """How the database was made."""
    told, encoding, settings = await connection.fetchrow(_PROPERTIES)
    row = json.loads(told)
    return Properties(
        encoding=encoding,
        collate=row["datcollate"],
        ctype=row["datctype"],
        provider=row.get("datlocprovider", "c"),
        locale=row.get("datlocale") or row.get("daticulocale"),
        settings=list(settings or ()),
    )


async def read_content(connection: Any, limit: float) -> Content:
    """All of it, of a database nobody writes to."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL statement_timeout = {int(limit * 1000)}")
        await pin(connection)
        sequences = await read_sequences(connection)
        properties = await read_properties(connection)
        return Content(properties, await read_tables(connection, limit), sequences)
