"""Users."""

from uuid import uuid4

import httpx

from tests.contract.behaviour import better, same
from tests.contract.people import (
    CHEAP_HASH,
    Person,
    bearer,
    log_in,
    new_email,
    new_person,
    signed_in,
    told,
)
from tests.contract.support import AUTH, PASSWORD, USERS, Side

Headers = dict[str, str]


def patch(side: Side, user_id: int, headers: Headers, **changes: object) -> httpx.Response:
    """The answer to these changes."""
    return side.request("PATCH", f"{USERS}/{user_id}", json=changes, headers=headers)


@same("an administrator makes one", "201 user, Location of it, role admin")
def create(side: Side) -> str:
    _, headers = signed_in(side, role="admin")
    sent = {"email": new_email(), "password": PASSWORD, "name": "Grace", "role": "admin"}
    answer = side.post(USERS, json=sent, headers=headers)
    [location] = answer.headers.get_list("location")
    assert side.get(location, headers=headers).json() == answer.json()
    return f"{told(answer)}, Location of it, role {answer.json()['role']}"


@same("an address that is taken", "409 problem: email")
def create_taken(side: Side) -> str:
    person, headers = signed_in(side, role="admin")
    sent = {"email": person.email, "password": PASSWORD}
    return told(side.post(USERS, json=sent, headers=headers))


@same("nobody else makes one", "403 problem")
def create_forbidden(side: Side) -> str:
    _, headers = signed_in(side)
    sent = {"email": new_email(), "password": PASSWORD}
    return told(side.post(USERS, json=sent, headers=headers))


@same("one made there is read here", "the same user")
def made_there(side: Side) -> str:
    _, headers = signed_in(side, role="admin")
    sent = {"email": new_email(), "password": PASSWORD, "name": "Ζωή"}
    made = side.other.post(USERS, json=sent, headers=headers)
    read = side.get(made.headers["location"], headers=headers)
    assert list(read.json()) == list(made.json())
    return "the same user" if read.json() == made.json() else "another user"


@same("oneself", "200 user")
def read_self(side: Side) -> str:
    person, headers = signed_in(side)
    return told(side.get(f"{USERS}/{person.id}", headers=headers))


@same("somebody else", "GET 403, PATCH 403, DELETE 403")
def others(side: Side) -> str:
    _, headers = signed_in(side)
    path = f"{USERS}/{new_person(side.pair).id}"
    answers = [
        (method, side.request(method, path, json={"name": "x"}, headers=headers))
        for method in ("GET", "PATCH", "DELETE")
    ]
    return ", ".join(f"{method} {answer.status_code}" for method, answer in answers)


@same("somebody who is not there tells no more than somebody who is", "403 problem")
def others_not_there(side: Side) -> str:
    _, headers = signed_in(side)
    return told(side.get(f"{USERS}/{2**40}", headers=headers))


@same("an administrator reads everybody", "200 user, 404 problem")
def read_anybody(side: Side) -> str:
    _, headers = signed_in(side, role="admin")
    ids = (new_person(side.pair).id, 2**40)
    return ", ".join(told(side.get(f"{USERS}/{each}", headers=headers)) for each in ids)


@same("an id of 19 digits", "200 user, 200 user")
def snowflake(side: Side) -> str:
    # What a table holds whose ids were made elsewhere.
    user_id = 2**62 + uuid4().int % 2**32
    statement = (
        "INSERT INTO users (id, email, password_hash) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s)"
    )
    email = new_email()
    side.pair.query(statement, user_id, email, CHEAP_HASH)
    try:
        headers = bearer(log_in(side, Person(user_id, email)).access)
        paths = (f"{AUTH}/me", f"{USERS}/{user_id}")
        return ", ".join(told(side.get(path, headers=headers)) for path in paths)
    finally:
        # No other test is to find it at the end of its pages.
        side.pair.query("DELETE FROM users WHERE id = %s", user_id)


@same("a new name and address", "200 user, stored, updated_at later, created_at kept")
def change(side: Side) -> str:
    person, headers = signed_in(side)
    path = f"{USERS}/{person.id}"
    before, email = side.get(path, headers=headers).json(), new_email()
    answer = patch(side, person.id, headers, name="Ada", email=email.upper())
    after = answer.json()
    assert (after["name"], after["email"]) == ("Ada", email)
    assert after["updated_at"] > before["updated_at"]
    assert after["created_at"] == before["created_at"]
    stored = "stored" if side.get(path, headers=headers).json() == after else "not stored"
    return f"{told(answer)}, {stored}, updated_at later, created_at kept"


