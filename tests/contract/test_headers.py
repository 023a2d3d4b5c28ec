"""Every header of the contract exactly once on every kind of answer, straight and through nginx."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from uuid import uuid4

import httpx
import jwt
import pytest

from tests.contract.people import bearer, new_email
from tests.contract.proxy import nginx
from tests.contract.support import AUTH, PASSWORD, SECRETS, USERS, query
from tests.service.support import Service, start_service
from tests.support import wait_until

FRONTEND = "https://app.example.com"
PRODUCTION = {
    "FLASK_ENV": "production",
    "FLASK_HOST": "127.0.0.1",
    "WEB_CONCURRENCY": "1",
    "CORS_ORIGINS": FRONTEND,
    "CORS_SUPPORTS_CREDENTIALS": "1",
    "CORS_EXPOSE_HEADERS": "X-Request-ID",
    "RATELIMIT_LOGIN": "3 per minute",
    "RATELIMIT_REGISTER": "1000 per minute",
    "PASSWORD_SCHEME": "scrypt:1024:8:1",
    **SECRETS,
}
SERVE = (
    "import sys; from service.server import main; "
    "sys.exit(main('tests.contract.raising:create_app'))"
)

EVERY_ANSWER = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "x-xss-protection": "1; mode=block",
    "strict-transport-security": "max-age=31536000",
    "referrer-policy": "no-referrer",
    "permissions-policy": None,
    "content-security-policy": None,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": None,
    "x-request-id": None,
    "date": None,
    "access-control-allow-origin": FRONTEND,
    "access-control-allow-credentials": "true",
    "vary": None,
}
"""Names and values; None where the value is another matter."""

PROBLEM = {"content-type": "application/problem+json", "content-length": None}


@dataclass(frozen=True)
class Client:
    """Somebody known, at the service or at nginx."""

    http: httpx.Client
    user_id: int
    email: str

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        """The answer to a request of the frontend's."""
        headers = {"Origin": FRONTEND, **options.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **options)

    @property
    def token(self) -> dict[str, str]:
        """A token as Flask-JWT-Extended mints it: a login would be counted."""
        now = int(time.time())
        claims = {"sub": str(self.user_id), "type": "access", "jti": str(uuid4()), "fresh": False}
        claims |= {"iat": now, "nbf": now, "exp": now + 900}
        return bearer(jwt.encode(claims, SECRETS["JWT_SECRET_KEY"], "HS256"))


