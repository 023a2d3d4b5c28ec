"""The requests of one connection, one after the other, and their answers.

Hypercorn's `HTTPStream` makes ASGI of them. Its own `H11Protocol` validates every field again and
writes an answer in three pieces, which is most of what a small request costs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Body as BodyPart
from hypercorn.protocol.events import EndBody, Request, Response, StreamClosed
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream
from hypercorn.typing import AppWrapper, ConnectionState

from service.http1.answer import Answer, date
from service.http1.bodies import Body
from service.http1.head import Head, Heads
from service.http1.inbox import Handlers
from service.http1.refusal import Refusal, Refused, refusal, request_id

STREAM_ID = 1
# How long a client that waits for `100 Continue` waits: most refusals are ready by then.
CONTINUE_DELAY = 0.05
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Send = Callable[[Event], Awaitable[None]]
Address = tuple[str, int] | None


class Stream(HTTPStream):
    """One request and its answer. `id`: of the request; `answering`: something has been sent;
    `waits`: the client sends the body once it is told to."""

    id: str
    answer: Answer
    answering = False
    waits = False

    async def refuse(self, status: int) -> None:
        """The handler sees `http.disconnect`, and what the client was told."""
        self.closed = True
        event: Any = {"type": "http.disconnect", "refused": status}
        await self.app_put(event)

    async def _send_error_response(self, _status_code: int) -> None:
        # The application has ended without an answer: `Http1` finds that out when it is closed.
        self.state = ASGIHTTPState.CLOSED


class Http1:
    """What comes in is given to `receive`, what goes out to `send`."""

    def __init__(
        self,
        app: AppWrapper,
        config: Config,
        context: WorkerContext,
        handlers: Handlers,
        send: Send,
        *,
        addresses: tuple[Address, Address],
    ) -> None:
        self._app = app
        self._config = config
        self._context = context
        self._handlers = handlers
        self._client, self._server = addresses
        self._send = send
        self._buffer = bytearray()
        self._heads = Heads()
        self._stream: Stream | None = None
        self._body: Body | None = None  # of which more is to come
        self._held = b""  # of the answer: its head, until there is more to send
        self._requests = 0
        self._closed = False
        self.answered = asyncio.Event()
        self.answered.set()

    @property
    def is_idle(self) -> bool:
        """No request is being answered."""
        return self._stream is None

    @property
    def has_begun(self) -> bool:
        """A head is on its way."""
        return self._stream is None and bool(self._buffer)

    @property
    def is_ahead(self) -> bool:
        """The next request has come before the answer to this one."""
        return self._stream is not None and self._body is None and bool(self._buffer)

    @property
    def is_owed(self) -> bool:
        """A whole request has come, and its answer has not gone."""
        return self._stream is not None and self._body is None

    @property
    def expects_more(self) -> bool:
        """The client has sent, or will send, more than has been read."""
        return self._body is not None or bool(self._buffer)

    async def receive(self, data: bytes) -> None:
        """Takes what has come, as far as it can be worked on."""
        self._buffer += data
        await self.advance()

    async def advance(self) -> None:
        """Goes on with what had to wait for an answer."""
        try:
            while self._buffer and not self._closed:
                if self._body is not None:
                    if not await self._receive_body(self._body):
                        break
                elif self._stream is not None or not (head := self._heads.take(self._buffer)):
                    break
                else:
                    await self._begin(head)
        except Refused as refused:
            await self._refuse(refused)

    async def time_out(self) -> None:
        """The head has not come in time."""
        if self.has_begun:
            await self._refuse(Refused(408, "The head of the request did not come in time."))

    async def close(self) -> None:
        """The connection has ended: the handler sees `http.disconnect`."""
        self._closed = True
        await self._close_stream()
        self.answered.set()

    async def _begin(self, head: Head) -> None:
        await self._send(Updated(idle=False))
        self.answered.clear()
        self._body = head.body
        stream = self._stream = Stream(
            self._app,
            self._config,
            self._context,
            self._handlers,
            False,  # no TLS
            self._client,
            self._server,
            self._stream_send,
            STREAM_ID,
        )
        self._requests += 1
        persists = head.persists and self._requests < self._config.keep_alive_max_requests
        stream.answer = Answer(head.method, head.version, persists=persists)
        stream.id = _identified(head.headers)
        stream.waits = head.expects_continue
        await stream.handle(
            Request(
                stream_id=STREAM_ID,
                headers=head.headers,
                http_version=head.version,
                method=head.method,
                raw_path=head.target,
                state=ConnectionState({}),
            )
        )
        await self._context.mark_request()
        if stream.waits:
            self._handlers.spawn(self._continue, stream)
        if head.body is None:
            await stream.handle(EndBody(stream_id=STREAM_ID))

    async def _receive_body(self, body: Body) -> bool:
        part = body.take(self._buffer)
        if body.ended:
            self._body = None
        if stream := self._stream:
            stream.waits = False
            if part:
                await stream.handle(BodyPart(stream_id=STREAM_ID, data=part))
            if body.ended:
                await stream.handle(EndBody(stream_id=STREAM_ID))
        return bool(part) or body.ended

    async def _continue(self, stream: Stream) -> None:
        await asyncio.sleep(CONTINUE_DELAY)
        if stream.waits and not stream.answering and not self._held:
            await self._send(RawData(CONTINUE))

    async def _refuse(self, refused: Refused) -> None:
        stream = self._stream
        if self._closed:
            return
        if stream is None:
            await self._end(refusal(refused))
        elif stream.answering:
            await self._end(Closed())
        else:
            await self._end(_refusal_of(stream, refused.status, refused.detail))
            await stream.refuse(refused.status)

    async def _end(self, event: Event) -> None:
        self._closed = True
        await self._send(event)

    async def _stream_send(self, event: StreamEvent) -> None:
        if self._closed:
            return
        stream = self._stream
        if isinstance(event, StreamClosed):
            await self._finish()
        elif stream is None:
            return
        elif isinstance(event, Response):
            self._held = stream.answer.head(event.status_code, [*event.headers, date()])
        elif isinstance(event, BodyPart):
            await self._write(stream.answer.part(event.data))
        elif isinstance(event, EndBody):
            await self._write(stream.answer.end())

    async def _write(self, data: bytes) -> None:
        """Sends it, in one piece with the head of the answer if that has been held."""
        if data := self._held + data:
            self._held = b""
            if self._stream is not None:
                self._stream.answering = True
            await self._send(RawData(data))

    async def _finish(self) -> None:
        stream = self._stream
        if stream is not None and not stream.answering:
            detail = (
                "The server met an unexpected condition; quote the request id when reporting it."
            )
            await self._end(_refusal_of(stream, 500, detail))
        await self._close_stream()
        answer = stream.answer if stream is not None and self._body is None else None
        if self._closed:
            pass
        elif (
            answer is not None
            and answer.ended
            and answer.persists
            and not self._context.terminated.is_set()
        ):
            await self._send(Updated(idle=True))
        else:
            await self._end(Closed())
        self.answered.set()

    async def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.handle(StreamClosed(stream_id=STREAM_ID))


def _identified(headers: list[tuple[bytes, bytes]]) -> str:
    """The id of the request, which is also put where the application looks for it."""
    said = [value for name, value in headers if name == b"x-request-id"]
    known = request_id(said[-1] if said else b"")
    if not said or said[-1] != known.encode():
        headers.append((b"x-request-id", known.encode()))
    return known


def _refusal_of(stream: Stream, status: int, detail: str) -> Refusal:
    scope = stream.scope
    return Refusal(status, detail, stream.id, scope["method"], scope["path"], is_noted=True)
