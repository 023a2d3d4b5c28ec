"""Flask-JWT-Extended: whose token it is, which are revoked, and what a refused one is answered."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Response, g
from sqlalchemy.exc import IntegrityError

from tests.contract.reference.errors import Problem, problem, unauthorized
from tests.contract.reference.extensions import db, jwt
from tests.contract.reference.models import RevokedToken, User

Claims = dict[str, Any]


@jwt.user_identity_loader
def identity_of(user: User) -> str:
    """`sub` is the id, as a string: PyJWT refuses anything else."""
    return str(user.id)


@jwt.user_lookup_loader
def user_of(_header: Claims, claims: Claims) -> User | None:
    """The token's user, unless gone or inactive."""
    return active_user(int(claims["sub"]))


@jwt.token_in_blocklist_loader
def is_revoked(_header: Claims, claims: Claims) -> bool:
    """Whether the token's `jti` is in the table, as Flask-JWT-Extended's documentation has it."""
    return db.session.get(RevokedToken, claims["jti"]) is not None


def active_user(user_id: int) -> User | None:
    """The user with this id who may use the service, noted for the log."""
    user = db.session.get(User, user_id)
    if user is None or not user.active:
        return None
    g.user_id = user.id
    return user


def revoke(claims: Claims, user: User) -> None:
    """Ends the token, committed. Raises `Problem` 401 if it has been ended before."""
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    db.session.add(RevokedToken(jti=claims["jti"], user_id=user.id, expires_at=expires_at))
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise Problem(HTTPStatus.UNAUTHORIZED, "The token has been revoked.") from None


@jwt.unauthorized_loader
def missing(reason: str) -> Response:
    """401."""
    return unauthorized(reason)


@jwt.expired_token_loader
def expired(_header: Claims, _claims: Claims) -> Response:
    """401."""
    return unauthorized("The token has expired.")


@jwt.revoked_token_loader
def revoked(_header: Claims, _claims: Claims) -> Response:
    """401."""
    return unauthorized("The token has been revoked.")


@jwt.user_lookup_error_loader
def nobody(_header: Claims, _claims: Claims) -> Response:
    """401."""
    return unauthorized("The user is gone.")


@jwt.invalid_token_loader
def invalid(reason: str) -> Response:
    """422, the extension's own choice."""
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, reason)
