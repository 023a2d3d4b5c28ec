"""`/api/v1/auth`: register, login, refresh, logout, me, password."""

from http import HTTPStatus

from flask import Blueprint, Response, current_app, jsonify, request, session
from flask_jwt_extended import (
    create_access_token,
    create_refresh_token,
    current_user,
    get_jwt,
    get_jwt_request_location,
    jwt_required,
    set_access_cookies,
    set_refresh_cookies,
    unset_jwt_cookies,
)
from flask_jwt_extended.config import config as jwt_config
from werkzeug.security import check_password_hash, generate_password_hash

from tests.contract.reference.errors import Problem, unauthorized
from tests.contract.reference.extensions import db, limiter
from tests.contract.reference.models import User
from tests.contract.reference.tokens import active_user, revoke
from tests.contract.reference.users import add_user, created
from tests.contract.reference.validation import is_email, is_name, is_password, is_text, read_json

blueprint = Blueprint("auth", __name__, url_prefix="/api/v1/auth")


@blueprint.post("/register")
@limiter.limit(lambda: current_app.config["RATELIMIT_REGISTER"])
def register() -> Response:
    """A new user, made by themself."""
    fields = {"email": is_email, "password": is_password, "name": is_name}
    return created(add_user(read_json(fields, required=("email", "password"))))


@blueprint.post("/login")
@limiter.limit(lambda: current_app.config["RATELIMIT_LOGIN"])
def login() -> Response:
    """Tokens for an address and its password."""
    fields = {"email": is_text(254), "password": is_text(256)}
    sent = read_json(fields, required=("email", "password"))
    query = db.select(User).filter_by(email=sent["email"].lower(), active=True)
    user = db.session.scalar(query)
    if user is None or not check_password_hash(user.password_hash, sent["password"]):
        return unauthorized("The e-mail address or the password is wrong.")
    session["user_id"] = user.id
    return token_pair(user, fresh=True)


@blueprint.post("/refresh")
@jwt_required(refresh=True)
def refresh() -> Response:
    """New tokens for a refresh token, which is used up by this unless it is not to rotate."""
    if not current_app.config["JWT_REFRESH_TOKEN_ROTATION"]:
        return token_pair(current_user, fresh=False, refresh=presented_token())
    revoke(get_jwt(), current_user)
    return token_pair(current_user, fresh=False)


@blueprint.post("/logout")
@jwt_required(verify_type=False)
def logout() -> tuple[Response, int]:
    """Ends the token it is called with, and this browser's session."""
    revoke(get_jwt(), current_user)
    session.clear()
    answer = Response()
    unset_jwt_cookies(answer)
    return answer, HTTPStatus.NO_CONTENT


@blueprint.get("/me")
@jwt_required(optional=True)
def me() -> Response:
    """The user of the token, or of the session where there is no token."""
    user = current_user or active_user(session.get("user_id", 0))
    return jsonify(user.to_dict()) if user else unauthorized("Send a token.")


@blueprint.post("/password")
@jwt_required()
def password() -> Response:
    """A new password, and tokens for it."""
    fields = {"current_password": is_text(256), "new_password": is_password}
    sent = read_json(fields, required=tuple(fields))
    if not check_password_hash(current_user.password_hash, sent["current_password"]):
        raise Problem(HTTPStatus.FORBIDDEN, "The current password is wrong.")
    scheme = current_app.config["PASSWORD_SCHEME"]
    current_user.password_hash = generate_password_hash(sent["new_password"], scheme)
    db.session.commit()
    return token_pair(current_user, fresh=True)


def presented_token() -> str:
    """The refresh token this request came with."""
    if get_jwt_request_location() == "cookies":
        return request.cookies[jwt_config.refresh_cookie_name]
    return request.headers["Authorization"].split()[-1]


def token_pair(user: User, *, fresh: bool, refresh: str | None = None) -> Response:
    """Tokens in the body, and in cookies where the configuration wants them."""
    access = create_access_token(user, fresh=fresh)
    refresh = refresh or create_refresh_token(user)
    answer = jsonify(
        access_token=access,
        refresh_token=refresh,
        expires_in=current_app.config["JWT_ACCESS_TOKEN_EXPIRES"],
        token_type="Bearer",
    )
    # RFC 6749, 5.1: no cache keeps an answer that holds tokens.
    answer.headers["Cache-Control"] = "no-store"
    if jwt_config.jwt_in_cookies:
        set_access_cookies(answer, access)
        set_refresh_cookies(answer, refresh)
    return answer
