"""Headers."""

import http.client
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from tests.contract.behaviour import better, different, same
from tests.contract.people import log_in, new_person, signed_in
from tests.contract.settings import BROWSERS, FRONTEND
from tests.contract.support import AUTH, USERS, Side

PAGE_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "x-xss-protection": "1; mode=block",
}
BEYOND_THE_PAGE = (
    "content-security-policy",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
)


def answers(side: Side) -> Iterator[httpx.Response]:
    """One of each status that is easily had, and a preflight."""
    person, headers = signed_in(side)
    preflight = {"Origin": FRONTEND, "Access-Control-Request-Method": "GET"}
    yield side.get("/health")
    yield side.get("/nowhere")
    yield side.request("PUT", "/health")
    yield side.get(USERS)
    yield side.get(f"{USERS}/{person.id + 1}", headers=headers)
    yield side.post(f"{AUTH}/login", json={})
    yield side.post(f"{AUTH}/login", content=b"{}")
    yield side.post(f"{AUTH}/login", content=b"{", headers={"Content-Type": "application/json"})
    yield side.request("OPTIONS", "/health")
    yield side.request("OPTIONS", USERS, headers=preflight)
    yield side.post(f"{AUTH}/logout", headers=headers)


def counted(side: Side, name: str) -> str:
    """The header's value and how often it is there, if it is the same on every answer."""
    found = {tuple(answer.headers.get_list(name)) for answer in answers(side)}
    if len(found) > 1:
        return f"it varies: {sorted(found)}"
    [values] = found
    return (
        f"{values[0]}, once" if len(values) == 1 else f"{len(values)} times" if values else "none"
    )


@same("the guide's headers, on every answer and on a preflight", "each once")
def page_headers(side: Side) -> str:
    for name, value in PAGE_HEADERS.items():
        assert counted(side, name) == f"{value}, once"
    return "each once"


@same("Strict-Transport-Security in production", "max-age=31536000, once", settings=BROWSERS)
def strict_transport(side: Side) -> str:
    return counted(side, "strict-transport-security")


@different(
    "Strict-Transport-Security outside production",
    flask="max-age=31536000, once",
    here="none",
    because="the guide sends it always: a browser that has seen it on http://localhost believes it",
)
def strict_transport_outside(side: Side) -> str:
    return counted(side, "strict-transport-security")


@better(
    "headers beyond the guide's, on every answer",
    flask="none",
    here="each once",
    because="a JSON API that no page may frame, embed or run needs to say so",
)
def beyond_the_page(side: Side) -> str:
    every = list(answers(side))
    counts = {len(each.headers.get_list(name)) for each in every for name in BEYOND_THE_PAGE}
    assert len(counts) == 1
    return "each once" if counts == {1} else "none"


@better(
    "which server answers",
    flask="gunicorn, once",
    here="none",
    because="its name helps nobody but who looks for its holes",
)
def server_banner(side: Side) -> str:
    return counted(side, "server")


@same("Date, on every answer", "once")
def date(side: Side) -> str:
    counts = {len(answer.headers.get_list("date")) for answer in answers(side)}
    return "once" if counts == {1} else str(counts)


@same("a request id that is well formed", "kept: abc123, 0-9._:+/=@-, 128 × x")
def request_id_kept(side: Side) -> str:
    for given in ("abc123", "0-9._:+/=@-", "x" * 128):
        answer = side.get("/nowhere", headers={"X-Request-ID": given})
        assert answer.headers.get_list("x-request-id") == [given]
        assert answer.json()["request_id"] == given
    return "kept: abc123, 0-9._:+/=@-, 128 × x"


@same("a request id that is not", "7 of 7 replaced")
def request_id_replaced(side: Side) -> str:
    ill_formed = (b"", b"x" * 129, b"a b", b"a\tb", b'"', b"<script>", b"\xc3\xa9")
    replaced = 0
    for given in ill_formed:
        [new] = side.get("/health", headers={"X-Request-ID": given}).headers.get_list(
            "x-request-id"
        )
        replaced += len(new) == 32 and new.isalnum() and new.encode() != given
    return f"{replaced} of {len(ill_formed)} replaced"


@same("requests without an id", "each its own")
def request_ids(side: Side) -> str:
    ids = {side.get("/health").headers["x-request-id"] for _ in range(20)}
    return "each its own" if len(ids) == 20 else f"{len(ids)} for 20"


@same("answers with tokens", "Cache-Control: no-store")
def no_store(side: Side) -> str:
    person = new_person(side.pair)
    tokens = log_in(side, person)
    bearer = {"Authorization": f"Bearer {tokens.refresh}"}
    [value] = side.post(f"{AUTH}/refresh", headers=bearer).headers.get_list("cache-control")
    return f"Cache-Control: {value}"


@same("one connection, several requests", "200, 404, 401 and 200 on it")
def keep_alive(side: Side) -> str:
    connection = http.client.HTTPConnection(urlsplit(side.url).netloc, timeout=10)
    connection.connect()
    kept = connection.sock
    statuses = []
    for path in ("/health", "/nowhere", USERS, "/health"):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
        assert connection.sock is kept
    connection.close()
    return "{}, {}, {} and {} on it".format(*statuses)


@same("an answer that did not wait for the body", "401, and no surprise for the next request")
def early_answer(side: Side) -> str:
    address = urlsplit(side.url)
    head = f"PATCH {USERS}/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    statuses = []
    with socket.create_connection((address.hostname, address.port), timeout=10) as peer:
        for sent in (head, "{}GET /health HTTP/1.1\r\nHost: x\r\n\r\n"):
            peer.sendall(sent.encode())
            with http.client.HTTPResponse(peer) as answer:
                answer.begin()
                answer.read()
            statuses.append(answer.status)
            if answer.will_close:  # it said so: a client takes another connection
                break
    assert statuses in ([401], [401, 200])
    return f"{statuses[0]}, and no surprise for the next request"
