"""The characters of a filter, taken from the left: words, operators, quoted texts, values."""

import re
from typing import NamedTuple

from console.logs.filters.errors import FilterError

__all__ = ["OPERATORS", "Piece", "Scanner"]

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "~", "!~", "~~", "!~~")

# What other languages write: either it is plain what is meant, or the error says what to write.
_SYNONYMS = {"==": "=", "=~": "~~"}
_MISTAKES = {"=>": ">=", "=<": "<=", "<>": "!=", "=!": "!=", "===": "=", "~=": "~", "~!": "!~"}
_WORD = re.compile(r"(?:[^\s()=<>~!]|!(?![=~]))+")
_KNOWN = {*OPERATORS, *_SYNONYMS, *_MISTAKES}
_BARE = re.compile(r"[^\s(),]+")
_CLOSE = re.compile(r"[\s)]|$")
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\nrt]))')
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


class Piece(NamedTuple):
    """A part of the filter: its text without quotes, whether it had them, and where it stands."""

    text: str
    quoted: bool
    column: int
    length: int

    def error(self, message: str) -> FilterError:
        """Return an error that points at this piece."""
        return FilterError(message, self.column, max(self.length, 1))


class Scanner:
    """A position in a text that only moves forward."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.column = 0

    def skip_space(self) -> None:
        """Go to the next character that is not a space."""
        self.column = self._after_space()

    @property
    def next(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.column : self.column + 1]

    def take(self, prefix: str) -> bool:
        """Go past `prefix` if it is what comes next."""
        found = self.text.startswith(prefix, self.column)
        self.column += len(prefix) * found
        return found

    def peek_word(self) -> str:
        """Return the bare word that comes next; empty if there is none."""
        found = _WORD.match(self.text, self.column)
        return found[0] if found else ""

    def word(self, length: int) -> Piece:
        """Take the next `length` characters, a bare word or the beginning of one."""
        start, self.column = self.column, self.column + length
        return Piece(self.text[start : self.column], False, start, length)

    def operator(self) -> Piece | None:
        """Take an operator, with spaces before it allowed, or move nothing and return None."""
        start = self._after_space()
        longest_first = (self.text[start : start + length] for length in (3, 2, 1))
        typed = next((text for text in longest_first if text in _KNOWN), None)
        if typed is None:
            return None
        piece = Piece(_SYNONYMS.get(typed, typed), False, start, len(typed))
        if typed in _MISTAKES:
            raise piece.error(f"{typed} is no operator: did you mean {_MISTAKES[typed]}?")
        self.column = start + len(typed)
        return piece

    def quoted(self) -> Piece:
        """Take a text in quotes or backticks, the next character being the opening one.

        In double quotes `\\"`, `\\\\`, `\\n`, `\\r`, `\\t` and `\\u00ef` are escapes and any other
        backslash is itself; in single quotes and backticks everything is itself.
        """
        start, quote = self.column, self.next
        end = start + 1
        while end < len(self.text) and self.text[end] != quote:
            end += 2 if quote == '"' and self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise FilterError(f"the closing {quote} is missing", start, len(self.text) - start)
        inner = self.text[start + 1 : end]
        if quote == '"':
            inner = _ESCAPE.sub(_unescape, inner)
            if _SURROGATE.search(inner):
                raise FilterError(
                    "half a character: type the character itself", start, end + 1 - start
                )
        self.column = end + 1
        return Piece(inner, True, start, end + 1 - start)

    def value(self) -> Piece | None:
        """Take a value, with spaces before it allowed: quoted, or up to a space or `,`."""
        self.skip_space()
        if self.next in {'"', "'"}:
            return self.quoted()
        found = _BARE.match(self.text, self.column)
        return self.word(len(found[0])) if found else None

    def pattern(self) -> Piece | None:
        """Take a regular expression: quoted, or up to a space or a `)` that it did not open."""
        self.skip_space()
        if self.next in {'"', "'"}:
            return self.quoted()
        end, depth = self.column, 0
        while end < len(self.text) and not self.text[end].isspace():
            depth += {"(": 1, ")": -1}.get(self.text[end], 0)
            if depth < 0:
                break
            end += 2 if self.text[end] == "\\" else 1
        length = min(end, len(self.text)) - self.column
        return self.word(length) if length else None

    def expect_close(self) -> None:
        """Raise unless a space, a `)` or the end follows."""
        if not _CLOSE.match(self.text, self.column):
            raise FilterError(
                "a space is missing before this; or put the whole text in quotes", self.column
            )

    def _after_space(self) -> int:
        end = self.column
        while self.text[end : end + 1].isspace():
            end += 1
        return end


def _unescape(match: re.Match[str]) -> str:
    code, character = match.groups()
    return chr(int(code, 16)) if code else _ESCAPED.get(character, character)
