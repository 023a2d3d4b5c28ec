"""The server of one process, as its operator and its clients see it."""

import http.client
import signal
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.service.serving import Serving, answer, ask, run, until

MAIN = "from service.server import main; sys.exit(main('tests.service.serving:create_app'))"
COMMANDS = {
    "uvloop": [sys.executable, "-c", f"import sys; {MAIN}"],
    "asyncio": [sys.executable, "-c", f"import sys; sys.modules['uvloop'] = None; {MAIN}"],
}
both_loops = pytest.mark.parametrize("loop", COMMANDS)


def one_process(folder: Path, loop: str = "uvloop", **environment: str):
    return run(COMMANDS[loop], folder, **environment)


def stop(server: Serving) -> None:
    """Begins the drain."""
    server.signal(signal.SIGTERM)
    server.until_said("draining")


def assert_stopped_cleanly(server: Serving, seconds: float = 10) -> None:
    assert server.process.wait(seconds) == 0, server.said + server.complained
    assert "after_serving" in server.said
    assert server.complained == ""


@pytest.mark.parametrize(
    ("loop", "number"),
    [("uvloop", signal.SIGTERM), ("asyncio", signal.SIGTERM), ("uvloop", signal.SIGINT)],
)
def test_request_in_flight_is_answered(tmp_path, loop, number):
    with one_process(tmp_path, loop) as server, server.connect() as client:
        client.request("GET", "/slow?seconds=2")
        server.until_said("slow began")
        server.signal(number)
        assert answer(client) == (200, "close", "slow")
        assert_stopped_cleanly(server, 3)


@both_loops
def test_idle_connection_is_still_answered(tmp_path, loop):
    with one_process(tmp_path, loop) as server, server.connect() as one, server.connect() as other:
        assert ask(one, "/ready") == (200, None, "")
        assert ask(other, "/fast") == (200, None, "fast")
        stop(server)
        time.sleep(1)
        assert ask(one, "/ready") == (503, "close", "")
        assert ask(other, "/fast") == (200, "close", "fast")
        assert_stopped_cleanly(server, 2)


def test_silent_connection_is_closed_after_two_seconds(tmp_path):
    with one_process(tmp_path) as server, server.connect() as client:
        ask(client, "/fast")
        stop(server)
        began = time.monotonic()
        assert client.sock.recv(1) == b""
        assert 1.5 < time.monotonic() - began < 3
        assert_stopped_cleanly(server, 2)


def test_new_connections_are_refused(tmp_path):
    with one_process(tmp_path) as server, server.connect() as client:
        client.request("GET", "/slow?seconds=1")
        server.until_said("slow began")
        stop(server)
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        assert answer(client)[0] == 200
        assert_stopped_cleanly(server)


@both_loops
def test_connections_the_kernel_has_accepted_are_answered(tmp_path, loop):
    with one_process(tmp_path, loop) as server, server.connect() as blocking, ExitStack() as stack:
        blocking.request("GET", "/block?seconds=1")
        server.until_said("block began")
        waiting = [stack.enter_context(server.connect()) for _ in range(20)]
        for each in waiting:
            each.request("GET", "/fast")
        server.signal(signal.SIGTERM)
        assert [answer(each) for each in waiting] == [(200, "close", "fast")] * 20
        assert answer(blocking)[2] == "block"
        assert_stopped_cleanly(server)


@both_loops
def test_request_without_end_is_ended_at_the_deadline(tmp_path, loop):
    with (
        one_process(tmp_path, loop, SERVING_GRACEFUL_TIMEOUT="3") as server,
        server.connect() as endless,
        server.connect() as slow,
    ):
        endless.request("GET", "/never")
        slow.request("GET", "/slow?seconds=2")
        server.until_said("never began")
        server.until_said("slow began")
        began = time.monotonic()
        stop(server)
        assert answer(slow) == (200, "close", "slow")
        with pytest.raises(http.client.RemoteDisconnected):
            answer(endless)
        assert 2.5 < time.monotonic() - began < 4.5
        assert_stopped_cleanly(server, 2)
        assert server.said.index("http.disconnect") < server.said.index("after_serving")


def test_disconnect_reaches_a_handler_behind_which_a_request_waits(tmp_path):
    with (
        one_process(tmp_path, SERVING_GRACEFUL_TIMEOUT="0.5") as server,
        server.connect() as client,
    ):
        client.sock.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        server.until_said("never began")
        stop(server)
        assert_stopped_cleanly(server, 4)
        assert "http.disconnect" in server.said


@pytest.mark.parametrize("path", ["/never", "/block?seconds=60"])
def test_second_signal_ends_at_once(tmp_path, path):
    with one_process(tmp_path) as server, server.connect() as client:
        client.request("GET", path)
        server.until_said(path[1:6] + " began")
        server.signal(signal.SIGTERM)
        server.signal(signal.SIGINT)
        assert server.process.wait(1) in {128 + signal.SIGTERM, 128 + signal.SIGINT}


def test_failed_start(tmp_path):
    with one_process(tmp_path, SERVING_BROKEN="1") as server:
        assert server.process.wait(20) == 1
        assert server.complained == "service: start-up failed: no database\n"
        assert "listening" not in server.said


def test_port_in_use(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with one_process(tmp_path, SERVING_PORT=str(port)) as server:
            assert server.process.wait(20) == 1
            assert server.complained == (
                f"service: cannot listen on 127.0.0.1:{port}: Address already in use; "
                "PORT chooses another port\n"
            )


def test_wrong_configuration(tmp_path):
    with one_process(tmp_path, SERVING_MISCONFIGURED="1") as server:
        assert server.process.wait(20) == 2
        assert server.complained == (
            "configuration: SECRET_KEY is not set\nconfiguration: PORT must be a whole number\n"
        )


def test_no_banner_and_a_limit_on_headers(tmp_path):
    with one_process(tmp_path) as server:
        with server.connect() as client:
            client.request("GET", "/fast", headers={"X-Large": "x" * 20_000})
            response = client.getresponse()
            assert (response.status, response.getheader("Server")) == (200, None)
        with server.connect() as client:
            client.sock.sendall(b"GET /fast HTTP/1.1\r\nHost: x\r\nX-Larger: " + b"x" * 100_000)
            assert client.sock.recv(13) == b"HTTP/1.1 431 "


def test_connection_of_a_client_that_has_gone_is_forgotten(tmp_path):
    with one_process(tmp_path) as server:
        server.get("/fast")  # the first request opens what stays open
        before = psutil.Process(server.process.pid).num_fds()
        for _ in range(20):
            server.get("/fast")
        with server.connect() as connection:
            connection.sock.sendall(b"GET /fast HTTP/1.1\r\nHost")
        until(lambda: psutil.Process(server.process.pid).num_fds() <= before)


def test_connections_beyond_the_descriptors_wait(tmp_path):
    limited = ["sh", "-c", 'ulimit -n 64 && exec "$@"', "sh", *COMMANDS["uvloop"]]
    with run(limited, tmp_path) as server, ExitStack() as stack:
        server.get("/fast")
        idle = [stack.enter_context(server.connect()) for _ in range(40)]
        server.until_said("no room for more than 32 connections")
        waiting = stack.enter_context(server.connect())
        waiting.request("GET", "/fast")
        for each in idle:
            each.close()
        assert answer(waiting)[::2] == (200, "fast")
        assert server.said.count("no room") == 1
