"""Who the client is behind proxies: what a trusted one adds is believed, and nothing else is."""

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.proxies import TrustedProxies
from tests.service import web
from tests.service.shared import Start
from tests.service.support import Service

FOR, PROTO, HOST = "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"
TRUSTED = ("127.0.0.1", "10.0.0.0/8", "2001:db8::/32")

proxies = st.sampled_from(["127.0.0.1", "10.0.0.1", "10.255.0.7", "2001:db8::1"])
strangers = st.sampled_from(["192.0.2.1", "203.0.113.9", "2001:db9::1", "8.8.8.8"])
garbage = st.sampled_from(
    ["", "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "[", "::g", "a:1", "\xff"]
)


def seen(
    *headers: tuple[str, str], peer: str | None = "127.0.0.1", allowed: tuple[str, ...] = TRUSTED
) -> dict[str, Any]:
    """The scope of a request that came with these headers, as the application sees it."""
    raw = [(b"host", b"inside"), *((n.lower().encode(), v.encode("latin-1")) for n, v in headers)]
    client = (peer, 1) if peer else None
    scope = {"type": "http", "headers": raw, "client": client, "scheme": "http"}
    return dict(TrustedProxies(allowed).applied_to(scope))  # type: ignore[arg-type]


def client_of(*headers: tuple[str, str], **more: Any) -> str | None:
    client = seen(*headers, **more)["client"]
    return client[0] if client else None


@given(st.lists(st.one_of(proxies, strangers, garbage)), strangers, st.lists(proxies))
def test_nearest_stranger_is_the_client(
    forged: list[str], stranger: str, passed: list[str]
) -> None:
    chain = ", ".join([*forged, stranger, *passed])
    assert client_of((FOR, chain)) == stranger


@given(st.lists(st.one_of(proxies, strangers, garbage)), strangers)
def test_what_a_stranger_says_changes_nothing(forged: list[str], stranger: str) -> None:
    told = seen((FOR, ", ".join(forged)), (PROTO, "https"), (HOST, "evil"), peer=stranger)
    assert (told["client"], told["scheme"]) == ((stranger, 1), "http")
    assert (b"host", b"inside") in told["headers"]


@given(st.text(st.characters(codec="latin-1")))
def test_client_is_an_address_whatever_is_sent(said: str) -> None:
    client = client_of((FOR, said), allowed=("*",))
    assert client is not None
    # One that can be logged and counted by as it stands: a scope would hold any text.
    assert str(ip_address(client)) == client
    assert "%" not in client


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("[2001:db9::1]", "2001:db9::1"),
        ("[2001:db9::1]:4711", "2001:db9::1"),
        ("2001:DB9:0::1", "2001:db9::1"),
        ("8.8.8.8, 192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, 10.1.2.3,10.4.5.6", "192.0.2.1"),
        ("192.0.2.1 , 10.1.2.3", "192.0.2.1"),
        # All of them are ours: the first.
        ("10.0.0.9, 10.0.0.8", "10.0.0.9"),
        # What is behind something unreadable is not believed.
        ("192.0.2.1, unknown, 10.0.0.8", "10.0.0.8"),
        ("192.0.2.1, unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("fe80::1%eth0", "127.0.0.1"),
        ("fe80::1%<script>", "127.0.0.1"),
        # The same client, whether the proxy listens on IPv4 or on both.
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, ::ffff:10.0.0.1", "192.0.2.1"),
        ("0300.0.0.1", "127.0.0.1"),
    ],
)
def test_chains(chain: str, client: str) -> None:
    assert client_of((FOR, chain)) == client


def test_header_sent_twice_is_one_chain() -> None:
    assert client_of((FOR, "8.8.8.8"), (FOR, "192.0.2.1"), (FOR, "10.0.0.1")) == "192.0.2.1"


@pytest.mark.parametrize(
    ("peer", "client"),
    [("::ffff:127.0.0.1", "192.0.2.1"), ("::1", "::1"), ("unix", "unix"), (None, "192.0.2.1")],
)
def test_peers(peer: str | None, client: str) -> None:
    assert client_of((FOR, "192.0.2.1"), peer=peer) == client


def test_everybody_may_be_trusted() -> None:
    assert client_of((FOR, "8.8.8.8, 192.0.2.1"), peer="203.0.113.1", allowed=("*",)) == "8.8.8.8"


@pytest.mark.parametrize(
    ("said", "scheme"),
    [
        ("https", "https"),
        ("http", "http"),
        ("http, https", "https"),
        ("https, http", "http"),
        ("ftp", "http"),
        ("", "http"),
        ("https;x", "http"),
    ],
)
def test_schemes(said: str, scheme: str) -> None:
    assert seen((PROTO, said))["scheme"] == scheme


@pytest.mark.parametrize(
    ("said", "host"),
    [
        ("api.example.com", "api.example.com"),
        ("api.example.com:8443", "api.example.com:8443"),
        ("[2001:db8::1]:443", "[2001:db8::1]:443"),
        ("evil, api.example.com", "api.example.com"),
        ("a/b", "inside"),
        ("a@b", "inside"),
        ("a b", "inside"),
        ("", "inside"),
        ("\xff", "inside"),
    ],
)
def test_hosts(said: str, host: str) -> None:
    headers = seen((HOST, said))["headers"]
    assert [value.decode() for name, value in headers if name == b"host"] == [host]


@pytest.fixture(scope="module")
def behind_another(start_shared: Start) -> Service:
    """Its proxy is not on this machine."""
    return start_shared(FORWARDED_ALLOW_IPS="10.0.0.0/8,192.0.2.1")


def logged_client(service: Service, **headers: str) -> object:
    answer = web.get(f"{service.url}/health/live", headers=headers)
    return service.line(request_id=answer.headers["x-request-id"])["client"]


def test_log_has_the_client_of_a_trusted_proxy(service: Service, behind_another: Service) -> None:
    headers = {FOR: "8.8.8.8, 198.51.100.7"}
    assert logged_client(service, **headers) == "198.51.100.7"
    assert logged_client(behind_another, **headers) == "127.0.0.1"


def test_redirects_lead_where_the_client_came_from(
    service: Service, behind_another: Service
) -> None:
    for each, base in ((service, "https://api.example.com"), (behind_another, behind_another.url)):
        headers = {PROTO: "https", HOST: "api.example.com"}
        answer = web.get(f"{each.url}/api//v1/users", headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (308, f"{base}/api/v1/users")


@pytest.mark.parametrize(
    "host", ["..", "a..b", ".", "a" * 64, "a" * 300, "x:y", "[::1", "@", "\xff"]
)
def test_impossible_host_is_the_clients_mistake(service: Service, host: str) -> None:
    for name in ("Host", HOST):
        headers = {name: host.encode("latin-1")}
        answer = web.get(f"{service.url}/health/live", headers=headers)
        assert answer.status_code in {200, 400}
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] in {"application/json", "application/problem+json"}
        line = service.line(request_id=answer.headers["x-request-id"])
        assert line["status"] == answer.status_code
