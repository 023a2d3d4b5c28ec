"""HTTP/1.1 on one connection, as Hypercorn speaks it."""

import logging

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from hypercorn.events import Closed

# What nginx's default large_client_header_buffers (4 x 8 KiB) lets through.
MAX_HEADER_BYTES = 32 * 1024


def configuration(keep_alive: float) -> Config:
    """Hypercorn's, for every connection. `keep_alive`: how long one may lie idle, in seconds."""
    # Its read_timeout stays unset: that one resets handlers that are merely slow.
    return Config.from_mapping(
        accesslog=None,  # the service writes the request log
        errorlog=logging.getLogger("hypercorn.error"),
        h11_max_incomplete_size=MAX_HEADER_BYTES,
        include_server_header=False,
        keep_alive_timeout=keep_alive,
    )


class Connection(TCPServer):
    """One accepted connection; awaited, it is served until it closes."""

    async def disconnect(self) -> None:
        """Ends it now; the handler sees `http.disconnect`."""
        await self.protocol.handle(Closed())
        self.writer.transport.abort()

    async def _read_data(self) -> None:
        await super()._read_data()
        # Else the task that waits for the keep-alive time-out would keep the socket of a client
        # that has gone for as long as that: a client that does not reuse connections could use up
        # the descriptors.
        await self.idle_task.stop()
