"""Lines as one JSON object each, for programs; `pretty` has them for people."""

import re
from collections.abc import Sequence
from typing import Protocol

import msgspec

from console.lines import WHOLE_LINE
from console.logs.sources.block import Block

__all__ = ["SOURCE", "Look", "Renderer", "drawn", "printable", "renderer"]

SOURCE = "source"
"""The name among `fields` that stands for the log a line is from."""


class Look(msgspec.Struct, frozen=True):
    """How lines are shown: as JSON, else in columns of a `width`; all of a line, or some `fields`.

    `terminal`: what is written there must be printable. `sources`: columns name the source.
    """

    json: bool
    fields: tuple[str, ...] = ()
    terminal: bool = False
    colour: bool = False
    width: int = 0
    sources: bool = False


class Renderer(Protocol):
    """Turns lines, given without their newlines, into what is written."""

    def lines(self, lines: Sequence[bytes], source: str) -> bytes:
        """Return what to write for these lines of a source, newlines and all."""

    def beginning(self, line: bytes, size: int, source: str) -> bytes:
        """Return what to write for a line of `size` bytes of which only the beginning is kept."""


def renderer(look: Look) -> Renderer:
    """Return what makes lines look like that."""
    # Imported late: most lines are passed on as they are.
    if not look.json:
        from console.commands.pretty import Pretty  # noqa: PLC0415

        return Pretty(look)
    shown: Renderer = JsonLines()
    if look.fields:
        from console.commands.fields import JsonFields  # noqa: PLC0415

        shown = JsonFields(look.fields)
    return Printable(shown) if look.terminal else shown


def drawn(shown: Renderer, block: Block) -> bytes:
    """Return what to write for a block."""
    if block.size > len(block.data):
        return shown.beginning(block.data[:-1], block.size, block.source)
    return shown.lines(block.data[:-1].split(b"\n"), block.source)


class JsonLines:
    """The line itself where it is a JSON object, else `{"text": …}`; a cut one says so."""

    def lines(self, lines: Sequence[bytes], source: str) -> bytes:  # noqa: ARG002 - as Renderer
        """Return one object a line."""
        block = b"\n".join(lines)
        if len(block) > WHOLE_LINE:
            return b"".join(map(_long, lines))
        try:
            list(map(_skim, lines))
            block.decode()
        except _NOT_JSON:
            block = b"\n".join([line if _is_object(line) else _text(line) for line in lines])
        return block + b"\n"

    def beginning(self, line: bytes, size: int, source: str) -> bytes:  # noqa: ARG002
        """Return the beginning as text, and the size of all of it."""
        return _encode({"text": _decoded(line), "cut": True, "size": size}) + b"\n"


class Printable:
    """Another renderer's JSON, changed to other JSON of the same meaning that a terminal can be
    given: nothing in it but printable characters."""

    def __init__(self, inner: Renderer) -> None:
        self._inner = inner

    def lines(self, lines: Sequence[bytes], source: str) -> bytes:
        """Return one object a line."""
        return printable(self._inner.lines(lines, source))

    def beginning(self, line: bytes, size: int, source: str) -> bytes:
        """Return what the beginning tells."""
        return printable(self._inner.beginning(line, size, source))


_NOT_JSON = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
_skim = msgspec.json.Decoder(msgspec.defstruct("Object", [], gc=False)).decode
_encode = msgspec.json.encode
_UNPRINTABLE = re.compile(r"[^\n -~]")
_PART = 64 * 1024


def _is_object(line: bytes) -> bool:
    try:
        _skim(line)
        line.decode()
    except _NOT_JSON:
        return False
    return True


def _long(line: bytes) -> bytes:
    """Return one of few lines that are very long together."""
    if len(line) > WHOLE_LINE:
        # As it comes from a file, there may be more of it.
        return _encode({"text": _decoded(line[:WHOLE_LINE]), "cut": True}) + b"\n"
    return (line if _is_object(line) else _text(line)) + b"\n"


def _text(line: bytes) -> bytes:
    return _encode({"text": _decoded(line)})


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")


def printable(data: bytes) -> bytes:
    """Return JSON as other JSON of the same meaning, with nothing but printable characters."""
    text = data.decode()
    if text.isascii() and text.replace("\n", "").isprintable():
        return data
    # A line of megabytes would be as many small texts at once.
    parts = (text[at : at + _PART] for at in range(0, len(text), _PART))
    return b"".join([_UNPRINTABLE.sub(_escape, part).encode() for part in parts])


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    if character < " ":
        # Inside a text, JSON has these as escapes; outside they are spaces.
        return " "
    code = character.encode("utf-16-be").hex()
    return "".join(f"\\u{code[at : at + 4]}" for at in range(0, len(code), 4))
