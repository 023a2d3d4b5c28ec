"""Clients that dawdle, vanish, hold on or flood cost a bounded time and memory, and leave nothing
behind."""

import json
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import psutil
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

LIMITS = {"header_timeout": 0.4, "send_timeout": 0.4, "eof_grace": 0.4, "linger_timeout": 0.4}
POST = request("/wait", "Content-Length: 10", method="POST")


@pytest.fixture(params=LOOPS)
def server(request: Any) -> Iterator[Server]:
    with serving(request.param, **LIMITS) as running:
        yield running


def reset(peer: socket.socket) -> None:
    """Ends the connection as a process that is killed with unread data does."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


@pytest.mark.parametrize("part", [b"G", request("/")[:-1], request("/")[:-4]])
def test_head_that_does_not_end(server: Server, part: bytes) -> None:
    began = time.monotonic()
    with server.connect() as peer:
        peer.sendall(part)
        (answer,) = answers(read_all(peer))
    assert answer.status == 408
    assert answer.header("connection") == "close"
    assert json.loads(answer.body)["title"] == "Request Timeout"
    assert 0.3 < time.monotonic() - began < 3


def test_head_that_comes_too_slowly(server: Server) -> None:
    with server.connect() as peer:
        for byte in request("/", "X-Long: " + "x" * 40):
            peer.sendall(bytes([byte]))
            if select.select([peer], [], [], 0.1)[0]:
                break
        assert answers(read_all(peer))[0].status == 408
    assert server.seen == []


def test_second_head_that_does_not_end(server: Server) -> None:
    with server.connect() as peer:
        peer.sendall(request("/") + b"GET ")
        assert read_answer(peer).status == 200
        assert answers(read_all(peer))[0].status == 408


def test_time_of_a_handler_is_not_the_head_s(server: Server) -> None:
    with server.connect() as peer:
        peer.sendall(request("/wait") + b"GET / HT")
        time.sleep(0.8)
        server.release()
        assert read_answer(peer).body == b"waited"
        peer.sendall(b"TP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(peer).body == b"ok"


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("before", [b"", request("/")])
def test_idle_connection_is_closed_in_silence(loop: str, before: bytes) -> None:
    with serving(loop, keep_alive=0.3) as server:
        data = server.talk(before)
        assert [each.status for each in answers(data)] == ([200] if before else [])
        assert b"connection: close" not in data


def test_idle_time_begins_with_each_answer() -> None:
    with serving(keep_alive=0.6) as server, server.connect() as peer:
        for _ in range(4):
            peer.sendall(request("/"))
            assert read_answer(peer).status == 200
            time.sleep(0.3)


class TestWritingOnly:
    """A client that does not read."""

    @pytest.mark.parametrize("bytes_each", [10_000_000, 1000])
    def test_it_is_let_go(self, server: Server, bytes_each: int) -> None:
        with server.connect() as peer:
            peer.settimeout(0.2)
            with suppress(OSError):
                for _ in range(20_000):
                    peer.sendall(request(f"/big?bytes={bytes_each}"))
            server.until(server.is_quiet)

    @pytest.mark.parametrize("loop", LOOPS)
    def test_the_rest_of_an_answer_does_not_keep_an_idle_connection(self, loop: str) -> None:
        with serving(loop, **LIMITS, keep_alive=0.5) as server, server.connect() as peer:
            asked = 0
            while not any(each._transport.get_write_buffer_size() for each in server.connections):
                asked += 1
                peer.sendall(request("/big?bytes=30000"))
                server.until(lambda asked=asked: len(server.writes) == asked)
            server.until(server.is_quiet)

    def test_it_is_kept_while_it_reads_slowly(self, server: Server) -> None:
        with server.connect() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            peer.sendall(request("/big?bytes=8000000", "Connection: close"))
            got = 0
            while part := peer.recv(500_000):
                got += len(part)
                time.sleep(0.02)
        assert got > 8_000_000


class TestHalfClosed:
    """A client that ends its side of the connection, and one that is cut off."""

    @pytest.mark.parametrize(
        "part", [b"", b"GET / HTTP/1.1\r\nHo", POST, POST + b"hello", POST[:-1]]
    )
    def test_in_the_middle_of_a_request(self, server: Server, part: bytes) -> None:
        assert server.talk(part, fin=True) == b""
        for seen in server.seen:
            assert seen.disconnect == {"type": "http.disconnect"}

    def test_answer_that_is_ready_soon(self, server: Server) -> None:
        with server.connect() as peer:
            peer.sendall(request("/wait"))
            peer.shutdown(socket.SHUT_WR)
            server.until(lambda: server.seen)
            server.release()
            (answer,) = answers(read_all(peer))
            assert answer.body == b"waited"

    def test_answer_that_is_not(self, server: Server) -> None:
        began = time.monotonic()
        assert server.talk(request("/wait"), fin=True) == b""
        assert 0.3 < time.monotonic() - began < 3
        server.until(lambda: server.seen[0].disconnect)

    @pytest.mark.parametrize("more", [b"", request("/second"), b"GET "])
    def test_handler_of_a_client_that_is_reset(self, server: Server, more: bytes) -> None:
        peer = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        peer.sendall(request("/wait") + more)
        server.until(lambda: server.seen)
        reset(peer)
        server.until(lambda: server.seen[0].disconnect)
        server.until(server.is_quiet)
        assert [each.path for each in server.seen] == ["/wait"]

    @pytest.mark.parametrize(
        "part", [b"", b"GET / HT", POST + b"he", request("/big?bytes=9999999")]
    )
    def test_whoever_is_reset_is_forgotten(self, server: Server, part: bytes) -> None:
        for _ in range(10):
            peer = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            peer.sendall(part)
            reset(peer)
        server.until(server.is_quiet)


def test_refused_client_that_stays_is_let_go(server: Server) -> None:
    with server.connect() as peer:
        peer.sendall(request("/", "Host: x"))
        assert read_answer(peer).status == 400
        server.until(server.is_quiet)


def test_refused_client_that_sends_for_ever_is_let_go(server: Server) -> None:
    with server.connect() as peer:
        peer.sendall(request("/", "Host: x"))
        flood = bytes(64_000_000)
        with pytest.raises(OSError, match=r"reset|pipe"):
            peer.sendall(flood)
        server.until(server.is_quiet)


def test_disconnect_ends_everything(server: Server) -> None:
    with ExitStack() as peers:
        for data in (b"", b"GET ", request("/wait"), POST):
            peers.enter_context(server.connect()).sendall(data)
        server.until(lambda: len(server.seen) == 2)

        async def disconnect() -> None:
            for each in list(server.connections):
                await each.disconnect()

        server.run(disconnect())
        server.until(server.is_quiet)
    assert all(seen.disconnect for seen in server.seen)


def memory() -> int:
    return psutil.Process().memory_info().rss


def test_ten_megabytes_of_requests_in_a_row(server: Server) -> None:
    one = request("/wait", "X-Padding: " + "x" * 20_000)
    sent = 0
    with server.connect(0.3) as peer:
        before = memory()
        with suppress(TimeoutError):
            while sent < 10_000_000:
                sent += peer.send(one * 20)
        # The kernel's buffers took what they could; the server stopped reading.
        assert [each.path for each in server.seen] == ["/wait"]
        assert memory() - before < 3_000_000
        assert sent < 10_000_000


def test_ten_megabytes_of_requests_are_answered(server: Server) -> None:
    one = request("/", "X-Padding: " + "x" * 20_000)
    count = 10_000_000 // len(one)
    with server.connect() as peer:

        def send() -> None:
            peer.sendall(one * count)
            peer.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        found = answers(read_all(peer))
        sender.join(10)
    assert [each.status for each in found] == [200] * count
    assert len(server.seen) == count


@pytest.mark.parametrize(
    "framing",
    ["Content-Length: 100000000", "Transfer-Encoding: chunked"],
    ids=["length", "chunked"],
)
def test_body_that_the_handler_does_not_take_in_is_not_kept(server: Server, framing: str) -> None:
    part = bytes(65_536)
    if "chunked" in framing:
        part = b"10000\r\n" + part + b"\r\n"
    with server.connect(0.3) as peer:
        peer.sendall(request("/hold", framing, method="POST"))
        before = memory()
        sent = 0
        with suppress(TimeoutError):
            while sent < 100_000_000:
                sent += peer.send(part)
        assert sent < 20_000_000
        assert memory() - before < 5_000_000
        server.release()
        assert read_answer(peer).status == 200
