"""The line about rate limits."""

import asyncio

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.checks.line import Outcome, failed, passed
from service.checks.proxy import login_attempt
from service.checks.scene import Scene

STORE_LIMIT = 3.0


async def rate_limiting(scene: Scene) -> Outcome:
    """Limits are on, login and registration have theirs, all processes count together in a store
    that answers, and the running service tells of the limit on a login.

    `RATELIMIT_ENABLED=1`, `RATELIMIT_LOGIN` and `RATELIMIT_REGISTER` as `10 per minute`,
    `RATELIMIT_STORAGE_URI=redis://…` or `valkey://…`.
    """
    settings = scene.settings
    several = settings.WEB_CONCURRENCY * scene.instances > 1
    if not settings.RATELIMIT_ENABLED:
        return failed("RATELIMIT_ENABLED is off", "set RATELIMIT_ENABLED=1")
    if several and _is_memory(settings.RATELIMIT_STORAGE_URI):
        return failed(
            "each process counts by itself: no limit holds",
            "set RATELIMIT_STORAGE_URI=redis://… or valkey://…",
        )
    return (scene.deployed and await _flaw_of_what_runs(scene)) or passed(
        f"login {settings.RATELIMIT_LOGIN}, register {settings.RATELIMIT_REGISTER}, counted "
        + ("together" if several else "in the one process")
    )


async def _flaw_of_what_runs(scene: Scene) -> Outcome | None:
    settings = scene.settings
    if problem := await _ping(settings.RATELIMIT_STORAGE_URI):
        return failed(
            f"the store does not answer: {problem}",
            "start the store, or put RATELIMIT_STORAGE_URI right",
        )
    answer = await login_attempt(scene.straight)
    if answer.status == 503:
        return failed(
            "the running service cannot count logins, and refuses them",
            "let its machine reach the store; its log says what is wrong",
        )
    if settings.RATELIMIT_HEADERS_ENABLED and answer.value("x-ratelimit-limit") is None:
        return failed(
            "the running service does not limit logins", "restart it with this configuration"
        )
    return None


def _is_memory(uri: str) -> bool:
    return uri.startswith("memory")


async def _ping(uri: str) -> str | None:
    """Why the store does not answer; None when it does."""
    if _is_memory(uri):
        return None
    # Valkey speaks Redis's protocol, and redis-py has another name for its Unix sockets.
    address = uri.replace("valkey", "redis", 1).replace("redis+unix", "unix", 1)
    try:
        async with asyncio.timeout(STORE_LIMIT), Redis.from_url(address) as store:
            await store.ping()
    except TimeoutError:
        return "no answer in time"
    except (RedisError, OSError, ValueError) as error:
        return type(error).__name__
    return None
