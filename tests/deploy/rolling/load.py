"""Clients that keep their connections, and note every answer: reads, creates with an
Idempotency-Key, and creates without."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import uuid4

import httpx

from tests.deploy.nginx.site import NAME
from tests.deploy.rolling.cluster import Cluster
from tests.service.support import PASSWORD

CLIENTS = 16
PAUSE = 0.1
# How often a keyed create is repeated that is told to come back.
REPEATS = 3
REGISTER = "/api/v1/auth/register"
KINDS = ("read", "keyed", "plain")
SUCCESS = {"read": 200, "keyed": 201, "plain": 201}


@dataclass(frozen=True)
class Outcome:
    """What became of a request. `answer`: its status, or what was raised. `repeats`: how
    often it was told that the one before is being worked on, and to come back."""

    kind: str
    email: str
    request_id: str
    answer: int | str
    ended: float
    repeats: int = 0

    @property
    def good(self) -> bool:
        """Whether it was answered as it should be."""
        return self.answer == SUCCESS[self.kind]


@dataclass
class Load:
    """What was asked, and what came of it."""

    outcomes: list[Outcome] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def failed(self, *kinds: str) -> Counter[tuple[str, int | str]]:
        """The requests of these kinds that failed, by how."""
        return Counter(
            (each.kind, each.answer)
            for each in self.outcomes
            if not each.good and (each.kind in kinds or not kinds)
        )

    def acknowledged(self) -> set[str]:
        """Who was told that they are registered."""
        return {each.email for each in self.outcomes if each.good and each.kind != "read"}

    def longest_gap(self) -> float:
        """The longest time without a success, in seconds."""
        times = sorted(each.ended for each in self.outcomes if each.good)
        return max(after - before for before, after in pairwise(times))

    def doubled(self, cluster: Cluster) -> list[str]:
        """Creates that were done twice: the second was told of a conflict with the first, or two
        processes logged one request without a key."""
        conflicts = [each.email for each in self.outcomes if each.answer == 409]
        # A create with a key is logged twice when it was sent twice, and done once.
        plain = {each.request_id for each in self.outcomes if each.kind == "plain"}
        logged = Counter(
            line["request_id"]
            for log in cluster.logs
            for line in map(json.loads, log.read_text().splitlines())
            if line["event"] == "request" and line["request_id"] in plain
        )
        return conflicts + [each for each, count in logged.items() if count > 1]


@contextmanager
def load(cluster: Cluster) -> Iterator[Load]:
    """Runs during the block."""
    found = Load()
    over = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_all(cluster, found, over)))
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join(60)
        assert not thread.is_alive()


async def _all(cluster: Cluster, found: Load, over: threading.Event) -> None:
    await asyncio.gather(*(_one(cluster, found, over, at) for at in range(CLIENTS)))


async def _one(cluster: Cluster, found: Load, over: threading.Event, at: int) -> None:
    site = cluster.site
    async with httpx.AsyncClient(
        verify=site.trust,
        base_url=f"https://127.0.0.1:{site.https}",
        headers={"Host": f"{NAME}:{site.https}"},
        limits=httpx.Limits(max_connections=1),
        timeout=20,
    ) as http:
        for number in range(at, 10**9):
            if over.is_set():
                return
            found.outcomes.append(await _ask(http, KINDS[number % len(KINDS)]))
            await asyncio.sleep(PAUSE)


async def _ask(http: httpx.AsyncClient, kind: str) -> Outcome:
    email = f"{uuid4().hex}@example.com"
    request_id = uuid4().hex
    headers = {"X-Request-ID": request_id}
    options: dict[str, object] = {}
    if kind == "keyed":
        headers["Idempotency-Key"] = uuid4().hex
    if kind != "read":
        options["json"] = {"email": email, "password": PASSWORD}
    method, path = ("GET", "/health") if kind == "read" else ("POST", REGISTER)
    answer: int | str
    repeats = 0
    try:
        while True:
            found = await http.request(
                method, path, headers=headers, extensions={"sni_hostname": NAME}, **options
            )
            answer = found.status_code
            later = found.headers.get("retry-after")
            if kind != "keyed" or answer != 409 or not later or repeats == REPEATS:
                break
            repeats += 1
            await asyncio.sleep(float(later))
    except httpx.HTTPError as error:
        answer = f"{type(error).__name__}: {error}"
    return Outcome(kind, email, request_id, answer, time.monotonic(), repeats)
