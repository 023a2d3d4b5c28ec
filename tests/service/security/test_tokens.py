"""Tokens by the rules of Flask-JWT-Extended, which is asked beside every answer."""

import json
import time
from typing import Any

import flask
import jwt
import pytest
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt,
    get_jwt_identity,
    verify_jwt_in_request,
)
from flask_jwt_extended.exceptions import JWTExtendedException
from hypothesis import given
from hypothesis import strategies as st

from service.config import load
from service.observability.metrics import fallback_key_tokens
from service.security.tokens import InvalidToken, Kind, Tokens

KEY = "0123456789abcdefghijklmnopqrstuv" * 2
KINDS: tuple[Kind, ...] = ("access", "refresh")

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "HS512": {"JWT_ALGORITHM": "HS512"},
    "HS384 while HS256 ends": {"JWT_ALGORITHM": "HS384", "JWT_DECODE_ALGORITHMS": ("HS256",)},
    "identity": {"JWT_IDENTITY_CLAIM": "user"},
    "audience": {"JWT_ENCODE_AUDIENCE": "api", "JWT_DECODE_AUDIENCE": ("api", "other")},
    "issuer": {"JWT_ENCODE_ISSUER": "auth", "JWT_DECODE_ISSUER": "auth"},
    "no nbf": {"JWT_ENCODE_NBF": False},
    "leeway": {"JWT_DECODE_LEEWAY": 30},
    "any subject": {"JWT_VERIFY_SUB": False},
    "no csrf": {"JWT_TOKEN_LOCATION": ("headers", "cookies"), "JWT_COOKIE_CSRF_PROTECT": False},
}


def here(config: dict[str, Any]) -> Tokens:
    return Tokens(load({"ENVIRONMENT": "testing", "JWT_SECRET_KEY": KEY, **config}))


def there(config: dict[str, Any]) -> flask.Flask:
    app = flask.Flask("flask side")
    app.config.from_mapping(JWT_SECRET_KEY=KEY, JWT_ACCESS_TOKEN_EXPIRES=900)
    for name, value in config.items():
        app.config[name] = list(value) if isinstance(value, tuple) else value
    JWTManager(app)
    return app


