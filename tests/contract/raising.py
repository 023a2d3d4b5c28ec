"""The service, with a route that raises: the 500 of an error nobody foresaw."""

from service.app import create_app as create_service
from service.http.application import Application


def create_app() -> Application:
    """What `service.server` serves in the place of the service alone."""
    app = create_service()
    app.add_url_rule("/raise", "raise", fail)
    return app


async def fail() -> str:
    """Raises."""
    raise RuntimeError("nobody foresaw this")
