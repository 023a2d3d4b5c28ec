"""What `schemathesis run` loads: who sends its requests.

Nothing is left out because it would lock the runner out. It deletes itself, logs itself out,
takes its own role away and changes its own password like any client; whoever ended what they were
gets another account for the next request.
"""

import base64
import os
from itertools import count
from typing import Any

import httpx
import schemathesis
from hypothesis import strategies
from schemathesis import AuthContext, Case, HookContext
from schemathesis.core.transport import Response

from tests.support import execute

URL = os.environ["RUNNER_URL"]
ROLE = os.environ["RUNNER_ROLE"]
DATABASE = os.environ["RUNNER_DATABASE"]

AUTH = "/api/v1/auth"
PASSWORD = "correct horse battery"
SAFE = {"GET", "HEAD", "OPTIONS"}

numbers = count(1)


class Runner:
    """The account requests are sent from."""

    def __init__(self) -> None:
        self._http = httpx.Client(base_url=URL, timeout=10)
        self._begin()

    def _begin(self) -> None:
        self.email = f"runner-{next(numbers)}@example.com"
        self.password = PASSWORD
        sent = {"email": self.email, "password": self.password}
        made = self._http.post(f"{AUTH}/register", json=sent).raise_for_status().json()
        self.id: int = made["id"]
        if ROLE == "admin":
            execute(DATABASE, f"UPDATE users SET role = 'admin' WHERE id = {self.id}")
        self.tokens = self._http.post(f"{AUTH}/login", json=sent).raise_for_status().json()

    def token(self, path: str) -> str:
        """The token the route of this path needs."""
        kind = "refresh_token" if path == f"{AUTH}/refresh" else "access_token"
        token: str = self.tokens[kind]
        return token

    def learn(self, case: Case, response: Response) -> None:
        """Goes on with the tokens of the answer, or as somebody else if it ended this account."""
        if case.path in {f"{AUTH}/refresh", f"{AUTH}/password"}:
            self.tokens = response.json()
        if case.path == f"{AUTH}/password":
            self.password = case.body["new_password"]
        found = self._http.get(f"{AUTH}/me", headers=self._headers())
        if found.status_code == 401 or found.json()["role"] != ROLE:
            self._begin()
        else:
            self.email = found.json()["email"]

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}


runner = Runner()


@schemathesis.auth(refresh_interval=None)
class Bearer:
    """Sends the runner's token, in the header."""

    def get(self, _case: Case, context: AuthContext) -> str:
        return runner.token(context.operation.path)

    def set(self, case: Case, data: str, _context: AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Gives valid requests what no schema can say and they need to succeed: a new key, the current
    password; and every other one also somebody who exists, and a version that does."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    number = next(numbers)
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = _new_key(case.headers["Idempotency-Key"], number)
    if case.path == f"{AUTH}/password":
        case.body = {**case.body, "current_password": runner.password}
    if number % 2:
        return
    if case.path == f"{AUTH}/login":
        case.body = {"email": runner.email, "password": runner.password}
    if "If-Match" in case.headers:
        case.headers["If-Match"] = "*"
    if ROLE == "user" and "user_id" in case.path_parameters:
        case.path_parameters["user_id"] = runner.id


def _new_key(key: str, number: int) -> str:
    quote = '"' if len(key) > 1 and key[0] == key[-1] == '"' else ""
    text = key[1:-1] if quote else key
    return quote + f"{number}{text}"[:255] + quote


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """Looks who the runner is after each change."""
    sent = response.request.headers.get("Authorization")
    if case.method not in SAFE and response.status_code < 300 and sent:
        runner.learn(case, response)


def _cursor(last_id: int) -> str:
    return base64.urlsafe_b64encode(str(last_id).encode()).rstrip(b"=").decode()


# A cursor is whatever a page before gave; no schema can say what that looks like.
schemathesis.openapi.format("cursor", strategies.integers(0, 2**63 - 1).map(_cursor))
