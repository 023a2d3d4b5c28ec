"""Accounts."""

from concurrent.futures import ThreadPoolExecutor

from tests.contract.behaviour import better, same
from tests.contract.people import (
    PROBLEM,
    bearer,
    log_in,
    new_email,
    new_person,
    signed_in,
    tokens_in,
    told,
    try_login,
)
from tests.contract.support import AUTH, PASSWORD, USERS, Side

REGISTER = f"{AUTH}/register"
NEW_PASSWORD = "another horse battery"


@same("register", "201 user, Location of it, role user, active")
def register(side: Side) -> str:
    email = new_email()
    answer = side.post(REGISTER, json={"email": email, "password": PASSWORD, "name": "Ada"})
    user = answer.json()
    assert (user["email"], user["name"]) == (email, "Ada")
    assert answer.headers.get_list("location") == [f"{USERS}/{user['id']}"]
    assert user["created_at"] == user["updated_at"]
    active = "active" if user["active"] is True else "inactive"
    return f"{told(answer)}, Location of it, role {user['role']}, {active}"


@same("nothing of the password comes back", "nothing")
def no_password(side: Side) -> str:
    answer = side.post(REGISTER, json={"email": new_email(), "password": PASSWORD})
    return "something" if PASSWORD in answer.text or "scrypt" in answer.text else "nothing"


@same("no name", "''")
def no_name(side: Side) -> str:
    answer = side.post(REGISTER, json={"email": new_email(), "password": PASSWORD})
    return repr(answer.json()["name"])


@same("the case of an address", "stored in lower case; logs in however it is typed")
def case_of_address(side: Side) -> str:
    email = new_email()
    sent = {"email": email.upper(), "password": PASSWORD}
    stored = side.post(REGISTER, json=sent).json()["email"]
    assert try_login(side, email.title()).status_code == 200
    return (
        f"stored in {'lower' if stored == email else 'another'} case; logs in however it is typed"
    )


@same("an address that is taken", "409 problem: email")
def taken(side: Side) -> str:
    person = new_person(side.pair)
    return told(side.post(REGISTER, json={"email": person.email.upper(), "password": PASSWORD}))


@same("8 registrations of one address at once", "1 × 201, 7 × 409")
def race(side: Side) -> str:
    sent = {"email": new_email(), "password": PASSWORD}
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: side.post(REGISTER, json=sent).status_code, range(8)))
    return f"{statuses.count(201)} × 201, {statuses.count(409)} × 409"


@same("passwords of 7, 8, 256 and 257 characters", "422, 201, 201, 422")
def password_lengths(side: Side) -> str:
    sent = [{"email": new_email(), "password": "é" * length} for length in (7, 8, 256, 257)]
    return ", ".join(str(side.post(REGISTER, json=each).status_code) for each in sent)


@same("what is no address", "9 of 9 refused")
def no_address(side: Side) -> str:
    wrong = (
        "",
        "a",
        "a@b",
        "@example.com",
        "a b@example.com",
        "a@example.com\n",
        "a@-example.com",
        "é@example.com",
        f"{'a' * 250}@example.com",
    )
    answers = [side.post(REGISTER, json={"email": each, "password": PASSWORD}) for each in wrong]
    refused = [told(answer) for answer in answers].count("422 problem: email")
    return f"{refused} of {len(wrong)} refused"


@same("the longest address", "201")
def longest_address(side: Side) -> str:
    labels = ".".join(letter * 61 for letter in "abc")
    email = f"{new_email().partition('@')[0]:x<64}@{labels}.de"
    assert len(email) == 254 - 1
    return str(side.post(REGISTER, json={"email": f"{email}v", "password": PASSWORD}).status_code)


@same("names in every script", "come back as they were")
def unicode_names(side: Side) -> str:
    names = (
        "Ζωή Ευαγγέλου",
        "山田太郎",
        "👩‍👩‍👧‍👦",
        "مريم",
        "Åsa",
        "A\u030asa",
        "'; DROP TABLE users",
        "<b>",
    )
    for name in names:
        sent = {"email": new_email(), "password": PASSWORD, "name": name}
        assert side.post(REGISTER, json=sent).json()["name"] == name
    return "come back as they were"


@same("a name of 200 characters, and one of 201", "201, 422")
def name_lengths(side: Side) -> str:
    sent = [
        {"email": new_email(), "password": PASSWORD, "name": "語" * length} for length in (200, 201)
    ]
    return ", ".join(str(side.post(REGISTER, json=each).status_code) for each in sent)


