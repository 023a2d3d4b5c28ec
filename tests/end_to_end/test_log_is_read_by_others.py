"""`jq` and `lnav` read the service's own log without complaint, whatever it was sent."""

import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.debian import debian_tool
from tests.service.support import Service, register, start_service
from tests.support import ROOT, execute, wait_until

FORMAT = ROOT / "deploy" / "monitoring" / "lnav" / "quartermaster.json"
HARM = "\x1b]0;pwned\x07\x9b31m\u202e\u2028\x00'\"\\[red]"
BROKEN = b"\x1b]0;pwned\x07\xff\xfe\x9b\x00"


@pytest.fixture(scope="module")
def log(
    create_database: Callable[[str], str],
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The file that a service has written, from its start to its end."""
    folder = tmp_path_factory.mktemp("log")
    database = create_database(migrated_template)
    path = folder / "service.jsonl"
    service = start_service(
        folder / "stdout", DATABASE_URL=database, LOG_FILE=str(path), LOG_LEVEL="debug"
    )
    try:
        _use(service)
        execute(database, "DROP TABLE users CASCADE")
        _use_without_users(service)
        wait_until(lambda: b'"status":500' in path.read_bytes(), "a failed request in the log")
        assert service.stop() == 0
    finally:
        service.process.kill()
        service.process.wait(10)
    return path


def _use(service: Service) -> None:
    """Send requests that are answered, refused and hostile."""
    account = register(service.url)
    for path in (
        "/health",
        "/metrics",
        "/nowhere",
        "/%1b%5d0;pwned%07",
        "/%ff%fe/%e2%80%ae",
        "/a%0ab",
    ):
        httpx.get(service.url + path, headers={"X-Request-ID": "x" * 300})
    for path in ("/api/v1/users", "/api/v1/auth/me", "/api/v1/users/999999999"):
        account.http.get(path, params={"cursor": HARM, "limit": "1e999"})
    for body in (HARM.encode("utf-8", "replace"), BROKEN, b"[" * 50_000, b'{"email":1e999}', b""):
        headers = {"Content-Type": "application/json", "User-Agent": "a\tb"}
        httpx.post(f"{service.url}/api/v1/auth/login", content=body, headers=headers)
    httpx.post(f"{service.url}/api/v1/auth/login", json={"email": HARM, "password": HARM})
    account.http.close()
    for head in (
        b"GET /" + BROKEN + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: " + BROKEN + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \x9b31m\r\nX-Forwarded-For: \x1b[31m\r\n\r\n",
        BROKEN * 20,
    ):
        _send(service, head)


def _use_without_users(service: Service) -> None:
    for _ in range(3):
        body = {"email": "somebody@example.com", "password": "correct horse battery"}
        httpx.post(f"{service.url}/api/v1/auth/login", json=body)


def _send(service: Service, head: bytes) -> None:
    parts = urlsplit(service.url)
    with socket.create_connection((parts.hostname, parts.port), 5) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


def test_jq_reads_every_line(log: Path) -> None:
    jq = debian_tool("jq")
    lines = log.read_bytes().splitlines()
    assert len(lines) > 20
    for line in lines:
        done = subprocess.run(
            [jq.path, "-e", "."],
            input=line,
            env=jq.environ,
            capture_output=True,
            timeout=20,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b""), line
    expression = "select(.status >= 500) | [.level, .exception.type] | @tsv"
    done = subprocess.run(
        [jq.path, "-r", expression, log],
        env=jq.environ,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert b"ERROR\t" in done.stdout, done.stderr


@pytest.fixture
def lnav(tmp_path: Path) -> Callable[..., str]:
    """Runs lnav with the project's format, and nothing of the user's."""
    tool = debian_tool("lnav")
    formats = tmp_path / "config" / "formats" / "quartermaster"
    formats.mkdir(parents=True)
    shutil.copy(FORMAT, formats)

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [tool.path, "-n", "-I", tmp_path / "config", *arguments],
            env=tool.environ | {"HOME": str(tmp_path), "TZ": "UTC", "TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


def test_lnav_accepts_the_format(lnav: Callable[..., str]) -> None:
    assert lnav("-C") == ""


def test_lnav_reads_time_and_level_of_every_line(lnav: Callable[..., str], log: Path) -> None:
    columns = "log_time, log_level, log_body, status, request_id, method, path"
    query = f";SELECT {columns} FROM quartermaster_log"
    found = json.loads(lnav("-c", query, "-c", ":write-json-to -", log))
    written = [json.loads(line) for line in log.read_bytes().splitlines()]
    assert [row["log_level"] for row in found] == [line["level"].lower() for line in written]
    assert [row["log_body"] for row in found] == [line["event"] for line in written]
    for name in ("status", "request_id", "method", "path"):
        # As texts: in lnav's JSON, a column is what its first value is.
        assert [str(row[name]) for row in found] == [str(line[name]) for line in written]
    # lnav shows lines in the order of their times; one that is late gets the time before it.
    times = [line["timestamp"].replace("T", " ").removesuffix("Z") for line in written]
    assert [row["log_time"] for row in found] == [max(times[: n + 1]) for n in range(len(times))]
