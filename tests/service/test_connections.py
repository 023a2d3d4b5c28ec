"""Clients that come at once are let in within a few turns of the event loop, not one in each."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

from hypercorn.asyncio.worker_context import WorkerContext

from service.connections import ACCEPTED_AT_ONCE, Connections


async def test_several_are_accepted_in_one_turn() -> None:
    app: Any = SimpleNamespace(draining=False, headers=())
    connections = Connections(app, WorkerContext(None), keep_alive=5)
    clients = 2 * ACCEPTED_AT_ONCE + 1
    with socket.create_server(("127.0.0.1", 0), backlog=clients) as listener:
        listener.setblocking(False)
        address = listener.getsockname()
        waiting = [socket.create_connection(address) for _ in range(clients)]
        accepted = []
        connections.accept_from(listener)
        while not accepted or accepted[-1] < clients:
            await asyncio.sleep(0)
            accepted.append(len(connections._open))
        at_once = [after - before for before, after in zip([0, *accepted], accepted, strict=False)]
        assert [each for each in at_once if each] == [ACCEPTED_AT_ONCE, ACCEPTED_AT_ONCE, 1]
        asyncio.get_running_loop().remove_reader(listener)
    for client in waiting:
        client.close()
    await asyncio.wait_for(asyncio.gather(*connections._open), 5)
