"""Servers that answer differently are not compared: what all say is looked at first."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.cases import Case, ServerName, new_user

NOT_THE_APPLICATIONS = {
    *("connection", "content-length", "date", "keep-alive", "server", "transfer-encoding")
}
"""Headers of the HTTP server: each speaks of itself."""
OF_THIS_REQUEST = {"location", "x-request-id"}
"""Headers whose value differs from one answer to the next."""


@dataclass(frozen=True)
class Answer:
    """What a server said. `content`: its body, from JSON."""

    status: int
    headers: Mapping[str, str]
    content: Any


def ask(port: int, case: Case, token: str) -> Answer:
    """The server's answer to the request of the case."""
    headers = {"Authorization": f"Bearer {token}"} if case.by_admin else {}
    body = new_user(f"{uuid4().hex}@example.com") if case.creates else None
    answer = httpx.request(
        case.method, f"http://127.0.0.1:{port}{case.path}", headers=headers, json=body, timeout=10
    )
    try:
        content = answer.json()
    except json.JSONDecodeError:
        content = answer.text
    return Answer(answer.status_code, dict(answer.headers), content)


def differences(case: Case, answers: Mapping[ServerName, Answer]) -> Sequence[str]:
    """One sentence for everything that is not as this service has it, or as the case expects."""
    ours = answers["here"]
    found = []
    for name, theirs in answers.items():
        where = f"{case.title}: {name}"
        if theirs.status != case.expected:
            found.append(f"{where} answers {theirs.status} instead of {case.expected}")
        if _comparable(case, theirs.content) != _comparable(case, ours.content):
            found.append(f"{where} says {theirs.content!r} instead of {ours.content!r}")
        if name == "bare":
            continue
        wanted, given = _headers(ours), _headers(theirs)
        for header in sorted(wanted.keys() | given.keys()):
            if wanted.get(header) != given.get(header):
                has = f"{given.get(header)!r} instead of {wanted.get(header)!r}"
                found.append(f"{where} has {header} {has}")
    return found


def _comparable(case: Case, content: Any) -> Any:
    """As it is; of a user that each server made anew: the names and types of what is said."""
    if case.creates and isinstance(content, dict):
        return {name: type(value).__name__ for name, value in content.items()}
    return content


def _headers(answer: Answer) -> dict[str, str]:
    return {
        name: "" if name in OF_THIS_REQUEST else value
        for name, value in answer.headers.items()
        if name not in NOT_THE_APPLICATIONS
    }
