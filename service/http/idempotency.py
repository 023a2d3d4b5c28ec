"""`Idempotency-Key`: a POST that is sent again is not done again, and gets the answer of the first.

The answer is stored in the transaction that makes the change: either both are there or neither,
whatever dies meanwhile. After draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic

import msgspec
import sqlalchemy as sa
from quart import Response, request

from service.database.engine import Reader, Writer
from service.database.expiry import sweep
from service.http.application import application
from service.http.body import JSON_CONTENT
from service.http.models import idempotency_keys as table
from service.http.problem import Problem

HEADER = "Idempotency-Key"
# A proxy sends a request again the moment its server has died; PostgreSQL needs a little longer to
# notice, and to let go of the key. In seconds.
PATIENCE = 1.0
AGAIN = 0.05
# The draft's quoted string, or the bare one that most clients send.
SYNTAX = re.compile(r'"([\x20\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})')

FIND = sa.select(table.c.key, table.c.fingerprint, table.c.answer).where(
    table.c.key.in_(sa.bindparam("keys", expanding=True)), table.c.expires_at > sa.func.now()
)
FORGET = sa.delete(table).where(table.c.key == sa.bindparam("key"))
STORE = sa.insert(table)
# Held until the transaction ends, however it ends. Another id space than migrations' lock.
TAKE = sa.select(sa.func.pg_try_advisory_xact_lock(sa.bindparam("first"), sa.bindparam("second")))
SWEEP = sweep(table)


class Answer(msgspec.Struct):
    """What was answered. `content` is the body, or what the route makes its body of."""

    status: int
    content: bytes
    headers: dict[str, str] = {}

    def response(self) -> Response:
        """The answer whose content is its body, as JSON."""
        return Response(self.content, self.status, {**JSON_CONTENT, **self.headers})


class Key:
    """What one client calls one request; without the header, nothing happens here.

    `digests`: the key as each SECRET_KEY in use makes it, the current one first, and the
    fingerprint of the request. While keys rotate, another process may know the first as the second.
    """

    def __init__(self, digests: Mapping[bytes, bytes]) -> None:
        self._digests = digests

    async def answered(self) -> Answer | None:
        """The answer this key has had. Raises `Problem` 422 if that was to another request."""
        if not self._digests:
            return None
        async with application().database.reading() as reader:
            return await self._find(reader)

    async def take(self, writer: Writer) -> Answer | None:
        """Keeps the key to this transaction; the answer if another had it first. Raises `Problem`
        409 if one still has it after PATIENCE."""
        if not self._digests:
            return None
        deadline = monotonic() + PATIENCE
        for key in sorted(self._digests):
            first, second = (int.from_bytes(key[at : at + 4], signed=True) for at in (0, 4))
            lock = {"first": first, "second": second}
            while not (await writer.execute(TAKE, lock)).scalar_one():
                if monotonic() > deadline:
                    raise Problem(
                        409,
                        "A request with this Idempotency-Key is being worked on.",
                        headers={"Retry-After": "1"},
                    )
                await asyncio.sleep(AGAIN)
        return await self._find(writer)

    async def store(self, writer: Writer, answer: Answer) -> None:
        """Notes the answer, for as long as IDEMPOTENCY_LIFE says."""
        if not self._digests:
            return
        key, fingerprint = next(iter(self._digests.items()))
        life = timedelta(seconds=application().settings.IDEMPOTENCY_LIFE)
        await writer.execute(FORGET, {"key": key})  # one that has expired
        await writer.execute(SWEEP)
        await writer.execute(
            STORE,
            {
                "key": key,
                "fingerprint": fingerprint,
                "answer": msgspec.msgpack.encode(answer),
                "expires_at": datetime.now(UTC) + life,
            },
        )

    async def _find(self, reader: Reader) -> Answer | None:
        row = (await reader.execute(FIND, {"keys": list(self._digests)})).first()
        if row is None:
            return None
        if not hmac.compare_digest(row.fingerprint, self._digests[row.key]):
            raise Problem(422, "This Idempotency-Key was used for another request.")
        answer = msgspec.msgpack.decode(row.answer, type=Answer)
        answer.headers["Idempotent-Replayed"] = "true"
        return answer


async def idempotency_key(scope: str) -> Key:
    """The request's key. `scope`: whose keys these are, so that nobody meets another's. Raises
    `Problem` 400 if it is malformed."""
    sent = request.headers.get(HEADER)
    if sent is None:
        return Key({})
    match = SYNTAX.fullmatch(sent.strip())
    if match is None:
        raise Problem(400, f"{HEADER} must be 1 to 255 printable ASCII characters.")
    body = await request.get_data(cache=True, as_text=False, parse_form_data=False)
    place = f"{scope} {request.method} {request.path}"
    named = f"{place} {match[1] or match[2]}".encode()
    settings = application().settings
    return Key(
        {
            _digest(secret, named): _digest(secret, place.encode(), body)
            for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        }
    )


def _digest(secret: str, *parts: bytes) -> bytes:
    digest = hmac.new(secret.encode(), b"idempotency", hashlib.sha256)
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()
