"""How paths are matched, and how the log learns which route it was."""

from quart import Quart, request
from werkzeug.routing import BaseConverter

from service.http.exchange import current_exchange
from service.http.pagination import LARGEST_ID
from service.http.problem import Problem

# An id that no row has: they begin at 1.
NOBODY = 0


class IdConverter(BaseConverter):
    """`<id:…>`: an id PostgreSQL can hold; a larger number is a 404, not a failing query.

    A converter that refuses a number after its pattern matched, as Werkzeug's own with `max` does,
    turns a DELETE of it into a 405. So a number of 19 digits that is too large becomes `NOBODY`.
    """

    regex = r"0{0,20}[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        """The id."""
        number = int(value)
        return number if number <= LARGEST_ID else NOBODY


def prepare(app: Quart) -> None:
    """Teaches the application `<id:…>` and notes each request's route for its log line."""
    app.url_map.converters["id"] = IdConverter
    app.before_request(_note_route)


async def _note_route() -> None:
    exchange = current_exchange.get()
    if exchange.host_is_wrong:
        raise Problem(400, "The Host header names no host.")
    rule = request.url_rule
    if rule is not None:
        exchange.route = rule.rule
