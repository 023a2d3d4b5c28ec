"""Proxies."""

from tests.contract.behaviour import better, same
from tests.contract.behaviours.limits import attempt, attempts, forget
from tests.contract.behaviours.routing import exactly
from tests.contract.settings import ALONE, LIMITED
from tests.contract.support import Side

FORWARDED = ("X-Forwarded-Proto: https", "X-Forwarded-Host: api.example.com")


def redirected(side: Side, *headers: str) -> str:
    """Where a double slash leads."""
    answer = exactly(side, "GET", "/api//v1/users", *headers)
    return str(answer.headers["Location"]).replace(side.url, "http://<itself>")


@same("a redirect behind a proxy", "https://api.example.com/api/v1/users")
def redirect(side: Side) -> str:
    return redirected(side, *FORWARDED)


@same("a redirect behind a proxy that forwards the Host", "https://api.example.com/api/v1/users")
def redirect_by_host(side: Side) -> str:
    answer = exactly(side, "GET", "/api//v1/users", "X-Forwarded-Proto: https")
    return str(answer.headers["Location"]).replace(
        side.url.removeprefix("http://"), "api.example.com"
    )


@same("a redirect of no proxy", "http://<itself>/api/v1/users")
def redirect_straight(side: Side) -> str:
    return redirected(side)


@better(
    "a client that poses as a proxy",
    flask="https://api.example.com/api/v1/users",
    here="http://<itself>/api/v1/users",
    because="ProxyFix believes whoever asks, and FORWARDED_ALLOW_IPS is Gunicorn's affair alone",
    settings=ALONE,
)
def posing(side: Side) -> str:
    return redirected(side, *FORWARDED)


@same("each client behind the proxy is counted alone", "401, 401, 401, 429; 401", settings=LIMITED)
def counted_by_client(side: Side) -> str:
    forget(side)
    first = attempts(side, 4, **{"X-Forwarded-For": "203.0.113.1"})
    other = attempt(side, **{"X-Forwarded-For": "203.0.113.2"})
    return f"{first}; {other.status_code}"


@same("a client counted at one side is counted at both", "401, 401, 401, 429", settings=LIMITED)
def counted_at_both(side: Side) -> str:
    forget(side)
    client = {"X-Forwarded-For": "203.0.113.3"}
    return ", ".join(str(attempt(each, **client).status_code) for each in (side, side.other) * 2)


@same("what the client itself forwarded is not believed", "401, 401, 401, 429", settings=LIMITED)
def forged_hops(side: Side) -> str:
    forget(side)
    hops = [f"198.51.100.{each}, 203.0.113.4" for each in range(4)]
    statuses = [attempt(side, **{"X-Forwarded-For": each}).status_code for each in hops]
    return ", ".join(map(str, statuses))


@same("an IPv6 client", "401, 401, 401, 429; 401", settings=LIMITED)
def ipv6(side: Side) -> str:
    forget(side)
    first = attempts(side, 4, **{"X-Forwarded-For": "2001:db8::1"})
    other = attempt(side, **{"X-Forwarded-For": "2001:db8::2"})
    return f"{first}; {other.status_code}"


@better(
    "a client that poses as many",
    flask="401, 401, 401, 401",
    here="401, 401, 401, 429",
    because="else a limit by address is none: the client makes up a new one for each attempt",
    settings=ALONE,
)
def posing_as_many(side: Side) -> str:
    forget(side)
    clients = [{"X-Forwarded-For": f"203.0.113.{each}"} for each in range(10, 14)]
    return ", ".join(str(attempt(side, **each).status_code) for each in clients)


@better(
    "the client's address in the log",
    flask="none",
    here="203.0.113.9",
    because="the guide's line has no client, and Gunicorn's has the proxy",
)
def logged(side: Side) -> str:
    answer = side.get("/health", headers={"X-Forwarded-For": "203.0.113.9"})
    return str(side.line(request_id=answer.headers["x-request-id"]).get("client", "none"))
