"""`SECRET_KEY` and `JWT_SECRET_KEY` change under load, an instance at a time: nobody is refused."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import flask
import httpx
import pytest
from quart import Quart

from service.config import load
from service.http.sessions import SessionInterface
from service.observability.metrics import fallback_key_tokens
from service.security.tokens import InvalidToken, Tokens
from tests.service.support import PASSWORD, Service, start_service
from tests.service.web import client, get, post
from tests.support import free_port, wait_until

OLD = {"SECRET_KEY": "o" * 40, "JWT_SECRET_KEY": "O" * 40}
NEW = {"SECRET_KEY": "n" * 40, "JWT_SECRET_KEY": "N" * 40}
AUTH = "/api/v1/auth"
INSTANCES = 2
CLIENTS = 4
# How many rounds every client makes with each set of keys, at least.
ROUNDS = 5


def keys(current: Mapping[str, str], other: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of one step of a rotation."""
    fallbacks = {f"{name}_FALLBACKS": value for name, value in (other or {}).items()}
    return {**current, **fallbacks}


# As docs/secrets.md says it: accepted everywhere before anybody signs with it.
BOTH = Tokens(load("testing", keys(NEW, OLD)))
STEPS = (keys(OLD), keys(OLD, NEW), keys(NEW, OLD))


class Fleet:
    """Instances at fixed ports, of which at most one is away."""

    def __init__(self, folder: Path, database: str) -> None:
        self._folder = folder
        self._variables = {"DATABASE_URL": database, "JWT_REFRESH_TOKEN_ROTATION": "1"}
        self._ports = [free_port() for _ in range(INSTANCES)]
        self._running: dict[int, Service] = {}
        self._turn = itertools.count()

    def start(self, port: int, variables: Mapping[str, str]) -> None:
        log = self._folder / f"{port}.{next(self._turn)}.jsonl"
        self._running[port] = start_service(log, PORT=str(port), **self._variables, **variables)

    def roll(self, variables: Mapping[str, str]) -> None:
        """Gives every instance these keys, one after the other, as a deployment does."""
        for port in self._ports:
            if port in self._running:
                assert self._running.pop(port).stop() == 0
            self.start(port, variables)

    def stop(self) -> None:
        for service in self._running.values():
            service.process.kill()
            service.process.wait(10)

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self._ports]


@dataclass
class Person:
    """Somebody logged in before the rotation, who never logs in again. As a balancer would, asks
    the next instance when one cannot be reached; what an instance answers, counts."""

    urls: list[str]
    http: httpx.Client = field(default_factory=client)
    rounds: int = 0
    answers: int = 0
    email: str = field(default_factory=lambda: f"{uuid4().hex}@example.org")
    tokens: dict[str, str] = field(default_factory=dict)
    _next: int = 0

    def ask(self, status: int, method: str, path: str, **options: Any) -> httpx.Response:
        for _ in range(100):
            self._next += 1
            url = self.urls[self._next % len(self.urls)]
            try:
                answer = self.http.request(method, url + path, **options)
            except httpx.TransportError:
                continue
            assert answer.status_code == status, (method, path, answer.status_code, answer.text)
            self.answers += 1
            return answer
        pytest.fail(f"no instance could be reached for {path}")

    def bearer(self, kind: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[kind]}"}

    def arrive(self) -> None:
        account = {"email": self.email, "password": PASSWORD}
        self.ask(201, "POST", f"{AUTH}/register", json=account)
        self.tokens = self.ask(200, "POST", f"{AUTH}/login", json=account).json()

    def live(self) -> None:
        """A round of what clients do; a refresh that comes twice gets one answer."""
        self.ask(200, "GET", f"{AUTH}/me", headers=self.bearer("access_token"))
        # The session's cookie, and nothing else.
        assert self.ask(200, "GET", f"{AUTH}/me").json()["email"] == self.email
        headers = self.bearer("refresh_token") | {"Idempotency-Key": uuid4().hex}
        first, again = (self.ask(200, "POST", f"{AUTH}/refresh", headers=headers) for _ in range(2))
        assert again.headers["Idempotent-Replayed"] == "true"
        assert jti(first) == jti(again)
        self.tokens = first.json()
        self.rounds += 1


