"""The same routes in FastAPI, with SQLAlchemy's ORM on asyncpg, as its documentation teaches.

Written to be fast within that: the middleware is plain ASGI instead of `BaseHTTPMiddleware`, the
log goes straight to bytes, objects do not expire on commit, and hashing leaves the event loop.
"""

import base64
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from time import perf_counter
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import uuid4

import jwt
import msgspec
import structlog
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, String, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.security import generate_password_hash

from benchmarks.cases import PAUSE
from benchmarks.peers.headers import SECURITY_HEADERS

WELL_FORMED = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")
HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(lambda event, **_: msgspec.json.encode(event)),
    ],
    wrapper_class=structlog.make_filtering_bound_logger("info"),
    logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
    cache_logger_on_first_use=True,
)
log = structlog.get_logger()

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1),
    pool_size=10,
    max_overflow=20,
    pool_recycle=3600,
    pool_pre_ping=True,
)
new_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The tables."""


class User(Base):
    """Somebody who can log in."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16), default="user")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )


class RevokedToken(Base):
    """A token not accepted any more."""

    __tablename__ = "revoked_tokens"

    jti: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


Role = Literal["user", "admin"]


class NewUser(BaseModel):
    """What an administrator sends."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    password: Annotated[str, Field(min_length=8, max_length=256)]
    name: Annotated[str, Field(max_length=200)] = ""
    role: Role = "user"


class UserOut(BaseModel):
    """A user as the API shows one."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    email: str
    name: str
    role: Role
    active: bool
    created_at: datetime
    updated_at: datetime


class UserPage(BaseModel):
    """Some users, and how to go on."""

    model_config = ConfigDict(from_attributes=True)

    items: list[UserOut]
    next_cursor: str | None


class RequestMiddleware:
    """The request's id, the headers of its answer, its log line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = given if WELL_FORMED.fullmatch(given) else uuid4().hex.encode()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *HEADERS,
                    (b"x-request-id", request_id),
                ]
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            log.info(
                "request",
                request_id=request_id.decode(),
                method=scope["method"],
                path=scope["path"],
                status=status,
                duration_ms=round((perf_counter() - started) * 1000, 1),
                user_id=scope.get("state", {}).get("user_id"),
            )


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The pool is closed at the end."""
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
app.add_middleware(CORSMiddleware, allow_origins=os.environ["CORS_ORIGINS"].split(","))
app.add_middleware(RequestMiddleware)


async def get_session() -> AsyncIterator[AsyncSession]:
    """One session for a request."""
    async with new_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]
Token = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="/api/v1/auth/login"))]
REFUSED = HTTPException(401, "The token is not accepted.", {"WWW-Authenticate": "Bearer"})


async def get_current_user(request: Request, token: Token, session: Session) -> User:
    """The token's user, unless it is revoked or they are gone or inactive."""
    try:
        claims: dict[str, Any] = jwt.decode(token, os.environ["JWT_SECRET_KEY"], ["HS256"])
    except jwt.InvalidTokenError:
        raise REFUSED from None
    if await session.get(RevokedToken, claims["jti"]) is not None:
        raise REFUSED
    user = await session.get(User, int(claims["sub"]))
    if user is None or not user.active:
        raise REFUSED
    request.state.user_id = user.id
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


@app.get("/health/live")
async def live() -> dict[str, str]:
    """A constant."""
    return {"status": "alive"}


@app.get("/health")
async def health(session: Session, response: Response) -> dict[str, str]:
    """Whether the database answers."""
    try:
        await session.execute(text("SELECT 1"))
    except Exception as error:
        response.status_code = 503
        return {"status": "unhealthy", "error": type(error).__name__}
    return {"status": "healthy", "database": "connected"}


@app.get("/benchmark/slow")
async def slow(session: Session) -> dict[str, str]:
    """One query of `PAUSE` seconds."""
    await session.execute(text("SELECT pg_sleep(:pause)"), {"pause": PAUSE})
    return {"status": "done"}


@app.get("/api/v1/users", response_model=UserPage)
async def list_users(
    request: Request,
    response: Response,
    caller: CurrentUser,
    session: Session,
    *,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: str = "",
) -> dict[str, Any]:
    """One page of the users the caller may see."""
    query = select(User).where(User.id > decode(cursor)).order_by(User.id).limit(limit + 1)
    if caller.role != "admin":
        query = query.where(User.id == caller.id)
    users = list(await session.scalars(query))
    if len(users) <= limit:
        return {"items": users, "next_cursor": None}
    following = encode(users[limit - 1].id)
    arguments = {**request.query_params, "limit": limit, "cursor": following}
    response.headers["Link"] = f'<{request.url.path}?{urlencode(arguments)}>; rel="next"'
    return {"items": users[:limit], "next_cursor": following}


@app.post("/api/v1/users", status_code=201, response_model=UserOut)
async def create_user(
    new: NewUser, response: Response, caller: CurrentUser, session: Session
) -> User:
    """A new user, made by an administrator."""
    if caller.role != "admin":
        raise HTTPException(403, "Only an administrator may do this.")
    scheme = os.environ["PASSWORD_SCHEME"]
    user = User(
        email=new.email.lower(),
        name=new.name,
        role=new.role,
        password_hash=await run_in_threadpool(generate_password_hash, new.password, scheme),
    )
    session.add(user)
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(409, "Another user has this e-mail address.") from None
    response.headers["Location"] = f"/api/v1/users/{user.id}"
    return user


def encode(last_id: int) -> str:
    """The cursor after this id."""
    return base64.urlsafe_b64encode(str(last_id).encode()).rstrip(b"=").decode()


def decode(cursor: str) -> int:
    """The id a cursor names; 0 for none. Raises `HTTPException` 422."""
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise HTTPException(422, "The cursor is not one this service gave.") from None
