"""Session cookies."""

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from tests.contract.behaviour import better, same
from tests.contract.people import (
    attributes_of,
    bearer,
    cookie,
    cookies_of,
    log_in,
    new_person,
    signed_in,
    told,
    try_login,
)
from tests.contract.settings import BROWSERS
from tests.contract.support import AUTH, PASSWORD, SECRETS, Side

ME = f"{AUTH}/me"


def session_of(side: Side) -> tuple[int, str]:
    """Somebody new, and the session cookie their login gave."""
    person = new_person(side.pair)
    return person.id, log_in(side, person).cookies["session"]


def read_by_flask(value: str) -> dict[str, object]:
    """What Flask itself reads off the cookie, with the shared key."""
    app = Flask(__name__)
    app.secret_key = SECRETS["SECRET_KEY"]
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer
    read: dict[str, object] = serializer.loads(value)
    return read


def signed_by_flask(**values: object) -> str:
    """The cookie any Flask application with the shared key would set."""
    app = Flask(__name__)
    app.secret_key = SECRETS["SECRET_KEY"]
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer
    return str(serializer.dumps(values))


@same("a login sets one", "session: HttpOnly, Path=/, SameSite=Lax")
def attributes(side: Side) -> str:
    answer = try_login(side, new_person(side.pair).email)
    return "; ".join(f"{n}: {', '.join(sorted(a))}" for n, a in attributes_of(answer).items())


@same(
    "in production it is Secure",
    "session: HttpOnly, Path=/, SameSite=Lax, Secure",
    settings=BROWSERS,
)
def attributes_in_production(side: Side) -> str:
    return attributes(side)


@same("a login that fails sets none", "none")
def none_on_failure(side: Side) -> str:
    answer = try_login(side, new_person(side.pair).email, "wrong password")
    return ", ".join(cookies_of(answer)) or "none"


@same("what is in it", "user_id, an int")
def content(side: Side) -> str:
    user_id, value = session_of(side)
    read = read_by_flask(value)
    assert read["user_id"] == user_id
    return f"user_id, an {type(read['user_id']).__name__}"


@same("it says who one is", "200 user")
def read(side: Side) -> str:
    user_id, value = session_of(side)
    answer = side.get(ME, headers=cookie(session=value))
    assert answer.json()["id"] == user_id
    return told(answer)


@same("one set by the other side", "200 user")
def set_there(side: Side) -> str:
    user_id, value = session_of(side.other)
    answer = side.get(ME, headers=cookie(session=value))
    assert answer.json()["id"] == user_id
    return told(answer)


@same("one set by another Flask application with the key", "200 user")
def set_elsewhere(side: Side) -> str:
    person = new_person(side.pair)
    value = signed_by_flask(user_id=person.id, _fresh=True, basket=[1, 2])
    return told(side.get(ME, headers=cookie(session=value)))


@same("a tampered one", "401 problem")
def tampered(side: Side) -> str:
    _, value = session_of(side)
    payload, moment, signature = value.rsplit(".", 2)
    swapped = "A" if payload[0] != "A" else "B"
    forged = f"{swapped}{payload[1:]}.{moment}.{signature}"
    return told(side.get(ME, headers=cookie(session=forged)))


@same("one signed by another key", "401 problem")
def other_key(side: Side) -> str:
    app = Flask(__name__)
    app.secret_key = "x" * 32
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer
    forged = serializer.dumps({"user_id": new_person(side.pair).id})
    return told(side.get(ME, headers=cookie(session=forged)))


@same("a token wins over it", "the token's user")
def token_first(side: Side) -> str:
    person, headers = signed_in(side)
    _, value = session_of(side)
    answer = side.get(ME, headers=headers | cookie(session=value))
    return f"the {'token' if answer.json()['id'] == person.id else 'session'}'s user"


@same("a bad token is not rescued by it", "401 problem")
def bad_token(side: Side) -> str:
    person = new_person(side.pair)
    tokens = log_in(side, person)
    assert side.post(f"{AUTH}/logout", headers=bearer(tokens.access)).is_success
    _, value = session_of(side)
    return told(side.get(ME, headers=bearer(tokens.access) | cookie(session=value)))


@same("it is no token: it changes nothing", "401 problem")
def no_token(side: Side) -> str:
    user_id, value = session_of(side)
    headers = cookie(session=value)
    answer = side.request("PATCH", f"/api/v1/users/{user_id}", json={"name": "x"}, headers=headers)
    return told(answer)


@same("of somebody made inactive", "401 problem")
def inactive(side: Side) -> str:
    user_id, value = session_of(side)
    side.pair.query("UPDATE users SET active = false WHERE id = %s", user_id)
    return told(side.get(ME, headers=cookie(session=value)))


@same("an answer that depends on it", "Vary: Cookie")
def vary(side: Side) -> str:
    _, value = session_of(side)
    values = side.get(ME, headers=cookie(session=value)).headers.get_list("vary")
    named = [each.strip() for value in values for each in value.split(",")]
    return f"Vary: {'Cookie' if 'Cookie' in named else named}"


@same("log out clears it", "200, then 401")
def cleared(side: Side) -> str:
    person = new_person(side.pair)
    with side.browser() as browser:
        sent = {"email": person.email, "password": PASSWORD}
        tokens = browser.post(f"{AUTH}/login", json=sent).json()
        before = browser.get(ME).status_code
        browser.post(f"{AUTH}/logout", headers=bearer(tokens["access_token"]))
        assert "session" not in browser.cookies
        return f"{before}, then {browser.get(ME).status_code}"


@better(
    "a copy of it, after log out",
    flask="200",
    here="401",
    because="Flask's session is in the cookie alone, and the server cannot take it back",
)
def copied(side: Side) -> str:
    person = new_person(side.pair)
    tokens = log_in(side, person)
    side.post(f"{AUTH}/logout", headers=bearer(tokens.access))
    answer = side.get(ME, headers=cookie(session=tokens.cookies["session"]))
    return str(answer.status_code)


@better(
    "one from before a change of password",
    flask="200",
    here="401",
    because="a change of password ends every login from before, whatever carries it",
)
def before_password_change(side: Side) -> str:
    person = new_person(side.pair)
    elsewhere, own = log_in(side, person), log_in(side, person)
    sent = {"current_password": PASSWORD, "new_password": "another horse battery"}
    assert side.post(f"{AUTH}/password", json=sent, headers=bearer(own.access)).is_success
    answer = side.get(ME, headers=cookie(session=elsewhere.cookies["session"]))
    return str(answer.status_code)
