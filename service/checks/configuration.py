"""Lines that the configuration alone decides. What it refuses at a start, the runner has said."""

from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from service.checks.line import Outcome, failed, passed
from service.checks.scene import Scene
from service.config import Config
from service.database.budget import connections_per_process, pool_size
from service.database.engine import POOL_DEFAULTS, create_engine
from service.database.url import DatabaseURL

LEVELS = ("info", "warning")


async def debug(scene: Scene) -> Outcome:
    """`FLASK_ENV` (or `APP_ENV`) is `production`; `FLASK_DEBUG` and `FLASK_TESTING` are off.

    Set `FLASK_ENV=production`, and `FLASK_DEBUG=0` or nothing.
    """
    if scene.actual.ENVIRONMENT != "production":
        return failed(f"FLASK_ENV is {scene.actual.ENVIRONMENT}", "set FLASK_ENV=production")
    if scene.settings.TESTING:
        return failed("FLASK_TESTING is on", "unset FLASK_TESTING")
    return passed("FLASK_ENV is production, debug is off")


async def secret_key(scene: Scene) -> Outcome:
    """`SECRET_KEY` is set, has 32 characters or more, looks random, is no default, and is not
    `JWT_SECRET_KEY`; so does each of `SECRET_KEY_FALLBACKS`.

    Set it to the output of `python -c "import secrets; print(secrets.token_hex(32))"`.
    """
    return _key(scene.settings.SECRET_KEY, scene.settings.SECRET_KEY_FALLBACKS)


async def jwt_secret_key(scene: Scene) -> Outcome:
    """`JWT_SECRET_KEY`, held to the same as `SECRET_KEY`.

    Set it to the output of `python -c "import secrets; print(secrets.token_hex(32))"`.
    """
    return _key(scene.settings.JWT_SECRET_KEY, scene.settings.JWT_SECRET_KEY_FALLBACKS)


def _key(key: str, fallbacks: tuple[str, ...]) -> Outcome:
    others = f", {len(fallbacks)} more accepted" if fallbacks else ""
    return passed(f"{len(key)} characters, not from the code{others}")


async def logs(scene: Scene) -> Outcome:
    """`LOG_FORMAT` is `json`, or there is a `LOG_FILE`, which is JSON always; `LOG_LEVEL` is `info`
    or `warning`: `debug` tells too much, and more than `warning` hides what goes wrong.

    Set `LOG_FORMAT=json` and `LOG_LEVEL=info`.
    """
    settings = scene.settings
    if settings.LOG_LEVEL.lower() not in LEVELS:
        return failed(f"LOG_LEVEL is {settings.LOG_LEVEL}", "set LOG_LEVEL=info")
    if settings.LOG_FORMAT != "json" and not settings.LOG_FILE:
        return failed("standard output is not JSON, and there is no file", "set LOG_FORMAT=json")
    places = [
        *(["standard output"] if settings.LOG_FORMAT == "json" else []),
        *([settings.LOG_FILE] if settings.LOG_FILE else []),
    ]
    return passed(f"JSON on {' and '.join(places)}, level {settings.LOG_LEVEL}")


async def session_cookies(scene: Scene) -> Outcome:
    """Browsers send the session's and the tokens' cookies over HTTPS only (`SESSION_COOKIE_SECURE`,
    `REMEMBER_COOKIE_SECURE`, `JWT_COOKIE_SECURE`) and keep the session's from scripts
    (`SESSION_COOKIE_HTTPONLY`, `REMEMBER_COOKIE_HTTPONLY`).

    Unset the key that is named: production's default is the safe one.
    """
    names = [
        "SESSION_COOKIE_SECURE",
        "SESSION_COOKIE_HTTPONLY",
        "REMEMBER_COOKIE_SECURE",
        "REMEMBER_COOKIE_HTTPONLY",
        *(["JWT_COOKIE_SECURE"] if uses_token_cookies(scene.settings) else []),
    ]
    off = [name for name in names if not getattr(scene.settings, name)]
    if off:
        return failed(f"{' and '.join(off)} off", f"unset {' and '.join(off)}")
    return passed("cookies over HTTPS only, and out of scripts' reach")


async def connection_pool(scene: Scene) -> Outcome:
    """`SQLALCHEMY_ENGINE_OPTIONS` makes a pool with a bound, which checks a connection that lay
    idle (`pool_pre_ping`), renews old ones (`pool_recycle`) and does not wait for ever
    (`pool_timeout`).

    Leave these options out: the defaults are sound.
    """
    options = {**POOL_DEFAULTS, **scene.settings.SQLALCHEMY_ENGINE_OPTIONS}
    remedy = "leave it out of SQLALCHEMY_ENGINE_OPTIONS: the default is sound"
    if error := _refusal(scene.settings):
        return failed(f"SQLALCHEMY_ENGINE_OPTIONS cannot be used: {error}", remedy)
    if pool_size(options) < 1:
        return failed("pool_size and max_overflow set no bound", remedy)
    if not options["pool_pre_ping"]:
        return failed("pool_pre_ping is off: a connection the database closed is a 500", remedy)
    for name in ("pool_recycle", "pool_timeout"):
        if not options[name] or options[name] < 0:
            return failed(f"{name} is {options[name]}: no limit", remedy)
    return passed(
        f"{connections_per_process(options)} connections a process at most, recycled after "
        f"{options['pool_recycle']} s, pinged before use"
    )


def _refusal(settings: Config) -> str | None:
    """What SQLAlchemy has against the pool's options."""
    options = {
        name: value
        for name, value in settings.SQLALCHEMY_ENGINE_OPTIONS.items()
        if name != "connect_args"
    }
    try:
        create_engine(DatabaseURL("postgresql://", None), options, statement_timeout=1.0)
    except (TypeError, ValueError, AttributeError, SQLAlchemyError) as error:
        return " ".join(str(error).split())
    return None if _are_numbers(options) else "sizes and times must be numbers"


def _are_numbers(options: Mapping[str, object]) -> bool:
    names = ("pool_size", "max_overflow", "pool_recycle", "pool_timeout")
    return all(isinstance(options.get(name, 0), (int, float)) for name in names)


async def configuration(scene: Scene) -> Outcome:
    """Every other key has a value that can be used: else the service does not start.

    Put the key right that is named; [configuration.md](configuration.md) says what it takes.
    """
    return passed(f"every value can be used, PORT {scene.settings.PORT}")


def uses_token_cookies(settings: Config) -> bool:
    """Whether tokens travel in cookies at all."""
    return "cookies" in settings.JWT_TOKEN_LOCATION
