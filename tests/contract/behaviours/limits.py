"""Rate limits."""

import time

import httpx
import valkey

from tests.contract.behaviour import better, different, same
from tests.contract.people import new_email, new_person, told, try_login
from tests.contract.settings import ALONE, BROWSERS, LIMITED, NOBODY_LISTENS
from tests.contract.support import AUTH, PASSWORD, Side
from tests.support import wait_until


def store(side: Side) -> valkey.Valkey:
    """The store of both sides."""
    client: valkey.Valkey = valkey.from_url(side.pair.variables["RATELIMIT_STORAGE_URI"])
    return client


def forget(side: Side) -> None:
    """Nobody has been counted yet."""
    with store(side) as client:
        client.flushall()


def keys(side: Side) -> str:
    """Under which the store counts logins."""
    with store(side) as client:
        return ", ".join(each.decode() for each in client.keys("*auth.login*"))


def attempt(side: Side, **headers: str) -> httpx.Response:
    """A login that fails for another reason, unless there have been too many."""
    sent = {"email": "nobody@example.com", "password": PASSWORD}
    return side.post(f"{AUTH}/login", json=sent, headers=headers)


def attempts(side: Side, times: int, **headers: str) -> str:
    """The statuses of so many of them."""
    return ", ".join(str(attempt(side, **headers).status_code) for _ in range(times))


@same("more logins than RATELIMIT_LOGIN allows", "401, 401, 401, 429", settings=LIMITED)
def logins(side: Side) -> str:
    forget(side)
    return attempts(side, 4)


@same("more registrations than RATELIMIT_REGISTER allows", "201, 201, 429", settings=LIMITED)
def registrations(side: Side) -> str:
    forget(side)
    sent = [{"email": new_email(), "password": PASSWORD} for _ in range(3)]
    answers = [side.post(f"{AUTH}/register", json=each) for each in sent]
    return ", ".join(str(answer.status_code) for answer in answers)


@same("one too many", "429 problem", settings=LIMITED)
def one_too_many(side: Side) -> str:
    forget(side)
    attempts(side, 3)
    return told(attempt(side))


@same("the right password, one too late", "429", settings=LIMITED)
def right_password(side: Side) -> str:
    forget(side)
    attempts(side, 3)
    return str(try_login(side, new_person(side.pair).email).status_code)


@same("requests that are refused for another reason count", "415, 400, 422, 429", settings=LIMITED)
def refused_count(side: Side) -> str:
    forget(side)
    json = {"Content-Type": "application/json"}
    answers = [
        side.post(f"{AUTH}/login", content=b"{}"),
        side.post(f"{AUTH}/login", content=b"{", headers=json),
        side.post(f"{AUTH}/login", json={}),
        attempt(side),
    ]
    return ", ".join(str(answer.status_code) for answer in answers)


@same("X-RateLimit-*", "3, 2, in 60 s; 3, 1; 3, 0; 3, 0", settings=LIMITED)
def headers(side: Side) -> str:
    forget(side)
    shown = []
    for _ in range(4):
        answer = attempt(side)
        [limit] = answer.headers.get_list("x-ratelimit-limit")
        [remaining] = answer.headers.get_list("x-ratelimit-remaining")
        [reset] = answer.headers.get_list("x-ratelimit-reset")
        # Seconds since the epoch, of the end of a window that has just begun.
        assert 30 < int(reset) - time.time() <= 62
        shown.append(f"{limit}, {remaining}")
    return f"{shown[0]}, in 60 s; {'; '.join(shown[1:])}"


@same("Retry-After on a 429", "whole seconds, up to the reset", settings=LIMITED)
def retry_after(side: Side) -> str:
    forget(side)
    attempts(side, 3)
    answer = attempt(side)
    [wait] = answer.headers.get_list("retry-after")
    until_reset = int(answer.headers["x-ratelimit-reset"]) - time.time()
    assert abs(int(wait) - until_reset) <= 2
    return "whole seconds, up to the reset"


