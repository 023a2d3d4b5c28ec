"""Polling a real HTTP server that is well, unwell, silent or gone."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from console.health.instances import HISTORY, Instance
from console.health.probe import TIME_LIMIT, Poll, client, probe
from console.targets import Endpoint


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """The console's own client."""
    async with client() as http:
        yield http


async def test_a_healthy_instance(
    http: httpx.AsyncClient, start_health: Callable[..., Any]
) -> None:
    poll = await probe(http, start_health().url)
    assert (poll.healthy, poll.answered, poll.database, poll.reason) == (
        True,
        True,
        "connected",
        "",
    )


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (503, b'{"status":"unhealthy","error":"pool timeout"}', "pool timeout"),
        (503, b"<html>", "HTTP 503"),
        (500, b'{"detail":"boom"}', "boom"),
        (302, b"", "HTTP 302"),
        (200, b'{"status":"degraded"}', "degraded"),
        (200, b'{"status":"down","error":"\\u001b[31m"}', "\x1b[31m"),
        (200, b"OK", ""),
        (200, b'{"status":"ok"}', ""),
        (204, b"", ""),
        (200, b"[" * 5000, ""),
    ],
)
async def test_what_an_answer_means(
    http: httpx.AsyncClient,
    start_health: Callable[..., Any],
    status: int,
    body: bytes,
    reason: str,
) -> None:
    server = start_health()
    server.status, server.body = status, body if status != 204 else b""
    poll = await probe(http, server.url)
    assert (poll.reason, poll.healthy) == (reason, not reason)


async def test_a_refused_connection(http: httpx.AsyncClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        poll = await probe(http, f"http://127.0.0.1:{unused.getsockname()[1]}/health")
    assert (poll.reason, poll.answered) == ("connection refused", False)


async def test_an_unknown_host(http: httpx.AsyncClient) -> None:
    assert (await probe(http, "http://no-such-host.invalid/")).reason == "host name not found"


async def test_what_is_no_http(http: httpx.AsyncClient) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await probe(http, f"http://127.0.0.1:{port}/")
        assert found.reason == "not an HTTP answer"
        found = await probe(http, f"https://127.0.0.1:{port}/")
        assert found.reason == "TLS failed"


async def test_silence_ends_at_the_time_limit(
    http: httpx.AsyncClient, start_health: Callable[..., Any]
) -> None:
    server = start_health()
    server.release.clear()
    poll = await probe(http, server.url)
    assert poll.reason == "no answer in 2 s"
    assert poll.latency >= TIME_LIMIT * 1000 - 50


def poll(*, healthy: bool, latency: float = 5.0, answered: bool = True) -> Poll:
    return Poll(at=0.0, latency=latency, healthy=healthy, answered=answered)


def test_an_instance_remembers() -> None:
    instance = Instance(Endpoint("web1", "http://x"))
    assert (instance.status, instance.uptime, instance.latency(0.5)) == ("waiting", None, None)
    assert not instance.add(poll(healthy=True, latency=1.0))
    assert instance.add(poll(healthy=False, latency=2000.0, answered=False))
    assert instance.status == "unhealthy"
    assert not instance.add(poll(healthy=False))
    assert instance.add(poll(healthy=True, latency=3.0))
    assert instance.uptime == 0.5
    assert instance.latency(0.99) == 5.0
    for _ in range(HISTORY * 2):
        instance.add(poll(healthy=True))
    assert len(instance.polls) == HISTORY


def test_an_instance_found_unhealthy_is_news() -> None:
    assert Instance(Endpoint("web1", "http://x")).add(poll(healthy=False))
