"""Both services behind one nginx, every request dealt to either: no client can tell which it was.

`CANARY_CYCLES=1000` makes it the thousand that the cut-over is promised on.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.contract.people import new_email
from tests.contract.proxy import nginx
from tests.contract.support import AUTH, PASSWORD, SIDES, Pair, SideName, start_pair
from tests.support import wait_until
from tests.valkey import Valkey

CYCLES = int(os.environ.get("CANARY_CYCLES", "100"))
CLIENTS = 8
VARIABLES = {
    "JWT_TOKEN_LOCATION": "headers,cookies",
    # Hashing is not what is tried here.
    "PASSWORD_SCHEME": "pbkdf2:sha256:1",
    "RATELIMIT_ENABLED": "1",
    "RATELIMIT_LOGIN": "1000000 per hour",
    "RATELIMIT_REGISTER": "1000000 per hour",
}

# What only one side says, each a row of the contract: see behaviours/headers.py, cors.py, users.py
# and limits.py.
ONLY_HERE = {
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "etag",
    "permissions-policy",
    "referrer-policy",
    "vary",
}
ONLY_FLASK = {"retry-after", "strict-transport-security"}


@dataclass(frozen=True)
class Shape:
    """What a client can see of an answer without comparing values."""

    status: int
    headers: frozenset[str]
    cookies: tuple[str, ...]
    keys: tuple[str, ...]


def shape_of(answer: httpx.Response) -> Shape:
    """The shape, without what is known to differ."""
    cookies = sorted(each.partition("=")[0] for each in answer.headers.get_list("set-cookie"))
    return Shape(
        answer.status_code,
        frozenset(answer.headers) - ONLY_HERE - ONLY_FLASK,
        tuple(cookies),
        tuple(answer.json()) if answer.content else (),
    )


@dataclass
class Browser:
    """A client with a cookie jar, which sends back what it was given and nothing else."""

    http: httpx.Client
    seen: dict[str, tuple[str, Shape]] = field(default_factory=dict)

    def cycle(self) -> None:
        """Somebody's whole life here."""
        email = new_email()
        credentials = {"email": email, "password": PASSWORD}
        made = self.ask("register", 201, "POST", f"{AUTH}/register", json=credentials)
        path = made.headers["location"]
        self.ask("login", 200, "POST", f"{AUTH}/login", json=credentials)
        self.ask("refresh", 200, "POST", f"{AUTH}/refresh", submits="csrf_refresh_token")
        me = self.ask("me", 200, "GET", f"{AUTH}/me")
        assert me.json() == made.json()
        change = {"name": "Ada Lovelace"}
        changed = self.ask("patch", 200, "PATCH", path, submits="csrf_access_token", json=change)
        assert changed.json()["name"] == "Ada Lovelace"
        self.ask("logout", 204, "POST", f"{AUTH}/logout", submits="csrf_access_token")
        assert not self.http.cookies
        self.ask("anonymous", 401, "GET", f"{AUTH}/me")

    def ask(
        self, step: str, status: int, method: str, path: str, submits: str = "", **options: object
    ) -> httpx.Response:
        """The answer, its shape noted under the id that the log of its side will have."""
        headers = {"X-Request-ID": f"canary-{uuid4().hex}"}
        if submits:
            headers["X-CSRF-TOKEN"] = self.http.cookies[submits]
        answer = self.http.request(method, path, headers=headers, **options)
        assert answer.status_code == status, f"{step}: {answer.status_code} {answer.text}"
        self.seen[headers["X-Request-ID"]] = step, shape_of(answer)
        return answer


@pytest.fixture
def pair(
    create_database: Callable[[str], str],
    migrated_template: str,
    valkey: Valkey,
    tmp_path: Path,
) -> Iterator[Pair]:
    """Both sides, which count in one store."""
    variables = VARIABLES | {"RATELIMIT_STORAGE_URI": valkey.url}
    running = start_pair(create_database(migrated_template), tmp_path / "pair", **variables)
    yield running
    running.stop()


def answered(pair: Pair, name: SideName) -> set[str]:
    """The ids of the canary's requests in the log of that side."""
    ids = {str(line["request_id"]) for line in pair.side(name).lines()}
    return {each for each in ids if each.startswith("canary-")}


def test_no_client_can_tell_which_side_answered(pair: Pair, tmp_path: Path) -> None:
    addresses = {
        "127.0.0.1:5501": pair.here.url.removeprefix("http://"),
        "127.0.0.1:5500": pair.flask.url.removeprefix("http://"),
    }

    with nginx("canary.conf", tmp_path / "nginx", addresses) as url:

        def live(cycles: int) -> Browser:
            with httpx.Client(base_url=url, timeout=10) as http:
                browser = Browser(http)
                for _ in range(cycles):
                    browser.cycle()
            return browser

        shares = [len(range(start, CYCLES, CLIENTS)) for start in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as threads:
            browsers = list(threads.map(live, shares))

    seen = {key: value for browser in browsers for key, value in browser.seen.items()}
    assert len(seen) == 7 * CYCLES
    wait_until(
        lambda: sum(len(answered(pair, name)) for name in SIDES) == len(seen), "every log line"
    )
    shapes: dict[str, dict[SideName, set[Shape]]] = defaultdict(dict)
    for name in SIDES:
        mine = answered(pair, name)
        # Half of them, give or take what chance gives: five standard deviations.
        assert abs(len(mine) - len(seen) / 2) < 5 * (len(seen) / 4) ** 0.5
        for step, shape in (seen[each] for each in mine):
            shapes[step].setdefault(name, set()).add(shape)
    for step, by_side in shapes.items():
        assert by_side["flask"] == by_side["here"], step
        assert len(by_side["here"]) == 1, step
