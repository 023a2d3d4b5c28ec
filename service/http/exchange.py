"""What is known of the request being served, for the headers and the log line of its answer."""

from contextvars import ContextVar


class Exchange:
    """One request and its answer. `body_size`: of the request, in bytes, -1 where it is not said.
    `status` is None until the answer starts; `headers` are added to it, whatever it says."""

    __slots__ = (
        "body_size",
        "headers",
        "host_is_wrong",
        "origin",
        "request_id",
        "route",
        "status",
        "trace_id",
        "user_id",
    )

    def __init__(
        self, request_id: str, trace_id: str | None, origin: bytes | None, body_size: int
    ) -> None:
        self.request_id = request_id
        self.trace_id = trace_id
        self.origin = origin
        self.body_size = body_size
        self.host_is_wrong = False
        self.route: str | None = None
        self.user_id: int | None = None
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []


current_exchange: ContextVar[Exchange] = ContextVar("exchange")
"""Set by the middleware for the task that serves the request and the tasks it starts."""
