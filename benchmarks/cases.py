"""What is asked of every server, and what must come of it."""

from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from benchmarks.load import Load
from benchmarks.requests import get, post

PAUSE = 0.02
"""How long the slow query takes, in seconds."""
POOL = 30
"""Connections of one process at the usual settings: 10, and 20 more when they are needed."""
CREATED_A_SECOND = 4_000
"""More users than one core creates in a second, so that none is sent twice."""

ServerName = Literal["here", "bare", "flask", "fastapi"]


@dataclass(frozen=True)
class Goal:
    """This service's rate is to be `least` times that of `of`: a server, or what the pool allows
    (as many answers as its connections can wait for)."""

    of: ServerName | Literal["pool"]
    least: float


@dataclass(frozen=True)
class Case:
    """One request, sent over and over by `clients` keep-alive connections. `creates`: each names a
    user there is not."""

    name: str
    title: str
    path: str
    goals: tuple[Goal, ...]
    expected: int = 200
    by_admin: bool = False
    creates: bool = False
    clients: int | None = None
    """None: as many as the command line says."""
    servers: tuple[ServerName, ...] = ("here", "flask", "fastapi")

    @property
    def method(self) -> str:
        """Of HTTP."""
        return "POST" if self.creates else "GET"

    def load(self, port: int, token: str, clients: int, seconds: float) -> Load:
        """What measures it. `token`: of an administrator."""
        return Load(port, self._requests(token, seconds), self.expected, clients, seconds)

    def _requests(self, token: str, seconds: float) -> list[bytes]:
        bearer = token if self.by_admin else ""
        if not self.creates:
            return [get(self.path, bearer)]
        prefix, count = uuid4().hex[:12], int(CREATED_A_SECOND * (seconds + 1))
        users = (new_user(f"{prefix}-{number}@example.com") for number in range(count))
        return [post(self.path, user, bearer) for user in users]


CASES = (
    Case(
        "live",
        "Constant JSON",
        "/health/live",
        goals=(Goal("bare", 0.55),),
        servers=("here", "bare", "flask", "fastapi"),
    ),
    Case("health", "SELECT 1", "/health", goals=(Goal("flask", 1.75), Goal("fastapi", 1.75))),
    Case(
        "list",
        "List of 20 users",
        "/api/v1/users?limit=20",
        goals=(Goal("flask", 1.75), Goal("fastapi", 2.0)),
        by_admin=True,
    ),
    Case(
        "create",
        "Create a user",
        "/api/v1/users",
        goals=(Goal("flask", 1.3), Goal("fastapi", 1.3)),
        expected=201,
        by_admin=True,
        creates=True,
    ),
    Case(
        "slow",
        "Query of 20 ms",
        "/benchmark/slow",
        goals=(Goal("flask", 8.0), Goal("pool", 0.9)),
        clients=128,
    ),
)
CASE_NAMES = tuple(case.name for case in CASES)

POOL_LIMIT = POOL / PAUSE
"""Slow queries a second at most."""
MEMORY_GOAL = 90.0
"""MB of each process of this service."""
START_GOAL = 1.5
"""Seconds from its start to its first answer."""


def new_user(email: str) -> dict[str, str]:
    """The body that creates a user."""
    return {"email": email, "password": "correct horse battery", "name": "Ada Lovelace"}
