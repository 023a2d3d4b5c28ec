"""Revocation."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.contract.behaviour import better, same
from tests.contract.people import Person, Tokens, bearer, log_in, new_person, tokens_in, told
from tests.contract.support import AUTH, PASSWORD, Side


def someone(side: Side) -> tuple[Person, Tokens]:
    """Somebody new, logged in at that side."""
    person = new_person(side.pair)
    return person, log_in(side, person)


def refresh(side: Side, token: str, **headers: str) -> httpx.Response:
    """The answer to the refresh token."""
    return side.post(f"{AUTH}/refresh", headers=bearer(token) | headers)


def log_out(side: Side, token: str) -> None:
    """Ends the token at that side."""
    assert side.post(f"{AUTH}/logout", headers=bearer(token)).status_code == 204


def status_of(side: Side, token: str) -> int:
    """What the access token is answered."""
    return side.get(f"{AUTH}/me", headers=bearer(token)).status_code


@same("log out", "204, no body; the token then 401 problem")
def logout(side: Side) -> str:
    _, tokens = someone(side)
    answer = side.post(f"{AUTH}/logout", headers=bearer(tokens.access))
    body = "a body" if answer.content else "no body"
    after = side.get(f"{AUTH}/me", headers=bearer(tokens.access))
    return f"{answer.status_code}, {body}; the token then {told(after)}"


@same("log out with the refresh token", "204; the token then 401")
def logout_with_refresh(side: Side) -> str:
    _, tokens = someone(side)
    answer = side.post(f"{AUTH}/logout", headers=bearer(tokens.refresh))
    return f"{answer.status_code}; the token then {refresh(side, tokens.refresh).status_code}"


@same("log out twice", "204, 401")
def logout_twice(side: Side) -> str:
    _, tokens = someone(side)
    answers = [side.post(f"{AUTH}/logout", headers=bearer(tokens.access)) for _ in range(2)]
    return ", ".join(str(answer.status_code) for answer in answers)


@same("log out ends one login, not another", "401, 200")
def logout_of_one(side: Side) -> str:
    person, first = someone(side)
    second = log_in(side, person)
    log_out(side, first.access)
    return f"{status_of(side, first.access)}, {status_of(side, second.access)}"


@same("logged out at the other side", "401")
def logout_there(side: Side) -> str:
    _, tokens = someone(side)
    assert status_of(side, tokens.access) == 200
    log_out(side.other, tokens.access)
    return str(status_of(side, tokens.access))


@same("the other side's token, logged out here, is refused there", "401")
def logout_of_theirs(side: Side) -> str:
    _, tokens = someone(side.other)
    log_out(side, tokens.access)
    return str(status_of(side.other, tokens.access))


@better(
    "the refresh token of a login that was logged out",
    flask="200",
    here="401",
    because="who logs out means the login, not the token that happened to carry the request",
)
def logout_ends_the_login(side: Side) -> str:
    _, tokens = someone(side)
    log_out(side, tokens.access)
    return str(refresh(side, tokens.refresh).status_code)


@same("refresh", "200 tokens, both new")
def refreshed(side: Side) -> str:
    _, old = someone(side)
    answer = refresh(side, old.refresh)
    new = tokens_in(answer)
    assert status_of(side, new.access) == 200
    both_new = {new.access, new.refresh}.isdisjoint({old.access, old.refresh})
    return f"{told(answer)}, {'both new' if both_new else 'not both new'}"


@same("a refresh token used twice", "200, 401 problem")
def reused(side: Side) -> str:
    _, tokens = someone(side)
    first, second = (refresh(side, tokens.refresh) for _ in range(2))
    return f"{first.status_code}, {told(second)}"


@same("a refresh token used at the other side", "401")
def used_there(side: Side) -> str:
    _, tokens = someone(side)
    assert refresh(side.other, tokens.refresh).status_code == 200
    return str(refresh(side, tokens.refresh).status_code)


@same("the other side's refresh token, used here, is refused there", "200, 401")
def theirs_used(side: Side) -> str:
    _, tokens = someone(side.other)
    answers = (refresh(side, tokens.refresh), refresh(side.other, tokens.refresh))
    return ", ".join(str(answer.status_code) for answer in answers)


@same("a chain of refreshes from side to side", "6 × 200")
def chain(side: Side) -> str:
    _, tokens = someone(side)
    statuses = []
    for each in (side.other, side) * 3:
        answer = refresh(each, tokens.refresh)
        statuses.append(answer.status_code)
        tokens = tokens_in(answer)
    assert status_of(side, tokens.access) == status_of(side.other, tokens.access) == 200
    return f"{statuses.count(200)} × 200"


@same("8 refreshes with one token at once", "1 × 200, 7 × 401")
def refresh_race(side: Side) -> str:
    _, tokens = someone(side)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: refresh(side, tokens.refresh), range(8)))
    statuses = [answer.status_code for answer in answers]
    return f"{statuses.count(200)} × 200, {statuses.count(401)} × 401"


@same("8 refreshes with one token at once, at both sides", "1 × 200, 7 × 401")
def refresh_race_at_both(side: Side) -> str:
    _, tokens = someone(side)
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda each: refresh(each, tokens.refresh), (side, side.other) * 4)
        )
    statuses = [answer.status_code for answer in answers]
    return f"{statuses.count(200)} × 200, {statuses.count(401)} × 401"


@better(
    "what came of a refresh token that is used twice",
    flask="access 200, refresh 200",
    here="access 401, refresh 401",
    because="two hold the same token, and one of them stole it: RFC 9700 ends the whole family",
)
def stolen(side: Side) -> str:
    _, tokens = someone(side)
    new = tokens_in(refresh(side, tokens.refresh))
    assert refresh(side, tokens.refresh).status_code == 401
    access = status_of(side, new.access)
    return f"access {access}, refresh {refresh(side, new.refresh).status_code}"


@better(
    "a refresh sent again with its Idempotency-Key",
    flask="200, 401",
    here="200, 200 with the same tokens",
    because="a client whose answer was lost on the way is not taken for a thief",
)
def retried(side: Side) -> str:
    person, tokens = someone(side)
    headers = {"Idempotency-Key": f"refresh-{person.id}"}
    first, second = (refresh(side, tokens.refresh, **headers) for _ in range(2))
    if second.status_code != 200:
        return f"{first.status_code}, {second.status_code}"
    alike = "the same" if first.json() == second.json() else "other"
    return f"{first.status_code}, {second.status_code} with {alike} tokens"


@same("a token of here, after a password change here, is refused at both", "401, 401")
def password_changed_here(side: Side) -> str:
    # Whichever side is asked: what this side revoked, a plain blocklist on jti must see.
    here = side.pair.here
    person, tokens = someone(here)
    own = log_in(here, person)
    sent = {"current_password": PASSWORD, "new_password": "another horse battery"}
    assert here.post(f"{AUTH}/password", json=sent, headers=bearer(own.access)).is_success
    return f"{status_of(side, tokens.access)}, {status_of(side.other, tokens.access)}"


@same("a family ended here is ended at both", "401, 401")
def family_ended_here(side: Side) -> str:
    here = side.pair.here
    _, tokens = someone(here)
    new = tokens_in(refresh(here, tokens.refresh))
    assert refresh(here, tokens.refresh).status_code == 401
    return f"{status_of(side, new.access)}, {status_of(side.other, new.access)}"
