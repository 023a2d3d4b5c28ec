"""Connections go to whoever has waited longest, and none is lost on the way."""

import asyncio
from typing import Any, cast

import pytest
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util.concurrency import greenlet_spawn
from sqlalchemy.util.queue import Empty, Full

from service.database.fair import FairQueue

A, B, C = (cast("ConnectionPoolEntry", name) for name in "ABC")


async def get(queue: FairQueue, timeout: float | None = 5) -> Any:
    """What a request does."""
    return await greenlet_spawn(queue.get, True, timeout)


async def waiting(queue: FairQueue, count: int) -> list[asyncio.Task[Any]]:
    """So many requests that wait, in order."""
    tasks = [asyncio.create_task(get(queue)) for _ in range(count)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
    return tasks


async def test_last_used_is_used_next() -> None:
    queue = FairQueue(3)
    for entry in (A, B, C):
        queue.put(entry)
    assert (queue.qsize(), queue.full(), queue.empty()) == (3, True, False)
    assert [await get(queue), queue.get_nowait(), queue.get(False)] == [C, B, A]
    assert (queue.qsize(), queue.full(), queue.empty()) == (0, False, True)


async def test_waiters_are_served_in_turn_and_nobody_comes_between() -> None:
    queue = FairQueue(2)
    first, second = await waiting(queue, 2)
    queue.put(A)
    with pytest.raises(Empty):  # it is the first waiter's, who has not run yet
        queue.get_nowait()
    queue.put(B)
    assert [await first, await second] == [A, B]


async def test_waiting_ends() -> None:
    queue = FairQueue(1)
    with pytest.raises(Empty):
        await get(queue, 0.01)
    with pytest.raises(Empty):
        queue.get(False)
    queue.put(A)
    assert await get(queue, 0.01) == A


async def test_waiter_that_has_gone_is_passed_over() -> None:
    queue = FairQueue(1)
    first, second, third = await waiting(queue, 3)
    first.cancel()
    await asyncio.wait([first])
    second.cancel()  # it has not run yet when the connection comes
    queue.put(A)
    assert await third == A


async def test_connection_handed_to_one_who_goes_at_that_moment_is_handed_on() -> None:
    queue = FairQueue(1)
    first, second = await waiting(queue, 2)
    queue.put(A)
    first.cancel()
    assert await second == A
    assert first.cancelled()

    third, fourth = await waiting(queue, 2)
    third.cancel()
    fourth.cancel()
    await asyncio.wait([third, fourth])
    queue.put(A)
    assert queue.get_nowait() == A


async def test_there_is_no_more_room_than_was_asked_for() -> None:
    queue = FairQueue(1)
    queue.put(A)
    with pytest.raises(Full):
        queue.put(B)
