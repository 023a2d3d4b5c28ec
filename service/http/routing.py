"""How paths are matched, and how the log learns which route it was."""

from typing import Any

from quart import Quart, request
from werkzeug.routing import IntegerConverter, Map

from service.http.exchange import current_exchange
from service.http.pagination import LARGEST_ID


class IdConverter(IntegerConverter):
    """`<id:…>`: an id PostgreSQL can hold; a larger number is a 404, not a failing query."""

    def __init__(self, map: Map, **options: Any) -> None:  # noqa: A002 - Werkzeug's name
        super().__init__(map, min=1, max=LARGEST_ID, **options)


def prepare(app: Quart) -> None:
    """Teaches the application `<id:…>` and notes each request's route for its log line."""
    app.url_map.converters["id"] = IdConverter
    app.before_request(_note_route)


async def _note_route() -> None:
    rule = request.url_rule
    if rule is not None:
        current_exchange.get().route = rule.rule
