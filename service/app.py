"""The whole service, as a table of contents."""

from collections.abc import AsyncGenerator, Callable

from service import health, metrics
from service.auth import routes as auth
from service.config import Source, load
from service.database.location import open_database
from service.docs import routes as docs
from service.http import errors, ratelimit, routing
from service.http.application import Application
from service.http.cors import Cors
from service.http.middleware import RequestMiddleware, constant_headers
from service.http.proxies import TrustedProxies
from service.http.tracing import telling
from service.observability import logging
from service.security.passwords import Passwords
from service.security.tokens import Tokens
from service.users import routes as users

# In the order of /docs.
RESOURCES = (
    auth.blueprint,
    users.blueprint,
    health.blueprint,
    metrics.blueprint,
    docs.blueprint,
)


def create_app(config: Source = None) -> Application:
    """The application. `config`: the name or class of an environment, or values that override it.

    Raises `ConfigurationError`. The database is opened at start-up, not here.
    """
    settings = load(config)
    logging.configure(level=settings.LOG_LEVEL, fmt=settings.LOG_FORMAT, file=settings.LOG_FILE)
    app = Application("service", static_folder=None, template_folder=None)
    app.config.from_object(settings)
    # The one key of Flask's that has another name in Quart.
    app.config["PREFER_SECURE_URLS"] = settings.PREFERRED_URL_SCHEME == "https"
    # A connection's own counts only while a client does not read.
    app.config["RESPONSE_TIMEOUT"] = None
    app.settings = settings
    app.tokens = Tokens(settings)
    app.passwords = Passwords(settings.PASSWORD_SCHEME)
    app.authenticate = auth.authenticate
    routing.prepare(app)
    errors.register(app)
    app.before_request(ratelimit.enforce)
    for blueprint in RESOURCES:
        app.register_blueprint(blueprint)
    app.while_serving(_resources_of(app))
    app.headers = constant_headers(strict_transport=settings.ENVIRONMENT == "production")
    app.asgi_app = RequestMiddleware(  # type: ignore[method-assign]
        app.asgi_app,
        app.headers,
        Cors(settings),
        TrustedProxies(settings.FORWARDED_ALLOW_IPS),
        most=settings.MAX_REQUESTS_IN_FLIGHT,
        largest=settings.MAX_CONTENT_LENGTH,
    )
    return app


def _resources_of(app: Application) -> Callable[[], AsyncGenerator[None, None]]:
    """What is opened before the first request and closed after the last."""

    async def resources() -> AsyncGenerator[None, None]:
        app.limiter = ratelimit.RateLimiter(app.settings)
        async with open_database(app.settings) as app.database, metrics.watching(app), telling(app):
            yield
        await app.limiter.close()
        app.passwords.close()

    return resources
