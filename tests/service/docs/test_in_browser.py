"""The page in a real browser: its policy holds, its forms work, it fits small screens."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.docs.browser import CHROMIUM, Page, browser
from tests.service.support import PASSWORD, Account, Service

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")

HOSTILE = "<img src=x onerror=document.title=1>"


@pytest.fixture
def page(service: Service, tmp_path: Path) -> Iterator[Page]:
    """The page, once its forms are there."""
    with browser(tmp_path / "profile") as opened:
        opened.open(f"{service.url}/docs")
        opened.until(
            "document.querySelectorAll('.try').length === "
            "document.querySelectorAll('article').length"
        )
        yield opened
        assert opened.complaints == []


def send(page: Page, operation: str, **fields: object) -> None:
    """Fills in the form of the operation, sends it, and waits for the answer."""
    page.evaluate(
        f"""
        (() => {{
            const article = document.getElementById({json.dumps(operation)});
            article.querySelector(".try").open = true;
            article.querySelector(".result").replaceChildren();
            for (const [name, value] of Object.entries({json.dumps(fields)})) {{
                document.getElementById({json.dumps(operation)} + "-" + name).value =
                    typeof value === "string" ? value : JSON.stringify(value);
            }}
            article.querySelector(".try form").requestSubmit();
        }})()
        """
    )
    page.until(f"!!document.querySelector('#{operation} .result').firstChild")


def result(page: Page, operation: str) -> str:
    """What is shown of the answer, headers and command included."""
    return str(page.evaluate(f"document.querySelector('#{operation} .result').textContent"))


def test_login_fills_in_the_token_of_the_other_forms(page: Page, user: Account) -> None:
    send(page, "auth_me")
    assert result(page, "auth_me").startswith("401")
    send(page, "auth_login", body={"email": user.email, "password": PASSWORD})
    send(page, "auth_me")
    shown = result(page, "auth_me")
    assert shown.startswith("200")
    assert f'"email": "{user.email}"' in shown
    assert "x-request-id: " in shown
    assert "curl -X GET" in shown
    assert 'Authorization: Bearer $ACCESS_TOKEN"' in shown
    assert page.evaluate("document.getElementById('access_token').value.split('.').length") == 3
    # Neither the tokens nor the session outlive the page.
    kept = "localStorage.length + sessionStorage.length + document.cookie.length"
    assert page.evaluate(kept) == 0
    cookies = page.call("Network.getCookies")["cookies"]
    assert cookies == []


def test_request_is_what_the_form_says(page: Page, user: Account) -> None:
    send(page, "auth_login", body={"email": user.email, "password": PASSWORD})
    send(
        page,
        "users_change_user",
        **{"user_id": str(user.id), "body": {"name": "it's"}, "If-Match": '"another"'},
    )
    shown = result(page, "users_change_user")
    assert shown.startswith("412")
    assert f"/api/v1/users/{user.id}'" in shown
    assert "-H 'If-Match: \"another\"'" in shown
    assert "--data-raw '{\"name\":\"it'\\''s\"}'" in shown
    send(page, "users_list_users", limit="1", email=user.email)
    assert "?limit=1&email=" in result(page, "users_list_users")


def test_what_others_wrote_is_never_markup(page: Page, user: Account) -> None:
    user.http.patch(f"/api/v1/users/{user.id}", json={"name": HOSTILE})
    send(page, "auth_login", body={"email": user.email, "password": PASSWORD})
    send(page, "users_read_user", user_id=str(user.id))
    assert HOSTILE in result(page, "users_read_user")
    assert page.evaluate("document.querySelectorAll('img').length") == 0


def test_large_numbers_keep_their_digits(page: Page) -> None:
    text = '{"id":9007199254740993,"empty":{},"none":[],"text":"a, {b}: \\"c\\""}'
    source = page.evaluate("document.querySelector('script').src")
    page.evaluate(f"import({json.dumps(source)}).then((made) => {{ globalThis.made = made; }})")
    shown = page.evaluate(f"made.pretty({json.dumps(text)})")
    assert "9007199254740993" in shown
    assert json.loads(shown) == json.loads(text)
    assert shown == json.dumps(json.loads(text), indent=2)


@pytest.mark.parametrize("width", [360, 768, 1280, 1600])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=width < 800,
    )
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def press(page: Page, key: str, code: int, text: str = "") -> None:
    """One key, down and up."""
    for kind in ("keyDown", "keyUp"):
        page.call(
            "Input.dispatchKeyEvent",
            type=kind,
            key=key,
            code=key,
            windowsVirtualKeyCode=code,
            text=text,
        )


def test_contents_open_and_close_by_keyboard(page: Page) -> None:
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=360,
        height=900,
        deviceScaleFactor=1,
        mobile=True,
    )
    is_open = "document.getElementById('contents').matches(':popover-open')"
    page.evaluate("document.querySelector('.bar button').focus()")
    press(page, "Enter", 13, "\r")
    assert page.evaluate(is_open)
    press(page, "Escape", 27)
    assert not page.evaluate(is_open)
    page.evaluate("document.querySelector('.bar button').focus()")
    press(page, "Enter", 13, "\r")
    press(page, "Tab", 9)
    press(page, "Tab", 9)
    press(page, "Enter", 13, "\r")
    assert page.evaluate("location.hash") == "#overview"
    assert not page.evaluate(is_open)
