"""Keep-alive clients in a process of their own, so that nothing else delays them: `python -m
tests.faults.load`, with a `Plan` as JSON on standard input and `Outcome`s on standard output.

What counts as a failure: any answer but the one expected; a refused or reset connection; one that
is closed after a request was sent on it; no answer within the plan's `limit`. A connection that the
server closes between two requests without having said `Connection: close` is counted by itself: a
request that had just been sent on it would have been lost. A failed create is sent again, with the
same key, as the next create of its client, and is an outcome of its own.
"""

import asyncio
import itertools
import json
import resource
import signal
import sys
import time
from asyncio import Event
from collections.abc import Iterator

import msgspec
import uvloop

from tests.faults.client import Answer, Connection, Failed
from tests.faults.outcomes import CLOSED, DOUBLED, Outcome

FLUSH = 0.05
# After a failure; without it a refused client would do nothing but try.
BREATH = 0.02
TAKEN = b"Another user has this e-mail address"


class Plan(msgspec.Struct):
    """Where to, and what. `pause`: between two requests of a client. `kinds`: what each asks for in
    turn, paths among them. `once`: each client, one request. `health`: one client more, which asks
    for `/health` twenty times a second. `run`: a word nobody else creates users with."""

    port: int
    token: str
    run: str
    clients: int = 16
    pause: float = 0.01
    kinds: tuple[str, ...] = ("read", "create")
    once: bool = False
    health: bool = False
    limit: float = 30.0
    host: str = "127.0.0.1"
    name: str = "localhost"


PASSWORD = "correct horse battery"


class Client:
    """One of them."""

    def __init__(self, plan: Plan, number: int, found: list[Outcome], over: Event) -> None:
        self.plan, self.number, self.found, self.over = plan, number, found, over
        self._connection: Connection | None = None
        self._unsettled: str | None = None
        self._count = itertools.count()

    async def run(self, kinds: tuple[str, ...], pause: float) -> None:
        """Until it is over; the last request ends first."""
        turn = itertools.islice(itertools.cycle(kinds), self.number % len(kinds), None)
        for kind in turn:
            if self.over.is_set():
                break
            good = await self._one(kind)
            if self.plan.once and kind != "health":
                break
            await asyncio.sleep(pause if good else max(pause, BREATH))
        if self._connection:
            self._connection.close()

    async def _one(self, kind: str) -> bool:
        name, again = "", False
        if kind == "create":
            again = self._unsettled is not None
            name = self._unsettled or f"{self.plan.run}-{self.number}-{next(self._count)}"
            self._unsettled = name
        connection = self._connection
        if connection is not None and not connection.is_open:
            if not connection.may_close:
                now = time.monotonic()
                self.found.append(Outcome(kind, now, now, CLOSED, False, connection.port))
            connection = self._connection = None
        request = self._request(kind, name)
        started = time.monotonic()
        port = connection.port if connection else 0
        try:
            if connection is None:
                connection = await Connection.opened(
                    self.plan.host, self.plan.port, self.plan.limit
                )
                self._connection, port = connection, connection.port
            answer = await connection.ask(request, self.plan.limit)
        except Failed as failed:
            self._connection = None
            outcome = Outcome(
                kind, started, time.monotonic(), str(failed), False, port, name, again
            )
        else:
            connection.may_close = answer.last
            outcome = Outcome(
                kind,
                started,
                time.monotonic(),
                _said(answer),
                answer.retry_after,
                port,
                name,
                again,
            )
        if kind == "create" and (outcome.good or outcome.answer == DOUBLED):
            self._unsettled = None
        self.found.append(outcome)
        return outcome.good

    def _request(self, kind: str, name: str) -> bytes:
        plan = self.plan
        host = f"Host: {plan.name}\r\n"
        bearer = f"Authorization: Bearer {plan.token}\r\n"
        if kind == "health":
            return f"GET /health HTTP/1.1\r\n{host}\r\n".encode()
        if kind == "read":
            kind = "/api/v1/users?limit=5"
        if kind.startswith("/"):
            return f"GET {kind} HTTP/1.1\r\n{host}{bearer}\r\n".encode()
        path = "/api/v1/users" if kind == "create" else "/api/v1/auth/login"
        sent = {"email": f"{name or plan.run}@example.com", "password": PASSWORD}
        body = json.dumps(sent)
        more = f"{bearer}Idempotency-Key: {name}\r\n" if kind == "create" else ""
        return (
            f"POST {path} HTTP/1.1\r\n{host}{more}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def _said(answer: Answer) -> int | str:
    return DOUBLED if answer.status == 409 and TAKEN in answer.body else answer.status


async def run(plan: Plan) -> None:
    """Everybody, until SIGTERM."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found: list[Outcome] = []
    over = Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    clients = [Client(plan, number, found, over) for number in range(plan.clients)]
    tasks = [asyncio.create_task(each.run(plan.kinds, plan.pause)) for each in clients]
    if plan.health:
        watcher = Client(plan, plan.clients, found, over)
        tasks.append(asyncio.create_task(watcher.run(("health",), 0.05)))
    while not all(each.done() for each in tasks):
        await asyncio.wait(tasks, timeout=FLUSH, return_when=asyncio.ALL_COMPLETED)
        sys.stdout.buffer.writelines(_lines(found))
        sys.stdout.buffer.flush()
    for each in tasks:
        each.result()


def _lines(found: list[Outcome]) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    while found:
        yield encode(found.pop(0)) + b"\n"


if __name__ == "__main__":
    uvloop.run(run(msgspec.json.decode(sys.stdin.readline(), type=Plan)))
