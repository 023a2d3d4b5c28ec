"""Log lines that hold a hostile text wherever a line may hold one, in each of the ways it can."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tests.console.logs.hostile.fragments import EVERY, NUMBERS, TIMES

__all__ = ["BROKEN", "innocent", "lines", "lines_with", "odd_numbers", "odd_times"]

_FIELDS = (
    *("timestamp", "level", "event", "request_id", "method", "path", "route", "client"),
    *("user_id", "logger", "status", "duration_ms", "instance"),
)
_USUAL: dict[str, Any] = {
    "timestamp": "2026-01-15T10:30:00.123Z",
    "level": "INFO",
    "event": "request",
    "request_id": "3d28dc7277e8b516",
    "method": "GET",
    "path": "/api/v1/users/42",
    "status": 200,
    "duration_ms": 12.5,
    "user_id": 7,
    "route": "/api/v1/users/{user_id}",
    "client": "10.20.3.77",
}
_FRAME = "service/orders/queries.py:41 insert"


def _json(found: dict[str, Any], *, ascii_only: bool = True) -> bytes:
    return _raw(json.dumps(found, ensure_ascii=ascii_only))


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").replace(b"\n", b"\\n")


def innocent(**fields: Any) -> bytes:
    """Return a line as the service writes it."""
    return _json(_USUAL | fields)


def lines_with(text: str) -> Iterator[bytes]:
    """Give lines that each hold `text`, without their newlines."""
    everywhere = dict.fromkeys(_FIELDS, text)
    failure = {"type": text, "message": text, "frames": [f"{text}:41 {text}", text]}
    for ascii_only in (True, False):
        yield _json(_USUAL | everywhere, ascii_only=ascii_only)
        yield _json(_USUAL | {"level": "ERROR", "status": 503, "path": text, "route": None})
        yield _json(_USUAL | {"level": "ERROR", "exception": failure}, ascii_only=ascii_only)
        yield _json({text: 1, "a": {text: text}, "level": "ERROR", "msg": text, "tags": [text]})
    yield _json({"level": "error", "exc_info": f'Traceback:\n  File "{text}", line 1\n{text}: x'})
    yield _json({"log": json.dumps({"level": "error", "msg": text}) + "\n", "stream": text})
    yield _json({"MESSAGE": list(_raw(text)), "PRIORITY": "3", "SYSLOG_IDENTIFIER": text})
    yield _raw(f'level=error msg="{text}" {text}=1 path={text} status=500')
    yield _raw(f'{text} - - [15/Jan/2026:10:30:00 +0000] "GET {text} HTTP/1.1" 502 12')
    yield _raw(f"2026-01-15 10:30:00,123 ERROR {text}")
    yield _raw(text)


def odd_numbers() -> Iterator[bytes]:
    """Give lines in which each number is one that hardly any parser expects."""
    for number in NUMBERS:
        fields = b",".join(
            b'"%s":%s' % (name, number.encode())
            for name in (b"status", b"duration_ms", b"user_id", b"timestamp", b"level", b"pid")
        )
        yield b'{"event":"numbers",%s}' % fields
        yield b'{"timestamp":"2026-01-15T10:30:00Z","level":"ERROR","status":%s}' % number.encode()
        yield b'{"level":"ERROR","status":503,"duration_ms":%s}' % number.encode()


def odd_times() -> Iterator[bytes]:
    """Give lines of times that no calendar has, or hardly any."""
    for time in TIMES:
        yield _json(_USUAL | {"timestamp": time, "event": "times"})
        yield _json({"ts": time, "level": "error", "msg": "times"})
        yield _raw(f"{time} ERROR times")
        if time.isascii() and time.lstrip("-").isdigit() and time[0] != "0":
            yield b'{"ts":%s,"level":"error","msg":"times"}' % time.encode()


BROKEN = (
    b"",
    b" ",
    b"\0",
    b"\0" * 3_000,
    b"\0" * 9 + innocent(),
    b"\xff\xfe\x80\xc0\xaf\xed\xa0\x80\xf5",
    b"\x1b]0;pwned\x07\xff",
    b"\x9b31m \x9d0;pwned\x07 \x90 \x98",
    b'{"level":"ERROR","event":"\xff\xfe\x1b]0;pwned\x07","\x9b31m":"\x9b31m"}',
    b'{"level":"ERROR","event":"\xc3\x28 \xe2\x82","path":"\xff"}',
    b'{"level":"ERROR","event":"\\ud800","path":"\\udfff\\ud800","\\ud800":"\\ude00"}',
    b'{"level":"info","level":"ERROR","level":{"level":1},"event":1,"event":null,"event":"last"}',
    b"{" + b",".join(b'"event":"%d"' % number for number in range(2_000)) + b"}",
    b"[" * 2_000,
    b'{"a":' * 2_000,
    b'{"a":' * 500 + b"1" + b"}" * 500,
    b'{"level":"ERROR","exception":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"level":"ERROR",' + b'"a":{' * 900 + b"}" * 901,
    b"[1,2,3]",
    b"17",
    b'"text"',
    b"null",
    b"NaN",
    b"{}",
    b"{}{}",
    b'{"level":"ERROR"',
    b'{"level":"ERROR","event":"half',
    b'{"":"","":{"":""},".":1,"..":{"":1},"a.b":1,"a":{"b":2}}',
    "\ufeff".encode() + innocent(),
    innocent().decode().encode("utf-16"),
    innocent().decode().encode("utf-16-le"),
    innocent() + b"\r",
    b"=" * 5_000,
    b"a=" * 5_000,
    b'level=error msg="never closed ' + b'\\"' * 3_000,
    b"level=error " + b" ".join(b"k%d=v" % number for number in range(3_000)),
    b"://u:" * 3_000,
    b"?password=" * 2_000,
    b'  File "' * 3_000,
    b"at (" * 3_000,
    b"[" * 3_000 + b"bold]" * 300,
)
"""Lines that are broken in one way each."""


def lines(texts: Iterable[str] = EVERY) -> Iterator[bytes]:
    """Give all of these lines, each without its newline."""
    for text in texts:
        yield from lines_with(text)
    yield from odd_numbers()
    yield from odd_times()
    yield from BROKEN
