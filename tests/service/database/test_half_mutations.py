"""A client that disconnects in the middle of a change leaves all of it or nothing, never a half."""

import asyncio
import json
import random
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.service.support import PASSWORD, Account, Service, register, start_service
from tests.support import wait_until

TIMES = 200
NEW_PASSWORD = "battery horse correct"


@pytest.fixture
def service(database: str, tmp_path: Path) -> Iterator[Service]:
    """One that counts no requests, and hashes fast."""
    started = start_service(
        tmp_path / "stdout.jsonl",
        DATABASE_URL=database,
        RATELIMIT_ENABLED="0",
        PASSWORD_SCHEME="pbkdf2:sha256:1000",
    )
    yield started
    assert started.stop() == 0


async def leave(port: int, head: str, body: object, after: float, *, reset: bool) -> None:
    """Sends a request and goes, with a FIN or a RST."""
    content = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    if reset:
        linger = struct.pack("ii", 1, 0)
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.write(
        f"{head}Host: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n".encode()
        + content
    )
    with suppress(TimeoutError):
        async with asyncio.timeout(after):
            await reader.read(1)
    writer.transport.abort() if reset else writer.close()


def rows(database: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload]


@pytest.fixture
def users(service: Service) -> Iterator[list[Account]]:
    """Those who change themselves, and those who change their passwords."""
    registered = [register(service.url) for _ in range(8)]
    yield registered
    for each in registered:
        each.http.close()


@pytest.mark.long
def test_every_change_is_whole_or_absent(
    service: Service, database: str, users: list[Account]
) -> None:
    port = urlsplit(service.url).port or 0
    draw = random.Random(7)

    def request(method: str, path: str, user: int, key: str = "") -> str:
        token = users[user].tokens["access_token"]
        extra = f"Idempotency-Key: {key}\r\n" if key else ""
        return f"{method} {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n{extra}"

    async def all_of_them() -> None:
        work = []
        for number in range(TIMES):
            after, reset = draw.uniform(0, 0.06), bool(number % 2)
            email = f"half-{number}@example.com"
            body: dict[str, str] = {"email": email, "password": PASSWORD, "name": email}
            head = request("POST", "/api/v1/auth/register", 0, f"key-{number}")
            work.append(leave(port, head, body, after, reset=reset))
            user = number % 4
            body = {"name": f"n{number}", "email": f"n{number}@example.com"}
            head = request("PATCH", f"/api/v1/users/{users[user].id}", user)
            work.append(leave(port, head, body, after, reset=reset))
            user = 4 + number % 4
            body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
            head = request("POST", "/api/v1/auth/password", user)
            work.append(leave(port, head, body, after, reset=reset))
        for start in range(0, len(work), 24):
            await asyncio.gather(*work[start : start + 24])

    asyncio.run(all_of_them())
    at_work = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND state <> 'idle' AND pid <> pg_backend_pid()"
    )
    wait_until(lambda: not rows(database, at_work), "an idle database")
    made = {str(email) for (email,) in rows(database, "SELECT email FROM users")}
    kept = rows(database, "SELECT count(*) FROM idempotency_keys")[0][0]
    created = {each for each in made if each.startswith("half-")}
    # With each user their key, and with each key its user.
    assert 0 < len(created) < TIMES
    assert kept == len(created)
    for number in range(TIMES):
        email = f"half-{number}@example.com"
        body = {"email": email, "password": PASSWORD, "name": email}
        again = httpx.post(
            f"{service.url}/api/v1/auth/register",
            content=json.dumps(body),
            headers={"Idempotency-Key": f"key-{number}", "Content-Type": "application/json"},
            timeout=10,
        )
        assert again.status_code == 201
        assert ("idempotent-replayed" in again.headers) is (email in created)
    for name, email in rows(database, "SELECT name, email FROM users WHERE name LIKE 'n%'"):
        assert f"{name}@example.com" == email
    for each in users[4:]:
        is_old, is_new = (
            httpx.post(
                f"{service.url}/api/v1/auth/login",
                json={"email": each.email, "password": password},
                timeout=10,
            ).status_code
            == 200
            for password in (PASSWORD, NEW_PASSWORD)
        )
        assert is_old is not is_new
        # The tokens of before end with the password, and only with it.
        assert (each.http.get("/api/v1/auth/me").status_code == 200) is is_old
