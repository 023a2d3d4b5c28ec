"""Which browser origins may read an answer: Flask-CORS's configuration, by the letter.

`http://localhost:*` means any port. Flask-CORS takes it for a regular expression, which also lets
`http://localhost.example.org` in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from service.config import Config

Headers = tuple[tuple[bytes, bytes], ...]

ORIGINS_REMEMBERED = 256
ANYBODY = "*"


class Cors:
    """The headers an answer gets for the origin its request came from."""

    def __init__(self, settings: Config) -> None:
        self._settings = settings
        self._any = ANYBODY in settings.CORS_ORIGINS
        self._pattern = re.compile(
            "|".join(map(_pattern, settings.CORS_ORIGINS)) or r"(?!)", re.IGNORECASE
        )
        # Caches must keep the answers for several origins apart, and those for none.
        self.varies = bool(settings.CORS_ORIGINS)
        self.headers = lru_cache(ORIGINS_REMEMBERED)(self._headers)

    def _headers(self, origin: bytes) -> Headers:
        """What every answer to this origin carries; nothing for one that is not allowed."""
        if not (self._any or self._pattern.fullmatch(origin.decode("latin-1"))):
            return ()
        settings = self._settings
        found = [(b"access-control-allow-origin", origin)]
        if settings.CORS_SUPPORTS_CREDENTIALS:
            found.append((b"access-control-allow-credentials", b"true"))
        if settings.CORS_EXPOSE_HEADERS:
            found.append((b"access-control-expose-headers", _joined(settings.CORS_EXPOSE_HEADERS)))
        return tuple(found)

    def preflight(self, method: bytes, headers: bytes) -> Headers:
        """What the answer to a preflight carries beside those: `method` and `headers` are what
        the browser asks for."""
        settings = self._settings
        if method.decode("latin-1").upper() not in settings.CORS_METHODS:
            return ()
        found = [(b"access-control-allow-methods", _joined(settings.CORS_METHODS))]
        if allowed := self._allowed(headers.decode("latin-1")):
            found.append((b"access-control-allow-headers", _joined(allowed)))
        if settings.CORS_MAX_AGE:
            found.append((b"access-control-max-age", str(settings.CORS_MAX_AGE).encode()))
        return tuple(found)

    def _allowed(self, asked: str) -> Sequence[str]:
        names = [each.strip() for each in asked.split(",")]
        allowed = {each.lower() for each in self._settings.CORS_ALLOW_HEADERS}
        return sorted(
            each
            for each in names
            if each.isascii() and each and (ANYBODY in allowed or each.lower() in allowed)
        )


def _pattern(origin: str) -> str:
    if origin.endswith(":*"):
        return re.escape(origin.removesuffix(":*")) + r"(:\d{1,5})?"
    return re.escape(origin)


def _joined(names: Sequence[str]) -> bytes:
    return ", ".join(names).encode("latin-1")
