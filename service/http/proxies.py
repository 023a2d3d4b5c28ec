"""Who the client is when a proxy speaks for them: only proxies that are trusted are believed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import cast

from hypercorn.typing import HTTPScope

# A name whose parts are neither empty nor longer than DNS has them, or an address; and a port.
HOST = re.compile(
    rb"(?=[^:]{1,253}(:|\Z))[A-Za-z0-9_~-]{1,63}(\.[A-Za-z0-9_~-]{1,63})*\.?(:\d{1,5})?"
    rb"|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?"
)
FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"})
SCHEMES = {b"http": "http", b"https": "https"}
PEERS_REMEMBERED = 4096


class TrustedProxies:
    """`allowed`: addresses, networks or `*`, as FORWARDED_ALLOW_IPS has them."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._everybody = "*" in allowed
        self._networks = [ip_network(each, strict=False) for each in allowed if each != "*"]
        self._trusts = lru_cache(PEERS_REMEMBERED)(self._is_trusted)

    def applied_to(self, scope: HTTPScope) -> HTTPScope:
        """The scope as the client's own request would have made it; the same one where no trusted
        proxy says anything."""
        said = [each for each in scope["headers"] if each[0] in FORWARDED]
        client = scope["client"]
        # A peer without an address came over a Unix socket, from this machine.
        if not said or not (client is None or self._trusts(client[0])):
            return scope
        values = dict(said)  # of a header sent twice, the last: what the nearest proxy added
        told = {**scope}
        address = self._client(
            b",".join(value for name, value in said if name == b"x-forwarded-for")
        )
        if address is not None:
            told["client"] = (address, 0)
        scheme = SCHEMES.get(_last(values.get(b"x-forwarded-proto", b"")))
        if scheme is not None:
            told["scheme"] = scheme
        host = _last(values.get(b"x-forwarded-host", b""))
        believed = cast("HTTPScope", told)
        return with_host(believed, host) if HOST.fullmatch(host) else believed

    def _client(self, chain: bytes) -> str | None:
        """The nearest address that is not a trusted proxy; all trusted, the farthest."""
        found = None
        for each in reversed(chain.split(b",")):
            address = _address(each.strip())
            if address is None:
                break
            found = address
            if not self._trusts(address):
                break
        return found

    def _is_trusted(self, address: str) -> bool:
        if self._everybody:
            return True
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(parsed in network for network in self._networks)


def with_host(scope: HTTPScope, host: bytes) -> HTTPScope:
    """The scope with another Host header."""
    others = [each for each in scope["headers"] if each[0] != b"host"]
    return cast("HTTPScope", {**scope, "headers": [(b"host", host), *others]})


def _last(value: bytes) -> bytes:
    return value.rpartition(b",")[2].strip()


def _address(text: bytes) -> str | None:
    """The address in `1.2.3.4`, `1.2.3.4:5`, `::1` or `[::1]:5`."""
    if text.startswith(b"["):
        text = text[1:].partition(b"]")[0]
    elif text.count(b":") == 1:
        text = text.partition(b":")[0]
    try:
        parsed = ip_address(text.decode("ascii"))
    except ValueError:  # UnicodeDecodeError is one
        return None
    # An interface after a % is meaningless to anybody else, and may hold anything.
    return None if b"%" in text else str(getattr(parsed, "ipv4_mapped", None) or parsed)
