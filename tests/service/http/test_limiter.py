"""The limiter itself: every strategy, and every way to say where the store is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

import pytest
from limits import parse_many

from service.config import load
from service.http.ratelimit import STRATEGIES, RateLimiter, StoreUnavailable
from tests.valkey import Valkey

FIVE = parse_many("5 per minute")

Limiter = Callable[..., AbstractAsyncContextManager[RateLimiter]]


@asynccontextmanager
async def limiter(**settings: str) -> AsyncIterator[RateLimiter]:
    """A limiter with these settings."""
    made = RateLimiter(load({"ENVIRONMENT": "testing", **settings}))
    yield made
    await made.close()


@pytest.fixture(params=["valkey", "memory"])
def address(request: pytest.FixtureRequest, valkey: Valkey) -> str:
    """Where requests are counted."""
    return valkey.url if request.param == "valkey" else "memory://"


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_of_many_at_once_as_many_pass_as_may(address: str, strategy: str) -> None:
    somebody = uuid4().hex
    async with limiter(RATELIMIT_STORAGE_URI=address, RATELIMIT_STRATEGY=strategy) as counter:
        counts = await asyncio.gather(*(counter.count(FIVE, somebody, "login") for _ in range(40)))
        assert sum(count.allowed for count in counts) == 5
        count = await counter.count(FIVE, somebody, "login")
        assert (count.allowed, count.limit, count.remaining) == (False, 5, 0)
        assert (await counter.count(FIVE, somebody, "register")).remaining == 4
        assert (await counter.count(FIVE, uuid4().hex, "login")).remaining == 4


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_every_strategy_notices_that_the_store_has_gone(
    own_valkey: Valkey, strategy: str
) -> None:
    async with limiter(
        RATELIMIT_STORAGE_URI=own_valkey.url, RATELIMIT_STRATEGY=strategy
    ) as counter:
        assert (await counter.count(FIVE, "somebody")).remaining == 4
        own_valkey.kill()
        with pytest.raises(StoreUnavailable):
            await counter.count(FIVE, "somebody")


async def test_prefix_keeps_services_apart(valkey: Valkey) -> None:
    somebody = uuid4().hex
    for prefix in ("one", "two"):
        async with limiter(
            RATELIMIT_STORAGE_URI=valkey.url, RATELIMIT_KEY_PREFIX=prefix
        ) as counter:
            assert (await counter.count(FIVE, somebody)).remaining == 4
        assert valkey.get(f"LIMITS:LIMITER/{prefix}/{somebody}/5/1/minute") == "1"


@pytest.mark.parametrize("scheme", ["redis+unix", "valkey+unix"])
async def test_store_by_unix_socket(scheme: str, unix_valkey: Valkey) -> None:
    # The path stays what it is, whatever words are in it.
    async with limiter(RATELIMIT_STORAGE_URI=f"{scheme}://{unix_valkey.path}") as counter:
        assert (await counter.count(FIVE, scheme)).remaining == 4


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
@pytest.mark.parametrize("name", ["redis", "valkey"])
async def test_user_and_password_stay_what_they_are(
    scheme: str, name: str, guarded_valkey: Callable[[str, str], Valkey]
) -> None:
    server = guarded_valkey(name, f"{name}-secret")
    place = server.url.partition("://")[2]
    address = f"{scheme}://{name}:{name}-secret@{place}"
    async with limiter(RATELIMIT_STORAGE_URI=address) as counter:
        assert (await counter.count(FIVE, scheme)).remaining == 4


@pytest.fixture
def guarded_valkey(own_valkey: Valkey) -> Callable[[str, str], Valkey]:
    """Lets in that user only."""

    def guard(user: str, password: str) -> Valkey:
        own_valkey.execute("ACL", "SETUSER", user, "on", f">{password}", "~*", "&*", "+@all")
        own_valkey.execute("ACL", "SETUSER", "default", "off")
        return own_valkey

    return guard


@pytest.fixture(scope="module")
def unix_valkey(tmp_path_factory: pytest.TempPathFactory) -> Valkey:
    """One without a port."""
    server = Valkey(unix_socket=tmp_path_factory.mktemp("valkey") / "valkey.sock")
    yield server
    server.kill()
