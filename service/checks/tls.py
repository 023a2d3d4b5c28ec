"""The line about HTTPS: the certificate, the protocol, and what plain HTTP is answered."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
import warnings
from urllib.parse import urlsplit

from service.checks.line import Outcome, Unknowable, failed, passed
from service.checks.scene import Scene
from service.checks.web import REDIRECTS, REQUEST_LIMIT, Site, Unreachable, reason, unverified

EXPIRY_MARGIN = 14 * 86_400


async def https(scene: Scene) -> Outcome:
    """PUBLIC_URL is https; its certificate is for that name, from an authority this machine trusts
    (`SSL_CERT_FILE` names a private one) and good for 14 days more; TLS before 1.2 is refused;
    plain HTTP redirects to https or is closed.

    Renew the certificate; in nginx, `ssl_protocols TLSv1.2 TLSv1.3;` and `return 301
    https://$host$request_uri;` on port 80.
    """
    try:
        site = scene.public
    except Unknowable as error:
        return failed(error.found, error.remedy)
    if site.parts.scheme != "https":
        remedy = "put nginx with a certificate in front, and set PUBLIC_URL to its https URL"
        return failed(f"{site.url} is not https", remedy)
    if not scene.deployed:
        return passed(site.url)
    return (
        await _flaw_of_tls(site)
        or await _flaw_of_plain_http(scene, site)
        or passed(f"{site.url}: trusted, current certificate; TLS 1.2 or later")
    )


async def _flaw_of_tls(site: Site) -> Outcome | None:
    try:
        async with asyncio.timeout(2 * REQUEST_LIMIT):
            expires = await asyncio.to_thread(expiry_of_certificate, site)
            takes_old = await asyncio.to_thread(accepts_old_tls, site)
    except OSError as error:
        remedy = "renew the certificate; for a private authority, set SSL_CERT_FILE"
        if not isinstance(error, ssl.SSLError):
            remedy = "start the proxy, and let PUBLIC_URL lead to it"
        return failed(f"{site.url}: {reason(error)}", remedy)
    days = (expires - time.time()) / 86_400
    if days * 86_400 < EXPIRY_MARGIN:
        return failed(f"the certificate expires in {days:.0f} days", "renew the certificate")
    if takes_old:
        return failed("TLS 1.1 is accepted", "in nginx: ssl_protocols TLSv1.2 TLSv1.3;")
    return None


async def _flaw_of_plain_http(scene: Scene, site: Site) -> Outcome | None:
    """Whether somebody who types no https is served without it."""
    # Behind another port than 443, nobody can tell where plain HTTP would be.
    default = f"http://{site.parts.hostname}" if site.parts.port in {None, 443} else None
    url = scene.plain_url or default
    if url is None:
        return None
    try:
        answer = await Site(url, remedy="").ask_anybody("GET", "/health/live")
    except Unreachable:
        return None
    target = urlsplit(answer.value("location") or "")
    if answer.status in REDIRECTS and target.scheme == "https":
        return None
    return failed(
        f"{url} answers {answer.status} and does not redirect to https",
        "in nginx, on port 80: return 301 https://$host$request_uri;",
    )


def expiry_of_certificate(site: Site) -> float:
    """When the certificate ends, in seconds since the epoch, for a client that verifies it.

    Raises `OSError`.
    """
    with _connected(site, ssl.create_default_context()) as connection:
        certificate = connection.getpeercert() or {}
        return ssl.cert_time_to_seconds(str(certificate["notAfter"]))


def accepts_old_tls(site: Site) -> bool:
    """Whether the server would speak TLS 1.1 or less, which nobody should offer any more."""
    context = unverified()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        _connected(site, context).close()
    except OSError:
        return False
    return True


def _connected(site: Site, context: ssl.SSLContext) -> ssl.SSLSocket:
    host, port = site.parts.hostname or "", site.parts.port or 443
    connection = socket.create_connection((host, port), timeout=REQUEST_LIMIT)
    try:
        return context.wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise
