"""Gunicorn's arbiter with our worker and our configuration file: processes, sockets, signals."""

import http.client
import signal
import sys
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.service.serving import ROOT, Serving, answer, ask, run, until

GUNICORN = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"]


def arbiter(folder: Path, *flags: str, **environment: str):
    command = [*GUNICORN, "--bind", "127.0.0.1:0", *flags, "tests.service.serving:create_app()"]
    return run(command, folder, **{"WEB_CONCURRENCY": "2", "FLASK_ENV": "testing", **environment})


def all_ready(server: Serving, gone: Collection[int] = ()) -> set[int]:
    """The two workers, once both are ready and none of those that must be `gone` is left."""
    seen: list[set[int]] = []

    def settled() -> bool:
        seen[:] = [server.workers]
        return len(seen[0]) == 2 and not seen[0].intersection(gone)

    until(settled, 20)
    return seen[0]


@contextmanager
def load(server: Serving, clients: int = 2, pause: float = 0.01) -> Iterator[Counter[str]]:
    """Keep-alive clients, one request at a time each; what they were answered, or failed with."""
    outcomes: Counter[str] = Counter()
    ended = threading.Event()
    port = server.port

    def client() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            while not ended.wait(pause):
                try:
                    outcomes[ask(connection, "/pid")[2]] += 1
                except (OSError, http.client.HTTPException) as error:
                    outcomes[repr(error)] += 1
                    connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for each in threads:
        each.start()
    try:
        yield outcomes
    finally:
        ended.set()
        for each in threads:
            each.join()


def failures(outcomes: Counter[str]) -> list[str]:
    return [each for each in outcomes if not each.isdigit()]


def assert_stopped_cleanly(server: Serving, seconds: float) -> None:
    assert server.process.wait(seconds) == 0, server.said + server.complained
    assert "after_serving" in server.said


def test_request_in_flight_is_answered(tmp_path):
    with arbiter(tmp_path) as server, server.connect() as client:
        client.request("GET", "/slow?seconds=2")
        server.until_said("slow began")
        server.signal(signal.SIGTERM)
        assert answer(client) == (200, "close", "slow")
        assert_stopped_cleanly(server, 3)


def test_request_without_end_is_ended_before_the_arbiter_kills(tmp_path):
    with arbiter(tmp_path, "--graceful-timeout", "4") as server, server.connect() as client:
        client.request("GET", "/never")
        server.until_said("never began")
        server.signal(signal.SIGTERM)
        with pytest.raises(http.client.RemoteDisconnected):
            answer(client)
        assert_stopped_cleanly(server, 4)
        assert server.said.index("http.disconnect") < server.said.rindex("after_serving")


def test_connections_are_refused_once_it_drains(tmp_path):
    with arbiter(tmp_path) as server, server.connect() as client:
        all_ready(server)
        client.request("GET", "/slow?seconds=1")
        server.until_said("slow began")
        server.signal(signal.SIGTERM)
        until(lambda: server.said.count("draining") == 2)
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        assert answer(client)[0] == 200
        assert_stopped_cleanly(server, 5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_quick_stop_does_not_wait_for_requests(tmp_path, number):
    with arbiter(tmp_path) as server, server.connect() as client:
        client.request("GET", "/never")
        server.until_said("never began")
        server.signal(number)
        assert server.process.wait(3) == 0


def test_killed_worker_is_replaced_and_missed_by_nobody(tmp_path):
    with arbiter(tmp_path) as server:
        before = all_ready(server)
        # No client is in the middle of a request when the worker goes, so none may fail.
        served = {server.get("/pid")}
        psutil.Process(min(before)).kill()
        while not server.workers - before:
            served.add(server.get("/pid"))
        after = all_ready(server, gone={min(before)})
        assert served <= {str(pid) for pid in before | after}


def test_reload_fails_no_request(tmp_path):
    with arbiter(tmp_path) as server:
        before = all_ready(server)
        with load(server) as outcomes:
            server.signal(signal.SIGHUP)
            after = all_ready(server, gone=before)
            until(lambda: any(outcomes[str(pid)] for pid in after))
        assert failures(outcomes) == []


def test_blocked_worker_is_replaced(tmp_path):
    with arbiter(tmp_path, "--timeout", "2") as server, server.connect() as client:
        before = all_ready(server)
        client.request("GET", "/block?seconds=60")
        server.until_said("block began")
        blocked = next(pid for pid in before if f"{pid} block began" in server.said)
        assert {server.get("/pid")} == {str(pid) for pid in before - {blocked}}
        assert all_ready(server, gone={blocked}) > before - {blocked}
        with suppress(http.client.RemoteDisconnected, ConnectionResetError):
            assert answer(client)[0] == 500
        assert server.get("/fast") == "fast"


def test_worn_out_worker_loses_no_request(tmp_path):
    flags = ("--max-requests", "30", "--max-requests-jitter", "10")
    with arbiter(tmp_path, *flags) as server:
        before = all_ready(server)
        with load(server, pause=0) as outcomes:
            all_ready(server, gone=before)
        assert failures(outcomes) == []
        assert outcomes.total() > 60


def test_workers_stop_when_the_arbiter_is_gone(tmp_path):
    with arbiter(tmp_path) as server:
        workers = [psutil.Process(pid) for pid in all_ready(server)]
        server.process.kill()
        until(lambda: server.said.count("after_serving") == 2)
        until(lambda: not any(each.is_running() for each in workers))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("SERVING_BROKEN", "service: start-up failed: no database\n"),
        ("SERVING_MISCONFIGURED", "configuration: SECRET_KEY is not set\nconfiguration: PORT "),
    ],
)
def test_failed_start_stops_the_arbiter(tmp_path, fault, message):
    with arbiter(tmp_path, WEB_CONCURRENCY="1", **{fault: "1"}) as server:
        assert server.process.wait(20) == 3
        assert message in server.complained


def test_nothing_is_left_on_the_disk(tmp_path):
    def sockets_and_pids() -> set[Path]:
        return {each for each in ROOT.iterdir() if "gunicorn" in each.name or each.is_socket()}

    before = sockets_and_pids()
    with arbiter(tmp_path) as server:
        all_ready(server)
        # HOME is tmp_path, where the output is.
        assert {each.name for each in tmp_path.iterdir()} == {"stdout", "stderr"}
    assert sockets_and_pids() == before


def test_configuration_file(tmp_path):
    environment = {"PORT": "5599", "WEB_CONCURRENCY": "3", "FORWARDED_ALLOW_IPS": "10.0.0.0/8"}
    with run(
        [*GUNICORN, "--print-config", "tests.service.serving:create_app()"], tmp_path, **environment
    ) as it:
        assert it.process.wait(20) == 0
        lines = [line.split("=", 1) for line in it.said.splitlines() if "=" in line]
    settings = {name.strip(): value.strip() for name, value in lines}
    assert settings["bind"] == "['127.0.0.1:5599']"
    assert settings["workers"] == "3"
    assert settings["wsgi_app"] == "service.app:create_app()"
    assert settings["forwarded_allow_ips"] == "['10.0.0.0/8']"
    assert settings["control_socket_disable"] == "True"
    assert settings["accesslog"] == "None"
