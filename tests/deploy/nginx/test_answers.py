"""What nginx answers itself is the service's kind of problem document; the security headers are on
every answer once, whoever gives it."""

import gzip
import json
import re
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from service.http.middleware import constant_headers
from tests.debian import debian_tool
from tests.deploy.nginx.conftest import Begin
from tests.deploy.nginx.site import NAME, Change, Site, built_with, nginx, servers
from tests.deploy.nginx.upstream import Received, Upstream, answer, breaks_off

SECURITY = {
    name.decode(): value.decode() for name, value in constant_headers(strict_transport=True)
}
Ask = Callable[[Site, Upstream], httpx.Response]
# What a check raises on an answer that is wrong: not JSON, not compressed, without the header.
SEEN = (AssertionError, KeyError, ValueError, OSError)


def forbidden(site: Site, _behind: Upstream) -> httpx.Response:
    return site.ask("GET", "/metrics", "127.0.0.2")


def not_found(site: Site, _behind: Upstream) -> httpx.Response:
    return site.ask("GET", "/static/nothing.css")


def method_not_allowed(site: Site, _behind: Upstream) -> httpx.Response:
    return site.ask("TRACE", "/")


def too_large(site: Site, _behind: Upstream) -> httpx.Response:
    return site.ask("POST", "/", content=b" " * (2 * 1024 * 1024 + 1))


def too_long(site: Site, _behind: Upstream) -> httpx.Response:
    return site.ask("GET", "/" + "a" * 9000)


def header_too_large(site: Site, _behind: Upstream) -> httpx.Response:
    return site.ask("GET", "/", headers={"X-Large": "a" * 9000})


def misdirected(site: Site, _behind: Upstream) -> httpx.Response:
    return site.ask("GET", "/", headers={"Host": "other.example.com"})


