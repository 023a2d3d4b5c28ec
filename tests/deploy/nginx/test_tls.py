"""TLS as shipped: today's protocols and ciphers, HTTP/2, one name, and plain HTTP redirected."""

import socket
import ssl
import warnings
from collections.abc import Callable

import httpx
import pytest

from tests.deploy.nginx.conftest import Begin
from tests.deploy.nginx.site import NAME, Change, Site
from tests.deploy.nginx.upstream import Upstream

Check = Callable[[Site, Upstream], None]


def shake_hands(
    site: Site, *, version: str = "", ciphers: str = "", offers: tuple[str, ...] = (), name: str
) -> tuple[str | None, str | None]:
    """The protocol of TLS and that of HTTP, agreed on with a client that speaks nothing else."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    context.set_alpn_protocols(offers)
    with (
        socket.create_connection(("127.0.0.1", site.https), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname=name) as secure,
    ):
        return secure.version(), secure.selected_alpn_protocol()


def accepts(site: Site, name: str = NAME, **options: str) -> bool:
    try:
        shake_hands(site, name=name, **options)
    except (ssl.SSLError, ConnectionError):
        return False
    return True


def protocols(site: Site, _behind: Upstream) -> None:
    accepted = [
        version
        for version in ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")
        if accepts(site, version=version)
    ]
    assert accepted == ["TLSv1_2", "TLSv1_3"]


def ciphers(site: Site, _behind: Upstream) -> None:
    assert accepts(site, version="TLSv1_2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    # Without authenticated encryption.
    assert not accepts(site, version="TLSv1_2", ciphers="ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")


def certificate(site: Site, _behind: Upstream) -> None:
    with site.client() as client:
        assert client.get("/").status_code == 200


def http2(site: Site, behind: Upstream) -> None:
    assert shake_hands(site, name=NAME, offers=("h2", "http/1.1"))[1] == "h2"
    with site.client(http2=True) as client:
        answer = client.post("/items", content=b"body")
        assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
    assert behind.received[-1].body == b"body"
    with site.client() as client:
        assert client.get("/").http_version == "HTTP/1.1"


def sessions(site: Site, _behind: Upstream) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session: ssl.SSLSession | None = None
    for again in (False, True):
        with (
            socket.create_connection(("127.0.0.1", site.https), timeout=10) as connection,
            context.wrap_socket(connection, server_hostname=NAME, session=session) as secure,
        ):
            session = secure.session
            assert session is not None
            assert not session.has_ticket
            assert secure.session_reused == again


def redirect(site: Site, behind: Upstream) -> None:
    headers = {"Host": NAME}
    url = f"http://127.0.0.1:{site.http}"
    answer = httpx.post(f"{url}/a%2Fb?c=d", headers=headers, timeout=10)
    assert answer.status_code == 301
    assert answer.headers["location"] == f"https://{NAME}/a%2Fb?c=d"
    assert "strict-transport-security" not in answer.headers
    assert behind.received == []
    challenge = site.folder / "acme" / ".well-known" / "acme-challenge" / "token"
    challenge.parent.mkdir(parents=True)
    challenge.write_text("proof")
    path = "/.well-known/acme-challenge/token"
    assert httpx.get(url + path, headers=headers, timeout=10).text == "proof"


def other_names(site: Site, behind: Upstream) -> None:
    assert not accepts(site, name="other.example.com")
    with site.client() as client:
        for host in ("other.example.com", "127.0.0.1", ""):
            answer = client.get("/", headers={"Host": host})
            assert answer.status_code in {400, 421}, host
    answer = httpx.get(f"http://127.0.0.1:{site.http}/", timeout=10)
    assert answer.status_code == 421
    assert "strict-transport-security" not in answer.headers
    assert behind.received == []


CHECKS: tuple[Check, ...] = (
    protocols,
    ciphers,
    certificate,
    http2,
    sessions,
    redirect,
    other_names,
)

MODERN = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
OLD_PROTOCOLS = Change(
    "tls.conf", "ssl_protocols TLSv1.2 TLSv1.3;", "ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3;"
)
OLD_CIPHERS = Change("tls.conf", MODERN, "ALL:@SECLEVEL=0")
SHOWN = "ssl_certificate site.crt; ssl_certificate_key site.key;"
PLAIN_HSTS = Change(
    "http.conf",
    '    default "";\n}\n\n# What nginx says',
    '    default "max-age=31536000";\n}\n\n# What nginx says',
)
BROKEN: tuple[tuple[Check, tuple[Change, ...]], ...] = (
    (protocols, (OLD_PROTOCOLS, OLD_CIPHERS)),
    (protocols, (Change("tls.conf", "TLSv1.2 TLSv1.3;", "TLSv1.2;"),)),
    (ciphers, (OLD_CIPHERS,)),
    (http2, (Change("api.conf", "    http2 on;\n", "", 2),)),
    (sessions, (Change("tls.conf", "ssl_session_tickets off;", ""),)),
    (sessions, (Change("tls.conf", "ssl_session_cache shared:api_tls:10m;", ""),)),
    (redirect, (Change("api.conf", "$server_name$request_uri", "$server_name$uri"),)),
    (redirect, (Change("api.conf", "return 301", "return 302"),)),
    (redirect, (Change("api.conf", "location /.well-known/acme-challenge/", "location /acme/"),)),
    (other_names, (Change("api.conf", "return 421;", "return 200;", 2),)),
    (other_names, (Change("api.conf", "ssl_reject_handshake on;", SHOWN),)),
    (other_names, (PLAIN_HSTS,)),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_shipped(begin: Begin, behind: Upstream, check: Check) -> None:
    check(begin(), behind)


@pytest.mark.parametrize(("check", "changes"), BROKEN)
def test_broken_is_seen(
    begin: Begin, behind: Upstream, check: Check, changes: tuple[Change, ...]
) -> None:
    site = begin(*changes)
    with pytest.raises((AssertionError, KeyError)):
        check(site, behind)
