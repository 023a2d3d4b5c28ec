"""A SELECT whose SQL is made once, for `Database.select`."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect


class Query:
    """A SELECT of one fixed text, and what it binds.

    Values reach asyncpg as they are: there is no `IN`, and no type that SQLAlchemy would convert.
    """

    def __init__(self, statement: sa.Select[Any]) -> None:
        compiled = statement.compile(dialect=dialect())  # type: ignore[no-untyped-call]
        if compiled.post_compile_params:
            raise ValueError("an IN has no fixed text")
        self.statement = statement
        self.sql = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._constants = {
            name: compiled.params[name] for name in self._names if compiled.params[name] is not None
        }

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the placeholders."""
        given = {**self._constants, **values}
        return [given[name] for name in self._names]
