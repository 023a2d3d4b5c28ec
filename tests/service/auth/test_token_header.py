"""The header a token comes in: as Flask-JWT-Extended reads it, which is asked beside it."""

from collections.abc import Callable

import flask
import pytest
from flask_jwt_extended import JWTManager, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import PyJWTError

from tests.service import web
from tests.service.auth.credentials import ME, flask_app
from tests.service.support import Account, Service

SHAPES = [
    "Bearer TOKEN",
    "Bearer   TOKEN",
    "Bearer TOKEN,",
    "Bearer TOKEN, Basic dTpw",
    "Basic dTpw, Bearer TOKEN",
    "Basic dTpw,Bearer TOKEN",
    "Bearer TOKEN, Bearer TOKEN",
    "Bearer a.b.c, Bearer TOKEN",
    "Bearer TOKEN TOKEN",
    "Bearer",
    "BearerTOKEN",
    "TOKEN",
    "Token TOKEN",
    "Bearer: TOKEN",
    'Bearer "TOKEN"',
    "Bearer TOKEN;",
    ",",
]


def status_of(url: str, header: str, value: str) -> int:
    return web.get(f"{url}{ME}", headers={header: value}).status_code


def flask_accepts(header: str, value: str, **config: str) -> bool:
    app: flask.Flask = flask_app(**config)
    JWTManager(app)
    with app.test_request_context(headers={header: value}):
        try:
            verify_jwt_in_request()
        except (JWTExtendedException, PyJWTError):
            return False
        return True


@pytest.mark.parametrize("shape", SHAPES)
def test_header_is_read_as_by_flask(service: Service, user: Account, shape: str) -> None:
    value = shape.replace("TOKEN", user.tokens["access_token"])
    expected = 200 if flask_accepts("Authorization", value) else 401
    assert status_of(service.url, "Authorization", value) == expected


def test_scheme_may_be_in_any_case(service: Service, user: Account) -> None:
    # RFC 9110, 11.1: Flask-JWT-Extended is stricter than that.
    for scheme in ("bearer", "BEARER"):
        value = f"{scheme} {user.tokens['access_token']}"
        assert status_of(service.url, "Authorization", value) == 200


@pytest.mark.parametrize("word", ["Token", ""])
def test_name_and_word_are_configured(own_service: Callable[..., Service], word: str) -> None:
    # By Flask's prefix: an empty variable without it counts as not set.
    service = own_service(JWT_HEADER_NAME="X-Token", FLASK_JWT_HEADER_TYPE=word)
    body = registered(service.url)
    token = web.post(f"{service.url}/api/v1/auth/login", json=body).json()["access_token"]
    assert status_of(service.url, "X-Token", f"{word} {token}".strip()) == 200
    for header, value in (("Authorization", f"Bearer {token}"), ("X-Token", f"Bearer {token}")):
        assert status_of(service.url, header, value) == 401
        config = {"JWT_HEADER_NAME": "X-Token", "JWT_HEADER_TYPE": word}
        assert not flask_accepts(header, value, **config)


def registered(url: str) -> dict[str, str]:
    body = {"email": "ada@example.com", "password": "correct horse battery"}
    assert web.post(f"{url}/api/v1/auth/register", json=body).status_code == 201
    return body
