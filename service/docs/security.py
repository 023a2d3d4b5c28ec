"""Which credentials there are, and which of them a route accepts."""

from collections.abc import Iterator

from service.config import Config
from service.docs.catalogue import Route
from service.docs.schemas import JSON
from service.http.operation import Credential
from service.security.tokens import Kind

KINDS: dict[Credential, tuple[Kind, ...]] = {
    "none": (),
    "access": ("access",),
    "refresh": ("refresh",),
    "any": ("access", "refresh"),
    "session": ("access",),
}
# Routes that take the session cookie where there is no token.
WITH_SESSION: frozenset[Credential] = frozenset({"any", "session"})

ABOUT = {
    "access": "What login and refresh answer as `access_token`; good for {life}.",
    "refresh": "What they answer as `refresh_token`; good for {life}, to get new tokens and to log "
    "out.",
}
UNITS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def schemes_of(settings: Config, session_cookie: str) -> JSON:
    """Every credential this configuration accepts."""
    schemes: JSON = {}
    for kind in KINDS["any"]:
        prefix = f"JWT_{kind.upper()}"
        text = ABOUT[kind].format(life=_duration(getattr(settings, f"{prefix}_TOKEN_EXPIRES")))
        if "headers" in settings.JWT_TOKEN_LOCATION:
            schemes[f"{kind}_token"] = _in_header(settings, text)
        if "cookies" in settings.JWT_TOKEN_LOCATION:
            name = getattr(settings, f"{prefix}_COOKIE_NAME")
            schemes[f"{kind}_cookie"] = _key("cookie", name, f"{text} Login sets the cookie.")
        if _has_csrf(settings):
            name = getattr(settings, f"{prefix}_CSRF_HEADER_NAME")
            claim = f"The `csrf` claim of the token in the {kind} cookie."
            schemes[f"{kind}_csrf"] = _key("header", name, claim)
    schemes["session"] = _key("cookie", session_cookie, "Set by login, for browsers.")
    return schemes


def requirements_of(route: Route, settings: Config) -> list[dict[str, list[str]]]:
    """The alternatives, each a set of schemes that are needed together; empty for anybody."""
    credential = route.operation.credential
    found: list[dict[str, list[str]]] = [
        {scheme: [] for scheme in alternative}
        for kind in KINDS[credential]
        for alternative in _alternatives(kind, route.method, settings)
    ]
    return [*found, {"session": []}] if credential in WITH_SESSION else found


def _alternatives(kind: Kind, method: str, settings: Config) -> Iterator[tuple[str, ...]]:
    for location in settings.JWT_TOKEN_LOCATION:
        if location == "headers":
            yield (f"{kind}_token",)
        elif _has_csrf(settings) and method in settings.JWT_CSRF_METHODS:
            yield (f"{kind}_cookie", f"{kind}_csrf")
        else:
            yield (f"{kind}_cookie",)


def _has_csrf(settings: Config) -> bool:
    return "cookies" in settings.JWT_TOKEN_LOCATION and settings.JWT_COOKIE_CSRF_PROTECT


def _in_header(settings: Config, text: str) -> JSON:
    name, word = settings.JWT_HEADER_NAME, settings.JWT_HEADER_TYPE
    if (name.lower(), word.lower()) == ("authorization", "bearer"):
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": text}
    described = _key("header", name, text)
    return described | {"x-prefix": word} if word else described


def _duration(seconds: int) -> str:
    unit = next(name for name, length in UNITS.items() if seconds % length == 0)
    return f"{seconds // UNITS[unit]} {unit}"


def _key(place: str, name: str, text: str) -> JSON:
    return {"type": "apiKey", "in": place, "name": name, "description": text}
