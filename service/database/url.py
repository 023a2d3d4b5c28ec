"""One database URL, in any form a Flask deployment uses, as asyncpg takes it."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

SCHEME = re.compile(r"(postgres|postgresql)(\+(asyncpg|psycopg|psycopg2|psycopg2cffi|pg8000))?")

# libpq's own switches, of which asyncpg has no counterpart: dropped, since libpq's defaults hold.
LIBPQ_ONLY = frozenset(
    {
        "channel_binding",
        "client_encoding",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "requirepeer",
        "sslcompression",
        "sslsni",
        "tcp_user_timeout",
    }
)

VERIFYING = frozenset({"verify-ca", "verify-full"})


class DatabaseURLError(ValueError):
    """The URL cannot be used; the message says why and never repeats the URL."""


@dataclass(frozen=True, slots=True)
class DatabaseURL:
    """`dsn`: what `asyncpg.connect` takes; it holds the password, so it is kept out of `repr`.
    `connect_timeout`: seconds, None where the URL does not say. `tls`: what asyncpg cannot read out
    of a URL, None where it can.
    """

    dsn: str
    connect_timeout: float | None
    tls: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"DatabaseURL({redact(self.dsn)!r})"


def translate(url: str, connect_args: Mapping[str, Any] | None = None) -> DatabaseURL:
    """The URL, and libpq arguments given beside it, in asyncpg's terms.

    asyncpg itself knows `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `passfile`,
    `target_session_attrs`, several hosts, and passes what it does not know to the server. Raises
    `DatabaseURLError`, also when the server's certificate could never be verified.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise DatabaseURLError("is not a URL: check brackets and special characters") from None
    if not SCHEME.fullmatch(parts.scheme):
        raise DatabaseURLError("must begin with postgresql:// (or postgres://)")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query.update({name: str(value) for name, value in (connect_args or {}).items()})
    timeout = _seconds(query.pop("connect_timeout", None))
    tls = _tls(query)
    kept = {name: value for name, value in query.items() if name not in LIBPQ_ONLY}
    dsn = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(kept), ""))
    # urlunsplit drops the // of an empty host, without which asyncpg sees no URL.
    dsn = dsn if dsn.startswith("postgresql://") else dsn.replace("postgresql:", "postgresql://", 1)
    return DatabaseURL(dsn, timeout, tls)


def _tls(query: dict[str, str]) -> ssl.SSLContext | None:
    """libpq's `sslrootcert=system`, which it takes out of the query."""
    mode, root = query.get("sslmode"), query.get("sslrootcert")
    if root == "system":
        if mode not in {None, "verify-full"}:
            raise DatabaseURLError(
                "has sslrootcert=system, which goes with sslmode=verify-full only"
            )
        query.pop("sslmode", None)
        del query["sslrootcert"]
        return ssl.create_default_context()
    if mode in VERIFYING and not root and not _usual_root().is_file():
        raise DatabaseURLError(
            f"has sslmode={mode} and no sslrootcert: name the authority's file, or give "
            "sslmode=verify-full&sslrootcert=system for one that the system trusts"
        )
    if mode in {"require", *VERIFYING} and root and not os.access(root, os.R_OK):
        raise DatabaseURLError("names an sslrootcert that cannot be read")
    return None


def _usual_root() -> Path:
    """Where libpq looks for authorities that nobody names."""
    return Path(os.environ.get("PGSSLROOTCERT") or Path.home() / ".postgresql" / "root.crt")


def redact(url: str) -> str:
    """The URL with its password, in the authority or the query, shown as `***`."""
    url = re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", url)
    return re.sub(r"([?&](?:ssl)?password=)[^&\s]*", r"\1***", url)


def _seconds(raw: str | None) -> float | None:
    if raw is None:
        return None
    try:
        seconds = float(raw)
    except ValueError:
        raise DatabaseURLError("has a connect_timeout that is not a number of seconds") from None
    # libpq: zero or less waits for ever, which nothing here does.
    return seconds if seconds > 0 else None
