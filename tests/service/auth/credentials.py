"""Credentials of both sides: tokens and cookies as Flask mints them, and what one says."""

import time
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4

import httpx
import jwt
from flask import Flask

from service.config import DEVELOPMENT_JWT_SECRET, DEVELOPMENT_SECRET
from tests.service import web
from tests.service.support import PASSWORD

BASE = "/api/v1/auth"
ME = f"{BASE}/me"


def bearer(token: str) -> dict[str, str]:
    """The header that presents the token."""
    return {"Authorization": f"Bearer {token}"}


def claims_of(token: str) -> dict[str, Any]:
    """What the token says."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def flask_token(user_id: int, kind: str = "access", **claims: Any) -> str:
    """A token as Flask-JWT-Extended mints one; a claim given as None is left out."""
    now = int(time.time())
    said = {
        "fresh": False,
        "iat": now,
        "jti": str(uuid4()),
        "type": kind,
        "sub": str(user_id),
        "nbf": now,
        "csrf": str(uuid4()),
        "exp": now + 900,
        **claims,
    }
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, DEVELOPMENT_JWT_SECRET, "HS256")


def flask_app(**config: Any) -> Flask:
    """A Flask application with the service's keys."""
    app = Flask("flask side")
    app.config.from_mapping(
        SECRET_KEY=DEVELOPMENT_SECRET, JWT_SECRET_KEY=DEVELOPMENT_JWT_SECRET, **config
    )
    return app


def post(url: str, action: str, token: str, **options: Any) -> httpx.Response:
    """`POST /api/v1/auth/…` with the token."""
    headers = bearer(token) | options.pop("headers", {})
    return web.post(f"{url}{BASE}/{action}", headers=headers, **options)


def refresh(url: str, token: str, **headers: str) -> httpx.Response:
    """The answer to a refresh."""
    return post(url, "refresh", token, headers=headers)


def change_password(url: str, token: str, new: str, current: str = PASSWORD) -> httpx.Response:
    """The answer to a change of password."""
    return post(url, "password", token, json={"current_password": current, "new_password": new})


def try_login(url: str, email: str, password: str = PASSWORD) -> httpx.Response:
    """The answer to a login."""
    body = {"email": email, "password": password}
    return web.post(f"{url}{BASE}/login", json=body)


def me(url: str, token: str) -> int:
    """The status `/me` has for the token: 200 while it lives, 401 from then on."""
    return web.get(f"{url}{ME}", headers=bearer(token)).status_code


def me_by_session(url: str, cookie: str) -> httpx.Response:
    """What `/me` answers to the session cookie alone."""
    return web.get(f"{url}{ME}", headers={"Cookie": f"session={cookie}"})


def cookies_set(answer: Any) -> dict[str, dict[str, str]]:
    """Each cookie the answer sets: its value, and the attributes that say something."""
    found: dict[str, dict[str, str]] = {}
    headers = answer.headers
    lines = headers.get_list("set-cookie") if hasattr(headers, "get_list") else None
    for line in headers.getlist("set-cookie") if lines is None else lines:
        for name, morsel in SimpleCookie(line).items():
            attributes = {key: str(value) for key, value in morsel.items() if value}
            found[name] = {"value": morsel.value, **attributes}
    return found
