"""`/api/v1/auth`: register, login, refresh, logout, me, password."""

from uuid import uuid4

import structlog
from quart import Blueprint, Response, session

from service.auth import queries
from service.auth.schemas import Credentials, PasswordChange, Registration, TokenPair
from service.auth.tokens import begin, go_on, token_response
from service.database.engine import Writer
from service.http import sessions
from service.http.application import application
from service.http.body import read_json
from service.http.caller import REVOKED, Caller, current_caller
from service.http.conditional import tagged_response
from service.http.credentials import (
    presented,
    presented_refresh_token,
    session_life,
    unauthorized,
    unset_token_cookies,
)
from service.http.exchange import current_exchange
from service.http.idempotency import Answer, idempotency_key
from service.http.operation import operation
from service.http.problem import Problem
from service.security.tokens import Claims
from service.users.queries import get_user
from service.users.routes import add_once
from service.users.schemas import NewUser, UserOut

blueprint = Blueprint("auth", __name__, url_prefix="/api/v1/auth")

# How often a login starts again when the stored hash changes under it: another login of the same
# user may just have replaced a weak hash.
ATTEMPTS = 3

log = structlog.get_logger()


async def authenticate(claims: Claims) -> Caller | None:
    """The caller of a credential that is valid, not revoked, and whose user is active."""
    role = await queries.role_of_active_user(application().database, claims)
    return Caller(claims.user_id, role, claims) if role else None


@blueprint.post("/register")
@operation(
    returns={201: UserOut},
    accepts=Registration,
    credential="none",
    problems=(409,),
    limit="RATELIMIT_REGISTER",
    strict=True,
    idempotent=True,
)
async def register() -> Response:
    """Register.

    A new user, made by themself.
    """
    new = await read_json(Registration)
    return await add_once("anybody", NewUser(new.email, new.password, new.name))


@blueprint.post("/login")
@operation(
    returns={200: TokenPair},
    accepts=Credentials,
    credential="none",
    problems=(401,),
    limit="RATELIMIT_LOGIN",
    strict=True,
)
async def login() -> Response:
    """Log in.

    Tokens for an address and its password, and a session cookie.
    """
    sent = await read_json(Credentials)
    app = application()
    for _ in range(ATTEMPTS):
        found = await queries.credentials_of(app.database, sent.email)
        user_id, stored = found or (None, None)
        verified = await app.passwords.verify(stored, sent.password)
        if not verified or user_id is None or stored is None:
            break
        answer = await _tokens_for(user_id, stored, sent.password)
        if answer is not None:
            current_exchange.get().user_id = user_id
            return token_response(answer)
    raise unauthorized("The e-mail address or the password is wrong.")


async def _tokens_for(user_id: int, stored: str, password: str) -> Answer | None:
    """The tokens of somebody whose password fits `stored`; None if that is not their hash now."""
    app = application()
    stronger = await app.passwords.hash(password) if app.passwords.outdated(stored) else None
    async with app.database.writing() as writer:
        if stronger is not None:
            current = await queries.replace_password(writer, user_id, old=stored, new=stronger)
        else:
            current = await queries.is_still_the_password(writer, user_id, stored)
        return (await begin(writer, user_id, uuid4())).answer() if current else None


@blueprint.post("/refresh")
@operation(returns={200: TokenPair}, credential="refresh", strict=True, idempotent=True)
async def refresh() -> Response:
    """Refresh.

    New tokens for a refresh token, which is used up by this. A token that was used before ends
    every token made from it: one of the two that have it stole it.
    """
    claims = presented("refresh")
    app = application()
    rotate = app.settings.JWT_REFRESH_TOKEN_ROTATION
    key = await idempotency_key(f"token {claims.user_id} {claims.jti}")
    async with app.database.writing() as writer:
        answer = await key.take(writer)
        if answer is None and await _is_good(writer, claims, used_up=rotate):
            family = await queries.family_of(writer, claims)
            answer = (await go_on(writer, claims.user_id, family, rotate=rotate)).answer()
            await key.store(writer, answer)
    if answer is None:
        raise unauthorized(REVOKED)
    current_exchange.get().user_id = claims.user_id
    return token_response(answer, kept="" if rotate else presented_refresh_token())


async def _is_good(writer: Writer, claims: Claims, *, used_up: bool) -> bool:
    """Whether the token may be used, and is from now on used up; if not, its family ends."""
    if not await queries.hold_owner(writer, claims):
        return False
    good = await queries.is_good(writer, claims)
    if good and (not used_up or await queries.revoke(writer, claims)):
        return True
    if await queries.revoke_family(writer, claims):
        log.info("refresh token refused", user_id=claims.user_id)
    else:
        log.warning("refresh token used again: its family is revoked", user_id=claims.user_id)
    return False


@blueprint.post("/logout")
@operation(returns={204: None}, credential="any")
async def logout() -> Response:
    """Log out.

    Ends the token, and every token and session of the same login, at once and everywhere.
    """
    caller = await current_caller("any", or_session=True)
    mine = sessions.claims_of_session(session_life())
    async with application().database.writing() as writer:
        if await queries.hold_owner(writer, caller.claims):
            await queries.revoke_family(writer, caller.claims)
            if mine is not None and mine.user_id == caller.id:
                await queries.revoke_family(writer, mine)
    session.clear()
    response = Response(status=204)
    unset_token_cookies(response)
    return response


@blueprint.get("/me")
@operation(returns={200: UserOut}, credential="session", conditional=True)
async def me() -> Response:
    """Who am I.

    The user the token, or the session cookie, belongs to.
    """
    caller = await current_caller(or_session=True)
    user = await get_user(application().database, caller.id)
    if user is None:
        raise unauthorized("Not accepted: the user is gone.")
    return tagged_response(user)


@blueprint.post("/password")
@operation(
    returns={200: TokenPair},
    accepts=PasswordChange,
    problems=(403, 409),
    limit="RATELIMIT_LOGIN",
    strict=True,
)
async def change_password() -> Response:
    """Change the password.

    Ends every token and session the user had; the answer's tokens are new.
    """
    caller = await current_caller()
    sent = await read_json(PasswordChange)
    app = application()
    stored = await queries.password_hash_of(app.database, caller.id)
    if stored is None or not await app.passwords.verify(stored, sent.current_password):
        raise Problem(403, "The current password is wrong.")
    new = await app.passwords.hash(sent.new_password)
    async with app.database.writing() as writer:
        if not await queries.replace_password(writer, caller.id, old=stored, new=new):
            raise Problem(409, "The password was changed meanwhile.")
        await queries.revoke_all(writer, caller.id)
        await queries.revoke(writer, caller.claims)  # if it was minted elsewhere
        answer = (await begin(writer, caller.id, uuid4())).answer()
    return token_response(answer)
