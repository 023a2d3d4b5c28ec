"""Lines of every format, whole and broken."""

import json
from typing import Any

from hypothesis import strategies as st

from console.logs.records.aliases import ALIASES, LATE
from console.logs.records.contract import ContractLine

__all__ = ["LINES", "VALUES"]

_PATHS = sorted(
    {a.path for table in (ALIASES, LATE) for aliases in table.values() for a in aliases}
)
_KEYS = sorted(
    {part for path in _PATHS for part in (path, *path.split("."))}
    | {
        "ctx",
        "tenant",
        "ctx.tenant",
        "stream",
        "log",
        "MESSAGE",
        "jsonPayload",
        "pid",
        "",
        'odd"name',
    }
)
_LIKELY = [*(aliases[0].path for aliases in ALIASES.values()), "message", "msg", "ts", "severity"]
CONTRACT = ContractLine.__struct_fields__
VALUES: list[Any] = [
    *["INFO", "error", "Warn", "fatal", "6", "", "abc123", "naïve", "Ünï", "two words", "x" * 70],
    *["2026-01-15T10:30:00.123Z", "2026-01-15T10:30:00.123456+02:00", "2026-01-15 10:30:00,123"],
    *[
        "2026-01-15T10:30:00Z",
        "1768473000123456",
        "15/Jan/2026:10:30:00 +0000",
        "2026-02-31T00:00:00Z",
    ],
    *["500", "404", "0.123s", "12.3ms", "1m30s", "/api/v1/users?q=1", "TimeoutError: no\n", "GET"],
    *[
        0,
        1,
        3,
        30,
        50,
        200,
        404,
        503,
        200.0,
        45.2,
        1768473000,
        1768473000.5,
        1768473000123,
        -1,
        10**30,
    ],
    *[None, True, False, [], {}, [104, 105], [{"exc_type": "KeyError", "frames": []}]],
    {"type": "a.b.KeyError", "frames": ["/srv/app/x.py:3 f"]},
]
_value = st.sampled_from(VALUES) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3)
    ),
    max_leaves=5,
)
_key = st.sampled_from(_LIKELY) | st.sampled_from(_KEYS) | st.text(max_size=5)
_contract = st.fixed_dictionaries({}, optional=dict.fromkeys(CONTRACT, _value))
_object = st.dictionaries(_key, _value, max_size=6) | _contract


def _dump(found: Any, *, ascii_only: bool) -> bytes:
    return json.dumps(found, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


def _nest(found: dict[str, Any]) -> dict[str, Any]:
    """Turn dotted keys into objects inside objects."""
    nested: dict[str, Any] = {}
    for path, value in found.items():
        *outer, last = path.split(".")
        inner = nested
        for key in outer:
            following = inner.setdefault(key, {})
            inner = following if isinstance(following, dict) else {}
        inner[last] = value
    return nested


_json = st.builds(_dump, _object | _object.map(_nest), ascii_only=st.booleans())
_wrapped = st.builds(
    lambda line, key, more: _dump(
        {**more, key: line.decode("utf-8", "replace") + "\n"}, ascii_only=True
    ),
    _json | st.just(b"2026-01-15 10:30:00,123 ERROR app: no"),
    st.sampled_from(["log", "MESSAGE"]),
    _object,
) | st.builds(
    lambda inner, more: _dump({**more, "jsonPayload": inner}, ascii_only=True), _object, _object
)
_PREFIXES = [
    b"2026-01-15T10:30:00.123456789Z stdout F ",
    b"2026-01-15T10:30:00.123456789Z ",
    b"web-1  | ",
    b"[pod/web-1/app] ",
    b"Jan 15 10:30:00 host quart[12]: ",
    b"\0\0\0",
    b" ",
    b"{}",
]
_prefixed = st.builds(lambda prefix, line: prefix + line, st.sampled_from(_PREFIXES), _json)
_text = st.sampled_from(
    [
        b"",
        b"Traceback (most recent call last):",
        b"2026-01-15 10:30:00,123 ERROR app: connection reset",
        b"[2026-01-15 10:30:00 +0000] [12] [INFO] Running on http://[::]:8000",
        b"WARNING:root:careful",
        b"<11>Jan 15 10:30:00 host app[1]: no",
        b'10.0.0.1 - - [15/Jan/2026:10:30:00 +0000] "GET /x HTTP/1.1" 502 12 "-" "curl"',
        b'time=2026-01-15T10:30:00Z level=error msg="two \\"words\\"" status=503 duration_ms=12',
        b'level=info msg=x ctx.tenant=acme err="KeyError: 1"',
        b"[1,2]",
        b"17",
        b'"text"',
        b"[" * 3000,
        b'{"level":1e400,"status":500}',
        b'{"duration_ms":1e400,"level":"error","pid":' + b"9" * 5000 + b"}",
        b'{"level":"error","event":"\xff\xfe","ctx":{"tenant":"\xff"}}',
        b'{"level":"error","\xff":1}',
        b'{"level":"info","level":"error","level":null}',
        b'{"le\\u0076el":"error","event":"na\\u00efve \\ud83d\\ude00"}',
        b'{"level":"\\ud800"}',
        b'{"level":"error"}\r',
        b'{"level":"error"}{"level":"info"}',
        b'{"level":\xa0"error"}',
        b'{"level":"error",',
    ]
)
_broken = st.builds(
    lambda line, at, byte: line[: at % (len(line) + 1)] + byte + line[at % (len(line) + 1) :],
    _json | _wrapped | _text,
    st.integers(0, 300),
    st.binary(max_size=2),
)
LINES = st.one_of(_json, _json, _wrapped, _prefixed, _text, _broken, st.binary(max_size=40)).map(
    lambda line: line.replace(b"\n", b"\\n")
)
"""Lines without their newline."""
