"""Bodies."""

from collections.abc import Iterator

from tests.contract.behaviour import better, same
from tests.contract.people import new_email, signed_in, told
from tests.contract.settings import TABLELESS
from tests.contract.support import AUTH, PASSWORD, USERS, Side

LOGIN = f"{AUTH}/login"
JSON = {"Content-Type": "application/json"}
LIMIT = 1_048_576


def login_with(
    side: Side, content: bytes | Iterator[bytes], content_type: str = "application/json"
) -> str:
    """What that body is answered, on a connection of its own: it may be closed upon the answer."""
    with side.browser() as alone:
        return told(alone.post(LOGIN, content=content, headers={"Content-Type": content_type}))


@same("another Content-Type", "415 problem")
def another_type(side: Side) -> str:
    return login_with(side, b'{"email": "a@example.com", "password": "x"}', "text/plain")


@same("no Content-Type", "415 problem")
def no_type(side: Side) -> str:
    return told(side.post(LOGIN, content=b"{}"))


@same("every spelling of JSON's type", "401, 401, 401")
def json_types(side: Side) -> str:
    types = ("application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json")
    body = b'{"email": "nobody@example.com", "password": "x"}'
    answers = [side.post(LOGIN, content=body, headers={"Content-Type": each}) for each in types]
    return ", ".join(str(answer.status_code) for answer in answers)


@same("what is not JSON", "400 problem")
def not_json(side: Side) -> str:
    return login_with(side, b'{"email": ')


@same("an empty body", "400 problem")
def empty(side: Side) -> str:
    return login_with(side, b"")


@same("JSON that is not UTF-8", "400 problem")
def not_utf8(side: Side) -> str:
    return login_with(side, b'{"email": "\xff", "password": "x"}')


@same("something after the JSON", "400 problem")
def trailing(side: Side) -> str:
    return login_with(side, b'{"email": "a@example.com", "password": "x"} x')


@same("JSON that is no object", "422, 422, 422, 422")
def no_object(side: Side) -> str:
    contents = (b"[]", b"null", b'"text"', b"12")
    answers = [side.post(LOGIN, content=content, headers=JSON) for content in contents]
    return ", ".join(str(answer.status_code) for answer in answers)


@same("a key twice", "201, the last one counts")
def duplicate_key(side: Side) -> str:
    email = new_email()
    body = f'{{"email": "first@example.com", "email": "{email}", "password": "{PASSWORD}"}}'
    answer = side.post(f"{AUTH}/register", content=body.encode(), headers=JSON)
    last = answer.json().get("email") == email
    return f"{answer.status_code}, the {'last' if last else 'first'} one counts"


@better(
    "NaN",
    flask="422 problem: email",
    here="400 problem",
    because="it is not JSON, though Python's parser takes it for a number",
)
def not_a_number(side: Side) -> str:
    return login_with(side, b'{"email": NaN, "password": "x"}')


@better(
    "JSON nested 100,000 deep",
    flask="500 problem",
    here="400 problem",
    because="what a client sends is never the server's error",
)
def deep(side: Side) -> str:
    return login_with(side, b"[" * 100_000)


@better(
    "half a surrogate pair",
    flask="500 problem",
    here="400 problem",
    because="Python's parser lets it through, and the database's driver cannot encode it",
)
def surrogate(side: Side) -> str:
    body = rb'{"email": "%s", "password": "12345678", "name": "\ud800"}' % new_email().encode()
    return told(side.post(f"{AUTH}/register", content=body, headers=JSON))


@same("the character PostgreSQL cannot hold", "422 problem: email")
def nul(side: Side) -> str:
    return login_with(side, rb'{"email": "\u0000", "password": "x"}')


@same("a body one byte larger than MAX_CONTENT_LENGTH", "413 problem")
def too_large(side: Side) -> str:
    return login_with(side, b" " * (LIMIT + 1))


@same("a body as large as MAX_CONTENT_LENGTH", "400 problem")
def just_large_enough(side: Side) -> str:
    return login_with(side, b" " * LIMIT)


@better(
    "a body too large that does not say so beforehand",
    flask="400 problem",
    here="413 problem",
    because="Werkzeug cuts a chunked body off at the limit, and parses what is left of it",
)
def too_large_in_chunks(side: Side) -> str:
    return login_with(side, (b" " * 65_536 for _ in range(LIMIT // 65_536 + 1)))


@same("every field that is wrong is named", "422 problem: admin, email, name, password")
def every_field(side: Side) -> str:
    body = {"email": "x", "password": "short", "name": "a\nb", "admin": True}
    return told(side.post(f"{AUTH}/register", json=body))


@same("every field that is missing is named", "422 problem: email, password")
def missing(side: Side) -> str:
    return told(side.post(f"{AUTH}/register", json={}))


@same("values of another type", "422 problem: email, name, password")
def wrong_types(side: Side) -> str:
    body = {"email": None, "password": 12345678, "name": ["Ada"]}
    return told(side.post(f"{AUTH}/register", json=body))


@same("values of another type in a PATCH", "422 problem: active, role")
def wrong_types_in_patch(side: Side) -> str:
    person, headers = signed_in(side, role="admin")
    body = {"role": "root", "active": "yes"}
    return told(side.request("PATCH", f"{USERS}/{person.id}", json=body, headers=headers))


@same("a number no machine holds", "422 problem: active, name")
def big_numbers(side: Side) -> str:
    person, headers = signed_in(side, role="admin")
    content = b'{"name": %s, "active": -1e308}' % (b"9" * 400)
    answer = side.request(
        "PATCH", f"{USERS}/{person.id}", content=content, headers={**headers, **JSON}
    )
    return told(answer)


@same("a PATCH that changes nothing", "422 problem")
def nothing_to_change(side: Side) -> str:
    person, headers = signed_in(side)
    return told(side.request("PATCH", f"{USERS}/{person.id}", json={}, headers=headers))


@same("the token is looked at before the body", "401 problem")
def token_first(side: Side) -> str:
    return told(side.post(USERS, content=b"{"))


@same("an error nobody foresaw", "500 problem that tells nothing", settings=TABLELESS)
def unforeseen(side: Side) -> str:
    answer = side.post(LOGIN, json={"email": "a@example.com", "password": "x"})
    told_too_much = [word for word in ("users", "SELECT", "Error:") if word in answer.text]
    return f"{told(answer)} that tells {told_too_much or 'nothing'}"