def flask_says(app: flask.Flask, token: str, kind: Kind) -> dict[str, Any] | None:
    """What Flask-JWT-Extended reads in the token; None if it refuses it."""
    with app.test_request_context(headers={"Authorization": f"Bearer {token}"}):
        try:
            verify_jwt_in_request(refresh=kind == "refresh")
        except (JWTExtendedException, jwt.PyJWTError, TypeError, ValueError):
            return None
        return {**get_jwt(), "identity": get_jwt_identity()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_tokens_are_read_on_both_sides(name: str, kind: Kind) -> None:
    tokens, app = here(CONFIGURATIONS[name]), there(CONFIGURATIONS[name])
    ours = tokens.sign(tokens.claims(kind, 42, fresh=kind == "access"))
    with app.app_context():
        make = create_access_token if kind == "access" else create_refresh_token
        theirs = make("42")
    read = flask_says(app, ours, kind)
    assert read is not None
    assert read["identity"] == "42"
    assert read["fresh"] == (kind == "access")
    assert tokens.read(theirs, kind).user_id == 42
    # The claims, and their order, are the same.
    mine, yours = (jwt.decode(each, options={"verify_signature": False}) for each in (ours, theirs))
    assert set(mine) == set(yours)
    assert {key: type(value) for key, value in mine.items()} == {
        key: type(value) for key, value in yours.items()
    }
    other: Kind = "refresh" if kind == "access" else "access"
    assert flask_says(app, ours, other) is None
    with pytest.raises(InvalidToken):
        tokens.read(theirs, other)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_algorithms_are_accepted_alike(name: str, algorithm: str) -> None:
    tokens, app = here(CONFIGURATIONS[name]), there(CONFIGURATIONS[name])
    token = jwt.encode(tokens.claims("access", 42), KEY, algorithm)
    assert accepted(tokens, token, "access") == (flask_says(app, token, "access") is not None)


def accepted(tokens: Tokens, token: str, kind: Kind) -> bool:
    try:
        tokens.read(token, kind)
    except InvalidToken:
        return False
    return True


NOW = int(time.time())
moments = st.sampled_from(
    [
        *(NOW + 9000, NOW - 9000, NOW + 9000.5, NOW - 15, str(NOW + 9000), 0, -1, 10**12, 10**400),
        *(-(10**400), float("inf"), float("-inf"), float("nan"), "x", "", None, [], {}, True),
    ]
)
claim_sets = st.fixed_dictionaries(
    {},
    optional={
        "sub": st.sampled_from(["42", 42, "042", None, [], True]),
        "user": st.sampled_from(["42", 42]),
        "type": st.sampled_from(["access", "refresh", "other", "", None, 1]),
        "fresh": st.sampled_from([True, False, 1, 0, NOW + 9000, "yes", None]),
        "jti": st.sampled_from(["x", "", 1, None, "x" * 99, "\x00", [], True]),
        "csrf": st.sampled_from(["x", "", None, 1]),
        "aud": st.sampled_from(["api", "else", ["api"], [], None, 1, ["api", 1]]),
        "iss": st.sampled_from(["auth", "else", None, 1, ["auth"]]),
        "exp": moments,
        "nbf": moments,
        "iat": moments,
        "custom": st.sampled_from([{"a": [1]}, None, "x"]),
    },
)


@given(claim_sets, st.sampled_from(KINDS), st.sampled_from(sorted(CONFIGURATIONS)))
def test_any_claims_are_judged_alike(claims: dict[str, Any], kind: Kind, name: str) -> None:
    tokens, app = here(CONFIGURATIONS[name]), there(CONFIGURATIONS[name])
    # As another issuer signs it: PyJWT's own `encode` refuses some of these.
    token = jwt.api_jws.encode(json.dumps(claims).encode(), KEY, "HS256")
    read = flask_says(app, token, kind)
    names_a_user = read is not None and is_an_id(read["identity"])
    assert accepted(tokens, token, kind) == names_a_user


def is_an_id(identity: object) -> bool:
    """What this service's users have for an id: a whole number, or the text of one."""
    if isinstance(identity, str):
        return identity.isdigit()
    return type(identity) is int and identity >= 0


@given(st.text(max_size=80))
def test_text_is_no_token(text: str) -> None:
    assert not accepted(here({}), text, "access")


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_bytes_in_the_places_of_a_token_are_none(header: bytes, payload: bytes) -> None:
    parts = (jwt.utils.base64url_encode(each).decode() for each in (header, payload, b"x" * 32))
    assert not accepted(here({}), ".".join(parts), "access")


def test_no_algorithm_and_no_key_are_no_signature() -> None:
    tokens = here({})
    claims = tokens.claims("access", 42)
    for token in (
        jwt.encode(claims, None, "none"),
        jwt.encode(claims, "x" * 64, "HS256"),
        tokens.sign(claims)[:-2],
        tokens.sign(claims) + "A",
        tokens.sign(claims).rpartition(".")[0] + ".",
    ):
        assert not accepted(tokens, token, "access")


def test_token_that_was_good_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = here({"JWT_DECODE_LEEWAY": 30})
    claims = tokens.claims("access", 7)
    token = tokens.sign(claims)
    for _ in range(2):
        assert tokens.read(token, "access").user_id == 7
    later = claims["exp"] + 29
    monkeypatch.setattr("service.security.tokens.time.time", lambda: later)
    assert tokens.read(token, "access").user_id == 7
    monkeypatch.setattr("service.security.tokens.time.time", lambda: later + 1)
    with pytest.raises(InvalidToken, match="expired"):
        tokens.read(token, "access")


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_token_that_was_good_is_of_the_future(claim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock was set back meanwhile: to before the token is good, by more than the leeway."""
    tokens = here({"JWT_DECODE_LEEWAY": 30})
    claims = tokens.claims("access", 7)
    begin = claims.pop("iat" if claim == "nbf" else "nbf")
    token = tokens.sign(claims)
    assert tokens.read(token, "access").user_id == 7
    monkeypatch.setattr("service.security.tokens.time.time", lambda: begin - 30)
    assert tokens.read(token, "access").user_id == 7
    monkeypatch.setattr("service.security.tokens.time.time", lambda: begin - 31)
    with pytest.raises(InvalidToken, match="not valid"):
        tokens.read(token, "access")


def test_token_that_was_good_vouches_for_no_other() -> None:
    tokens = here({})
    token = tokens.sign(tokens.claims("access", 7))
    assert tokens.read(token, "access").user_id == 7
    header, payload, signature = token.split(".")
    other = tokens.sign(tokens.claims("access", 8)).split(".")[1]
    for forged in (f"{header}.{other}.{signature}", f"{header}.{payload}.", f"{token}A"):
        for _ in range(2):
            with pytest.raises(InvalidToken):
                tokens.read(forged, "access")
    # Nor is a token that is known one for something else.
    with pytest.raises(InvalidToken, match="refresh token is needed"):
        tokens.read(token, "refresh")


def test_each_use_of_a_token_by_a_fallback_key_is_counted() -> None:
    old = here({})
    token = old.sign(old.claims("access", 7))
    new = here({"JWT_SECRET_KEY": KEY[::-1], "JWT_SECRET_KEY_FALLBACKS": (KEY,)})
    before = fallback_key_tokens._value.get()
    for _ in range(3):
        assert new.read(token, "access").user_id == 7
    assert fallback_key_tokens._value.get() == before + 3
