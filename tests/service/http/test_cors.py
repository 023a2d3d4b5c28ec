"""Which origins may read which answers: on every status, for every path, and in no header twice."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.config import load
from service.http.cors import Cors
from tests.service import web
from tests.service.shared import Join, Start
from tests.service.support import Service
from tests.support import execute

LOGIN = "/api/v1/auth/login"
ORIGIN = "https://app.example.com"
CONFIGURED = {
    "CORS_ORIGINS": f"{ORIGIN}, http://localhost:*",
    "CORS_SUPPORTS_CREDENTIALS": "1",
    "CORS_MAX_AGE": "600",
    "CORS_EXPOSE_HEADERS": "ETag, X-Request-ID",
    "CORS_METHODS": "GET, POST, OPTIONS",
    "CORS_ALLOW_HEADERS": "Content-Type, Authorization",
    "RATELIMIT_ENABLED": "1",
    "RATELIMIT_REGISTER": "1 per hour",
}
EVIL = [
    "http://localhost.evil.example",
    "http://localhost:80.evil",
    "http://localhost:80@evil.example",
    "http://localhost:",
    "http://localhost:123456",
    "http://localhost:80/",
    "http://localhost:8o",
    "https://localhost:80",
    "http://notlocalhost:80",
    "xhttp://localhost:80",
    "https://appXexample.com",
    "https://app.example.com.evil",
    "https://app.example.com:443",
    "https://app.example.com/",
    "http://app.example.com",
    "https://evil.example https://app.example.com",
    "null",
    "*",
    "",
    "\xff\xfe",
    "x" * 8000,
]


@pytest.fixture(scope="module")
def shop(start_shared: Start) -> Service:
    """Every key of Flask-CORS's set to something."""
    return start_shared(**CONFIGURED)


def allowed(answer: httpx.Response) -> dict[str, str]:
    """The headers of CORS, each of which may be there once."""
    found: dict[str, str] = {}
    for name, value in answer.headers.multi_items():
        if name.startswith("access-control-"):
            assert name not in found
            found[name.removeprefix("access-control-")] = value
    return found


def varies(answer: httpx.Response) -> list[str]:
    (value,) = answer.headers.get_list("vary")
    return sorted(value.split(", "))


def preflight(service: Service, path: str, **asked: str) -> httpx.Response:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    headers |= {f"Access-Control-Request-{name}": value for name, value in asked.items()}
    return web.options(f"{service.url}{path}", headers=headers)


def answers_of_every_kind(service: Service, origin: str, join: Join) -> list[httpx.Response]:
    user = join(service)  # and the only registration that the limit allows
    headers = {"Origin": origin.encode("latin-1")}
    json = headers | {"Content-Type": "application/json"}
    with web.client(base_url=service.url) as client:
        found = [
            client.get("/health", headers=headers),
            client.get("/api/v1/auth/me", headers=headers | {"Cookie": cookie_of(user.http)}),
            client.get("/api/v1/auth/me", headers=headers),
            client.get("/nowhere", headers=headers),
            client.put("/health", headers=headers),
            client.post(LOGIN, content=b" " * 1_048_577, headers=json),
            client.post(LOGIN, content=b"{}", headers=json),
            client.post("/api/v1/auth/register", content=b"{}", headers=json),
        ]
        execute(service.environ["DATABASE_URL"], "ALTER TABLE users RENAME TO gone")
        body = {"email": "a@example.com", "password": "x"}
        found.append(client.post(LOGIN, json=body, headers=headers))
        execute(service.environ["DATABASE_URL"], "ALTER TABLE gone RENAME TO users")
    assert [each.status_code for each in found] == [200, 200, 401, 404, 405, 413, 422, 429, 500]
    return found


def cookie_of(client: httpx.Client) -> str:
    return f"session={client.cookies['session']}"


def test_answers_of_every_status_say_who_may_read_them(
    own_service: Callable[..., Service], newcomer: Join
) -> None:
    for answer in answers_of_every_kind(own_service(**CONFIGURED), ORIGIN, newcomer):
        assert allowed(answer) == {
            "allow-origin": ORIGIN,
            "allow-credentials": "true",
            "expose-headers": "ETag, X-Request-ID",
        }
        path = answer.request.url.path
        assert varies(answer) == (["Cookie", "Origin"] if path.endswith("/me") else ["Origin"])


