"""A Flask-JWT-Extended application with routes and a user loader of its own, which knows one user.

It has nothing of the reference's: what it accepts is what Flask-JWT-Extended accepts.
"""

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response
from flask_jwt_extended import JWTManager, get_current_user, get_jwt, jwt_required


def create_app(known_user: int, config: Mapping[str, Any]) -> Flask:
    """The application, with these `JWT_*` keys."""
    app = Flask(__name__)
    app.config.from_mapping(config)
    # What its loader makes of strange subjects is a test's business, and nobody's log.
    app.logger.disabled = True
    jwt = JWTManager(app)

    @jwt.user_lookup_loader
    def user_of(_header: Mapping[str, Any], claims: Mapping[str, Any]) -> int | None:
        user = int(claims[app.config["JWT_IDENTITY_CLAIM"]])
        return user if user == known_user else None

    used_up: set[str] = set()

    @jwt.token_in_blocklist_loader
    def is_used_up(_header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
        return claims["jti"] in used_up

    @app.get("/basket")
    @jwt_required()
    def basket() -> dict[str, int]:
        return {"owner": get_current_user()}

    @app.post("/renew")
    @jwt_required(refresh=True)
    def renew() -> Response:
        jti = get_jwt()["jti"]
        if jti is not None:
            used_up.add(jti)
        return Response(status=204)

    return app
