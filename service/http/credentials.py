"""Where a credential is looked for in a request: header, cookies, session, as configured."""

from collections.abc import Mapping
from typing import Any, cast

from quart import Response, request, session

from service.config import Config
from service.http import sessions
from service.http.application import application
from service.http.problem import Problem
from service.security.tokens import Claims, InvalidToken, Kind, Wanted

KINDS: tuple[Kind, ...] = ("access", "refresh")
# What Flask-JWT-Extended calls a year, in seconds.
A_YEAR = 31_540_000


def unauthorized(detail: str) -> Problem:
    """The 401 of every refused credential."""
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


def presented(wanted: Wanted, *, or_session: bool = False) -> Claims:
    """What the request's token says, or its session cookie where there is no token.

    Raises `Problem` 401. Nothing here asks the database: the token may have been revoked.
    """
    app = application()
    found = _found(wanted)
    if found is None:
        claims = sessions.claims_of_session(session_life()) if or_session else None
        if claims is None:
            raise unauthorized(_how_to(app.settings))
        return claims
    token, csrf = found
    try:
        return app.tokens.read(token, wanted, csrf=csrf)
    except InvalidToken as error:
        raise unauthorized(f"Not accepted: {error}.") from None


def presented_refresh_token() -> str:
    """The refresh token as it was sent; after `presented` has accepted it."""
    found = _found("refresh")
    return found[0] if found else ""


def _found(wanted: Wanted) -> tuple[str, str | None] | None:
    """The token and, where one is needed, the CSRF token beside it."""
    for location in application().settings.JWT_TOKEN_LOCATION:
        if location == "cookies":
            # Whatever is found: the answer says `Vary: Cookie`.
            cast("sessions.DatedSession", session).was_read = True
        found = _in_header() if location == "headers" else _in_cookies(wanted)
        if found:
            return found
    return None


def session_life() -> float:
    """How long a session cookie is accepted, in seconds."""
    return application().permanent_session_lifetime.total_seconds()


def _how_to(settings: Config) -> str:
    word = f"{settings.JWT_HEADER_TYPE} " if settings.JWT_HEADER_TYPE else ""
    return f"Send a token: {settings.JWT_HEADER_NAME}: {word}<token>."


def _in_header() -> tuple[str, None] | None:
    settings = application().settings
    kind = settings.JWT_HEADER_TYPE.lower().split()
    # Several credentials may share the header, with commas between them; but one of this kind.
    sent = [each.split() for each in request.headers.get(settings.JWT_HEADER_NAME, "").split(",")]
    ours = [words for words in sent if words and [words[0].lower()][: len(kind)] == kind]
    if len(ours) != 1 or len(ours[0]) != len(kind) + 1:
        return None
    return ours[0][-1], None


def _in_cookies(wanted: Wanted) -> tuple[str, str | None] | None:
    settings = application().settings
    for kind in KINDS:
        if wanted not in {kind, "any"}:
            continue
        token = request.cookies.get(getattr(settings, f"JWT_{kind.upper()}_COOKIE_NAME"))
        if token:
            header = getattr(settings, f"JWT_{kind.upper()}_CSRF_HEADER_NAME")
            return token, _csrf(settings, header)
    return None


def _csrf(settings: Config, header: str) -> str | None:
    if not settings.JWT_COOKIE_CSRF_PROTECT or request.method not in settings.JWT_CSRF_METHODS:
        return None
    sent = request.headers.get(header)
    if not sent:
        raise unauthorized(f"A token from a cookie needs its CSRF token in {header}.")
    return sent


def set_token_cookies(
    response: Response, kind: Kind, token: str, claims: Mapping[str, Any]
) -> None:
    """Sets Flask-JWT-Extended's cookies for a token, where it is configured to use cookies."""
    settings = application().settings
    if "cookies" in settings.JWT_TOKEN_LOCATION:
        life = None if settings.JWT_SESSION_COOKIE else {"max_age": A_YEAR}
        _set(response, kind, token, str(claims.get("csrf", "")), life or {})


def unset_token_cookies(response: Response) -> None:
    """Takes those cookies away."""
    if "cookies" in application().settings.JWT_TOKEN_LOCATION:
        for kind in KINDS:
            _set(response, kind, "", "", {"expires": 0})


def _set(response: Response, kind: Kind, token: str, csrf: str, life: Mapping[str, int]) -> None:
    settings = application().settings
    prefix = f"JWT_{kind.upper()}"
    common: dict[str, Any] = {
        "secure": settings.JWT_COOKIE_SECURE,
        "domain": settings.JWT_COOKIE_DOMAIN or None,
        "samesite": settings.JWT_COOKIE_SAMESITE or None,
        **life,
    }
    name, path = f"{prefix}_COOKIE_NAME", f"{prefix}_COOKIE_PATH"
    response.set_cookie(
        getattr(settings, name), token, httponly=True, path=getattr(settings, path), **common
    )
    if settings.JWT_COOKIE_CSRF_PROTECT and settings.JWT_CSRF_IN_COOKIES:
        name, path = f"{prefix}_CSRF_COOKIE_NAME", f"{prefix}_CSRF_COOKIE_PATH"
        response.set_cookie(getattr(settings, name), csrf, path=getattr(settings, path), **common)