def malformed(site: Site, _behind: Upstream) -> httpx.Response:
    return raw(site, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")


def smuggled(site: Site, behind: Upstream) -> httpx.Response:
    lines = ["POST / HTTP/1.1", f"Host: {NAME}", "Content-Length: 4", "Transfer-Encoding: chunked"]
    found = raw(site, "\r\n".join([*lines, "", "0\r\n\r\n"]).encode())
    assert behind.received == []
    return found


def too_many(site: Site, _behind: Upstream) -> httpx.Response:
    with site.client() as client:
        answers = [client.post("/api/v1/auth/login") for _ in range(12)]
    return answers[-1]


def service_is_down(site: Site, behind: Upstream) -> httpx.Response:
    behind.answer = breaks_off
    return site.ask("GET", "/")


def service_is_slow(site: Site, behind: Upstream) -> httpx.Response:
    behind.answer = behind.silence
    return site.ask("GET", "/")


OWN: dict[Ask, int] = {
    forbidden: 403,
    not_found: 404,
    method_not_allowed: 405,
    too_large: 413,
    too_long: 414,
    header_too_large: 431,
    misdirected: 421,
    malformed: 400,
    smuggled: 400,
    too_many: 429,
    service_is_down: 502,
    service_is_slow: 504,
}
IMPATIENT = (
    Change("proxy.conf", "proxy_read_timeout 60s;", "proxy_read_timeout 200ms;"),
    Change("http.conf", "zone=credentials:10m rate=1r/s", "zone=credentials:10m rate=1r/m"),
)


def raw(site: Site, request: bytes) -> httpx.Response:
    """The answer to these very bytes."""
    with (
        socket.create_connection(("127.0.0.1", site.https), timeout=10) as connection,
        site.trust.wrap_socket(connection, server_hostname=NAME) as secure,
    ):
        secure.sendall(request)
        received = b""
        while part := _part(secure):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = [tuple(line.split(": ", 1)) for line in lines]
    return httpx.Response(int(first.split()[1]), headers=fields, content=body)


def _part(connection: ssl.SSLSocket) -> bytes:
    try:
        return connection.recv(65536)
    except (ConnectionResetError, ssl.SSLEOFError):
        return b""


def check_problem(found: httpx.Response, status: int) -> None:
    assert found.status_code == status, found.text
    assert found.headers["content-type"] == "application/problem+json"
    body = found.json()
    assert list(body) in (
        ["type", "title", "status", "detail", "instance", "request_id"],
        ["type", "title", "status", "detail", "request_id"],
    )
    assert (body["type"], body["status"]) == ("about:blank", status)
    assert body["title"] != "Error"
    assert re.fullmatch("[0-9a-f]{32}", body["request_id"])
    assert ("retry-after" in found.headers) == (status in {429, 502, 503})
    assert found.headers["cache-control"] == "no-store"
    check_headers(found)


def check_headers(found: httpx.Response) -> None:
    names = Counter(name for name, _ in found.headers.multi_items())
    assert [name for name, count in names.items() if count > 1] == []
    assert {name: found.headers.get(name) for name in SECURITY} == SECURITY
    assert found.headers["server"] == "nginx"


def from_the_service(_received: Received) -> bytes:
    own = {name.title(): value for name, value in SECURITY.items()}
    return answer(200, b"{}", **own)


@pytest.mark.parametrize("ask", OWN, ids=lambda ask: ask.__name__)
def test_own_answer_is_a_problem_document(begin: Begin, behind: Upstream, ask: Ask) -> None:
    check_problem(ask(begin(*IMPATIENT), behind), OWN[ask])


HEADERS = "    include snippets/headers.conf;\n"


@pytest.mark.parametrize(
    ("ask", "change"),
    [
        (misdirected, Change("problems.conf", HEADERS, "")),
        (misdirected, Change("headers.conf", "$strict_transport_security", '"max-age=1"')),
        (misdirected, Change("problems.conf", "default_type application/problem+json;", "")),
        (header_too_large, Change("problems.conf", "error_page 494 =431 /.problem;", "")),
        (too_long, Change("problems.conf", " 414 416", " 416")),
        (too_large, Change("clients.conf", "client_max_body_size 2m;", "client_max_body_size 9m;")),
        (service_is_down, Change("problems.conf", " 502 503", "")),
        (service_is_slow, Change("problems.conf", " 503 504", " 503")),
        (too_many, Change("clients.conf", "limit_req_status 429;", "")),
        (too_many, Change("http.conf", "    429 1;\n", "")),
        (too_many, Change("clients.conf", "limit_req zone=credentials burst=10 nodelay;", "")),
        (forbidden, Change("private.conf", "deny all;", "")),
    ],
)
def test_broken_problem_document_is_seen(
    begin: Begin, behind: Upstream, ask: Ask, change: Change
) -> None:
    site = begin(*IMPATIENT, change)
    with pytest.raises(SEEN):
        check_problem(ask(site, behind), OWN[ask])


def test_path_that_is_no_json_text_is_left_out(begin: Begin) -> None:
    site = begin()
    found = site.ask("GET", "/health/a%22b?c=%22", "127.0.0.2")
    assert found.json()["instance"] == "/health/a%22b"
    request = f'GET /static/" HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n'
    assert "instance" not in raw(site, request.encode()).json()


def static(site: Site, _behind: Upstream) -> None:
    folder = site.folder / "app" / "static"
    folder.mkdir(parents=True)
    (folder / "app.1a2b.css").write_text("body { color: black }" * 100)
    with site.client() as client:
        found = client.get("/static/app.1a2b.css", headers={"Accept-Encoding": "gzip"})
        assert found.status_code == 200
        assert found.headers["content-type"] == "text/css"
        assert found.headers["content-encoding"] == "gzip"
        assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert found.headers["vary"] == "Accept-Encoding"
        check_headers(found)
        again = client.get("/static/app.1a2b.css", headers={"If-None-Match": found.headers["etag"]})
        assert again.status_code == 304
        missing = client.get("/static/../nginx.conf")
        assert missing.status_code != 200 or "listen" not in missing.text
        assert client.get("/static/nothing").headers["cache-control"] == "no-store"


def test_precompressed_file_is_sent_as_it_is(tmp_path: Path, behind: Upstream) -> None:
    """By Debian's nginx: the wheel's lacks the module, and Debian's the newer form of `http2`."""
    program = debian_tool("nginx")
    if not built_with(program, "http_gzip_static_module"):
        pytest.skip(f"{program.path} was built without http_gzip_static_module")
    older = Change("api.conf", "    http2 on;\n", "", 2)
    with nginx(tmp_path / "nginx", servers(behind.address), older, program=program) as site:
        folder = site.folder / "app" / "static"
        folder.mkdir(parents=True)
        (folder / "app.js").write_text("plain")
        (folder / "app.js.gz").write_bytes(gzip.compress(b"made beforehand"))
        with site.client() as client:
            found = client.get("/static/app.js", headers={"Accept-Encoding": "gzip"})
            assert found.text == "made beforehand"
            assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
            check_headers(found)
            plain = client.get("/static/app.js", headers={"Accept-Encoding": "identity"})
            assert plain.text == "plain"


def test_name_in_the_log_is_ascii(tmp_path: Path, behind: Upstream) -> None:
    """By Debian's nginx: the wheel's, which is newer, refuses such a name."""
    older = Change("api.conf", "    http2 on;\n", "", 2)
    changes = servers(behind.address), older
    for number, more in enumerate([(), (Change("http.conf", '"$host_logged"', '"$host"'),)]):
        folder = tmp_path / f"nginx-{number}"
        with nginx(folder, *changes, *more, program=debian_tool("nginx")) as site:
            raw(
                site,
                b"GET / HTTP/1.1\r\nHost: \xff\r\nX-Request-ID: h\r\nConnection: close\r\n\r\n",
            )
            if more:
                with pytest.raises(UnicodeDecodeError):
                    site.log("h")
            else:
                assert site.log("h")["host"] == NOT_ASCII


def proxied(site: Site, behind: Upstream) -> None:
    behind.answer = from_the_service
    with site.client() as client:
        for path in ("/", "/health", "/metrics"):
            check_headers(client.get(path))
        check_headers(client.post("/", headers={"Idempotency-Key": "a"}))
    # An error of the service's stays its own.
    behind.answer = lambda _: answer(503, b'{"detail":"mine"}')
    assert site.ask("GET", "/").json() == {"detail": "mine"}


def compressed(site: Site, behind: Upstream) -> None:
    body = json.dumps([{"email": f"{n}@example.com"} for n in range(100)]).encode()
    behind.answer = lambda _: answer(200, body, ETag='"abc"')
    with site.client(headers={"Accept-Encoding": "gzip"}) as client:
        with client.stream("GET", "/") as found:
            sent = b"".join(found.iter_raw())
            tag = found.headers["etag"]
        assert gzip.decompress(sent) == body
        assert len(sent) < len(body) / 3
        # Weak, the tag could never be used for a change.
        client.patch("/", headers={"If-Match": tag})
        assert behind.received[-1].values("if-match") == ['"abc"']
        for several in ('"a", "b"', "*"):
            client.patch("/", headers={"If-Match": several})
            assert behind.received[-1].values("if-match") == [several]
        behind.answer = lambda _: answer(200, b"{}", ETag='"abc"')
        small = client.get("/")
        assert small.headers["etag"] == '"abc"'
        assert "content-encoding" not in small.headers


def request_ids(site: Site, behind: Upstream) -> None:
    mine = f"order/{uuid4().hex}"
    with site.client() as client:
        client.post("/api/v1/users?token=secret", headers={"X-Request-ID": mine})
        assert behind.received[-1].values("x-request-id") == [mine]
        client.get("/", headers={"X-Request-ID": 'a"}b'})
        [given] = behind.received[-1].values("x-request-id")
        assert re.fullmatch("[0-9a-f]{32}", given)
        refused = site.ask("POST", "/metrics", "127.0.0.2", headers={"X-Request-ID": mine + "x"})
        assert refused.json()["request_id"] == mine + "x"
        # `quart check` takes it for a sign of the service's.
        assert "x-request-id" not in refused.headers
    line = site.log(mine)
    assert (line["method"], line["path"], line["status"]) == ("POST", "/api/v1/users", "200")
    assert line["upstream"] == behind.address
    assert float(line["upstream_seconds"]) >= 0
    assert site.log(mine + "x")["method"] == "POST"
    assert "secret" not in (site.folder / "access.log").read_text()


NOT_ASCII = "(not ASCII)"


def log_is_json(site: Site, _behind: Upstream) -> None:
    sent = [("/\xff", "é"), ("/\xe9", NAME), ('/"\\', NAME)]
    for at, (path, agent) in enumerate(sent):
        lines = [f"GET {path} HTTP/1.1", f"Host: {NAME}", f"User-Agent: {agent}"]
        lines += [f"X-Request-ID: odd-{at}", "Connection: close", "", ""]
        raw(site, "\r\n".join(lines).encode("latin-1"))
    found = [site.log(f"odd-{at}") for at in (0, 1, 2)]
    hidden = NOT_ASCII
    assert [each["path"] for each in found] == [hidden, hidden, '/"\\']
    assert [each["user_agent"] for each in found] == [hidden, NAME, NAME]


Check = Callable[[Site, Upstream], None]
CHECKS: Sequence[Check] = (static, proxied, compressed, request_ids, log_is_json)
STATIC = HEADERS + "        include snippets/pre"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_shipped(begin: Begin, behind: Upstream, check: Check) -> None:
    check(begin(), behind)


@pytest.mark.parametrize(
    ("check", "change"),
    [
        (static, Change("api.conf", "    " + STATIC, "        include snippets/pre")),
        (static, Change("api.conf", ", immutable", "")),
        (static, Change("compression.conf", "gzip_vary on;", "")),
        (
            proxied,
            Change(
                "api.conf", "    proxy_next_upstream_tries 3;", "add_header X-Frame-Options DENY;"
            ),
        ),
        (
            proxied,
            Change("proxy.conf", "proxy_buffering on;", "proxy_hide_header Referrer-Policy;"),
        ),
        (proxied, Change("proxy.conf", "proxy_buffering on;", "proxy_intercept_errors on;")),
        (compressed, Change("compression.conf", "gzip on;", "")),
        (compressed, Change("proxy.conf", "If-Match $if_match;", "If-Match $http_if_match;")),
        (request_ids, Change("proxy.conf", "proxy_set_header X-Request-ID $id_of_request;", "")),
        (request_ids, Change("http.conf", '"path":"$path_logged"', '"path":"$request_uri"')),
        (request_ids, Change("http.conf", '"$method_asked"', '"$request_method"')),
        (log_is_json, Change("http.conf", "$path_logged", "$path_without_query", 2)),
        (log_is_json, Change("http.conf", '"$user_agent_logged"', '"$http_user_agent"')),
        (request_ids, Change("http.conf", "{1,128}$", "{1,128}")),
    ],
)
def test_broken_is_seen(begin: Begin, behind: Upstream, check: Check, change: Change) -> None:
    site = begin(change)
    with pytest.raises(SEEN):
        check(site, behind)
