"""Unexpected exceptions, for whoever is to be told of them beside the log."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog


@dataclass(frozen=True, slots=True)
class Request:
    """The request that failed. `route` is the pattern, `user_id` None for somebody unknown."""

    id: str
    method: str
    path: str
    route: str | None
    user_id: int | None


Reporter = Callable[[Exception, Request], None]

reporters: list[Reporter] = []
"""None of them, until one is configured."""

log = structlog.get_logger()


def report(error: Exception, request: Request) -> None:
    """Tells every reporter; one that fails is no worse for the request than one that is not."""
    for reporter in reporters:
        try:
            reporter(error, request)
        except Exception as failure:
            log.warning("an error could not be reported", exc_info=failure)
