"""What is known of the request being served, for the headers and the log line of its answer."""

from contextvars import ContextVar


class Exchange:
    """One request and its answer. `status` is None until the answer starts; `headers` are added
    to it, whatever it says."""

    __slots__ = (
        "has_body",
        "headers",
        "origin",
        "request_id",
        "route",
        "status",
        "trace_id",
        "user_id",
    )

    def __init__(
        self, request_id: str, trace_id: str | None, origin: bytes | None, *, has_body: bool
    ) -> None:
        self.request_id = request_id
        self.trace_id = trace_id
        self.origin = origin
        self.has_body = has_body
        self.route: str | None = None
        self.user_id: int | None = None
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []


current_exchange: ContextVar[Exchange] = ContextVar("exchange")
"""Set by the middleware for the task that serves the request and the tasks it starts."""