@same("a password in every script", "200; its other normal form 401")
def unicode_password(side: Side) -> str:
    email, password = new_email(), "pa\u0301ssword 密码 🔑"
    side.post(REGISTER, json={"email": email, "password": password})
    composed = password.replace("a\u0301", "á")
    statuses = [try_login(side, email, each).status_code for each in (password, composed)]
    return "{}; its other normal form {}".format(*statuses)


@same("log in", "200 tokens, Bearer, 900 s")
def login(side: Side) -> str:
    answer = try_login(side, new_person(side.pair).email)
    body = answer.json()
    return f"{told(answer)}, {body['token_type']}, {body['expires_in']} s"


@same("a wrong password, and nobody's address", "401 problem, WWW-Authenticate: Bearer; the same")
def wrong_password(side: Side) -> str:
    emails = (new_person(side.pair).email, new_email(), "no address")
    answers = [try_login(side, email, "wrong password") for email in emails]
    bodies = [answer.json() for answer in answers]
    said = {tuple(body[name] for name in PROBLEM if name != "request_id") for body in bodies}
    assert len({(told(answer), answer.headers["www-authenticate"]) for answer in answers}) == 1
    header = answers[0].headers["www-authenticate"]
    alike = "the same" if len(said) == 1 else "not the same"
    return f"{told(answers[0])}, WWW-Authenticate: {header}; {alike}"


@same("somebody inactive", "401 problem")
def inactive(side: Side) -> str:
    person = new_person(side.pair)
    side.pair.query("UPDATE users SET active = false WHERE id = %s", person.id)
    return told(try_login(side, person.email))


@same("who one is", "200 user")
def me(side: Side) -> str:
    person, headers = signed_in(side)
    answer = side.get(f"{AUTH}/me", headers=headers)
    assert answer.json()["id"] == person.id
    return told(answer)


@same("change one's password", "200 tokens; the old one 401, the new one 200")
def change_password(side: Side) -> str:
    person, headers = signed_in(side)
    sent = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = side.post(f"{AUTH}/password", json=sent, headers=headers)
    tokens = tokens_in(answer)
    assert side.get(f"{AUTH}/me", headers=bearer(tokens.access)).status_code == 200
    assert side.post(f"{AUTH}/refresh", headers=bearer(tokens.refresh)).status_code == 200
    old, new = (try_login(side, person.email, each) for each in (PASSWORD, NEW_PASSWORD))
    return f"{told(answer)}; the old one {old.status_code}, the new one {new.status_code}"


@same("change it without knowing it", "403 problem")
def change_unknown_password(side: Side) -> str:
    _, headers = signed_in(side)
    sent = {"current_password": "wrong password", "new_password": NEW_PASSWORD}
    return told(side.post(f"{AUTH}/password", json=sent, headers=headers))


@same("change it to one too short", "422 problem: new_password")
def change_to_short_password(side: Side) -> str:
    _, headers = signed_in(side)
    sent = {"current_password": PASSWORD, "new_password": "short"}
    return told(side.post(f"{AUTH}/password", json=sent, headers=headers))


@same("change it without a token", "401 problem")
def change_without_token(side: Side) -> str:
    sent = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    return told(side.post(f"{AUTH}/password", json=sent))


@better(
    "tokens from before a change of password",
    flask="access 200, refresh 200",
    here="access 401, refresh 401",
    because="who changes a password because somebody has it wants that somebody out",
)
def tokens_from_before(side: Side) -> str:
    person = new_person(side.pair)
    elsewhere, own = log_in(side, person), log_in(side, person)
    sent = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    changed = side.post(f"{AUTH}/password", json=sent, headers=bearer(own.access))
    assert changed.status_code == 200
    access = side.get(f"{AUTH}/me", headers=bearer(elsewhere.access)).status_code
    refresh = side.post(f"{AUTH}/refresh", headers=bearer(elsewhere.refresh)).status_code
    return f"access {access}, refresh {refresh}"


@better(
    "a registration sent again with its Idempotency-Key",
    flask="201, 409",
    here="201, 201 replayed",
    because="a client that lost the answer learns what came of its request",
)
def idempotent_registration(side: Side) -> str:
    sent = {"email": new_email(), "password": PASSWORD}
    headers = {"Idempotency-Key": new_email()}
    first, second = (side.post(REGISTER, json=sent, headers=headers) for _ in range(2))
    if second.status_code == 201:
        assert second.json() == first.json()
        assert second.headers["location"] == first.headers["location"]
    replayed = " replayed" if second.headers.get("idempotent-replayed") == "true" else ""
    return f"{first.status_code}, {second.status_code}{replayed}"
