"""What is known of the request being served, for the log line that ends it."""

from contextvars import ContextVar


class Exchange:
    """One request and its answer. `status` is None until the answer starts."""

    __slots__ = ("request_id", "route", "status", "trace_id", "user_id")

    def __init__(self, request_id: str, trace_id: str | None) -> None:
        self.request_id = request_id
        self.trace_id = trace_id
        self.route: str | None = None
        self.user_id: int | None = None
        self.status: int | None = None


current_exchange: ContextVar[Exchange] = ContextVar("exchange")
"""Set by the middleware for the task that serves the request and the tasks it starts."""
