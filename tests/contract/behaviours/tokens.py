"""Tokens."""

import time
from typing import Any
from uuid import UUID

import jwt

from tests.contract.behaviour import different, same
from tests.contract.people import Tokens, bearer, log_in, new_person, told
from tests.contract.support import AUTH, SECRETS, Side

KEY = SECRETS["JWT_SECRET_KEY"]
# Flask-JWT-Extended's documented answer to what it calls an invalid token.
ONE_CODE = "one code for every refused token: a client that gets 401 knows to log in again"


def claims_of(token: str, *, key: str = KEY, audience: str | None = None) -> dict[str, Any]:
    """The claims, the signature checked with the shared key."""
    claims: dict[str, Any] = jwt.decode(token, key, ["HS256"], audience=audience)
    return claims


def some_tokens(side: Side) -> Tokens:
    """Tokens of somebody new."""
    return log_in(side, new_person(side.pair))


def changed(token: str, key: str = KEY, algorithm: str = "HS256", **changes: object) -> str:
    """The token with other claims; None takes one away."""
    claims = claims_of(token) | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key if algorithm != "none" else None, algorithm)


def me(side: Side, token: str) -> str:
    """What the token is answered."""
    answer = side.get(f"{AUTH}/me", headers=bearer(token))
    if answer.status_code == 401:
        assert answer.headers.get_list("www-authenticate") == ["Bearer"]
    return told(answer)


@same("the header of a token", "{'alg': 'HS256', 'typ': 'JWT'}")
def token_header(side: Side) -> str:
    headers = [jwt.get_unverified_header(each) for each in tokens_of(some_tokens(side))]
    assert headers[0] == headers[1]
    return str(headers[0])


def tokens_of(pair: Tokens) -> tuple[str, str]:
    """Both."""
    return pair.access, pair.refresh


@same("the claims of a token, in their order", "fresh, iat, jti, type, sub, nbf, csrf, exp")
def claim_names(side: Side) -> str:
    names = [list(claims_of(each)) for each in tokens_of(some_tokens(side))]
    assert names[0] == names[1]
    return ", ".join(names[0])


@same("the claims of an access token", "fresh True, type access, sub '<id>', life 900, nbf = iat")
def access_claims(side: Side) -> str:
    person = new_person(side.pair)
    claims = claims_of(log_in(side, person).access)
    assert claims["sub"] == str(person.id)
    assert UUID(claims["jti"]).version == UUID(claims["csrf"]).version == 4
    assert abs(claims["iat"] - time.time()) < 10
    assert all(type(claims[name]) is int for name in ("iat", "nbf", "exp"))
    nbf = "=" if claims["nbf"] == claims["iat"] else "≠"
    return (
        f"fresh {claims['fresh']}, type {claims['type']}, sub '<id>', "
        f"life {claims['exp'] - claims['iat']}, nbf {nbf} iat"
    )


@same("the claims of a refresh token", "fresh False, type refresh, life 2592000")
def refresh_claims(side: Side) -> str:
    claims = claims_of(some_tokens(side).refresh)
    life = claims["exp"] - claims["iat"]
    return f"fresh {claims['fresh']}, type {claims['type']}, life {life}"


@same("an access token from a refresh", "fresh False")
def not_fresh(side: Side) -> str:
    answer = side.post(f"{AUTH}/refresh", headers=bearer(some_tokens(side).refresh))
    return f"fresh {claims_of(answer.json()['access_token'])['fresh']}"


@same("no token", "401 problem")
def no_token(side: Side) -> str:
    answer = side.get(f"{AUTH}/me")
    assert answer.headers.get_list("www-authenticate") == ["Bearer"]
    return told(answer)


@same("another scheme, or nothing after it", "401, 401, 401")
def other_schemes(side: Side) -> str:
    values = ("Basic dTpw", "Token abc", "")
    answers = [side.get(f"{AUTH}/me", headers={"Authorization": each}) for each in values]
    return ", ".join(str(answer.status_code) for answer in answers)


