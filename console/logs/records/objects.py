"""From the bytes of a line to an object, through whatever container runtimes put around it."""

import codecs
import re
from typing import Any, NamedTuple

import msgspec

from console.logs.records.plain import logfmt, recognise

__all__ = [
    "CARRIERS",
    "Parsed",
    "at_path",
    "behind_prefix",
    "cleaned",
    "may_be_object",
    "parse",
    "payload",
]

CARRIERS = ("log", "MESSAGE", "jsonPayload")
"""Keys whose value may be a line inside the line: Docker's, journald's, Google Cloud's."""

_PREFIX = re.compile(
    # `kubectl logs --prefix` or `docker compose logs`
    rb"(?:\[pod/[^\] ]{1,300}\] |[\w.-]{1,100} {1,60}\| ?)?"
    # `docker logs -t`, `kubectl logs --timestamps`, Kubernetes' own files, syslog
    rb"(?:\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
    rb"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)\]? )?"
    rb"(?:std(?:out|err) [FP] |[^\s{]{1,255} [^\s:{]{1,100}: )?"
    rb"(?=\{)"
)


class Parsed(NamedTuple):
    """A line's object, the line inside it, and the time that stands before it, if there are any."""

    outer: dict[str, Any]
    inner: dict[str, Any]
    prefix: str


_CARRIERS = frozenset(CARRIERS)
_BEFORE_OBJECT = frozenset((b"{", b" ", b"\t", b"\r"))
_any = msgspec.json.Decoder()
_raws = msgspec.json.Decoder(dict[str, msgspec.Raw])


def cleaned(raw: bytes) -> bytes:
    """Return a line without a carriage return at its end and NULs at its beginning.

    A writer that keeps its offset through a truncation leaves a hole of NULs before its line.
    """
    return raw.removesuffix(b"\r").lstrip(b"\0")


def may_be_object(raw: bytes) -> bool:
    """Tell by the first character whether a line may be an object: the parser is slower at that."""
    return raw[:1] in _BEFORE_OBJECT


def payload(raw: bytes) -> tuple[str, bytes]:
    """Return the time before the object in a line, and the object."""
    if raw[-1:] == b"}" and (found := _PREFIX.match(raw)):
        return (found[1] or b"").decode(), raw[found.end() :]
    return "", raw


def behind_prefix(raw: bytes) -> bytes:
    """Return what is behind a prefix that tells no more than a time; nothing if there is none."""
    found = _PREFIX.match(raw) if raw[-1:] == b"}" else None
    return raw[found.end() :] if found and found.end() else b""


def parse(raw: bytes) -> Parsed | None:
    """Understand a line that `cleaned` has returned; None when it is neither JSON nor logfmt."""
    prefix, body = ("", raw) if raw[:1] == b"{" else payload(raw)
    outer = _object(body)
    if outer is None:
        if b"=" not in raw:
            return None
        pairs = logfmt(_decoded(raw))
        return None if pairs is None else Parsed(pairs, {}, "")
    return Parsed(outer, _inner(outer), prefix)


def at_path(found: dict[str, Any], path: str) -> Any:
    """Return the value of a key or, if there is none, at the path that its dots make."""
    value: Any = found.get(path)
    if value is None and "." in path:
        value = found
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
    return value


def _inner(outer: dict[str, Any]) -> dict[str, Any]:
    if _CARRIERS.isdisjoint(outer):
        return {}
    for key in CARRIERS:
        if not (value := outer.get(key)):
            continue
        if isinstance(value, dict):
            # ECS has an object of that name, which is none of these.
            if key == "jsonPayload":
                return value
        elif isinstance(value, str):
            value = value.strip()
            found = _object(value.encode("utf-8", "replace")) if value[:1] == "{" else None
            return found or logfmt(value) or recognise(value)
    return {}


def _object(raw: bytes) -> dict[str, Any] | None:
    if not may_be_object(raw):
        return None
    try:
        found = _any.decode(raw)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return _repaired(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _repaired(raw: bytes) -> dict[str, Any] | None:
    """Return an object in which there are broken bytes, or numbers that are too large."""
    try:
        fields = _raws.decode(raw.decode("utf-8", "console.json").encode())
    except (msgspec.DecodeError, RecursionError):
        return None
    return {key: _value(value) for key, value in fields.items()}


def _value(raw: msgspec.Raw) -> Any:
    try:
        return _any.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Write a broken byte as `\\xff`, the backslash doubled as JSON wants it."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    broken = error.object[error.start : error.end]
    return "".join(f"\\\\x{byte:02x}" for byte in broken), error.end


codecs.register_error("console.json", _escape)
