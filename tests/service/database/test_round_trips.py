"""A request waits for PostgreSQL as often as docs/capacity.md counts with."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.service.support import PASSWORD, Service, log_in, quart
from tests.support import free_port
from tools.capacity.measured import ROUND_TRIPS


@contextmanager
def counting(url: str) -> Iterator[tuple[str, Callable[[], int]]]:
    """A way to that database, and how many times a client has sent something on it."""
    socket = f"{parse_qs(urlsplit(url).query)['host'][0]}/.s.PGSQL.5432"
    port, sent = free_port(), [0]
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def carry(
        source: asyncio.StreamReader, target: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        try:
            while data := await source.read(65536):
                sent[0] += counted
                target.write(data)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(socket)
        await asyncio.gather(carry(reader, back, counted=True), carry(there, writer, counted=False))

    async def serve() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", port)
        ready.set()
        try:
            await stop.wait()
        finally:
            server.close()

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        name = urlsplit(url).path
        yield f"postgresql://postgres@127.0.0.1:{port}{name}?sslmode=disable", lambda: sent[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_round_trips_are_those_a_request_makes(
    database: str, own_service: Callable[..., Service]
) -> None:
    with counting(database) as (url, sent):
        service = own_service(DATABASE_URL=url)
        email = "admin@example.com"
        made = quart(service, "users", "create-admin", "--email", email, ADMIN_PASSWORD=PASSWORD)
        assert made.returncode == 0, made.stderr
        admin = log_in(service.url, email)
        number = iter(range(100))

        def new() -> dict[str, str]:
            return {"email": f"u{next(number)}@example.com", "password": PASSWORD}

        login = {"email": email, "password": PASSWORD}
        requests: dict[str, Callable[[], httpx.Response]] = {
            "constant": lambda: admin.http.get("/health/live"),
            "health": lambda: admin.http.get("/health"),
            "list": lambda: admin.http.get("/api/v1/users"),
            "deep page": lambda: admin.http.get("/api/v1/users?cursor=MQ"),
            "by address": lambda: admin.http.get(f"/api/v1/users?email={email}"),
            "read": lambda: admin.http.get(f"/api/v1/users/{admin.id}"),
            "login": lambda: httpx.post(f"{service.url}/api/v1/auth/login", json=login),
            "create": lambda: admin.http.post("/api/v1/users", json=new()),
        }
        assert requests.keys() == ROUND_TRIPS.keys()
        found = {}
        for name, ask in requests.items():
            counts = []
            for _ in range(5):
                before = sent()
                assert ask().is_success
                counts.append(sent() - before)
            # The first prepares its statements, and any may fall together with a ping.
            found[name] = min(counts)
        admin.http.close()
    assert found == ROUND_TRIPS
