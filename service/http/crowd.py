"""What is said to one request too many, without any of the work on it."""

import asyncio
import re
from typing import Any

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

from service.http.exchange import current_exchange
from service.http.problem import PROBLEM_JSON, RETRY_AFTER, problem_body

# Who asks for these wants to know how it is just then.
ALWAYS = re.compile("/health(/.*)?|/metrics")
DETAIL = "Too many requests are being worked on; try again shortly."


async def refuse(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answers 503, as an ASGI application. A body is read and thrown away meanwhile: the answer
    waits for the end of a small one, or the connection could not be kept."""
    exchange = current_exchange.get()
    body = problem_body(503, DETAIL, request_id=exchange.request_id, instance=scope["path"])
    start: Any = {
        "type": "http.response.start",
        "status": 503,
        "headers": [
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"retry-after", RETRY_AFTER.encode()),
        ],
    }
    reading = asyncio.create_task(_read(receive)) if exchange.body_size else None
    try:
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})
    finally:
        if reading:
            reading.cancel()


async def _read(receive: ASGIReceiveCallable) -> None:
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message["more_body"]:
            return
