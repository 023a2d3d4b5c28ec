"""JWT cookies."""

import httpx

from tests.contract.behaviour import same
from tests.contract.behaviours.tokens import claims_of
from tests.contract.people import (
    Tokens,
    attributes_of,
    bearer,
    cookie,
    cookies_of,
    log_in,
    new_person,
    tokens_in,
    told,
    try_login,
)
from tests.contract.settings import COOKIES
from tests.contract.support import AUTH, PASSWORD, USERS, Side

ME = f"{AUTH}/me"


def csrf(token: str) -> dict[str, str]:
    """The double submit of a token in a cookie."""
    return {"X-CSRF-TOKEN": claims_of(token)["csrf"]}


def access_cookie(tokens: Tokens) -> dict[str, str]:
    """The access token where a browser has it."""
    return cookie(access_token_cookie=tokens.access)


def refresh_cookie(tokens: Tokens) -> dict[str, str]:
    """The refresh token where a browser has it."""
    return cookie(refresh_token_cookie=tokens.refresh)


def someone(side: Side) -> tuple[int, Tokens]:
    """Somebody new, logged in."""
    person = new_person(side.pair)
    return person.id, log_in(side, person)


def rename(side: Side, user_id: int, headers: dict[str, str]) -> httpx.Response:
    """A request that changes something."""
    return side.request("PATCH", f"{USERS}/{user_id}", json={"name": "Ada"}, headers=headers)


@same(
    "a login sets five cookies",
    "access_token_cookie: HttpOnly, Path=/, SameSite=Strict; "
    "csrf_access_token: Path=/, SameSite=Strict; "
    "refresh_token_cookie: HttpOnly, Path=/, SameSite=Strict; "
    "csrf_refresh_token: Path=/, SameSite=Strict; "
    "session: HttpOnly, Path=/, SameSite=Lax",
    settings=COOKIES,
)
def attributes(side: Side) -> str:
    answer = try_login(side, new_person(side.pair).email)
    return "; ".join(f"{n}: {', '.join(sorted(a))}" for n, a in attributes_of(answer).items())


@same("what is in them", "the tokens of the body, and their csrf claims", settings=COOKIES)
def content(side: Side) -> str:
    _, tokens = someone(side)
    assert tokens.cookies["access_token_cookie"] == tokens.access
    assert tokens.cookies["refresh_token_cookie"] == tokens.refresh
    assert tokens.cookies["csrf_access_token"] == claims_of(tokens.access)["csrf"]
    assert tokens.cookies["csrf_refresh_token"] == claims_of(tokens.refresh)["csrf"]
    return "the tokens of the body, and their csrf claims"


@same("reading needs the cookie alone", "200 user", settings=COOKIES)
def reading(side: Side) -> str:
    _, tokens = someone(side)
    return told(side.get(ME, headers=access_cookie(tokens)))


@same("changing needs the double submit", "401 problem; with it 200 user", settings=COOKIES)
def changing(side: Side) -> str:
    user_id, tokens = someone(side)
    without = rename(side, user_id, access_cookie(tokens))
    with_it = rename(side, user_id, access_cookie(tokens) | csrf(tokens.access))
    return f"{told(without)}; with it {told(with_it)}"


@same("another token's double submit", "401 problem", settings=COOKIES)
def wrong_csrf(side: Side) -> str:
    user_id, tokens = someone(side)
    _, others = someone(side)
    return told(rename(side, user_id, access_cookie(tokens) | csrf(others.access)))


@same("a header needs no double submit", "200 user", settings=COOKIES)
def header(side: Side) -> str:
    user_id, tokens = someone(side)
    return told(rename(side, user_id, bearer(tokens.access)))


@same("a header wins over a cookie", "the header's user", settings=COOKIES)
def header_first(side: Side) -> str:
    user_id, tokens = someone(side)
    _, others = someone(side)
    answer = side.get(ME, headers=bearer(tokens.access) | access_cookie(others))
    return f"the {'header' if answer.json()['id'] == user_id else 'cookie'}'s user"


@same(
    "refresh by cookie", "401 without the double submit; 200 tokens, in 4 cookies", settings=COOKIES
)
def refresh(side: Side) -> str:
    _, tokens = someone(side)
    without = side.post(f"{AUTH}/refresh", headers=refresh_cookie(tokens))
    answer = side.post(f"{AUTH}/refresh", headers=refresh_cookie(tokens) | csrf(tokens.refresh))
    new = tokens_in(answer)
    assert new.cookies["access_token_cookie"] == new.access
    named = [name for name in cookies_of(answer) if name != "session"]
    return (
        f"{without.status_code} without the double submit; {told(answer)}, in {len(named)} cookies"
    )


@same("a new password by cookie", "200 tokens, in 4 cookies", settings=COOKIES)
def password(side: Side) -> str:
    _, tokens = someone(side)
    sent = {"current_password": PASSWORD, "new_password": "another horse battery"}
    headers = access_cookie(tokens) | csrf(tokens.access)
    answer = side.post(f"{AUTH}/password", json=sent, headers=headers)
    named = [name for name in cookies_of(answer) if name != "session"]
    return f"{told(answer)}, in {len(named)} cookies"


@same("log out by cookie", "204; the cookie then 401", settings=COOKIES)
def logout(side: Side) -> str:
    _, tokens = someone(side)
    headers = access_cookie(tokens) | csrf(tokens.access)
    answer = side.post(f"{AUTH}/logout", headers=headers)
    after = side.get(ME, headers=access_cookie(tokens))
    return f"{answer.status_code}; the cookie then {after.status_code}"


@same("log out clears the cookies", "the jar is empty", settings=COOKIES)
def cleared(side: Side) -> str:
    person = new_person(side.pair)
    with side.browser() as browser:
        sent = {"email": person.email, "password": PASSWORD}
        assert browser.post(f"{AUTH}/login", json=sent).is_success
        submitted = {"X-CSRF-TOKEN": browser.cookies["csrf_access_token"]}
        assert browser.post(f"{AUTH}/logout", headers=submitted).status_code == 204
        return f"the jar is {'full' if browser.cookies else 'empty'}"


@same("cookies set by the other side", "200 user, 200 tokens", settings=COOKIES)
def set_there(side: Side) -> str:
    user_id, tokens = someone(side.other)
    renamed = rename(side, user_id, access_cookie(tokens) | csrf(tokens.access))
    refreshed = side.post(f"{AUTH}/refresh", headers=refresh_cookie(tokens) | csrf(tokens.refresh))
    return f"{told(renamed)}, {told(refreshed)}"


@same("a cookie where only headers are read", "401 problem")
def not_read(side: Side) -> str:
    _, tokens = someone(side)
    assert set(tokens.cookies) == {"session"}
    return told(side.get(ME, headers=access_cookie(tokens)))
