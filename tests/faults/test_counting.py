"""What a server does wrong is counted as what it is: the load and its figures, on servers that cut,
reset, hang, answer by half, and do things twice."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

import pytest

from tests.faults.load import Client, Plan
from tests.faults.outcomes import CLOSED, DOUBLED, Outcome, Outcomes
from tests.faults.record import Row

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSING = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


async def asked(serve: Serve, kinds: tuple[str, ...] = ("read",), enough: int = 3) -> Outcomes:
    """What one client gets from that server, at least so many outcomes."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    found: list[Outcome] = []
    over = asyncio.Event()
    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        plan = Plan(port, "token", "run", kinds=kinds, limit=0.5)
        client = asyncio.create_task(Client(plan, 0, found, over).run(kinds, 0.02))
        async with asyncio.timeout(10):
            while len(found) < enough:
                await asyncio.wait({client}, timeout=0.01)
            over.set()
            await client
    return Outcomes(found)


async def request(reader: asyncio.StreamReader) -> bytes:
    """One, with its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return head + await reader.readexactly(int(length or b"0"))


async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await request(reader)
        writer.write(OK)


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    peer = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def answers_by_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    writer.write(OK[:-1])


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def fails(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await request(reader)
        writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("serve", "how"),
    [
        (closes, "closed"),
        (resets, "reset"),
        (answers_by_half, "half an answer"),
        (hangs, "no answer"),
        (fails, "503"),
    ],
)
async def test_failures_are_told_apart(serve: Serve, how: str) -> None:
    found = await asked(serve)
    assert {str(each.answer) for each in found.failed} == {how}
    assert len(found.failed) == len(found.requests)
    assert not any(each.refused_honestly for each in found.requests)


async def test_good_answers_are_no_failures() -> None:
    found = await asked(good)
    assert not found.failed
    assert len({each.port for each in found.requests}) == 1


async def test_refused() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        plan = Plan(nobody.getsockname()[1], "", "run", limit=1.0, once=True)
        found: list[Outcome] = []
        await Client(plan, 0, found, asyncio.Event()).run(("read",), 0.0)
    assert [each.answer for each in found] == ["refused"]


async def test_idle_connection_closed_without_a_word_is_counted() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(OK)

    found = await asked(serve, enough=6)
    assert found.closed
    assert {each.answer for each in found.closed} == {CLOSED}
    assert not found.failed


async def test_connection_closed_as_announced_is_not() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(CLOSING)

    found = await asked(serve)
    assert not found.closed
    assert not found.failed
    assert len({each.port for each in found.requests}) == len(found.requests)


async def test_failed_create_is_sent_again_with_its_key() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = await request(reader)
        seen.append(sent)
        if len(seen) == 2:
            body = b'{"detail": "Another user has this e-mail address."}'
            writer.write(b"HTTP/1.1 409 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    found = await asked(serve, ("create",))
    assert seen[0] == seen[1]
    assert b"Idempotency-Key: run-0-0" in seen[0]
    assert b"Idempotency-Key: run-0-1" in seen[2]
    assert [each.again for each in found.requests][:3] == [False, True, False]
    assert found.doubled() == ["run-0-0"]
    assert found.requests[1].answer == DOUBLED
    assert not found.acknowledged()


def outcome(ended: float, answer: int | str = 200, seconds: float = 0.01) -> Outcome:
    """Of a read."""
    return Outcome("read", ended - seconds, ended, answer, False, 1)


def test_figures() -> None:
    found = Outcomes([outcome(1.0), outcome(1.1), outcome(1.2, 503), outcome(1.5, 200, 0.3)])
    assert found.longest_gap() == pytest.approx(0.4)
    assert found.first_success_after(1.15) == pytest.approx(0.35)
    assert found.slowest() == pytest.approx(0.3)
    assert found.how() == "1 × 503"
    assert found.percentile(99) > 0.25
    # A request belongs to when it was sent.
    assert len(found.between(1.195, 9).requests) == 1
    assert Outcomes([]).longest_gap() == float("inf")


def test_row_that_misses_its_goal() -> None:
    row = Row("a fault", "nothing fails")
    row.must(False, "something failed")
    row.within("gap", 100.0, 0.25)
    row.within("back after", 0.1, 0.25)
    assert [each.partition(":")[0] for each in row.unmet] == ["something failed", "gap"]
