"""How a login becomes tokens, and tokens become an answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from quart import Response

from service.auth import queries
from service.auth.schemas import TokenPair
from service.database.engine import Writer
from service.http import sessions
from service.http.application import application
from service.http.body import json_response
from service.http.credentials import session_life, set_token_cookies
from service.http.idempotency import Answer

# RFC 6749, 5.1: no cache keeps an answer that holds tokens.
NO_STORE = {"Cache-Control": "no-store"}


class Minted(msgspec.Struct):
    """The claims of new tokens. What is kept for an idempotency key is this, not the tokens: they
    are signed again when they are asked for again. `refresh` is None for a token that is kept,
    `session` the `jti` of a session that begins."""

    user_id: int
    access: dict[str, Any]
    refresh: dict[str, Any] | None
    session: str | None = None

    def answer(self) -> Answer:
        """What is stored of them."""
        return Answer(200, msgspec.json.encode(self))


async def begin(writer: Writer, user_id: int, family: UUID) -> Minted:
    """The tokens of a login or a new password, recorded, and the session to go with them."""
    tokens = application().tokens
    access = tokens.claims("access", user_id, fresh=True)
    refresh = tokens.claims("refresh", user_id)
    session = sessions.new_claims(session_life())
    await queries.record(writer, user_id, family, [access, refresh, session])
    return Minted(user_id, access, refresh, session["jti"])


async def go_on(writer: Writer, user_id: int, family: UUID, *, rotate: bool) -> Minted:
    """The tokens of a refresh, recorded; without `rotate` the refresh token is kept."""
    tokens = application().tokens
    access = tokens.claims("access", user_id)
    refresh = tokens.claims("refresh", user_id) if rotate else None
    await queries.record(writer, user_id, family, [access, refresh] if refresh else [access])
    return Minted(user_id, access, refresh)


def token_response(answer: Answer, kept: str = "") -> Response:
    """The tokens whose claims the answer holds; `kept`: the refresh token, where it has none."""
    tokens = application().tokens
    minted = msgspec.json.decode(answer.content, type=Minted)
    access = tokens.sign(minted.access)
    refresh = tokens.sign(minted.refresh) if minted.refresh else kept
    pair = TokenPair(access, refresh, tokens.access_life)
    response = json_response(pair, answer.status, {**NO_STORE, **answer.headers})
    if minted.session is not None:
        sessions.begin(minted.user_id, minted.session)
    set_token_cookies(response, "access", access, minted.access)
    if minted.refresh:
        set_token_cookies(response, "refresh", refresh, minted.refresh)
    return response
