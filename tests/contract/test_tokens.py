"""A token is accepted here exactly when Flask-JWT-Extended, configured alike, accepts it.

Each token goes to a foreign application and to this service, which share the signing key, the
`JWT_*` settings and a user. Where the foreign application fails (its loader's `int()` of what is no
number is a 500), it has not accepted.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from flask import Flask
from flask_jwt_extended import create_access_token, create_refresh_token
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.contract import foreign
from tests.contract.people import new_email
from tests.contract.support import AUTH, SECRETS, query, start_here

KEY = SECRETS["JWT_SECRET_KEY"]
Claims = dict[str, Any]


@dataclass(frozen=True)
class Configuration:
    """The same settings, as the environment and as Flask's configuration have them."""

    name: str
    environ: Mapping[str, str]
    flask: Mapping[str, Any]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Ahead:
    """A moment, in seconds from when the token is made: a test that runs for a minute would else
    walk past it."""

    seconds: float
    form: Callable[[float], Any] = int


CONFIGURATIONS = (
    Configuration("defaults", {}, {}),
    Configuration(
        "audience, issuer and leeway",
        {
            "JWT_DECODE_AUDIENCE": "web,mobile",
            "JWT_DECODE_ISSUER": "https://issuer.example.com",
            "JWT_DECODE_LEEWAY": "120",
        },
        {
            "JWT_DECODE_AUDIENCE": ["web", "mobile"],
            "JWT_DECODE_ISSUER": "https://issuer.example.com",
            "JWT_DECODE_LEEWAY": 120,
        },
    ),
    Configuration(
        "any subject and more algorithms",
        {"JWT_VERIFY_SUB": "0", "JWT_ALGORITHM": "HS512", "JWT_DECODE_ALGORITHMS": "HS256"},
        {"JWT_VERIFY_SUB": False, "JWT_ALGORITHM": "HS512", "JWT_DECODE_ALGORITHMS": ["HS256"]},
    ),
    Configuration(
        "another claim, header and type",
        {"JWT_IDENTITY_CLAIM": "uid", "JWT_HEADER_NAME": "X-Auth", "JWT_HEADER_TYPE": "JWT"},
        {"JWT_IDENTITY_CLAIM": "uid", "JWT_HEADER_NAME": "X-Auth", "JWT_HEADER_TYPE": "JWT"},
    ),
)


@dataclass(frozen=True)
class Judges:
    """The foreign application and this service, and the user both know."""

    user_id: int
    app: Flask
    here: httpx.Client

    @property
    def config(self) -> Mapping[str, Any]:
        """The foreign application's."""
        return self.app.config

    def accept(self, token: str) -> bool:
        """Whether both do; the test fails if one does and the other does not."""
        return self.accept_header(f"{self.config['JWT_HEADER_TYPE']} {token}")

    def accept_header(self, value: str) -> bool:
        """As `accept`, for what the header says."""
        name = self.config["JWT_HEADER_NAME"]
        there = self.app.test_client().get("/basket", headers={name: value}).status_code == 200
        answer = self.here.get(f"{AUTH}/me", headers={name: value.encode("latin-1")})
        assert answer.status_code == (200 if there else 401), answer.text
        return there

    def accept_refresh(self, token: str) -> bool:
        """As `accept`, for a refresh token."""
        headers = {self.config["JWT_HEADER_NAME"]: f"{self.config['JWT_HEADER_TYPE']} {token}"}
        there = self.app.test_client().post("/renew", headers=headers).status_code == 204
        answer = self.here.post(f"{AUTH}/refresh", headers=headers)
        assert answer.status_code == (200 if there else 401), answer.text
        return there

    def claims(self, **changes: Any) -> Claims:
        """What is accepted by both, with these changes; `...` takes one away."""
        now = int(time.time())
        good = {
            "fresh": False,
            "iat": now,
            "jti": str(uuid4()),
            "type": "access",
            "sub": str(self.user_id),
            self.config["JWT_IDENTITY_CLAIM"]: str(self.user_id),
            "nbf": now,
            "csrf": str(uuid4()),
            "exp": now + 900,
            "iss": "https://issuer.example.com",
        }
        if self.config["JWT_DECODE_AUDIENCE"]:
            good["aud"] = "web"
        return {
            name: value.form(now + value.seconds) if isinstance(value, Ahead) else value
            for name, value in (good | changes).items()
            if value is not ...
        }


def signed(claims: object, *, key: str = KEY, algorithm: str = "HS256", **header: Any) -> str:
    """The token. PyJWT's own `encode` would refuse claims that it does not like."""
    payload = json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, key if algorithm != "none" else None, algorithm, header)


@pytest.fixture(scope="module", params=CONFIGURATIONS, ids=str)
def judges(
    request: pytest.FixtureRequest,
    create_database: Callable[[str], str],
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Judges]:
    """Both, under one configuration."""
    configuration: Configuration = request.param
    database = create_database(migrated_template)
    statement = "INSERT INTO users (email, password_hash) VALUES (%s, 'none') RETURNING id"
    [(user_id,)] = query(database, statement, new_email())
    app = foreign.create_app(user_id, {"JWT_SECRET_KEY": KEY, **configuration.flask})
    log = tmp_path_factory.mktemp("tokens") / "here.log"
    server = start_here(log, DATABASE_URL=database, **SECRETS, **configuration.environ)
    with httpx.Client(base_url=server.url, timeout=10) as here:
        yield Judges(user_id, app, here)
    server.kill()


