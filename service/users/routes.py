"""`/api/v1/users`: an administrator sees and changes everybody, a user only themself."""

import msgspec
from quart import Blueprint, Response, request

from service.http.application import application
from service.http.body import json_response, read_json
from service.http.caller import current_caller
from service.http.pagination import page_response, requested_page
from service.http.problem import Problem
from service.users import queries
from service.users.schemas import Email, NewUser, UserChanges

blueprint = Blueprint("users", __name__, url_prefix="/api/v1/users")


@blueprint.get("")
async def list_users() -> Response:
    """One page of the users the caller may see."""
    caller = await current_caller()
    page = requested_page()
    email = _email_filter()
    only = None if caller.is_admin else caller.id
    async with application().database.reading() as reader:
        users = await queries.list_users(reader, page, email=email, only=only)
    return page_response(users, page, key=lambda user: user.id)


def _email_filter() -> str | None:
    email = request.args.get("email")
    if email is None:
        return None
    try:
        return msgspec.convert(email, Email)
    except msgspec.ValidationError:
        errors = [{"field": "email", "message": "must be an e-mail address"}]
        raise Problem(422, "Some parameters are not valid.", errors=errors) from None


@blueprint.post("")
async def create_user() -> Response:
    """A new user, made by an administrator."""
    caller = await current_caller()
    caller.require_admin()
    new = await read_json(NewUser)
    app = application()
    password_hash = await app.passwords.hash(new.password)
    try:
        async with app.database.writing() as writer:
            user = await queries.add_user(
                writer, email=new.email, password_hash=password_hash, name=new.name, role=new.role
            )
    except queries.EmailTaken:
        raise email_taken() from None
    return json_response(user, 201, {"Location": f"/api/v1/users/{user.id}"})


@blueprint.get("/<id:user_id>")
async def read_user(user_id: int) -> Response:
    """One user."""
    caller = await current_caller()
    caller.require_self_or_admin(user_id)
    async with application().database.reading() as reader:
        user = await queries.get_user(reader, user_id)
    if user is None:
        raise no_such_user()
    return json_response(user)


@blueprint.patch("/<id:user_id>")
async def change_user(user_id: int) -> Response:
    """Changes what the body names of one user."""
    caller = await current_caller()
    caller.require_self_or_admin(user_id)
    sent = await read_json(UserChanges)
    changes = {
        name: value
        for name, value in msgspec.structs.asdict(sent).items()
        if value is not msgspec.UNSET
    }
    if not changes:
        raise Problem(422, "Name at least one field to change: email, name, role or active.")
    if changes.keys() & {"role", "active"}:
        caller.require_admin()
    try:
        async with application().database.writing() as writer:
            user = await queries.change_user(writer, user_id, changes)
    except queries.EmailTaken:
        raise email_taken() from None
    if user is None:
        raise no_such_user()
    return json_response(user)


@blueprint.delete("/<id:user_id>")
async def delete_user(user_id: int) -> Response:
    """Deletes one user, for good."""
    caller = await current_caller()
    caller.require_self_or_admin(user_id)
    async with application().database.writing() as writer:
        existed = await queries.delete_user(writer, user_id)
    if not existed:
        raise no_such_user()
    return Response(status=204)


def no_such_user() -> Problem:
    """404."""
    return Problem(404, "There is no such user.")


def email_taken() -> Problem:
    """409, in the same words wherever an address is claimed."""
    errors = [{"field": "email", "message": "is already in use"}]
    return Problem(409, "Another user has this e-mail address.", errors=errors)
