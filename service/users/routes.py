"""`/api/v1/users`: an administrator sees and changes everybody, a user only themself."""

import msgspec
from quart import Blueprint, Response, request

from service.database.engine import Writer
from service.http.application import application
from service.http.body import read_json
from service.http.caller import current_caller
from service.http.conditional import expects_a_version, require_version, tagged_response
from service.http.idempotency import Answer, idempotency_key
from service.http.operation import Parameter, operation
from service.http.pagination import PAGE_PARAMETERS, page_response, requested_page
from service.http.problem import Problem
from service.users import queries
from service.users.schemas import Email, NewUser, UserChanges, UserOut, UserPage

blueprint = Blueprint("users", __name__, url_prefix="/api/v1/users")


BY_EMAIL = Parameter("email", Email, "Only the user with this address.")


@blueprint.get("")
@operation(returns={200: UserPage}, query=(*PAGE_PARAMETERS, BY_EMAIL))
async def list_users() -> Response:
    """List users.

    One page, in a stable order; an administrator sees everybody, a user only themself.
    """
    caller = await current_caller()
    page = requested_page()
    email = _email_filter()
    only = None if caller.is_admin else caller.id
    users = await queries.list_users(application().database, page, email=email, only=only)
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
@operation(returns={201: UserOut}, accepts=NewUser, problems=(403, 409), idempotent=True)
async def create_user() -> Response:
    """Create a user.

    By an administrator, who chooses the role.
    """
    caller = await current_caller()
    caller.require_admin()
    new = await read_json(NewUser)
    return await add_once(f"user {caller.id}", new)


async def add_once(scope: str, new: NewUser) -> Response:
    """Creates a user, once for an idempotency key of that scope. Raises `Problem` 409."""
    key = await idempotency_key(scope)
    if earlier := await key.answered():
        return earlier.response()
    app = application()
    password_hash = await app.passwords.hash(new.password)
    try:
        async with app.database.writing() as writer:
            answer = await key.take(writer)
            if answer is None:
                answer = await _add(writer, new, password_hash)
                await key.store(writer, answer)
    except queries.EmailTaken:
        raise email_taken() from None
    return answer.response()


async def _add(writer: Writer, new: NewUser, password_hash: str) -> Answer:
    user = await queries.add_user(
        writer, email=new.email, password_hash=password_hash, name=new.name, role=new.role
    )
    return Answer(201, msgspec.json.encode(user), {"Location": f"/api/v1/users/{user.id}"})


@blueprint.get("/<id:user_id>")
@operation(returns={200: UserOut}, problems=(403,), conditional=True)
async def read_user(user_id: int) -> Response:
    """Read a user."""
    caller = await current_caller()
    caller.require_self_or_admin(user_id)
    user = await queries.get_user(application().database, user_id)
    if user is None:
        raise no_such_user()
    return tagged_response(user)


@blueprint.patch("/<id:user_id>")
@operation(returns={200: UserOut}, accepts=UserChanges, problems=(403, 409), conditional=True)
async def change_user(user_id: int) -> Response:
    """Change a user.

    What the body names is changed, the rest stays; `role` and `active` by an administrator only.
    """
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
            await _require_expected_version(writer, user_id)
            user = await queries.change_user(writer, user_id, changes)
    except queries.EmailTaken:
        raise email_taken() from None
    if user is None:
        raise no_such_user()
    return tagged_response(user)


@blueprint.delete("/<id:user_id>")
@operation(returns={204: None}, problems=(403,), conditional=True)
async def delete_user(user_id: int) -> Response:
    """Delete a user, for good."""
    caller = await current_caller()
    caller.require_self_or_admin(user_id)
    async with application().database.writing() as writer:
        await _require_expected_version(writer, user_id)
        existed = await queries.delete_user(writer, user_id)
    if not existed:
        raise no_such_user()
    return Response(status=204)


async def _require_expected_version(writer: Writer, user_id: int) -> None:
    if not expects_a_version():
        return
    user = await queries.hold_user(writer, user_id)
    if user is None:
        raise no_such_user()
    require_version(user)


def no_such_user() -> Problem:
    """404."""
    return Problem(404, "There is no such user.")


def email_taken() -> Problem:
    """409, in the same words wherever an address is claimed."""
    errors = [{"field": "email", "message": "is already in use"}]
    return Problem(409, "Another user has this e-mail address.", errors=errors)