def test_what_is_right_is_accepted(judges: Judges) -> None:
    # Else every comparison below might be of two refusals.
    assert judges.accept(signed(judges.claims()))
    assert judges.accept_refresh(signed(judges.claims(type="refresh")))


DAY = 86_400

CLAIMS: Mapping[str, Claims] = {
    "custom claims": {"roles": ["admin"], "tenant": {"id": 7}, "name": "Ζωή"},
    "an audience": {"aud": "web"},
    "another audience": {"aud": "elsewhere"},
    "several audiences": {"aud": ["elsewhere", "mobile"]},
    "no audience": {"aud": ...},
    "an audience that is a number": {"aud": 7},
    "audiences that are numbers": {"aud": [7, "web"]},
    "an empty audience": {"aud": []},
    "another issuer": {"iss": "https://elsewhere.example.com"},
    "no issuer": {"iss": ...},
    "an issuer that is a list": {"iss": ["https://issuer.example.com"]},
    "no type": {"type": ...},
    "a type of null": {"type": None},
    "a type nobody knows": {"type": "device"},
    "a refresh token": {"type": "refresh"},
    "no jti": {"jti": ...},
    "a jti of null": {"jti": None},
    "a jti that is a number": {"jti": 7},
    "an empty jti": {"jti": ""},
    "a long jti": {"jti": "x" * 1000},
    "a jti PostgreSQL cannot hold": {"jti": "a\0b"},
    "a jti that is half a surrogate pair": {"jti": "\ud800"},
    "no fresh": {"fresh": ...},
    "fresh": {"fresh": True},
    "fresh until": {"fresh": Ahead(DAY)},
    "fresh until, past": {"fresh": Ahead(-DAY + 0.5, float)},
    "fresh that is text": {"fresh": "yes"},
    "no iat": {"iat": ...},
    "iat in the future": {"iat": Ahead(DAY)},
    "iat that is text": {"iat": "yesterday"},
    "iat that is digits": {"iat": Ahead(0, str)},
    "iat of null": {"iat": None},
    "iat with a fraction": {"iat": Ahead(-0.5, float)},
    "iat before time began": {"iat": -(10**12)},
    "no exp, never expiring": {"exp": ...},
    "exp past": {"exp": Ahead(-DAY)},
    "exp just past, within a leeway": {"exp": Ahead(-60)},
    "exp that is text": {"exp": "tomorrow"},
    "exp that is digits": {"exp": Ahead(DAY, str)},
    "exp of null": {"exp": None},
    "exp that is a list": {"exp": Ahead(DAY, lambda moment: [moment])},
    "exp after the end of time": {"exp": 10**18},
    "exp no machine holds": {"exp": 10**400},
    "nbf in the future": {"nbf": Ahead(DAY)},
    "nbf just ahead, within a leeway": {"nbf": Ahead(90)},
    "nbf that is text": {"nbf": "tomorrow"},
    "no nbf": {"nbf": ...},
    "no csrf": {"csrf": ...},
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims(judges: Judges, name: str) -> None:
    judges.accept(signed(judges.claims(**CLAIMS[name])))
    refresh = {"type": "refresh", "jti": str(uuid4())} | CLAIMS[name]
    judges.accept_refresh(signed(judges.claims(**refresh)))


# Text and integers: what `int()` makes of 1.0 or true is that loader's affair, not the token's.
SUBJECTS: Mapping[str, Callable[[int], Any]] = {
    "the id": str,
    "an integer": int,
    "a leading zero": lambda user_id: f"0{user_id}",
    "a fraction": lambda user_id: f"{user_id}.0",
    "somebody else": lambda user_id: str(user_id + 1),
    "somebody else, an integer": lambda user_id: user_id + 1,
    "negative": lambda user_id: f"-{user_id}",
    "an id too large for the table": lambda _: "9" * 30,
    "an integer too large for the table": lambda _: 10**30,
    "a name": lambda _: "ada",
    "empty": lambda _: "",
    "null": lambda _: None,
    "a list": lambda user_id: [user_id],
    "an object": lambda user_id: {"id": user_id},
    "absent": lambda _: ...,
}


@pytest.mark.parametrize("name", SUBJECTS)
def test_subjects(judges: Judges, name: str) -> None:
    subject = SUBJECTS[name](judges.user_id)
    judges.accept(signed(judges.claims(sub=subject)))
    judges.accept(signed(judges.claims(**{judges.config["JWT_IDENTITY_CLAIM"]: subject})))


SIGNATURES: Mapping[str, Callable[[Claims], str]] = {
    "HS256": signed,
    "HS384": lambda claims: signed(claims, algorithm="HS384"),
    "HS512": lambda claims: signed(claims, algorithm="HS512"),
    "none": lambda claims: signed(claims, algorithm="none"),
    "another key": lambda claims: signed(claims, key="x" * 64),
    "a header of its own": lambda claims: signed(claims, kid="2026-01", typ="at+jwt"),
    "a critical extension": lambda claims: signed(claims, crit=["exp"], exp=1),
    "no signature": lambda claims: signed(claims).rpartition(".")[0] + ".",
    "two parts": lambda claims: signed(claims).rpartition(".")[0],
    "another's signature": lambda claims: (
        signed(claims).rpartition(".")[0] + "." + signed({}).rpartition(".")[2]
    ),
    "a changed payload": lambda claims: signed(claims).replace(".", ".e30", 1),
    "claims that are a list": lambda claims: signed(list(claims)),
    "claims that are text": lambda _: signed("claims"),
    "padding": lambda claims: signed(claims) + "=",
    "garbage": lambda _: "a.b.c",
    "beyond ASCII": lambda claims: signed(claims) + "é",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(judges: Judges, name: str) -> None:
    judges.accept(SIGNATURES[name](judges.claims()))


HEADERS = (
    "{type} {token}",
    "{type}  {token}",
    "{type}\t{token}",
    "{type} {token},",
    ",{type} {token}",
    "Basic dTpw, {type} {token}",
    "{type} {token}, Basic dTpw",
    "{type} {token},Basic dTpw",
    "{type} {token}, {type} {token}",
    "{type} {token} more",
    "{type}{token}",
    "{type},{token}",
    "{type}",
    "{token}",
    "Token {token}",
    "",
)


@pytest.mark.parametrize("form", HEADERS)
def test_headers(judges: Judges, form: str) -> None:
    word, token = judges.config["JWT_HEADER_TYPE"], signed(judges.claims())
    judges.accept_header(form.format(type=word, token=token))


def test_scheme_in_another_case_is_accepted_here_only(judges: Judges) -> None:
    # RFC 9110, 11.1: its case does not matter; Flask-JWT-Extended compares it.
    word, token = judges.config["JWT_HEADER_TYPE"].lower(), signed(judges.claims())
    headers = {judges.config["JWT_HEADER_NAME"]: f"{word} {token}"}
    assert judges.app.test_client().get("/basket", headers=headers).status_code == 401
    assert judges.here.get(f"{AUTH}/me", headers=headers).status_code == 200


MINTED: Mapping[str, Mapping[str, Any]] = {
    "as it comes": {},
    "fresh": {"fresh": True},
    "fresh for a while": {"fresh": timedelta(minutes=5)},
    "never expiring": {"expires_delta": False},
    "expired": {"expires_delta": timedelta(days=-1)},
    "with claims": {"additional_claims": {"roles": ["admin"], "aud": "web", "iss": "me"}},
    "with claims of its own": {"additional_claims": {"jti": "abc", "type": "device", "nbf": 0}},
    "with a header": {"additional_headers": {"kid": "2026-01"}},
}


@pytest.mark.parametrize("name", MINTED)
@pytest.mark.parametrize("identity", [str, int])
def test_tokens_minted_there(judges: Judges, name: str, identity: type[str] | type[int]) -> None:
    with judges.app.app_context():
        access = create_access_token(identity(judges.user_id), **MINTED[name])
        refresh = {key: value for key, value in MINTED[name].items() if key != "fresh"}
        more = refresh.get("additional_claims", {}) | {"jti": str(uuid4())}
        refresh["additional_claims"] = {key: more[key] for key in more if key != "type"}
        renewing = create_refresh_token(identity(judges.user_id), **refresh)
    judges.accept(access)
    judges.accept_refresh(renewing)


seconds = st.sampled_from([-(10**6), -DAY, -60, 60, DAY, 10**6])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
)
times = st.builds(Ahead, seconds, st.sampled_from([int, float, str])) | anything
words = {
    "type": st.sampled_from(["access", "refresh", "device"]),
    "aud": st.sampled_from(["web", "elsewhere", ["web"], ["elsewhere", "mobile"], []]),
    "iss": st.sampled_from(["https://issuer.example.com", "https://elsewhere.example.com"]),
    "fresh": st.booleans(),
    "jti": st.uuids().map(str),
}
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.just(...) | times for name in ("exp", "nbf", "iat")},
        **{name: st.just(...) | values | anything for name, values in words.items()},
        "csrf": st.just(...) | anything,
        "sub": st.sampled_from(sorted(SUBJECTS)),
        "uid": st.sampled_from(sorted(SUBJECTS)),
        "custom": anything,
    },
)


@settings(deadline=None, max_examples=100)
@given(changes=CHANGES, algorithm=st.sampled_from(["HS256", "HS256", "HS256", "HS384", "HS512"]))
def test_any_token(judges: Judges, changes: Claims, algorithm: str) -> None:
    for claim in {"sub", "uid"} & changes.keys():
        changes[claim] = SUBJECTS[changes[claim]](judges.user_id)
    accepted = judges.accept(signed(judges.claims(**changes), algorithm=algorithm))
    event("accepted" if accepted else "refused")