def jti(answer: httpx.Response) -> str | None:
    """The id of the token in the answer, which either key may have signed."""
    return BOTH.read(answer.json()["access_token"], "access").jti


def test_rotation_under_load_refuses_nobody(
    create_database: Callable[[str], str], migrated_template: str, tmp_path: Path
) -> None:
    fleet = Fleet(tmp_path, create_database(migrated_template))
    stop = threading.Event()
    people = [Person(fleet.urls) for _ in range(CLIENTS)]

    def live(person: Person) -> None:
        with person.http:
            person.arrive()
            while not stop.is_set():
                person.live()

    try:
        fleet.roll(STEPS[0])
        with ThreadPoolExecutor(CLIENTS) as pool:
            lives = [pool.submit(live, person) for person in people]
            try:
                for step in STEPS:
                    fleet.roll(step)
                    sofar = [person.rounds + ROUNDS for person in people]
                    wait_until(
                        lambda sofar=sofar: (
                            any(each.done() for each in lives)
                            or all(each.rounds > n for each, n in zip(people, sofar, strict=True))
                        ),
                        "rounds with the keys of this step",
                        60,
                    )
            finally:
                stop.set()
            for each in lives:
                each.result()
        print(f"\nrotation: {sum(each.answers for each in people)} requests, none refused")

        # The end: whoever had stayed away for a refresh token's whole life would be refused now.
        fleet.roll(keys(NEW))
        (url, *_) = fleet.urls
        for person in people:
            assert get(f"{url}{AUTH}/me", headers=person.bearer("access_token")).status_code == 200
        forged = Tokens(load("testing", OLD))
        token = forged.sign(forged.claims("access", 1))
        refused = get(f"{url}{AUTH}/me", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 401
        assert post(f"{url}{AUTH}/refresh").status_code == 401
    finally:
        fleet.stop()


def test_tokens_of_every_accepted_key_are_read_and_only_the_current_one_signs() -> None:
    old, new = (Tokens(load("testing", each)) for each in (OLD, NEW))
    for minted_by, counted in ((old, 1), (new, 0)):
        before = fallback_key_tokens.collect()[0].samples[0].value
        assert BOTH.read(minted_by.sign(minted_by.claims("access", 7)), "access").user_id == 7
        assert fallback_key_tokens.collect()[0].samples[0].value - before == counted
    ours = BOTH.sign(BOTH.claims("access", 7))
    assert new.read(ours, "access").user_id == 7
    with pytest.raises(InvalidToken, match="not valid"):
        old.read(ours, "access")


def test_expired_token_of_an_old_key_has_expired() -> None:
    old = Tokens(load("testing", OLD))
    claims = old.claims("access", 7) | {"exp": 1}
    with pytest.raises(InvalidToken, match="expired"):
        BOTH.read(old.sign(claims), "access")


def test_key_outside_the_list_is_refused() -> None:
    other = Tokens(load("testing", {"JWT_SECRET_KEY": "x" * 40}))
    with pytest.raises(InvalidToken):
        BOTH.read(other.sign(other.claims("access", 7)), "access")


async def test_session_cookies_of_flask_are_read_with_its_own_list_of_keys() -> None:
    """Flask's `SECRET_KEY_FALLBACKS` and ours are one variable."""
    there = flask.Flask("flask side")
    there.config.from_mapping(SECRET_KEY=OLD["SECRET_KEY"])
    signer = there.session_interface.get_signing_serializer(there)  # type: ignore[attr-defined]
    cookie = signer.dumps({"user_id": 7})
    here = Quart("this side")
    here.config.from_object(load("testing", keys(NEW, OLD)))
    here.session_interface = SessionInterface()
    async with here.test_request_context("/", headers={"Cookie": f"session={cookie}"}) as context:
        opened = await here.session_interface.open_session(here, context.request)
    assert opened is not None
    assert opened["user_id"] == 7
