"""CORS."""

import httpx

from tests.contract.behaviour import better, different, same
from tests.contract.people import told
from tests.contract.settings import BROWSERS, FRONTEND
from tests.contract.support import AUTH, USERS, Side

DEVELOPER = "http://localhost:3000"


def from_origin(origin: str, **more: str) -> dict[str, str]:
    """What a browser sends for a page of that origin."""
    return {"Origin": origin, **more}


def preflight(side: Side, path: str, origin: str, method: str, headers: str = "") -> httpx.Response:
    """A browser's question before a request that is not simple."""
    asked = {"Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    return side.request("OPTIONS", path, headers=from_origin(origin) | asked)


def granted(answer: httpx.Response, *names: str) -> str:
    """The values of these Access-Control headers, each at most once."""
    values = []
    for name in names or ("allow-origin",):
        found = answer.headers.get_list(f"access-control-{name}")
        assert len(found) <= 1
        # What they list is a set, and its order means nothing.
        values += [", ".join(sorted(each.split(", "))) for each in found] or ["none"]
    return "; ".join(values)


@same("an allowed origin", f"200 for {FRONTEND}; true; Link, X-Request-ID", settings=BROWSERS)
def simple(side: Side) -> str:
    answer = side.get("/health", headers=from_origin(FRONTEND))
    shown = granted(answer, "allow-origin", "allow-credentials", "expose-headers")
    return f"{answer.status_code} for {shown}"


@same("every allowed origin", "https://admin.example.com", settings=BROWSERS)
def second_origin(side: Side) -> str:
    return granted(side.get("/health", headers=from_origin("https://admin.example.com")))


@same("caches learn that the answer depends on the origin", "Vary: Origin", settings=BROWSERS)
def vary(side: Side) -> str:
    answer = side.get("/health", headers=from_origin(FRONTEND))
    named = [each.strip() for value in answer.headers.get_list("vary") for each in value.split(",")]
    assert named.count("Origin") == 1
    return f"Vary: {', '.join(named)}"


@better(
    "caches learn it from the answer to another origin, too",
    flask="no Vary",
    here="Vary: Origin",
    because="else a cache gives the answer without the header to the page that is allowed to read",
    settings=BROWSERS,
)
def vary_for_others(side: Side) -> str:
    answer = side.get("/health", headers=from_origin("https://evil.example"))
    return f"Vary: {answer.headers['vary']}" if "vary" in answer.headers else "no Vary"


@same("other origins", "none, none, none, none", settings=BROWSERS)
def other_origins(side: Side) -> str:
    origins = (
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com.evil.example",
        "null",
    )
    return ", ".join(granted(side.get("/health", headers=from_origin(each))) for each in origins)


@better(
    "a request from no page",
    flask="https://admin.example.com",
    here="none",
    because="Flask-CORS names the first of the origins, which nobody asked for",
    settings=BROWSERS,
)
def no_origin(side: Side) -> str:
    return granted(side.get("/health"))


@same(
    "errors can be read by the page, too",
    f"{FRONTEND}, {FRONTEND}, {FRONTEND}, {FRONTEND}",
    settings=BROWSERS,
)
def on_errors(side: Side) -> str:
    headers = from_origin(FRONTEND)
    answers = [
        side.get("/nowhere", headers=headers),
        side.request("PUT", "/health", headers=headers),
        side.get(USERS, headers=headers),
        side.post(f"{AUTH}/login", json={}, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 401, 422]
    return ", ".join(map(granted, answers))


@same(
    "a preflight",
    "200, GET, PATCH, POST; Authorization, Content-Type; 600; true",
    settings=BROWSERS,
)
def allowed_preflight(side: Side) -> str:
    asked = "authorization, content-type"
    answer = preflight(side, f"{USERS}/1", FRONTEND, "PATCH", asked)
    assert granted(answer) == FRONTEND
    assert not answer.content
    granted_headers = granted(answer, "allow-headers").title()
    shown = granted(answer, "max-age", "allow-credentials")
    return f"{answer.status_code}, {granted(answer, 'allow-methods')}; {granted_headers}; {shown}"


@same("a preflight for a header that is not allowed", "Authorization", settings=BROWSERS)
def header_not_allowed(side: Side) -> str:
    answer = preflight(side, USERS, FRONTEND, "GET", "Authorization, X-Secret")
    return granted(answer, "allow-headers")


@same("a preflight for a method that is not allowed", f"200 {FRONTEND}; none", settings=BROWSERS)
def method_not_allowed(side: Side) -> str:
    answer = preflight(side, f"{USERS}/1", FRONTEND, "BREW")
    return f"{answer.status_code} {granted(answer, 'allow-origin', 'allow-methods')}"


@same("a preflight from another origin", "200 none; none", settings=BROWSERS)
def preflight_elsewhere(side: Side) -> str:
    answer = preflight(side, f"{USERS}/1", "https://evil.example", "GET")
    return f"{answer.status_code} {granted(answer, 'allow-origin', 'allow-methods')}"


@same("a preflight for what is not there", f"404 problem {FRONTEND}", settings=BROWSERS)
def preflight_nowhere(side: Side) -> str:
    answer = preflight(side, "/nowhere", FRONTEND, "GET")
    return f"{told(answer)} {granted(answer)}"


@same("every port of localhost in development", f"{DEVELOPER}, http://localhost:8080")
def any_port(side: Side) -> str:
    origins = (DEVELOPER, "http://localhost:8080")
    return ", ".join(granted(side.get("/health", headers=from_origin(each))) for each in origins)


@different(
    "http://localhost:* and http://localhost.evil.example",
    flask="http://localhost.evil.example",
    here="none",
    because="Flask-CORS reads it as a regular expression, whose :* is any number of colons",
)
def not_localhost(side: Side) -> str:
    return granted(side.get("/health", headers=from_origin("http://localhost.evil.example")))
