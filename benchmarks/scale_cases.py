"""What is asked of the service at each size: requests, as bytes, about users all over the table."""

import base64
import random
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from benchmarks.requests import get, post
from benchmarks.servers import JWT_SECRET_KEY
from service.config import Config
from service.security.tokens import Tokens

ADMIN = 1
PASSWORD = "correct horse battery"

Write = Callable[[int], bytes]


def _tokens() -> Tokens:
    settings = Config()
    settings.JWT_SECRET_KEY = JWT_SECRET_KEY
    settings.JWT_ACCESS_TOKEN_EXPIRES = 86_400
    return Tokens(settings)


TOKENS = _tokens()


@dataclass(frozen=True)
class Case:
    """One kind of request. `write` makes one, given how many users there are. `goal`: whether the
    p99 at the largest size is held to that of the smallest."""

    name: str
    write: Write
    expected: int = 200
    goal: bool = False
    varied: bool = True

    def requests(self, users: int, count: int) -> list[bytes]:
        """Requests, each its own where they vary."""
        return [self.write(users) for _ in range(count if self.varied else 1)]


def token_of(user_id: int) -> str:
    """An access token."""
    return TOKENS.sign(TOKENS.claims("access", user_id))


def somebody(users: int) -> int:
    """Anyone, each as likely."""
    return random.randint(1, users)


def address(user_id: int) -> str:
    """Of the user with this id."""
    return f"user{user_id}@example.com"


def first_page(_users: int) -> bytes:
    """Twenty users from the beginning, for an administrator."""
    return get("/api/v1/users?limit=20", token_of(ADMIN))


def deep_page(users: int) -> bytes:
    """Twenty users from anywhere in the second half."""
    after = str(random.randint(users // 2, users - 21)).encode()
    cursor = base64.urlsafe_b64encode(after).rstrip(b"=").decode()
    return get(f"/api/v1/users?limit=20&cursor={cursor}", ADMINISTRATOR)


def by_address(users: int) -> bytes:
    """Anybody, by address."""
    return get(f"/api/v1/users?email={address(somebody(users))}", ADMINISTRATOR)


def read(users: int) -> bytes:
    """Anybody, by themself."""
    user_id = somebody(users)
    return get(f"/api/v1/users/{user_id}", token_of(user_id))


def login(users: int) -> bytes:
    """Anybody's login."""
    content = {"email": address(somebody(users)), "password": PASSWORD}
    return post("/api/v1/auth/login", content)


def create(_users: int) -> bytes:
    """A new user, by an administrator."""
    content = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD, "name": "Ada Lovelace"}
    return post("/api/v1/users", content, ADMINISTRATOR)


ADMINISTRATOR = token_of(ADMIN)

CASES = (
    Case("constant", lambda _: get("/health/live"), varied=False),
    Case("health", lambda _: get("/health"), varied=False),
    Case("list", first_page, goal=True, varied=False),
    Case("deep page", deep_page, goal=True),
    Case("by address", by_address, goal=True),
    Case("read", read, goal=True),
    Case("login", login, goal=True),
    Case("create", create, expected=201),
)
