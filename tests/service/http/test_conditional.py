"""ETags: an answer that is known is not sent again, a change does not overwrite another's."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx
import pytest

from tests.service.sql import fetch, held, until_blocked
from tests.service.support import Account, Service

ME = "/api/v1/auth/me"
CONTRACT_HEADERS = (
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
    "content-security-policy",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "x-request-id",
    "vary",
    "date",
)


@pytest.fixture
def path(user: Account) -> str:
    return f"/api/v1/users/{user.id}"


@pytest.fixture
def tag(user: Account, path: str) -> str:
    return user.http.get(path).headers["etag"]


def test_tag_names_the_resource_not_the_address(user: Account, path: str, tag: str) -> None:
    assert tag.startswith('"')
    assert user.http.get(ME).headers.get_list("etag") == [tag]
    assert user.http.head(path).headers.get_list("etag") == [tag]
    other = user.http.patch(path, json={"name": "Ada"})
    assert other.headers["etag"] != tag
    assert user.http.get(path).headers["etag"] == other.headers["etag"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("known", ["{}", "W/{}", '"x", {}', 'W/"x",{} , "y"', "*"])
def test_known_resource_is_not_sent_again(
    user: Account, path: str, tag: str, known: str, method: str
) -> None:
    for each in (path, ME):
        answer = user.http.request(method, each, headers={"If-None-Match": known.format(tag)})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
        assert "content-type" not in answer.headers
        assert "content-length" not in answer.headers
        for name in CONTRACT_HEADERS:
            assert len(answer.headers.get_list(name)) == 1, name


@pytest.mark.parametrize("other", ['"x"', 'W/"x"', "", "x", ",", '"', "W/", '"*"'])
def test_unknown_resource_is_sent(user: Account, path: str, other: str) -> None:
    answer = user.http.get(path, headers={"If-None-Match": other})
    assert (answer.status_code, answer.json()["id"]) == (200, user.id)


def test_not_modified_needs_the_credential(
    client: httpx.Client, path: str, tag: str, admin: Account
) -> None:
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 401
    assert client.get(ME, headers={"If-None-Match": "*"}).status_code == 401


def test_tag_changes_with_what_another_service_writes(
    service: Service, user: Account, path: str, tag: str
) -> None:
    # A Flask side without an `onupdate`: the moment of the last change stays as it was.
    rename = "UPDATE users SET name = 'Grace' WHERE id = %s"
    fetch(service.environ["DATABASE_URL"], rename, user.id)
    answer = user.http.get(path, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["name"]) == (200, "Grace")
    change = user.http.patch(path, json={"name": "x"}, headers={"If-Match": tag})
    assert change.status_code == 412


def test_tag_says_nothing_of_what_is_not_shown(
    service: Service, user: Account, path: str, tag: str
) -> None:
    other = "UPDATE users SET password_hash = 'x' WHERE id = %s"
    fetch(service.environ["DATABASE_URL"], other, user.id)
    assert user.http.get(path).headers["etag"] == tag


@pytest.mark.parametrize("expected", ["{}", "*", '"x", {}'])
def test_change_of_the_expected_version(user: Account, path: str, tag: str, expected: str) -> None:
    headers = {"If-Match": expected.format(tag)}
    answer = user.http.patch(path, json={"name": "Ada"}, headers=headers)
    assert (answer.status_code, answer.json()["name"]) == (200, "Ada")
    headers = {"If-Match": expected.format(answer.headers["etag"])}
    assert user.http.delete(path, headers=headers).status_code == 204


@pytest.mark.parametrize("expected", ['"x"', "W/{}", "", '"', ",", '"x", "y"'])
def test_change_of_another_version_is_refused(
    user: Account, path: str, tag: str, expected: str
) -> None:
    headers = {"If-Match": expected.format(tag)}
    for answer in (
        user.http.patch(path, json={"name": "Ada"}, headers=headers),
        user.http.delete(path, headers=headers),
    ):
        assert answer.status_code == 412
        assert answer.headers["content-type"] == "application/problem+json"
    assert user.http.get(path).headers["etag"] == tag


def test_of_changes_at_once_of_one_version_one_succeeds(user: Account, path: str, tag: str) -> None:
    def change(name: str) -> httpx.Response:
        return user.http.patch(path, json={"name": name}, headers={"If-Match": tag})

    names = [f"name {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(change, names))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    (won,) = [answer.json() for answer in answers if answer.is_success]
    assert user.http.get(path).json() == won


def test_deletion_loses_against_a_change(user: Account, path: str, tag: str) -> None:
    with ThreadPoolExecutor(2) as threads:
        changing = threads.submit(
            user.http.patch, path, json={"name": "x"}, headers={"If-Match": tag}
        )
        deleting = threads.submit(user.http.delete, path, headers={"If-Match": tag})
        statuses = (changing.result().status_code, deleting.result().status_code)
    # Gone before it was changed, the user is a 404, or their token a 401.
    assert statuses in {(200, 412), (404, 204), (401, 204)}


@pytest.mark.parametrize("expected", ['"x"', "*"])
def test_missing_user_is_a_404_whatever_is_expected(
    user: Account, admin: Account, path: str, expected: str
) -> None:
    assert user.http.delete(path).status_code == 204
    headers = {"If-Match": expected}
    assert admin.http.patch(path, json={"name": "x"}, headers=headers).status_code == 404
    assert admin.http.delete(path, headers=headers).status_code == 404


def test_expectation_does_not_hide_what_is_forbidden(user: Account, admin: Account) -> None:
    path = f"/api/v1/users/{admin.id}"
    for headers in ({"If-Match": '"x"'}, {"If-Match": "*"}):
        assert user.http.delete(path, headers=headers).status_code == 403
        assert user.http.patch(path, json={"name": "x"}, headers=headers).status_code == 403


def test_moment_of_the_last_change_only_goes_forward(
    service: Service, user: Account, path: str
) -> None:
    url = service.environ["DATABASE_URL"]
    with ThreadPoolExecutor(1) as threads:
        with held(url, "SELECT 1 FROM users WHERE id = %s FOR UPDATE", user.id) as other:
            waiting = threads.submit(user.http.patch, path, json={"name": "Ada"})
            until_blocked(url)
            (moment,) = other.execute(
                "UPDATE users SET updated_at = clock_timestamp() WHERE id = %s"
                " RETURNING updated_at",
                [user.id],
            ).fetchone() or [None]
        changed = datetime.fromisoformat(waiting.result().json()["updated_at"])
    assert changed > moment
