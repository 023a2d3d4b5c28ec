"""`/api/v1/auth`: register, login, refresh, logout, me."""

from quart import Blueprint, Response

from service.auth import queries
from service.auth.schemas import Credentials, Registration, TokenPair
from service.http.application import Application, application
from service.http.body import json_response, read_json
from service.http.caller import Caller, current_caller, unauthorized
from service.security.tokens import Claims
from service.users.queries import EmailTaken, add_user, get_user
from service.users.routes import email_taken

blueprint = Blueprint("auth", __name__, url_prefix="/api/v1/auth")

# RFC 6749, 5.1: no cache keeps an answer that holds tokens.
NO_STORE = {"Cache-Control": "no-store"}


async def authenticate(claims: Claims) -> Caller | None:
    """The caller of a token that is valid, not revoked, and whose user is active."""
    async with application().database.reading() as reader:
        role = await queries.role_of_active_user(reader, claims)
    return Caller(claims.user_id, role, claims) if role else None


@blueprint.post("/register")
async def register() -> Response:
    """A new user, made by themself."""
    new = await read_json(Registration)
    app = application()
    password_hash = await app.passwords.hash(new.password)
    try:
        async with app.database.writing() as writer:
            user = await add_user(
                writer, email=new.email, password_hash=password_hash, name=new.name
            )
    except EmailTaken:
        raise email_taken() from None
    return json_response(user, 201, {"Location": f"/api/v1/users/{user.id}"})


@blueprint.post("/login")
async def login() -> Response:
    """Tokens for an address and its password."""
    sent = await read_json(Credentials)
    app = application()
    async with app.database.reading() as reader:
        found = await queries.credentials_of(reader, sent.email)
    user_id, stored = found or (None, None)
    verified = await app.passwords.verify(stored, sent.password)
    if not verified or user_id is None:
        raise unauthorized("The e-mail address or the password is wrong.")
    return _token_pair(app, user_id, fresh=True)


@blueprint.post("/refresh")
async def refresh() -> Response:
    """New tokens for a refresh token, which is used up by this."""
    caller = await current_caller("refresh")
    app = application()
    async with app.database.writing() as writer:
        first = await queries.revoke(writer, caller.claims)
    if not first:
        raise unauthorized("Not accepted: the token has been revoked.")
    return _token_pair(app, caller.id, fresh=False)


@blueprint.post("/logout")
async def logout() -> Response:
    """Ends the token it is called with."""
    caller = await current_caller()
    async with application().database.writing() as writer:
        await queries.revoke(writer, caller.claims)
    return Response(status=204)


@blueprint.get("/me")
async def me() -> Response:
    """The user the token belongs to."""
    caller = await current_caller()
    async with application().database.reading() as reader:
        user = await get_user(reader, caller.id)
    if user is None:
        raise unauthorized("Not accepted: the user is gone.")
    return json_response(user)


def _token_pair(app: Application, user_id: int, *, fresh: bool) -> Response:
    pair = TokenPair(
        access_token=app.tokens.mint("access", user_id, fresh=fresh),
        refresh_token=app.tokens.mint("refresh", user_id),
        expires_in=app.tokens.access_life,
    )
    return json_response(pair, headers=NO_STORE)
