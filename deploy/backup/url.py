"""One database URL, in any form the service takes, for asyncpg and for PostgreSQL's programs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from deploy.backup.problems import UsageError

_SCHEME = re.compile(r"postgres(ql)?(\+(asyncpg|psycopg|psycopg2|psycopg2cffi|pg8000))?")
# What both know. Anything else in the query configures a pool, not a connection.
_BOTH = frozenset(
    {
        "application_name",
        "host",
        "options",
        "passfile",
        "port",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
        "user",
    }
)
_LIBPQ_ONLY = frozenset(
    {
        "channel_binding",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "requirepeer",
        "sslsni",
        "tcp_user_timeout",
    }
)


@dataclass(frozen=True, slots=True)
class DatabaseURL:
    """A database on a server. The password is in none of the strings but `dsn`."""

    authority: str
    database: str
    query: tuple[tuple[str, str], ...]
    password: str | None

    def __repr__(self) -> str:
        return f"DatabaseURL({self.conninfo!r})"

    @classmethod
    def parse(cls, text: str, key: str) -> DatabaseURL:
        """Raises `UsageError`, naming the key and never repeating the URL."""
        try:
            parts = urlsplit(text.strip())
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
        except ValueError:
            raise UsageError(f"{key} is not a URL: check its special characters") from None
        if not _SCHEME.fullmatch(parts.scheme):
            raise UsageError(f"{key} must begin with postgresql:// (or postgres://)")
        database = unquote(parts.path[1:]) or query.pop("dbname", "")
        if not database:
            raise UsageError(f"{key} must name a database, as in postgresql://host/name")
        userinfo, at, hosts = parts.netloc.rpartition("@")
        user, colon, password = userinfo.partition(":")
        secret = unquote(password) if colon else query.pop("password", None)
        query.pop("password", None)
        # SQLAlchemy's asyncpg dialect has its own word for libpq's.
        if "ssl" in query:
            query.setdefault("sslmode", query["ssl"])
        kept = tuple(pair for pair in query.items() if pair[0] in _BOTH | _LIBPQ_ONLY)
        return cls(f"{user}{at}{hosts}", database, kept, secret)

    def of(self, database: str) -> DatabaseURL:
        """Another database on the same server."""
        return DatabaseURL(self.authority, database, self.query, self.password)

    @property
    def conninfo(self) -> str:
        """For PostgreSQL's programs: without the password, since others can see command lines."""
        return self._with(self.authority, self.query)

    @property
    def dsn(self) -> str:
        """For asyncpg, with the password."""
        kept = tuple(pair for pair in self.query if pair[0] in _BOTH)
        authority = self.authority
        if self.password is not None:
            user, _, hosts = authority.rpartition("@")
            if not user:
                kept = (*kept, ("password", self.password))
            else:
                authority = f"{user}:{quote(self.password, safe='')}@{hosts}"
        return self._with(authority, kept)

    def _with(self, authority: str, query: tuple[tuple[str, str], ...]) -> str:
        found = f"?{urlencode(query, quote_via=quote)}" if query else ""
        return f"postgresql://{authority}/{quote(self.database, safe='')}{found}"