@different(
    "Retry-After on any other answer",
    flask="until the reset, on a 401",
    here="none, on a 401",
    because="it asks a client to wait who need not: Flask-Limiter sends it with every answer",
    settings=LIMITED,
)
def needless_retry_after(side: Side) -> str:
    forget(side)
    answer = attempt(side)
    wait = answer.headers.get("retry-after")
    assert wait is None or 30 < int(wait) <= 60
    return f"{'none' if wait is None else 'until the reset'}, on a {answer.status_code}"


@same("what both sides have answered counts at both", "401, 401, 401, 429, 429", settings=LIMITED)
def shared(side: Side) -> str:
    forget(side)
    turns = (side, side.other, side, side.other, side)
    return ", ".join(str(attempt(each).status_code) for each in turns)


@same(
    "the counter's key in the store",
    "LIMITS:LIMITER/127.0.0.1/auth.login/3/1/minute",
    settings=LIMITED,
)
def key(side: Side) -> str:
    forget(side)
    attempt(side)
    return keys(side)


@same("the login's limit is not the registration's", "401, 401, 401, 201", settings=LIMITED)
def apart(side: Side) -> str:
    forget(side)
    statuses = attempts(side, 3)
    sent = {"email": new_email(), "password": PASSWORD}
    return f"{statuses}, {side.post(f'{AUTH}/register', json=sent).status_code}"


@same("every other route has RATELIMIT_DEFAULT", "1000, 999", settings=LIMITED)
def default(side: Side) -> str:
    forget(side)
    answer = side.get(f"{AUTH}/me")
    return "{}, {}".format(
        *(answer.headers.get(f"x-ratelimit-{each}") for each in ("limit", "remaining"))
    )


@better(
    "health checks are not counted",
    flask="counted",
    here="not counted",
    because="a balancer that asks once a second would be told that the service is ill",
    settings=LIMITED,
)
def health(side: Side) -> str:
    forget(side)
    return "counted" if "x-ratelimit-limit" in side.get("/health").headers else "not counted"


@same("when the window has passed", "422, 429, then 422", settings=ALONE)
def window(side: Side) -> str:
    forget(side)

    def register() -> int:
        return side.post(f"{AUTH}/register", json={}).status_code

    first = [register(), register()]
    wait_until(lambda: register() == 422, "the next window", 5)
    return "{}, {}, then 422".format(*first)


@same(
    "RATELIMIT_KEY_PREFIX", "LIMITS:LIMITER/alone/127.0.0.1/auth.login/3/1/minute", settings=ALONE
)
def key_prefix(side: Side) -> str:
    forget(side)
    attempt(side)
    return keys(side)


@same("RATELIMIT_ENABLED=0", "401 × 12, no X-RateLimit-Limit", settings=BROWSERS)
def disabled(side: Side) -> str:
    answers = [attempt(side) for _ in range(12)]
    assert {answer.status_code for answer in answers} == {401}
    named = {name for answer in answers for name in answer.headers if "ratelimit" in name}
    return f"401 × {len(answers)}, {', '.join(named) or 'no X-RateLimit-Limit'}"


@same("FLASK_ENV=testing counts nobody unless it is asked to", "401, 401, 401, 401, 401, 401")
def testing(side: Side) -> str:
    return attempts(side, 6)


@better(
    "a store that is away",
    flask="login 500, me 500",
    here="login 503, me 401",
    because="reads go on uncounted; a login nobody can count is refused until somebody can",
    settings=LIMITED,
)
def store_away(side: Side) -> str:
    with side.again(RATELIMIT_STORAGE_URI=f"redis://{NOBODY_LISTENS}") as again:
        login, me = attempt(again), again.get(f"{AUTH}/me")
    assert {told(each).partition(" ")[2] for each in (login, me)} == {"problem"}
    return f"login {login.status_code}, me {me.status_code}"