@same("what a PATCH does not name stays", "the same but for name and updated_at")
def change_one(side: Side) -> str:
    person, headers = signed_in(side)
    before = side.get(f"{USERS}/{person.id}", headers=headers).json()
    after = patch(side, person.id, headers, name="Ada").json()
    changed = [name for name in after if after[name] != before[name]]
    return f"the same but for {' and '.join(changed)}"


@same("an address that somebody else has", "409 problem: email")
def change_to_taken(side: Side) -> str:
    person, headers = signed_in(side)
    return told(patch(side, person.id, headers, email=new_person(side.pair).email))


@same("one's own address again", "200 user")
def change_to_own(side: Side) -> str:
    person, headers = signed_in(side)
    return told(patch(side, person.id, headers, email=person.email))


@same("one's own role, or being active", "403 problem, 403 problem")
def promote_self(side: Side) -> str:
    person, headers = signed_in(side)
    answers = (
        patch(side, person.id, headers, role="admin"),
        patch(side, person.id, headers, active=True),
    )
    return ", ".join(map(told, answers))


@same("an administrator changes role and active", "200 user, admin, inactive")
def promote(side: Side) -> str:
    _, headers = signed_in(side, role="admin")
    answer = patch(side, new_person(side.pair).id, headers, role="admin", active=False)
    user = answer.json()
    return f"{told(answer)}, {user['role']}, {'active' if user['active'] else 'inactive'}"


@same("delete oneself", "204, no body; the token then 401")
def delete_self(side: Side) -> str:
    person, headers = signed_in(side)
    answer = side.request("DELETE", f"{USERS}/{person.id}", headers=headers)
    after = side.get(f"{AUTH}/me", headers=headers)
    return f"{told(answer)}, no body; the token then {after.status_code}"


@same("delete somebody who has logged out", "204, then 404 problem")
def delete(side: Side) -> str:
    _, headers = signed_in(side, role="admin")
    person, theirs = signed_in(side)
    assert side.post(f"{AUTH}/logout", headers=theirs).status_code == 204
    first, second = (
        side.request("DELETE", f"{USERS}/{person.id}", headers=headers) for _ in range(2)
    )
    return f"{told(first)}, then {told(second)}"


@same("a moment on the whole second", "2026-01-15T10:30:00Z")
def whole_second(side: Side) -> str:
    person, headers = signed_in(side)
    statement = "UPDATE users SET created_at = '2026-01-15T12:30:00+02:00' WHERE id = %s"
    side.pair.query(statement, person.id)
    return str(side.get(f"{USERS}/{person.id}", headers=headers).json()["created_at"])


@better(
    "two changes at once, with If-Match",
    flask="200, 200: the first is lost",
    here="200, 412 problem",
    because="who changes what has changed meanwhile is told, and looks again",
)
def lost_update(side: Side) -> str:
    person, headers = signed_in(side)
    seen = side.get(f"{USERS}/{person.id}", headers=headers).headers.get("etag", '"none"')
    first, second = (
        patch(side, person.id, headers | {"If-Match": seen}, name=name) for name in ("Ada", "Eve")
    )
    if second.status_code == 200:
        return f"{first.status_code}, 200: the first is lost"
    return f"{first.status_code}, {told(second)}"


@better(
    "a delete of what has changed meanwhile, with If-Match",
    flask="204",
    here="412 problem",
    because="who deletes what has changed meanwhile is told, and looks again",
)
def delete_changed(side: Side) -> str:
    person, headers = signed_in(side)
    path = f"{USERS}/{person.id}"
    seen = side.get(path, headers=headers).headers.get("etag", '"none"')
    assert patch(side, person.id, headers, name="Ada").is_success
    return told(side.request("DELETE", path, headers=headers | {"If-Match": seen}))


@better(
    "a read of what has not changed, with If-None-Match",
    flask="200 user",
    here="304",
    because="a client that has it already need not be sent it again",
)
def not_modified(side: Side) -> str:
    person, headers = signed_in(side)
    path = f"{USERS}/{person.id}"
    seen = side.get(path, headers=headers).headers.get("etag", '"none"')
    return told(side.get(path, headers=headers | {"If-None-Match": seen}))
