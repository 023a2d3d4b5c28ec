"""The request log."""

import json
import re
from time import perf_counter
from uuid import uuid4

from tests.contract.behaviour import better, same
from tests.contract.behaviours.routing import exactly
from tests.contract.people import log_in, new_person, signed_in
from tests.contract.settings import TABLELESS
from tests.contract.support import AUTH, PASSWORD, USERS, Side
from tests.support import wait_until

GUIDE_KEYS = (
    "timestamp",
    "level",
    "request_id",
    "method",
    "path",
    "status",
    "duration_ms",
    "user_id",
)


def line_of(side: Side, method: str, path: str, **options: object) -> dict[str, object]:
    """The line of that request."""
    answer = side.request(method, path, **options)
    return side.line(request_id=answer.headers["x-request-id"], status=answer.status_code)


@same("the guide's keys, in the guide's order", ", ".join(GUIDE_KEYS))
def keys(side: Side) -> str:
    return ", ".join(key for key in line_of(side, "GET", "/health") if key in GUIDE_KEYS)


@same("their types", "str, str, str, str, str, int, float, NoneType")
def types(side: Side) -> str:
    line = line_of(side, "GET", "/health")
    return ", ".join(type(line[key]).__name__ for key in GUIDE_KEYS)


@same("a line for each request", "1 for 1")
def one_each(side: Side) -> str:
    request_id = uuid4().hex
    side.get("/health", headers={"X-Request-ID": request_id})
    side.line(request_id=request_id)
    # Lines are written in order: once a later one is there, no second can follow.
    line_of(side, "GET", "/health")
    return f"{len(side.lines(request_id=request_id))} for 1"


@same("what it says", "INFO GET /nowhere 404")
def said(side: Side) -> str:
    line = line_of(side, "GET", "/nowhere?secret=x")
    return f"{line['level']} {line['method']} {line['path']} {line['status']}"


@same("how long it took", "more than 0 ms, less than until its line was there")
def duration(side: Side) -> str:
    email = new_person(side.pair).email
    began = perf_counter()
    line = line_of(side, "POST", f"{AUTH}/login", json={"email": email, "password": PASSWORD})
    # Not until the answer was there: a server may be interrupted between the two.
    assert 0 < line["duration_ms"] < (perf_counter() - began) * 1000
    return "more than 0 ms, less than until its line was there"


@same("whose request it was", "the user's id; null when anonymous")
def user_id(side: Side) -> str:
    person, headers = signed_in(side)
    assert line_of(side, "GET", f"{USERS}/{person.id}", headers=headers)["user_id"] == person.id
    forbidden = line_of(side, "GET", f"{USERS}/{person.id + 1}", headers=headers)
    assert forbidden["user_id"] == person.id
    anonymous = line_of(side, "GET", f"{AUTH}/me")["user_id"]
    return f"the user's id; {json.dumps(anonymous)} when anonymous"


@same("whose, by a session cookie", "the user's id")
def user_id_by_session(side: Side) -> str:
    person = new_person(side.pair)
    session = log_in(side, person).cookies["session"]
    line = line_of(side, "GET", f"{AUTH}/me", headers={"Cookie": f"session={session}"})
    return "the user's id" if line["user_id"] == person.id else str(line["user_id"])


@same("when", "in UTC, as ISO 8601, with a Z")
def timestamp(side: Side) -> str:
    value = str(line_of(side, "GET", "/health")["timestamp"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", value)
    return "in UTC, as ISO 8601, with a Z"


@better(
    "when, more exactly",
    flask="seconds",
    here="milliseconds",
    because="a second holds hundreds of requests, whose order one wants to know",
)
def milliseconds(side: Side) -> str:
    return "milliseconds" if "." in str(line_of(side, "GET", "/health")["timestamp"]) else "seconds"


@same("an error of the server", "ERROR 500", settings=TABLELESS)
def server_error(side: Side) -> str:
    sent = {"email": "a@example.com", "password": "x"}
    line = line_of(side, "POST", f"{AUTH}/login", json=sent)
    return f"{line['level']} {line['status']}"


@same("a path that would forge a line", "one line")
def forged(side: Side) -> str:
    request_id = uuid4().hex
    exactly(side, "GET", "/%0a%7b%22level%22:%22ERROR%22%7d", f"X-Request-ID: {request_id}")
    side.line(request_id=request_id)
    line_of(side, "GET", "/health")
    count = sum(request_id in line for line in side.server.log.read_text().split("\n"))
    return "one line" if count == 1 else f"{count} lines"


@same("passwords and tokens", "never in it")
def secrets(side: Side) -> str:
    person = new_person(side.pair)
    tokens = log_in(side, person)
    headers = {"Authorization": f"Bearer {tokens.access}", "Cookie": "session=very-private"}
    line_of(side, "GET", f"{AUTH}/me", headers=headers)
    line_of(side, "POST", f"{AUTH}/refresh", headers={"Authorization": f"Bearer {tokens.refresh}"})
    log = side.server.log.read_text()
    private = (PASSWORD, tokens.access, tokens.refresh, "very-private")
    return "in it" if any(each in log for each in private) else "never in it"


@better(
    "every line of the stream",
    flask="some are not JSON",
    here="JSON with the same keys first",
    because="Gunicorn's own lines are of another shape, which a parser of the log stumbles over",
)
def every_line(side: Side) -> str:
    wait_until(side.lines, "the first line")
    lines = side.server.log.read_bytes().splitlines()
    try:
        shapes = {tuple(json.loads(line))[:3] for line in lines}
    except ValueError:
        return "some are not JSON"
    assert shapes == {("timestamp", "level", "event")}
    return "JSON with the same keys first"


@better(
    "the route, as the pattern that matched",
    flask="none",
    here="/api/v1/users/<id:user_id>",
    because="paths hold ids: a dashboard by path has as many rows as there are users",
)
def route(side: Side) -> str:
    person, headers = signed_in(side)
    return str(line_of(side, "GET", f"{USERS}/{person.id}", headers=headers).get("route", "none"))
