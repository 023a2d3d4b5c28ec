"""The real service under bad clients: the contract's words, one log line a request, flat memory,
and nobody else disturbed."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from urllib.parse import urlsplit

import psutil
import pytest

from console.logs.records import decode_line
from service.observability.logging import KEYS
from tests.service import web
from tests.service.support import Service
from tests.service.wire import Answer, answers, read_all, read_answer, request

LOGIN = "/api/v1/auth/login"
JSON = "Content-Type: application/json"


def connect(service: Service) -> closing[socket.socket]:
    address = urlsplit(service.url)
    return closing(socket.create_connection((address.hostname, address.port or 0), timeout=20))


def talk(service: Service, data: bytes) -> Answer:
    """The one answer to what ends the connection."""
    with connect(service) as peer:
        peer.sendall(data)
        (answer,) = answers(read_all(peer))
        return answer


@pytest.mark.parametrize(
    ("data", "status", "method", "path"),
    [
        (request("/a?secret", "Host: y"), 400, "GET", "/a"),
        (b"\x16\x03\x01", 400, None, None),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "PRI", "*"),
        (b"GET /" + b"a" * 9000, 414, None, None),
        (request("/b", *["X: 1"] * 1000), 431, "GET", "/b"),
    ],
    ids=["two hosts", "TLS", "HTTP/2", "long target", "a thousand headers"],
)
def test_refusal(
    service: Service, data: bytes, status: int, method: str | None, path: str | None
) -> None:
    answer = talk(service, data)
    assert answer.status == status
    problem = json.loads(answer.body)
    assert problem.get("instance") == path
    ordinary = web.get(f"{service.url}/nowhere")
    assert list(problem) == [name for name in ordinary.json() if name in problem]
    for name in ordinary.headers:
        if name not in {"content-length", "vary", "allow"} and not name.startswith("x-ratelimit"):
            assert answer.header(name) is not None, name
    line = service.line(request_id=problem["request_id"])
    assert list(line)[: len(KEYS)] == list(KEYS)
    assert (line["event"], line["method"], line["path"]) == ("request", method, path)
    assert (line["status"], line["user_id"], line["level"]) == (status, None, "INFO")
    assert "secret" not in json.dumps(line)
    # What the console makes of it.
    raw = json.dumps(line).encode()
    record = decode_line(raw)
    assert (record.status, record.path, record.structured) == (status, path or "", True)


def test_refusals_are_counted(service: Service) -> None:
    talk(service, b"GET / HTTP/7.0\r\n\r\n")
    told = web.get(f"{service.url}/metrics").text
    assert 'http_requests_total{method="GET",route="none",status="505"}' in told


def test_malformed_body_has_one_line(service: Service) -> None:
    head = request(LOGIN, JSON, "Transfer-Encoding: chunked", method="POST")
    answer = talk(service, head + b"2\r\n{}\r\nnonsense\r\n")
    assert answer.status == 400
    line = service.line(request_id=answer.header("x-request-id"))
    assert (line["status"], line["method"], line["path"]) == (400, "POST", LOGIN)
    web.get(f"{service.url}/health/live")
    assert len(service.lines(request_id=answer.header("x-request-id"))) == 1


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_hundred_megabytes(service: Service, chunked: bool) -> None:
    process = psutil.Process(service.process.pid)
    part = bytes(1_000_000)
    framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 100000000"
    web.post(f"{service.url}{LOGIN}", json={})  # what the first request makes stays
    before = process.memory_info().rss
    highest = 0
    with connect(service) as peer:
        peer.sendall(request(LOGIN, JSON, framing, method="POST"))
        with suppress(ConnectionError):
            for _ in range(100):
                peer.sendall(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
                highest = max(highest, process.memory_info().rss)
        answer = read_answer(peer)
    assert (answer.status, answer.header("connection")) == (413, "close")
    assert highest - before < 20_000_000


@pytest.fixture
def impatient(own_service: Callable[..., Service]) -> Iterator[Service]:
    return own_service(FLASK_BODY_TIMEOUT="2")


def test_two_hundred_slow_clients(impatient: Service) -> None:
    process = psutil.Process(impatient.process.pid)
    web.post(f"{impatient.url}{LOGIN}", json={})
    descriptors, memory = process.num_fds(), process.memory_info().rss
    head = request("/health", "X-Long: " + "x" * 200)
    body = request(LOGIN, JSON, "Content-Length: 500", method="POST")
    with ExitStack() as stack, web.client(base_url=impatient.url) as ordinary:
        heads = [stack.enter_context(connect(impatient)) for _ in range(100)]
        bodies = [stack.enter_context(connect(impatient)) for _ in range(100)]
        for peer in bodies:
            peer.sendall(body)
        slowest = 0.0
        for at in range(15):
            for peer in heads:
                peer.sendall(head[at : at + 1])
            for peer in bodies:
                peer.sendall(b" ")
            began = time.monotonic()
            assert ordinary.get("/health").status_code == 200
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1
        assert {read_answer(peer).status for peer in bodies} == {408}
        assert process.memory_info().rss - memory < 20_000_000
    deadline = time.monotonic() + 10
    while process.num_fds() > descriptors + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.num_fds() <= descriptors + 2