@pytest.mark.parametrize(
    "origin", [ORIGIN, ORIGIN.upper(), "http://localhost", "http://LOCALHOST:1"]
)
def test_allowed_origins(shop: Service, origin: str) -> None:
    answer = web.get(f"{shop.url}/health", headers={"Origin": origin})
    assert allowed(answer)["allow-origin"] == origin


@pytest.mark.parametrize("origin", EVIL, ids=lambda origin: origin[:40])
def test_other_origins_are_told_nothing(shop: Service, origin: str) -> None:
    headers = {"Origin": origin.encode("latin-1"), "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        answer = web.request(method, f"{shop.url}/health", headers=headers)
        assert (answer.status_code, allowed(answer)) == (200, {})
        assert varies(answer) == ["Origin"]


def test_request_without_an_origin_is_told_nothing_and_kept_apart(shop: Service) -> None:
    answer = web.get(f"{shop.url}/health")
    assert (allowed(answer), varies(answer)) == ({}, ["Origin"])


@pytest.mark.parametrize(("path", "status"), [(LOGIN, 200), ("/api/v1/users/1", 200), ("/x", 404)])
def test_preflight(shop: Service, path: str, status: int) -> None:
    answer = preflight(shop, path, Headers="content-type, Authorization,X-Other")
    assert answer.status_code == status
    assert allowed(answer) == {
        "allow-origin": ORIGIN,
        "allow-credentials": "true",
        "allow-headers": "Authorization, content-type",
        "allow-methods": "GET, POST, OPTIONS",
        "expose-headers": "ETag, X-Request-ID",
        "max-age": "600",
    }
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("method", ["DELETE", "post ", "", "x" * 8000, "\xff"])
def test_preflight_of_another_method(shop: Service, method: str) -> None:
    headers: dict[str, Any] = {"Origin": ORIGIN}
    headers["Access-Control-Request-Method"] = method.strip().encode("latin-1")
    answer = web.options(f"{shop.url}{LOGIN}", headers=headers)
    expected = {"allow-origin", "allow-credentials", "expose-headers"}
    if method == "post ":  # the case of a method does not matter to Flask-CORS
        expected |= {"allow-methods", "max-age"}
    assert set(allowed(answer)) == expected


@pytest.mark.parametrize("names", ["", ",", " , ", "\xff", "X-\xe9", "a" * 8000])
def test_preflight_of_other_headers(shop: Service, names: str) -> None:
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": names.strip().encode("latin-1"),
    }
    answer = web.options(f"{shop.url}{LOGIN}", headers=headers)
    assert answer.status_code == 200
    assert "allow-headers" not in allowed(answer)


def cors(*origins: str) -> Cors:
    return Cors(load({"ENVIRONMENT": "testing", "CORS_ORIGINS": origins}))


@given(st.binary(max_size=60))
def test_garbage_is_no_origin(origin: bytes) -> None:
    if origin.lower() != b"https://app.example.com":
        assert cors("https://app.example.com").headers(origin) == ()


@given(st.integers(0, 99_999), st.text("0123456789:./@ax", max_size=5))
def test_only_a_port_may_follow(port: int, rest: str) -> None:
    judge = cors("http://localhost:*")
    assert judge.headers(f"http://localhost:{port}".encode())
    if not rest.isdigit() or len(f"{port}{rest}") > 5:
        assert bool(judge.headers(f"http://localhost:{port}{rest}".encode())) == (rest == "")


@given(st.text(st.characters(codec="ascii"), min_size=1, max_size=20))
def test_origin_is_no_pattern(host: str) -> None:
    judge = cors("https://a.b+c(d)[e]")
    assert judge.headers(b"https://a.b+c(d)[e]")
    if host.lower() != "a.b+c(d)[e]":
        assert not judge.headers(f"https://{host}".encode())


@pytest.mark.parametrize("origin", [ORIGIN, "null", "https://evil.example", "\xff"])
def test_any_origin(origin: str) -> None:
    judge = cors("*")
    sent = origin.encode("latin-1")
    assert dict(judge.headers(sent))[b"access-control-allow-origin"] == sent
    assert b"access-control-allow-credentials" not in dict(judge.headers(sent))
    asked = dict(judge.preflight(b"PATCH", b"X-Anything, Content-Type"))
    assert asked[b"access-control-allow-headers"] == b"Content-Type, X-Anything"
    # Not `*`, so that a cache must keep the answers apart.
    assert judge.varies


def test_no_origins_means_nobody_and_no_vary() -> None:
    judge = cors()
    assert (judge.headers(ORIGIN.encode()), judge.varies) == ((), False)
