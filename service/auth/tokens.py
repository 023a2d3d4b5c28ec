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
    are signed again when they are asked for again. `refresh` may be a token that is kept, `session`
    the `jti` of a session that begins."""

    user_id: int
    access: dict[str, Any]
    refresh: dict[str, Any] | str
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


async def go_on(writer: Writer, user_id: int, family: UUID, kept: str | None) -> Minted:
    """The tokens of a refresh, recorded. `kept`: the refresh token, if it is to be used again."""
    tokens = application().tokens
    access = tokens.claims("access", user_id)
    refresh = kept or tokens.claims("refresh", user_id)
    made = [access] if isinstance(refresh, str) else [access, refresh]
    await queries.record(writer, user_id, family, made)
    return Minted(user_id, access, refresh)


def token_response(answer: Answer) -> Response:
    """The tokens whose claims the answer holds."""
    tokens = application().tokens
    minted = msgspec.json.decode(answer.content, type=Minted)
    access = tokens.sign(minted.access)
    refresh = minted.refresh if isinstance(minted.refresh, str) else tokens.sign(minted.refresh)
    pair = TokenPair(access, refresh, tokens.access_life)
    response = json_response(pair, answer.status, {**NO_STORE, **answer.headers})
    if minted.session is not None:
        sessions.begin(minted.user_id, minted.session)
    set_token_cookies(response, "access", access, minted.access)
    if isinstance(minted.refresh, dict):
        set_token_cookies(response, "refresh", refresh, minted.refresh)
    return response
