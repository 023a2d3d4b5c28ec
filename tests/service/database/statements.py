"""Every SQL statement of the service, found by looking: in its modules and in its source."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.base import Executable

import service
from service.database.base import metadata
from service.database.engine import Query
from service.users import queries as users

DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
SQL = frozenset({"select", "insert", "update", "delete", "text", "union", "union_all"})
# These take text without SQLAlchemy.
DRIVER = frozenset({"execute", "fetch", "fetchrow", "fetchval"})

PLANNED = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\s")

# What each parameter is in the plans that are made for values: somebody in the middle of a table.
VALUES: Mapping[str, Any] = {
    **dict.fromkeys(("id", "only", "user", "user_id", "after"), 10_000),
    "email": "user10000@example.com",
    "jti": "00000000-0000-0000-0000-000000010000",
    "family": UUID(int=10_000),
    **dict.fromkeys(("name", "password_hash", "old", "new"), "x"),
    "role": "user",
    "issued_at": 1.8e9,
    "expires_at": datetime(2030, 1, 1, tzinfo=UTC),
    "count": 21,
    "keys": [b"\0" * 32, b"\1" * 32],
    **dict.fromkeys(("key", "fingerprint", "answer"), b"\0" * 32),
    **dict.fromkeys(("first", "second"), 1),
}
# Columns of an INSERT that names none come from the rows it is given.
COLUMNS = {
    "issued_tokens": ("jti", "family", "user_id", "expires_at"),
    "idempotency_keys": ("key", "fingerprint", "answer", "expires_at"),
}


@dataclass(frozen=True)
class Statement:
    """A statement as asyncpg sends it. `arguments`: values for its $1, $2 …; None: nobody knows."""

    name: str
    sql: str
    arguments: list[Any] | None


class Recorder:
    """Stands for a connection, and keeps the statement it was given."""

    async def execute(self, statement: Executable, _values: object = None) -> Any:
        raise Recorded(statement)


class Recorded(Exception):  # noqa: N818 - what happened, not what is wrong
    """Carries a statement out of the function that built it."""


async def change(**changes: object) -> Any:
    """The UPDATE of these columns of a user."""
    try:
        await users.change_user(Recorder(), 10_000, changes)  # type: ignore[arg-type]
    except Recorded as recorded:
        return recorded.args[0]


# Functions that build statements, and every statement they can build. Those without any are called
# while their module is imported, and what they made is found there by its name.
BUILDERS: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "service.users.queries.page_query": lambda: {
        ", ".join(name for name, asked in asked_for.items() if asked): users.page_query(**asked_for)
        for asked_for in (
            dict(zip(("by_email", "only_one", "usual"), each, strict=True))
            for each in product((False, True), repeat=3)
        )
    },
    "service.users.queries.change_user": lambda: {
        "email": change(email="new@example.com"),
        "all": change(email="new@example.com", name="x", role="user", active=True),
    },
    "service.auth.queries._revoke_issued": dict,
    "service.database.expiry.sweep": dict,
}
# The checklist's, which a person runs now and then; one of them reads every user on purpose.
RARE = {
    "service.checks.passwords.password_hashing": "counts the kinds of hashes of all users",
    "service.checks.database.managed_database": "asks about the session",
    "service.checks.operation._skew_of_database": "asks for the time",
}


def modules() -> Iterator[Any]:
    """Every module of the service but the programs, which run when they are imported."""
    for each in pkgutil.walk_packages(service.__path__, "service."):
        if not each.name.endswith("__main__"):
            yield importlib.import_module(each.name)


def building_functions() -> set[str]:
    """The functions whose source builds a statement."""
    found = set()
    for path in Path(service.__path__[0]).rglob("*.py"):
        parts = ("service", *path.relative_to(service.__path__[0]).with_suffix("").parts)
        module = ".".join(part for part in parts if part != "__init__")
        found |= {f"{module}.{name}" for name in builders_in(path.read_text())}
    return found


def builders_in(source: str) -> set[str]:
    """The names of the functions in a source that call a constructor of SQL, or give a driver a
    text that reads a table."""
    return {
        function.name
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(builds(node) for node in ast.walk(function) if isinstance(node, ast.Call))
    }


def builds(call: ast.Call) -> bool:
    """Whether the call makes a statement."""
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="sa"), attr=name)):
            return name in SQL
        case ast.Call(func=ast.Name(id=name)):
            return name in SQL
        case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=str(text)), *_]):
            return name in DRIVER and " FROM " in text.upper()
        case ast.Call(
            func=ast.Attribute(value=value, attr="select" | "insert" | "update" | "delete")
        ):
            return isinstance(value, ast.Name) and value.id in {*metadata.tables, "table"}
    return False


async def statements() -> list[Statement]:
    """Every statement that a request can run."""
    found: dict[str, Statement] = {}
    for module in modules():
        if module.__name__.startswith("service.checks"):
            continue
        for name, value in vars(module).items():
            for place, each in _executables(value):
                full_name = f"{module.__name__}.{name}{place}"
                statement = (
                    Statement(full_name, each, None)
                    if isinstance(each, str)
                    else compiled(full_name, each)
                )
                found.setdefault(statement.sql, statement)
    for function, build in BUILDERS.items():
        for variant, made in build().items():
            each = await made if hasattr(made, "__await__") else made
            each = each.statement if isinstance(each, Query) else each
            statement = compiled(f"{function}({variant})", each)
            found.setdefault(statement.sql, statement)
    return [*found.values(), *cascades()]


def _executables(value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Query):
        yield "", value.statement
    elif isinstance(value, str):
        if PLANNED.match(value):
            yield "", value
    elif isinstance(value, Executable) and isinstance(value, sa.ClauseElement):
        if not isinstance(value, sa.FromClause):
            yield "", value
    elif isinstance(value, list | tuple):
        for at, each in enumerate(value):
            yield from ((f"[{at}]{place}", inner) for place, inner in _executables(each))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from ((f"[{key!r}]{place}", inner) for place, inner in _executables(each))


def cascades() -> Iterator[Statement]:
    """What PostgreSQL itself runs for a foreign key when a row it points to is deleted."""
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            column = key.parent.name
            sql = f"DELETE FROM ONLY {table.name} WHERE $1::BIGINT = {column}"
            yield Statement(f"cascade to {table.name}.{column}", sql, [10_000])


def compiled(name: str, statement: Any) -> Statement:
    """The text the driver gets, its values at their places. A parameter without a value here is a
    KeyError: give it one in VALUES."""
    columns = None
    if isinstance(statement, sa.Insert) and statement._values is None and statement.select is None:
        columns = COLUMNS[statement.table.name]
    made = statement.compile(dialect=DIALECT, column_keys=columns)
    needed = {each.key: VALUES[each.key] for each in made.bind_names if each.required}
    state = made.construct_expanded_state(needed)
    return Statement(name, state.statement, list(state.positional_parameters))