@same("a token among other credentials", "200 user")
def joined_credentials(side: Side) -> str:
    headers = {"Authorization": f"Basic dTpw, Bearer {some_tokens(side).access}"}
    return told(side.get(f"{AUTH}/me", headers=headers))


@same("an expired token", "401 problem")
def expired(side: Side) -> str:
    return me(side, changed(some_tokens(side).access, exp=int(time.time()) - 60))


@same("a token of somebody who is gone", "401 problem")
def user_gone(side: Side) -> str:
    person = new_person(side.pair)
    tokens = log_in(side, person)
    side.pair.query("DELETE FROM users WHERE id = %s", person.id)
    return me(side, tokens.access)


@same("a token of somebody made inactive", "401 problem")
def user_inactive(side: Side) -> str:
    person = new_person(side.pair)
    tokens = log_in(side, person)
    side.pair.query("UPDATE users SET active = false WHERE id = %s", person.id)
    return me(side, tokens.access)


@same("claims nobody here reads", "200 user")
def custom_claims(side: Side) -> str:
    more = {"roles": ["admin"], "tenant": {"id": 7}, "name": "Ζωή"}
    return me(side, changed(some_tokens(side).access, **more))


@different("what is no token", flask="422 problem", here="401 problem", because=ONE_CODE)
def malformed(side: Side) -> str:
    return me(side, "a.b.c")


@different(
    "a token signed by another key", flask="422 problem", here="401 problem", because=ONE_CODE
)
def other_key(side: Side) -> str:
    return me(side, changed(some_tokens(side).access, key="x" * 32))


@different("a token nobody signed", flask="422 problem", here="401 problem", because=ONE_CODE)
def unsigned(side: Side) -> str:
    return me(side, changed(some_tokens(side).access, algorithm="none"))


@different("another algorithm", flask="422 problem", here="401 problem", because=ONE_CODE)
def other_algorithm(side: Side) -> str:
    return me(side, changed(some_tokens(side).access, algorithm="HS512"))


@different("a tampered token", flask="422 problem", here="401 problem", because=ONE_CODE)
def tampered(side: Side) -> str:
    header, payload, signature = some_tokens(side).access.split(".")
    middle = len(payload) // 2
    swapped = "A" if payload[middle] != "A" else "B"
    return me(side, f"{header}.{payload[:middle]}{swapped}{payload[middle + 1 :]}.{signature}")


@different(
    "a refresh token used for access", flask="422 problem", here="401 problem", because=ONE_CODE
)
def refresh_for_access(side: Side) -> str:
    return me(side, some_tokens(side).refresh)


@different(
    "an access token used to refresh", flask="422 problem", here="401 problem", because=ONE_CODE
)
def access_to_refresh(side: Side) -> str:
    return told(side.post(f"{AUTH}/refresh", headers=bearer(some_tokens(side).access)))


@different("a token from the future", flask="422 problem", here="401 problem", because=ONE_CODE)
def not_yet(side: Side) -> str:
    return me(side, changed(some_tokens(side).access, nbf=int(time.time()) + 3600))


@different("a token of nobody", flask="422 problem", here="401 problem", because=ONE_CODE)
def no_subject(side: Side) -> str:
    return me(side, changed(some_tokens(side).access, sub=None))


@same("a token minted by the other side", "200 user")
def minted_there(side: Side) -> str:
    return me(side, some_tokens(side.other).access)


@same("a refresh token minted by the other side", "200 tokens")
def refresh_there(side: Side) -> str:
    return told(side.post(f"{AUTH}/refresh", headers=bearer(some_tokens(side.other).refresh)))


@same("a password changed with a token minted by the other side", "200 tokens")
def password_there(side: Side) -> str:
    tokens = some_tokens(side.other)
    sent = {"current_password": "correct horse battery", "new_password": "another horse battery"}
    return told(side.post(f"{AUTH}/password", json=sent, headers=bearer(tokens.access)))
