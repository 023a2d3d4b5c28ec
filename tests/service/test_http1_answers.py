"""An answer leaves whole, in one write, on a connection that is kept or said to close; what is
pipelined is answered in order."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.wire import (
    LOOPS,
    Server,
    answers,
    read_all,
    read_answer,
    request,
    serving,
)


@pytest.fixture(scope="module", params=LOOPS)
def server(request: Any) -> Iterator[Server]:
    with serving(request.param) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_seen(server: Server) -> None:
    server.seen.clear()
    server.writes.clear()


@pytest.mark.parametrize(
    ("target", "method", "status", "body"),
    [
        ("/", "GET", 200, b"ok"),
        ("/", "POST", 200, b"ok"),
        ("/", "HEAD", 200, b""),
        ("/status?code=204", "GET", 204, b""),
        ("/status?code=304", "GET", 304, b""),
        ("/status?code=200", "GET", 200, b""),
        ("/big?bytes=100000", "GET", 200, bytes(100_000)),
    ],
)
def test_answer_leaves_in_one_write(
    server: Server, target: str, method: str, status: int, body: bytes
) -> None:
    with server.connect() as peer:
        for count in (1, 2):
            peer.sendall(request(target, method=method))
            answer = read_answer(peer, method)
            assert (answer.status, answer.body) == (status, body)
            assert answer.header("connection") is None
            assert len(server.writes) == count


def test_stream_leaves_as_it_is_made(server: Server) -> None:
    with server.connect() as peer:
        peer.sendall(request("/stream"))
        answer = read_answer(peer)
        assert answer.header("transfer-encoding") == "chunked"
        assert answer.body == b"onetwothree"
        head, *rest = server.writes
        assert head.startswith(b"HTTP/1.1 200 ")
        assert head.endswith(b"\r\n\r\n3\r\none\r\n")
        assert rest == [b"3\r\ntwo\r\n", b"5\r\nthree\r\n", b"0\r\n\r\n"]
        peer.sendall(request())
        assert read_answer(peer).body == b"ok"


def test_stream_for_http_1_0_ends_with_the_connection(server: Server) -> None:
    data = server.talk(b"GET /stream HTTP/1.0\r\n\r\n")
    assert b"transfer-encoding" not in data.lower()
    assert data.endswith(b"\r\n\r\nonetwothree")


@pytest.mark.parametrize("line", ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nHost: x\r\n\r\n"])
def test_http_1_0_closes(server: Server, line: str) -> None:
    (answer,) = answers(server.talk(line.encode()))
    assert (answer.status, answer.header("connection")) == (200, "close")


def test_close_is_heeded(server: Server) -> None:
    (answer,) = answers(server.talk(request("/", "Connection: close")))
    assert answer.header("connection") == "close"


@pytest.mark.parametrize("path", ["/silent", "/broken"])
def test_application_without_an_answer(server: Server, path: str) -> None:
    (answer,) = answers(server.talk(request(path, "X-Request-ID: known")))
    assert (answer.status, answer.header("connection")) == (500, "close")
    assert answer.header("x-content-type-options") == "nosniff"
    assert json.loads(answer.body)["request_id"] == "known"


def test_half_an_answer_does_not_look_whole(server: Server) -> None:
    data = server.talk(request("/half"))
    assert data.count(b"HTTP/1.1") == 1
    assert b"content-length: 10" in data
    assert data.endswith(b"\r\n\r\nhalf")


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    bodies = [b"%d" % number for number in range(1, 50)]
    sent = b"".join(request("/", method="POST", body=body) for body in bodies)
    found = answers(server.talk(sent + request("/", "Connection: close")))
    assert [each.body for each in found] == [*bodies, b"ok"]


def test_pipelined_requests_are_answered_after_the_client_has_ended(server: Server) -> None:
    found = answers(server.talk(request() * 20, fin=True))
    assert [each.status for each in found] == [200] * 20


def test_requests_after_the_last_are_not_heeded(server: Server) -> None:
    (answer,) = answers(server.talk(request("/", "Connection: close") + request("/second")))
    assert answer.status == 200
    assert [each.path for each in server.seen] == ["/"]


def test_bad_request_in_a_row_ends_it(server: Server) -> None:
    found = answers(server.talk(request() + request("/", "Host: x") + request("/third")))
    assert [each.status for each in found] == [200, 400]
    assert [each.path for each in server.seen] == ["/"]


def test_handlers_do_not_overlap(server: Server) -> None:
    with server.connect() as peer:
        peer.sendall(request("/wait") + request("/second"))
        server.until(lambda: server.seen)
        time.sleep(0.1)
        assert [each.path for each in server.seen] == ["/wait"]
        server.release()
        peer.shutdown(socket.SHUT_WR)
        assert [each.body for each in answers(read_all(peer))] == [b"waited", b"ok"]
        server.go.clear()


def test_body_that_nobody_reads(server: Server) -> None:
    with server.connect() as peer:
        peer.sendall(request("/unread", "Content-Length: 50000000", method="POST"))
        answer = read_answer(peer)
        assert answer.body == b"unread"
        # The client is not reset while it sends, and learns that nobody listens.
        peer.sendall(bytes(2_000_000))
        assert peer.recv(1) == b""


def test_connection_is_not_kept_for_ever() -> None:
    with serving(keep_alive_max_requests=2) as ending:
        found = answers(ending.talk(request() * 5))
    assert [each.header("connection") for each in found] == [None, "close"]


def test_terminated_connections_close(server: Server) -> None:
    with serving() as ending, ending.connect() as idle, ending.connect() as busy:
        idle.sendall(request())
        assert read_answer(idle).status == 200
        busy.sendall(request("/wait"))
        ending.until(lambda: len(ending.seen) == 2)
        ending.run(ending.context.terminated.set())
        assert idle.recv(1) == b""
        ending.release()
        assert read_answer(busy).body == b"waited"
        assert busy.recv(1) == b""


class TestContinue:
    """`Expect: 100-continue`."""

    HEAD = request("/", "Expect: 100-continue", "Content-Length: 5", method="POST")

    def test_client_is_told_to_go_on(self, server: Server) -> None:
        with server.connect() as peer:
            peer.sendall(self.HEAD)
            assert peer.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            peer.sendall(b"hello")
            assert read_answer(peer).body == b"hello"

    def test_client_that_does_not_wait(self, server: Server) -> None:
        data = server.talk(self.HEAD + b"hello", fin=True)
        assert [each.body for each in answers(data)] == [b"hello"]

    def test_refusal_comes_instead(self, server: Server) -> None:
        head = self.HEAD.replace(b"POST / ", b"POST /unread ")
        with server.connect() as peer:
            peer.sendall(head)
            assert read_answer(peer).body == b"unread"
            peer.shutdown(socket.SHUT_WR)
            assert read_all(peer) == b""

    def test_http_1_0_is_not_told(self, server: Server) -> None:
        head = self.HEAD.replace(b"HTTP/1.1", b"HTTP/1.0")
        with server.connect() as peer:
            peer.sendall(head)
            time.sleep(0.15)
            peer.sendall(b"hello")
            (answer,) = answers(read_all(peer))
            assert answer.body == b"hello"

    def test_without_a_body_there_is_nothing_to_wait_for(self, server: Server) -> None:
        (answer,) = answers(server.talk(request("/", "Expect: 100-continue"), fin=True))
        assert answer.status == 200
