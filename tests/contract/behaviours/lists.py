"""Lists."""

from collections.abc import Iterator
from typing import Any

import httpx

from tests.contract.behaviour import better, same
from tests.contract.people import new_email, new_person, signed_in, told
from tests.contract.support import USERS, Side


def page(side: Side, headers: dict[str, str], **parameters: object) -> httpx.Response:
    """One page."""
    return side.get(USERS, params=parameters, headers=headers)


def walk(
    side: Side, headers: dict[str, str], limit: int, *others: Side
) -> Iterator[dict[str, Any]]:
    """Every user, by following `next_cursor`, at these sides in turn."""
    turn, cursor = [side, *others], None
    while True:
        body = page(turn[0], headers, limit=limit, **({"cursor": cursor} if cursor else {})).json()
        yield from body["items"]
        cursor = body["next_cursor"]
        if cursor is None:
            return
        turn = [*turn[1:], turn[0]]


def crowd(side: Side) -> dict[str, str]:
    """More people than a page holds, and the header of an administrator who sees them."""
    _, headers = signed_in(side, role="admin")
    for _ in range(25):
        new_person(side.pair)
    return headers


@same("a user sees themself", "200 page, only themself, no next")
def only_self(side: Side) -> str:
    person, headers = signed_in(side)
    answer = page(side, headers)
    body = answer.json()
    assert [item["id"] for item in body["items"]] == [person.id]
    assert "link" not in answer.headers
    return f"{told(answer)}, only themself, {'a' if body['next_cursor'] else 'no'} next"


@same("without a token", "401 problem")
def anonymous(side: Side) -> str:
    return told(side.get(USERS))


@same("a page", '20 users, Link: </api/v1/users?limit=20&cursor=…>; rel="next"')
def first_page(side: Side) -> str:
    answer = page(side, crowd(side))
    body = answer.json()
    [link] = answer.headers.get_list("link")
    shown = link.replace(body["next_cursor"], "…")
    return f"{len(body['items'])} users, Link: {shown}"


@same("the link leads on, and keeps the filter's place", "the next 3")
def follow_link(side: Side) -> str:
    headers = crowd(side)
    first, link = [], f"{USERS}?limit=3"
    for _ in range(2):
        answer = side.get(link, headers=headers)
        first.append([item["id"] for item in answer.json()["items"]])
        link = answer.links["next"]["url"]
    assert max(first[0]) < min(first[1])
    return f"the next {len(first[1])}"


@same("all pages", "everybody once, in order of id")
def all_pages(side: Side) -> str:
    seen = [item["id"] for item in walk(side, crowd(side), 7)]
    everybody = [user_id for (user_id,) in side.pair.query("SELECT id FROM users ORDER BY id")]
    return "everybody once, in order of id" if seen == everybody else f"{len(seen)} of them"


@same("pages from both sides in turn", "everybody once, in order of id")
def both_sides(side: Side) -> str:
    seen = [item["id"] for item in walk(side, crowd(side), 7, side.other)]
    everybody = [user_id for (user_id,) in side.pair.query("SELECT id FROM users ORDER BY id")]
    return "everybody once, in order of id" if seen == everybody else f"{len(seen)} of them"


@same("the cursor of a page", "the other side gives the same")
def cursors(side: Side) -> str:
    headers = crowd(side)
    here, there = (page(each, headers, limit=5) for each in (side, side.other))
    assert here.json() == there.json()
    assert here.headers["link"] == there.headers["link"]
    return "the other side gives the same"


@same("a page that ends with the last user", "no next")
def exact_end(side: Side) -> str:
    headers = crowd(side)
    [(count,)] = side.pair.query("SELECT count(*) FROM users")
    limit = next(each for each in range(100, 0, -1) if count % each == 0)
    cursor: dict[str, str] = {}
    for _ in range(count // limit):
        answer = page(side, headers, limit=limit, **cursor)
        cursor = {"cursor": answer.json()["next_cursor"]}
    assert len(answer.json()["items"]) == limit
    return "a next" if "link" in answer.headers or cursor["cursor"] else "no next"


@same("after the last user", "200 page, 0 users")
def after_the_end(side: Side) -> str:
    headers = crowd(side)
    # 2**40, as any page would name it.
    answer = page(side, headers, cursor="MTA5OTUxMTYyNzc3Ng")
    return f"{told(answer)}, {len(answer.json()['items'])} users"


@same("limits of 1 and 100", "200, 200")
def good_limits(side: Side) -> str:
    headers = crowd(side)
    return ", ".join(str(page(side, headers, limit=each).status_code) for each in (1, 100))


@same("limits that are none", "9 × 422 problem: limit")
def bad_limits(side: Side) -> str:
    headers = crowd(side)
    wrong = ("0", "101", "-1", "x", "", "1.0", " 1", "٣", "9" * 2000)
    answers = [told(page(side, headers, limit=each)) for each in wrong]
    return f"{answers.count('422 problem: limit')} × 422 problem: limit"


@better(
    "a limit of 5,000 digits",
    flask="414 text/html",
    here="422 application/problem+json",
    because="Gunicorn refuses the request line, in HTML, before Flask could answer in JSON",
)
def endless_limit(side: Side) -> str:
    _, headers = signed_in(side)
    answer = page(side, headers, limit="9" * 5000)
    return f"{answer.status_code} {answer.headers['content-type'].partition(';')[0]}"


@same("cursors nobody gave", "6 × 422 problem: cursor")
def bad_cursors(side: Side) -> str:
    headers = crowd(side)
    # Of "x", of -1, of 2**63, no base64, a character too many, and 4,000 digits.
    wrong = ("eA", "LTE", "OTIyMzM3MjAzNjg1NDc3NTgwOA", "a$b", "MTA=MTA", "OTk5" * 1000)
    answers = [told(page(side, headers, cursor=each)) for each in wrong]
    return f"{answers.count('422 problem: cursor')} × 422 problem: cursor"


@same("everything wrong at once is named at once", "422 problem: cursor, limit")
def bad_both(side: Side) -> str:
    return told(page(side, crowd(side), cursor="eA", limit="x"))


@same("by address, however it is typed", "1 user, 0 users")
def by_email(side: Side) -> str:
    _, headers = signed_in(side, role="admin")
    emails = (new_person(side.pair).email.upper(), new_email())
    found = [len(page(side, headers, email=each).json()["items"]) for each in emails]
    return "{} user, {} users".format(*found)


@same("by the address of somebody else", "200 page, 0 users")
def by_email_of_others(side: Side) -> str:
    _, headers = signed_in(side)
    answer = page(side, headers, email=new_person(side.pair).email)
    return f"{told(answer)}, {len(answer.json()['items'])} users"


@same("by what is no address", "422 problem: email")
def by_no_email(side: Side) -> str:
    _, headers = signed_in(side)
    return told(page(side, headers, email="x"))


@same("parameters nobody knows", "200 page")
def unknown_parameters(side: Side) -> str:
    _, headers = signed_in(side)
    return told(page(side, headers, sort="-name", page=3))
