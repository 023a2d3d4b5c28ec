"""Lines about the proxy: that it leads here, and whose word about clients is believed."""

from __future__ import annotations

import asyncio
import re
import socket
from ipaddress import ip_address, ip_network
from secrets import randbits
from urllib.parse import urlsplit

from service.checks.line import Outcome, Unknowable, failed, passed
from service.checks.scene import Scene
from service.checks.web import LIVE, REDIRECTS, Answer, Site, Unreachable

FORGED_HOST = "forged.example"
VERSION = re.compile(r"/\d")
# A window of the rate limit may end between two requests, which then seem to be two clients'.
ATTEMPTS = 3
LONGEST_WAIT = 2


async def reverse_proxy(scene: Scene) -> Outcome:
    """PUBLIC_URL leads to this service (it returns the X-Request-ID that it was sent), through a
    proxy that does not tell its version.

    Point the proxy at the service's port; in nginx, `server_tokens off;`.
    """
    site = scene.public
    try:
        answer = await site.get(LIVE)
    except Unreachable:
        raise
    except Unknowable as error:
        await scene.straight.get(LIVE)  # down itself, it is another line's
        return failed(error.found, f"point the proxy at {scene.straight.url}")
    if (banner := answer.value("server")) and VERSION.search(banner):
        return failed(f"the proxy tells its version: {banner}", "in nginx: server_tokens off;")
    return passed(f"{site.url} leads here, by {banner or 'a proxy without a name'}")


async def proxy_trust(scene: Scene) -> Outcome:
    """`FORWARDED_ALLOW_IPS` does not trust everybody; a forged X-Forwarded-Host and a forged
    X-Forwarded-For, sent through the proxy, are not believed, and the proxy's own scheme is: seen
    in a redirect, and in whose rate limit a login counts for.

    Set `FORWARDED_ALLOW_IPS` to the proxy's address; in nginx, set `X-Forwarded-Host $http_host`,
    `X-Forwarded-Proto $scheme` and `X-Forwarded-For $proxy_add_x_forwarded_for`.
    """
    trusted = scene.settings.FORWARDED_ALLOW_IPS
    if any(each == "*" or ip_network(each, strict=False).prefixlen == 0 for each in trusted):
        return failed(
            "FORWARDED_ALLOW_IPS trusts everybody", "set it to the address of the proxy alone"
        )
    if not scene.deployed:
        return passed(f"only {', '.join(trusted) or 'nobody'} is trusted")
    return (
        await _forged_host(scene)
        or await _forged_client(scene)
        or passed(
            f"only {', '.join(trusted) or 'nobody'} is trusted; forged headers change nothing"
        )
    )


async def _forged_host(scene: Scene) -> Outcome | None:
    site = scene.public
    # Werkzeug redirects a doubled slash to the URL it takes for the service's own.
    forged = {"X-Forwarded-Host": FORGED_HOST}
    answer = await site.ask("GET", "/health//live", forged)
    target = urlsplit(answer.value("location") or "")
    if answer.status not in REDIRECTS or not target.hostname:
        return None  # a relative redirect tells nothing, and is led nowhere
    if target.hostname == FORGED_HOST:
        return failed(
            "a client chooses the host of links by X-Forwarded-Host",
            "in nginx: proxy_set_header X-Forwarded-Host $http_host;",
        )
    if target.scheme != site.parts.scheme:
        return failed(
            f"the service takes requests to {site.url} for {target.scheme}",
            "set FORWARDED_ALLOW_IPS to the proxy's address; "
            "in nginx: proxy_set_header X-Forwarded-Proto $scheme;",
        )
    return None


async def _forged_client(scene: Scene) -> Outcome | None:
    """Fails when each forged address has a rate limit of its own."""
    if scene.settings.RATELIMIT_STORAGE_URI.startswith("memory"):
        raise Unknowable(
            "each process counts by itself, so no limit tells whose request it was",
            "see the line rate-limiting",
        )
    believed = 0
    for _ in range(ATTEMPTS):
        first, second = [await login_attempt(scene.public) for _ in range(2)]
        if 429 in (first.status, second.status):
            return None  # an address nobody had before would not be limited
        before, after = _remaining(first), _remaining(second)
        if before is None or after is None:
            raise Unknowable(
                "no rate limit tells whose request it was", "see the line rate-limiting"
            )
        if after < before:
            return None
        believed += after == before
    if believed < ATTEMPTS - 1:
        raise Unknowable("the rate limits change too fast to tell", "run this again")
    await _require_untrusted(scene)
    return failed(
        "a client chooses its address by X-Forwarded-For",
        "in nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    )


async def _require_untrusted(scene: Scene) -> None:
    """Raises `Unknowable` when this machine is itself a trusted proxy: what it says of others is
    believed, and should be."""
    source = await asyncio.to_thread(source_address, scene.public)
    if any(
        ip_address(source) in ip_network(each, strict=False)
        for each in scene.settings.FORWARDED_ALLOW_IPS
    ):
        raise Unknowable(
            f"this machine ({source}) is a trusted proxy itself, so what it forges is believed",
            "run this elsewhere, or with --url and the name that leads here from outside",
        )


def source_address(site: Site) -> str:
    """The address from which this machine reaches the site. Sends nothing."""
    found = socket.getaddrinfo(site.parts.hostname, site.parts.port or 443, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, address = found[-1]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(address)
        source: str = probe.getsockname()[0]
    return source


async def login_attempt(site: Site) -> Answer:
    """A login without anybody's name or password, from an address that is made up."""
    forged = f"2001:db8::{randbits(16):x}:{randbits(16):x}:{randbits(16):x}"
    headers = {"Content-Type": "application/json", "X-Forwarded-For": forged}
    for _ in range(ATTEMPTS):
        answer = await site.ask("POST", "/api/v1/auth/login", headers, b"{}")
        wait = answer.value("retry-after") or ""
        if answer.status != 503 or not wait.isdigit():
            break
        await asyncio.sleep(min(int(wait), LONGEST_WAIT))  # the store of limits was away
    return answer


def _remaining(answer: Answer) -> int | None:
    value = answer.value("x-ratelimit-remaining") or ""
    return int(value) if value.isdigit() else None
