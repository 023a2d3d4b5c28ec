"""The whole service, as its factory puts it together."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.contract.reference import auth, config, errors, health, lifecycle, users
from tests.contract.reference.extensions import cors, db, jwt, limiter, migrate


def create_app() -> Flask:
    """The application, configured by the environment."""
    app = Flask(__name__, static_folder=None)
    app.config.from_object(config.current())
    app.config.from_prefixed_env()
    # As the guide prints its bodies: "status" comes before "database".
    app.json.sort_keys = False  # type: ignore[attr-defined]
    # Behind one nginx, as Flask's documentation has it.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    lifecycle.init_app(app)
    errors.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db, directory="tests/contract/reference/migrations")
    jwt.init_app(app)
    limiter.init_app(app)
    cors.init_app(app)
    for module in (health, auth, users):
        app.register_blueprint(module.blueprint)
    return app
