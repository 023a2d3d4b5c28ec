"""Where a database URL leads: to this machine, or to another."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

# Names of this machine, from itself or from a container on it.
LOCAL_NAMES = ("localhost", "host.docker.internal", "gateway.docker.internal")
RESOLVE_LIMIT = 3.0


def hosts_in(url: str) -> Sequence[str]:
    """The hosts a database URL names, folders of Unix sockets among them; libpq's default, a socket
    on this machine, where it names none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    named = parse_qs(parts.query).get("host", [])
    netloc = parts.netloc.rpartition("@")[2]
    hosts = [each for group in [netloc, *named] for each in group.split(",") if each]
    return [_without_port(each) for each in hosts] or ["/"]


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.startswith("/") or host.count(":") > 1 else host.partition(":")[0]


async def any_is_this_machine(hosts: Sequence[str]) -> bool:
    """Whether one of the hosts is this machine."""
    for host in hosts:
        try:
            async with asyncio.timeout(RESOLVE_LIMIT):
                if await asyncio.to_thread(is_this_machine, host):
                    return True
        except TimeoutError:
            continue  # a name that does not resolve is not this machine's
    return False


def is_this_machine(host: str) -> bool:
    """Whether connecting to that host leads to this machine: a socket can be bound there."""
    name = host.lower().rstrip(".")
    if host.startswith(("/", "@")) or name in LOCAL_NAMES or name.endswith(".localhost"):
        return True
    try:
        addresses = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError:
        return False
    for family, kind, protocol, _, address in addresses:
        with socket.socket(family, kind, protocol) as probe:
            try:
                probe.bind((address[0], 0))
            except OSError:
                continue
            return True
    return False
