"""`Idempotency-Key`: a POST that is sent again is not done again, and gets the answer of the first.

The answer is stored in the transaction that makes the change: either both are there or neither,
whatever dies meanwhile. After draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

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
# The draft's quoted string, or the bare one that most clients send.
SYNTAX = re.compile(r'"([\x20\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})')

FIND = sa.select(table.c.fingerprint, table.c.answer).where(
    table.c.key == sa.bindparam("key"), table.c.expires_at > sa.func.now()
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
    """What one client calls one request; without the header, nothing happens here."""

    def __init__(self, key: bytes | None, fingerprint: bytes) -> None:
        self._key = key
        self._fingerprint = fingerprint

    async def answered(self) -> Answer | None:
        """The answer this key has had. Raises `Problem` 422 if that was to another request."""
        if self._key is None:
            return None
        async with application().database.reading() as reader:
            return await self._find(reader, self._key)

    async def take(self, writer: Writer) -> Answer | None:
        """Keeps the key to this transaction; the answer if another had it first. Raises `Problem`
        409 while one has it."""
        if self._key is None:
            return None
        first, second = (int.from_bytes(self._key[at : at + 4], signed=True) for at in (0, 4))
        taken = await writer.execute(TAKE, {"first": first, "second": second})
        if not taken.scalar_one():
            raise Problem(
                409,
                "A request with this Idempotency-Key is being worked on.",
                headers={"Retry-After": "1"},
            )
        return await self._find(writer, self._key)

    async def store(self, writer: Writer, answer: Answer) -> None:
        """Notes the answer, for as long as IDEMPOTENCY_LIFE says."""
        if self._key is None:
            return
        life = timedelta(seconds=application().settings.IDEMPOTENCY_LIFE)
        await writer.execute(FORGET, {"key": self._key})  # one that has expired
        await writer.execute(SWEEP)
        await writer.execute(
            STORE,
            {
                "key": self._key,
                "fingerprint": self._fingerprint,
                "answer": msgspec.msgpack.encode(answer),
                "expires_at": datetime.now(UTC) + life,
            },
        )

    async def _find(self, reader: Reader, key: bytes) -> Answer | None:
        row = (await reader.execute(FIND, {"key": key})).one_or_none()
        if row is None:
            return None
        if not hmac.compare_digest(row.fingerprint, self._fingerprint):
            raise Problem(422, "This Idempotency-Key was used for another request.")
        answer = msgspec.msgpack.decode(row.answer, type=Answer)
        answer.headers["Idempotent-Replayed"] = "true"
        return answer


async def idempotency_key(scope: str) -> Key:
    """The request's key. `scope`: whose keys these are, so that nobody meets another's. Raises
    `Problem` 400 if it is malformed."""
    sent = request.headers.get(HEADER)
    if sent is None:
        return Key(None, b"")
    match = SYNTAX.fullmatch(sent.strip())
    if match is None:
        raise Problem(400, f"{HEADER} must be 1 to 255 printable ASCII characters.")
    body = await request.get_data(cache=True, as_text=False, parse_form_data=False)
    place = f"{scope} {request.method} {request.path}"
    return Key(_digest(f"{place} {match[1] or match[2]}".encode()), _digest(place.encode(), body))


def _digest(*parts: bytes) -> bytes:
    secret = application().settings.SECRET_KEY.encode()
    digest = hmac.new(secret, b"idempotency", hashlib.sha256)
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()
