"""Routing."""

import socket
from http.client import HTTPResponse
from urllib.parse import urlsplit

from tests.contract.behaviour import same
from tests.contract.people import signed_in, told
from tests.contract.support import AUTH, USERS, Side


def exactly(side: Side, method: str, target: str, *headers: str) -> HTTPResponse:
    """The answer to a target sent as it is: every client library would tidy it up."""
    address = urlsplit(side.url)
    head = "\r\n".join((f"{method} {target} HTTP/1.1", f"Host: {address.netloc}", *headers))
    with socket.create_connection((address.hostname, address.port), timeout=10) as peer:
        peer.sendall(f"{head}\r\n\r\n".encode("latin-1"))
        answer = HTTPResponse(peer, method=method)
        answer.begin()
        answer.read()
    return answer


def allowed(answer_allow: str) -> str:
    """The methods of an Allow header: their order means nothing."""
    return ", ".join(sorted(each.strip() for each in answer_allow.split(",")))


@same("a path nobody routes", "404 problem")
def nowhere(side: Side) -> str:
    return told(side.get("/nowhere"))


@same("another method", "405 problem, Allow: GET, HEAD, OPTIONS")
def another_method(side: Side) -> str:
    answer = side.request("PUT", "/health")
    return f"{told(answer)}, Allow: {allowed(answer.headers['allow'])}"


@same("a path with two methods", "405 problem, Allow: GET, HEAD, OPTIONS, POST")
def two_methods(side: Side) -> str:
    answer = side.request("DELETE", USERS)
    return f"{told(answer)}, Allow: {allowed(answer.headers['allow'])}"


@same("a method nobody has heard of", "405 problem, Allow: GET, HEAD, OPTIONS")
def unknown_method(side: Side) -> str:
    answer = side.request("BREW", "/health")
    return f"{told(answer)}, Allow: {allowed(answer.headers['allow'])}"


@same("HEAD", "200, no body, the Content-Length of GET")
def head(side: Side) -> str:
    get, answer = side.get("/health"), side.request("HEAD", "/health")
    assert answer.headers["content-length"] == get.headers["content-length"]
    return (
        f"{answer.status_code}, {'a' if answer.content else 'no'} body, the Content-Length of GET"
    )


@same("HEAD of what is not there", "404, no body")
def head_nowhere(side: Side) -> str:
    answer = side.request("HEAD", "/nowhere")
    return f"{answer.status_code}, {'a' if answer.content else 'no'} body"


@same("HEAD with a token", "200, no body")
def head_with_token(side: Side) -> str:
    person, headers = signed_in(side)
    answer = side.request("HEAD", f"{USERS}/{person.id}", headers=headers)
    return f"{answer.status_code}, {'a' if answer.content else 'no'} body"


@same("OPTIONS", "200, no body, Allow: GET, HEAD, OPTIONS")
def options(side: Side) -> str:
    answer = side.request("OPTIONS", "/health")
    body = "a" if answer.content else "no"
    return f"{answer.status_code}, {body} body, Allow: {allowed(answer.headers['allow'])}"


@same("OPTIONS needs no token", "200, Allow: DELETE, GET, HEAD, OPTIONS, PATCH")
def options_without_token(side: Side) -> str:
    answer = side.request("OPTIONS", f"{USERS}/1")
    return f"{answer.status_code}, Allow: {allowed(answer.headers['allow'])}"


@same("a trailing slash", "404, 404, 404")
def trailing_slash(side: Side) -> str:
    paths = ("/health/", f"{USERS}/", f"{AUTH}/login/")
    return ", ".join(str(side.get(path).status_code) for path in paths)


@same("a double slash at the start", "200")
def double_slash_at_the_start(side: Side) -> str:
    return str(exactly(side, "GET", "//health").status)


@same("a double slash", "308 to /api/v1/users?limit=1&email=%20")
def double_slash(side: Side) -> str:
    answer = exactly(side, "GET", "/api/v1//users?limit=1&email=%20")
    location = str(answer.headers["Location"])
    assert location.startswith(side.url)
    return f"{answer.status} to {location.removeprefix(side.url)}"


@same("a double slash in the path of a POST", "308 to /api/v1/auth/login")
def double_slash_in_post(side: Side) -> str:
    answer = exactly(side, "POST", "/api//v1/auth/login", "Content-Length: 0")
    return f"{answer.status} to {str(answer.headers['Location']).removeprefix(side.url)}"


@same("a percent-encoded path", "200, 404")
def encoded_path(side: Side) -> str:
    answers = [exactly(side, "GET", target) for target in ("/%68ealth", "/health%2Flive%2Fx")]
    return ", ".join(str(answer.status) for answer in answers)


@same("a query nobody asked for", "200")
def needless_query(side: Side) -> str:
    return str(side.get("/health?verbose=1&verbose=2").status_code)


@same("what is no id", "404, 404, 404, 404, 404, 404")
def no_id(side: Side) -> str:
    _, headers = signed_in(side, role="admin")
    ids = ("0", "-1", "x", "1.5", str(2**63), "9" * 40)
    answers = [side.get(f"{USERS}/{each}", headers=headers) for each in ids]
    return ", ".join(str(answer.status_code) for answer in answers)


@same("the largest id there can be", "404 problem")
def largest_id(side: Side) -> str:
    _, headers = signed_in(side, role="admin")
    return told(side.get(f"{USERS}/{2**63 - 1}", headers=headers))
