"""`/api/v1/users`: an administrator sees and changes everybody, a user only themself."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, jsonify
from flask_jwt_extended import current_user, jwt_required
from sqlalchemy.exc import IntegrityError
from werkzeug.security import generate_password_hash

from tests.contract.reference.errors import Problem
from tests.contract.reference.extensions import db
from tests.contract.reference.models import User
from tests.contract.reference.pagination import email_filter, page_of
from tests.contract.reference.validation import (
    is_boolean,
    is_email,
    is_name,
    is_password,
    is_role,
    read_json,
)

blueprint = Blueprint("users", __name__, url_prefix="/api/v1/users")

LARGEST_ID = 2**63 - 1
USER_ID = f"/<int(min=1, max={LARGEST_ID}):user_id>"


@blueprint.get("")
@jwt_required()
def list_users() -> Response:
    """One page of the users the caller may see."""
    query = db.select(User)
    if not current_user.is_admin:
        query = query.filter_by(id=current_user.id)
    if email := email_filter():
        query = query.filter_by(email=email.lower())
    return page_of(query)


@blueprint.post("")
@jwt_required()
def create_user() -> Response:
    """A new user, made by an administrator."""
    require(current_user.is_admin)
    fields = {"email": is_email, "password": is_password, "name": is_name, "role": is_role}
    return created(add_user(read_json(fields, required=("email", "password"))))


@blueprint.get(USER_ID)
@jwt_required()
def read_user(user_id: int) -> Response:
    """One user."""
    return jsonify(visible_user(user_id).to_dict())


@blueprint.patch(USER_ID)
@jwt_required()
def change_user(user_id: int) -> Response:
    """Changes what the body names of one user."""
    require(current_user.is_admin or current_user.id == user_id)
    fields = {"email": is_email, "name": is_name, "role": is_role, "active": is_boolean}
    changes = read_json(fields)
    if not changes:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Name at least one field to change.")
    require(current_user.is_admin or not changes.keys() & {"role", "active"})
    user = visible_user(user_id)
    for name, value in changes.items():
        setattr(user, name, value.lower() if name == "email" else value)
    commit_email()
    return jsonify(user.to_dict())


@blueprint.delete(USER_ID)
@jwt_required()
def delete_user(user_id: int) -> tuple[str, int]:
    """Deletes one user, for good."""
    db.session.delete(visible_user(user_id))
    db.session.commit()
    return "", HTTPStatus.NO_CONTENT


def add_user(sent: dict[str, Any]) -> User:
    """The new user, committed. Raises `Problem` 409."""
    scheme = current_app.config["PASSWORD_SCHEME"]
    user = User(
        email=sent["email"].lower(),
        name=sent.get("name", ""),
        role=sent.get("role", "user"),
        password_hash=generate_password_hash(sent["password"], scheme),
    )
    db.session.add(user)
    commit_email()
    return user


def commit_email() -> None:
    """Commits. Raises `Problem` 409 if somebody else has the address."""
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        errors = [{"field": "email", "message": "is already in use"}]
        detail = "Another user has this e-mail address."
        raise Problem(HTTPStatus.CONFLICT, detail, errors) from None


def created(user: User) -> Response:
    """201, and where the user is."""
    answer = jsonify(user.to_dict())
    answer.status_code = HTTPStatus.CREATED
    answer.headers["Location"] = f"/api/v1/users/{user.id}"
    return answer


def visible_user(user_id: int) -> User:
    """The user, if the caller may see them. Raises `Problem` 403 or 404."""
    require(current_user.is_admin or current_user.id == user_id)
    user = db.session.get(User, user_id)
    if user is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such user.")
    return user


def require(allowed: bool) -> None:
    """Raises `Problem` 403 unless allowed."""
    if not allowed:
        raise Problem(HTTPStatus.FORBIDDEN, "Only the user concerned or an administrator may.")
