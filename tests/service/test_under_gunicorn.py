"""The service itself under Gunicorn with two workers, on one database: kill, and stop."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.service.support import GUNICORN, PASSWORD, Service, register, start_service
from tests.support import ROOT, database_name, environment, execute, wait_until


@pytest.fixture
def gunicorn(database: str, tmp_path: Path) -> Iterator[Service]:
    """Gunicorn with the shipped configuration and two workers."""
    log = tmp_path / "stdout.jsonl"
    service = start_service(log, GUNICORN, DATABASE_URL=database, WEB_CONCURRENCY="2")
    process = service.process
    wait_until(lambda: len(listening(service)) == 2, "two workers", 30)
    yield service
    if process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait(10)


def listening(service: Service) -> set[int]:
    """The workers that are there and have said that they listen."""
    said = {line["pid"] for line in service.lines() if line["event"].startswith("listening on")}
    return said & {child.pid for child in psutil.Process(service.process.pid).children()}


def test_killed_worker_is_replaced_while_the_other_serves(gunicorn: Service) -> None:
    first, second = listening(gunicorn)
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while len(listening(gunicorn) - {first}) < 2:
        assert time.monotonic() < deadline, "no new worker"
        assert httpx.get(f"{gunicorn.url}/health").status_code == 200
    assert second in listening(gunicorn)


def test_every_line_is_json_of_the_same_shape(gunicorn: Service) -> None:
    httpx.get(f"{gunicorn.url}/health")
    assert gunicorn.stop() == 0
    lines = [json.loads(line) for line in gunicorn.log.read_bytes().splitlines()]
    assert {tuple(line)[:3] for line in lines} == {("timestamp", "level", "event")}
    assert {"gunicorn.error", "service.server"} <= {line.get("logger") for line in lines}
    starts = [line for line in lines if line["event"].startswith("Starting gunicorn")]
    assert len(starts) == 1


def test_request_in_flight_at_the_stop_gets_its_answer(gunicorn: Service) -> None:
    account = register(gunicorn.url)
    account.http.close()
    body = json.dumps({"email": account.email, "password": PASSWORD}).encode()
    address = urlsplit(gunicorn.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=20) as peer:
        peer.sendall(
            b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body[:10])
        )
        # The login's line comes last, so what tells that it has begun is the arbiter's obedience.
        gunicorn.process.send_signal(signal.SIGTERM)
        gunicorn.line(event="Handling signal: term")
        later = threading.Timer(2, peer.sendall, [body[10:]])
        later.start()
        answer = b""
        while chunk := peer.recv(65_536):
            answer += chunk
        later.join()
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert b"access_token" in answer
    assert b"connection: close" in answer.lower()
    assert gunicorn.process.wait(20) == 0


@pytest.mark.parametrize(("chosen", "workers"), [("", 2), ("7", 7)])
def test_workers_are_no_more_than_the_database_has_connections_for(
    database: str, chosen: str, workers: int
) -> None:
    name = "limited_" + database_name(database)
    password = "0f3b9c7ad18e4526"
    execute(database, f"CREATE ROLE {name} LOGIN PASSWORD '{password}' CONNECTION LIMIT 11")
    try:
        shown = subprocess.run(
            [sys.executable, *GUNICORN, "--print-config"],
            cwd=ROOT,
            env=environment(
                FLASK_ENV="production",
                SECRET_KEY=token_hex(32),
                JWT_SECRET_KEY=token_hex(32),
                DATABASE_URL=database.replace("postgres@", f"{name}:{password}@"),
                SQLALCHEMY_ENGINE_OPTIONS='{"pool_size": 3, "max_overflow": 1}',
                FLASK_WEB_CONCURRENCY=chosen,
            ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        execute(database, f"DROP ROLE {name}")
    assert re.search(rf"^workers\s+= {workers}$", shown.stdout, re.MULTILINE), shown.stderr
