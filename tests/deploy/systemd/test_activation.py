"""Both ways to run the service take systemd's socket, survive a restart on it without a refused
connection, and say that they are ready when they are, and not before."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from tests.deploy.systemd.units import program
from tests.service.support import SERVICE, answers
from tests.support import ROOT, environment, free_port, wait_until

GUNICORN = ("-m", "gunicorn", "-c", "deploy/gunicorn.conf.py")
BOTH = pytest.mark.parametrize("command", [SERVICE, GUNICORN], ids=["single", "gunicorn"])


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket as systemd holds it: it listens whoever accepts."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as made:
        yield made


def port(listener: socket.socket) -> int:
    found: int = listener.getsockname()[1]
    return found


def start(
    command: tuple[str, ...], listener: socket.socket, output: Path, **variables: str
) -> subprocess.Popen[bytes]:
    """The command with the socket as its descriptor 3, and the variables that say so."""
    shell = 'exec 3<&"$0"; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"'
    number = listener.fileno()
    with output.open("ab") as said:
        return subprocess.Popen(
            ["bash", "-c", shell, str(number), sys.executable, *command],
            cwd=ROOT,
            # A port that is taken: whoever binds it himself cannot start.
            env=environment(FLASK_ENV="testing", PORT=str(port(listener)), **variables),
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )


def url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{port(listener)}"


@BOTH
def test_a_restart_on_the_same_socket_refuses_no_connection(
    command: tuple[str, ...], listener: socket.socket, database: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    variables = {"DATABASE_URL": database, "WEB_CONCURRENCY": "2"}
    process = start(command, listener, log, **variables)
    failed: list[str] = []
    served = 0
    ended = threading.Event()

    def ask() -> None:
        nonlocal served
        while not ended.is_set():
            connection = HTTPConnection("127.0.0.1", port(listener), timeout=30)
            try:
                connection.request("GET", "/health/live")
                if connection.getresponse().status != 200:
                    failed.append("not 200")
            except OSError as error:
                failed.append(repr(error))
            finally:
                connection.close()
            served += 1

    clients = [threading.Thread(target=ask) for _ in range(3)]
    for each in clients:
        each.start()
    try:
        wait_until(lambda: served > 20, "requests", 30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0, log.read_text()
        process = start(command, listener, log, **variables)
        before = served
        wait_until(lambda: served > before + 20, "requests", 30)
    finally:
        ended.set()
        for each in clients:
            each.join(40)
        process.send_signal(signal.SIGTERM)
        code = process.wait(40)
    assert failed == []
    assert code == 0


@BOTH
def test_ready_is_said_once_it_listens(
    command: tuple[str, ...], listener: socket.socket, database: str, tmp_path: Path
) -> None:
    path, log = tmp_path / "notify", tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(path))
        told.settimeout(40)
        variables = {"DATABASE_URL": database, "WEB_CONCURRENCY": "1", "NOTIFY_SOCKET": str(path)}
        process = start(command, listener, log, **variables)
        try:
            assert told.recv(1000) == b"READY=1"
            assert httpx.get(f"{url(listener)}/health/live", timeout=5).status_code == 200
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0
        # The first word is the worker's, not Gunicorn's "arbiter booted".
        assert b"listening on" in log.read_bytes()


@BOTH
def test_ready_is_not_said_of_one_that_cannot_start(
    command: tuple[str, ...], listener: socket.socket, tmp_path: Path
) -> None:
    path, log = tmp_path / "notify", tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(path))
        told.setblocking(False)
        variables = {"WEB_CONCURRENCY": "1", "NOTIFY_SOCKET": str(path)}
        process = start(command, listener, log, DATABASE_URL="http://nowhere", **variables)
        assert process.wait(40) != 0
        with pytest.raises(BlockingIOError):
            told.recv(1000)
    assert "DATABASE_URL" in log.read_text()


@BOTH
def test_systemds_own_activation_starts_it(
    command: tuple[str, ...], database: str, tmp_path: Path
) -> None:
    activate = program("systemd-socket-activate")
    chosen = free_port()
    variables = {"FLASK_ENV": "testing", "DATABASE_URL": database, "WEB_CONCURRENCY": "1"}
    passed = environment(PORT=str(chosen), **variables)
    options = [f"--setenv={name}" for name in passed]
    with (tmp_path / "log").open("wb") as said:
        process = subprocess.Popen(
            [activate, f"--listen=127.0.0.1:{chosen}", *options, sys.executable, *command],
            cwd=ROOT,
            env=passed,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{chosen}"), "the service", 40)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(40)
    assert code == 0, (tmp_path / "log").read_text()
