"""Whole logs that are hostile by their size or shape; each is written when it is wanted."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.console.logs.hostile.lines import innocent

__all__ = ["FILES", "MANY", "NAMES", "write"]

MANY = 100_000
"""How many different names there are of whatever there are many of."""
_LONG = 10_000_000


def _long_json() -> Iterator[bytes]:
    yield innocent(event="x" * _LONG)
    yield innocent(path="/" + "\x1b[31m" * (_LONG // 10))
    yield innocent(level="ERROR", exception={"type": "E" * _LONG, "frames": []})
    yield b'{"' + b"k" * _LONG + b'":1}'
    yield b'{"level":"ERROR","event":"' + "\u0301".encode() * (_LONG // 2) + b'"}'


def _long_plain() -> Iterator[bytes]:
    yield b"x" * _LONG
    yield b"\x1b[31m" * (_LONG // 5)
    yield b"\0" * _LONG
    yield b"\xff" * _LONG
    yield b'level=error msg="' + b"\\" * _LONG
    yield b"a=b " * (_LONG // 4)


def _nested() -> Iterator[bytes]:
    for count in (1_000, MANY):
        yield b"[" * count
        yield b"[" * count + b"]" * count
        yield b'{"a":' * count
        yield b'{"a":' * count + b"1" + b"}" * count
        yield b'{"level":"ERROR","exception":' + b"[" * count + b"]" * count + b"}"
        yield b'{"level":"ERROR","exception":{"frames":' + b"[" * count + b"]" * count + b"}}"
        yield b'{"log":"' + b'{\\"a\\":' * count + b'"}'


def _fields_of_a_file() -> Iterator[bytes]:
    return (b'{"level":"INFO","field_%d":%d}' % (number, number) for number in range(MANY))


def _fields_of_a_line() -> Iterator[bytes]:
    fields = b",".join(b'"field_%d":%d' % (number, number) for number in range(MANY))
    yield b'{"level":"ERROR",%s}' % fields
    yield b'{"level":"ERROR","ctx":{%s}}' % fields
    yield b'{"level":"ERROR","event":"e",%s}' % b",".join([b'"status":1'] * MANY)
    yield b"level=error " + b" ".join(b"field_%d=v" % number for number in range(MANY))


def _names() -> Iterator[bytes]:
    line = (
        '{"timestamp":"2026-01-15T%02d:%02d:%02d.123Z","level":"ERROR","event":"e%d %s",'
        '"request_id":"r%d","method":"M%s","path":"/p/%s","route":"/r/%s","status":%d,'
        '"duration_ms":%d.5,"user_id":"u%s","client":"c%s","logger":"l%s",'
        '"exception":{"type":"Error%s","message":"","frames":["f%s.py:1 f"]}}'
    )
    for number in range(MANY):
        name = f"{number:x}".translate(_LETTERS)
        clock = (number // 3_600 % 24, number // 60 % 60, number % 60)
        others = (name, name, name, 100 + number % 900, number, *[name] * 5)
        yield (line % (*clock, number, name, number, *others)).encode()


# No digits: numbers are left out where kinds of messages are told apart.
_LETTERS = str.maketrans("0123456789abcdef", "ghijklmnopqrstuv")


def _utf16() -> Iterator[bytes]:
    text = "\n".join(innocent(path=f"/{n}\x1b]0;pwned\x07").decode() for n in range(500))
    yield text.encode("utf-16")


def _numbers() -> Iterator[bytes]:
    for digits in (20, 400, 5_000, 1_000_000):
        for name in ("status", "duration_ms", "timestamp", "level", "user_id", "pid"):
            yield (
                json.dumps({"event": "numbers", name: 0}).replace("0}", "9" * digits + "}").encode()
            )


FILES: Mapping[str, Callable[[], Iterator[bytes]]] = {
    "long JSON": _long_json,
    "long plain": _long_plain,
    "nested": _nested,
    "fields of a file": _fields_of_a_file,
    "fields of a line": _fields_of_a_line,
    "names": _names,
    "numbers": _numbers,
    "utf-16": _utf16,
    "empty": lambda: iter(()),
    "newlines": lambda: iter([b"\n" * 3_000_000]),
    "zeros": lambda: iter([b"\0" * 30_000_000]),
}
"""Lines by what is wrong with them all."""

NAMES = (
    "a\x1b]0;pwned\x07b.jsonl",
    "a\x1b[31mb.jsonl",
    "a\nb\rc.jsonl",
    "a\u202egpj.jsonl",
    "[red]a[bold].jsonl",
    "a\x9b5m\u0301\u0301\u0301\u0301\u0301.jsonl",
    "a\udcff\udc9b31m.jsonl",
)
"""Names of files; the last one has bytes that are no UTF-8."""


def write(path: Path, found: Iterator[bytes]) -> Path:
    """Write lines to a file, each with its newline, and return the file."""
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in found)
    return path
