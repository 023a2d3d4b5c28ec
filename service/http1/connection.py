"""One accepted connection: what it may take in time and memory, and how it ends."""

import asyncio
import logging
from collections.abc import Generator, Sequence
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import Any

from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.typing import AppWrapper
from hypercorn.utils import parse_socket_addr

from service.http1.answer import date
from service.http1.inbox import Handlers
from service.http1.limit import Limit
from service.http1.protocol import Http1
from service.http1.refusal import Refusal

MAX_READ = 64 * 1024
# What waits in this process for a client that reads slowly.
MAX_UNSENT = 64 * 1024
# What is read and thrown away after an answer, so that its client reads it and is not reset.
MAX_LINGER_BYTES = 16 * 1024 * 1024


class Settings(Config):
    """Hypercorn's, and the limits of a connection, in seconds. `headers`: of every answer."""

    headers: Sequence[tuple[bytes, bytes]] = ()
    # From the first byte of a request to the last of its head.
    header_timeout = 10.0
    # In which a client must have read something of its answer.
    send_timeout = 30.0
    # How long the answer may take a client that has ended its side. Most have gone.
    eof_grace = 2.0
    linger_timeout = 5.0


def configuration(keep_alive: float, headers: Sequence[tuple[bytes, bytes]] = ()) -> Settings:
    """For every connection. `keep_alive`: how long one may lie idle, in seconds."""
    settings = Settings()
    settings.accesslog = None  # the service writes the request log
    settings.errorlog = logging.getLogger("hypercorn.error")
    settings.include_server_header = False
    settings.keep_alive_timeout = keep_alive
    settings.headers = headers
    return settings


class Connection:
    """Awaited, it is served until it closes."""

    def __init__(
        self,
        app: AppWrapper,
        settings: Settings,
        context: WorkerContext,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._app = app
        self._settings = settings
        self._context = context
        self._reader = reader
        self._writer = writer
        self._transport = writer.transport
        self._loop = asyncio.get_running_loop()
        self._limit = Limit(self._loop)
        self._protocol: Http1 | None = None
        self._client: tuple[str, int] | None = None
        self._gone: asyncio.Task[None] | None = None
        self._began: float | None = None  # when the first byte of a head came that has no end yet
        self._ended = False

    def __await__(self) -> Generator[Any, None, None]:
        return self._run().__await__()

    async def disconnect(self) -> None:
        """Ends it now; the handler sees `http.disconnect`."""
        if self._protocol is not None:
            await self._protocol.close()
        self._abort()

    async def _run(self) -> None:
        self._transport.set_write_buffer_limits(MAX_UNSENT)
        peer = self._transport.get_extra_info("socket")
        try:
            addresses = (
                parse_socket_addr(peer.family, peer.getpeername()),
                parse_socket_addr(peer.family, peer.getsockname()),
            )
        except OSError:  # it has gone already
            self._abort()
            return
        self._client = addresses[0]
        handlers = Handlers(self._loop)
        async with handlers:
            protocol = self._protocol = Http1(
                self._app, self._settings, self._context, handlers, self._send, addresses=addresses
            )
            closing = self._loop.create_task(self._close_when_terminated(protocol))
            self._limit.set(self._settings.keep_alive_timeout, self._end)
            try:
                await self._read(protocol, handlers)
                await protocol.close()
            finally:
                closing.cancel()
                await self._close()

    async def _close_when_terminated(self, protocol: Http1) -> None:
        await self._context.terminated.wait()
        if protocol.is_idle:
            self._end()

    async def _read(self, protocol: Http1, handlers: Handlers) -> None:
        """Returns when nothing more is to be read."""
        discarded = 0
        while discarded < MAX_LINGER_BYTES:
            if protocol.is_ahead and not self._ended:
                if not await self._until_answered(protocol):
                    return
                await protocol.advance()
            else:
                try:
                    data = await self._reader.read(MAX_READ)
                except OSError:
                    return
                if not data:
                    await self._let_finish(protocol)
                    return
                if self._ended:
                    discarded += len(data)
                    continue
                await protocol.receive(data)
            if protocol.has_begun and self._began is None and not self._ended:
                self._began = perf_counter()
                late = partial(handlers.spawn, protocol.time_out)
                self._limit.set(self._settings.header_timeout, late)

    async def _until_answered(self, protocol: Http1) -> bool:
        """Whether the answer has gone, and the client has not."""
        if self._gone is None:
            self._gone = self._loop.create_task(self._writer.wait_closed())
        answered = self._loop.create_task(protocol.answered.wait())
        await asyncio.wait((answered, self._gone), return_when=asyncio.FIRST_COMPLETED)
        answered.cancel()
        return not self._gone.done()

    async def _let_finish(self, protocol: Http1) -> None:
        """The client sends no more. It may still read."""
        if protocol.is_owed and not self._ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.eof_grace):
                    await protocol.answered.wait()

    async def _send(self, event: Event) -> None:
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Updated):
            if event.idle:
                self._limit.set(self._settings.keep_alive_timeout, self._end)
            else:
                self._began = None
                self._limit.clear()
        elif isinstance(event, Refusal):
            self._refuse(event)
        elif isinstance(event, Closed):
            self._end(linger=self._protocol is not None and self._protocol.expects_more)

    async def _write(self, data: bytes) -> None:
        if self._ended or self._transport.is_closing():
            return
        self._writer.write(data)
        unsent = self._transport.get_write_buffer_size()
        while unsent > MAX_UNSENT:
            try:
                async with asyncio.timeout(self._settings.send_timeout):
                    await self._writer.drain()
            except TimeoutError:
                before, unsent = unsent, self._transport.get_write_buffer_size()
                if unsent >= before:
                    self._abort()
                    return
            except OSError:
                return  # the reader finds that out as well
            else:
                return

    def _refuse(self, refusal: Refusal) -> None:
        if self._transport.is_closing():
            return
        self._writer.write(refusal.answer((*self._settings.headers, date())))
        if not refusal.is_noted:
            seconds = perf_counter() - self._began if self._began is not None else 0.0
            refusal.note(self._client[0] if self._client else None, seconds)
        self._end(linger=True)

    def _end(self, *, linger: bool = False) -> None:
        if self._ended:
            return
        self._ended = True
        if linger:
            with suppress(OSError, RuntimeError):
                self._writer.write_eof()
            self._limit.set(self._settings.linger_timeout, self._abort)
        else:
            self._close_writer()  # the reader sees the end

    async def _close(self) -> None:
        self._ended = True
        self._close_writer()
        with suppress(OSError):
            await (self._gone or self._writer.wait_closed())
        self._limit.stop()

    def _close_writer(self) -> None:
        """What is still unsent goes first."""
        self._writer.close()
        self._abort_if_stalled(self._transport.get_write_buffer_size() + 1)

    def _abort_if_stalled(self, before: int) -> None:
        """Keeps a connection that closes for as long as its client goes on to read."""
        unsent = self._transport.get_write_buffer_size()
        if unsent >= before:
            self._abort()
        else:
            again = partial(self._abort_if_stalled, unsent)
            self._limit.set(self._settings.send_timeout, again)

    def _abort(self) -> None:
        self._ended = True
        self._transport.abort()