@pytest.fixture(scope="module")
def service(
    create_database: Callable[[str], str],
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """The service as in production, with a route that raises."""
    log = tmp_path_factory.mktemp("headers") / "here.log"
    database = create_database(migrated_template)
    running = start_service(log, ("-c", SERVE), **PRODUCTION, DATABASE_URL=database)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module", params=["straight", "through nginx"])
def client(
    request: pytest.FixtureRequest, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """Somebody new."""
    email = new_email()
    statement = "INSERT INTO users (email, password_hash) VALUES (%s, 'none') RETURNING id"
    [(user_id,)] = query(service.environ["DATABASE_URL"], statement, email)
    if request.param == "straight":
        with httpx.Client(base_url=service.url, timeout=10) as http:
            yield Client(http, user_id, email)
        return
    address = service.url.removeprefix("http://")
    with (
        nginx(
            "upstream.conf", tmp_path_factory.mktemp("nginx"), {"127.0.0.1:5500": address}
        ) as url,
        httpx.Client(base_url=url, timeout=10) as http,
    ):
        yield Client(http, user_id, email)


JSON = {"Content-Type": "application/json"}


def ok(client: Client) -> httpx.Response:
    return client.ask("GET", f"{USERS}/{client.user_id}", headers=client.token)


def no_content(client: Client) -> httpx.Response:
    return client.ask("POST", f"{AUTH}/logout", headers=client.token)


def not_modified(client: Client) -> httpx.Response:
    seen = {"If-None-Match": ok(client).headers["etag"]}
    return client.ask("GET", f"{USERS}/{client.user_id}", headers=client.token | seen)


def redirect(client: Client) -> httpx.Response:
    return client.ask("GET", "/api//v1/users")


def bad_request(client: Client) -> httpx.Response:
    return client.ask("POST", f"{AUTH}/register", content=b"{", headers=JSON)


def unauthorized(client: Client) -> httpx.Response:
    return client.ask("GET", USERS)


def forbidden(client: Client) -> httpx.Response:
    return client.ask("GET", f"{USERS}/{client.user_id + 1}", headers=client.token)


def not_found(client: Client) -> httpx.Response:
    return client.ask("GET", "/nowhere")


def method_not_allowed(client: Client) -> httpx.Response:
    return client.ask("PUT", "/health")


def conflict(client: Client) -> httpx.Response:
    sent = {"email": client.email, "password": PASSWORD}
    return client.ask("POST", f"{AUTH}/register", json=sent)


def precondition_failed(client: Client) -> httpx.Response:
    headers = client.token | {"If-Match": '"another"'}
    return client.ask("PATCH", f"{USERS}/{client.user_id}", json={"name": "x"}, headers=headers)


def too_large(client: Client) -> httpx.Response:
    return client.ask("POST", f"{AUTH}/register", content=b" " * 1_048_577, headers=JSON)


def unsupported_type(client: Client) -> httpx.Response:
    return client.ask("POST", f"{AUTH}/register", content=b"{}")


def unprocessable(client: Client) -> httpx.Response:
    return client.ask("POST", f"{AUTH}/register", json={})


def too_many(client: Client) -> httpx.Response:
    sent = {"email": client.email, "password": PASSWORD}
    return wait_until(
        lambda: (
            answer
            if (answer := client.ask("POST", f"{AUTH}/login", json=sent)).status_code == 429
            else None
        ),
        "a 429",
    )


def server_error(client: Client) -> httpx.Response:
    return client.ask("GET", "/raise")


def head(client: Client) -> httpx.Response:
    return client.ask("HEAD", "/health")


def preflight(client: Client) -> httpx.Response:
    asked = {"Access-Control-Request-Method": "PATCH"}
    return client.ask("OPTIONS", f"{USERS}/1", headers=asked)


ANSWERS: Mapping[Callable[[Client], httpx.Response], tuple[int, dict[str, str | None]]] = {
    ok: (200, {"content-type": "application/json", "content-length": None, "etag": None}),
    no_content: (204, {}),
    not_modified: (304, {"etag": None}),
    redirect: (308, {"location": None}),
    bad_request: (400, PROBLEM),
    unauthorized: (401, PROBLEM | {"www-authenticate": "Bearer"}),
    forbidden: (403, PROBLEM),
    not_found: (404, PROBLEM),
    method_not_allowed: (405, PROBLEM | {"allow": None}),
    conflict: (409, PROBLEM),
    precondition_failed: (412, PROBLEM),
    too_large: (413, PROBLEM),
    unsupported_type: (415, PROBLEM),
    unprocessable: (422, PROBLEM),
    too_many: (
        429,
        PROBLEM
        | {"retry-after": None, "x-ratelimit-limit": "3", "x-ratelimit-remaining": "0"}
        | {"x-ratelimit-reset": None},
    ),
    server_error: (500, PROBLEM),
    head: (200, {"content-type": "application/json", "content-length": None}),
    preflight: (200, {"access-control-allow-methods": None, "allow": None}),
}
"""What is asked; the status, and the headers it has beyond those of every answer."""


@pytest.mark.parametrize("ask", ANSWERS, ids=lambda ask: ask.__name__)
def test_every_header_once(client: Client, ask: Callable[[Client], httpx.Response]) -> None:
    status, more = ANSWERS[ask]
    answer = ask(client)
    assert answer.status_code == status, answer.text
    names = Counter(name for name, _ in answer.headers.multi_items() if name != "set-cookie")
    assert [name for name, count in names.items() if count > 1] == []
    for name, value in (EVERY_ANSWER | more).items():
        values = answer.headers.get_list(name)
        assert len(values) == 1, name
        assert value in (None, values[0]), name
    assert "Origin" in answer.headers["vary"].split(", ")


def test_redirect_leads_back_to_where_the_client_is(client: Client) -> None:
    assert redirect(client).headers["location"] == f"{client.http.base_url}/api/v1/users"


def test_no_banner_tells_a_version(client: Client) -> None:
    # nginx's own name is all that it can be kept from saying without a module.
    assert client.ask("GET", "/health").headers.get("server", "nginx") == "nginx"


def test_request_id_of_the_client_goes_through(client: Client) -> None:
    answer = client.ask("GET", "/health", headers={"X-Request-ID": "abc123"})
    assert answer.headers["x-request-id"] == "abc123"
