"""The one gate between the outside world and the screen.

Log lines, health bodies, Alembic's output and exception messages are written by others. A single
escape sequence among them could retitle the terminal, and a bidi override could make a line read
as something it is not, so every such text passes through `visible()` before it is drawn.
"""

import re
import unicodedata

__all__ = ["cut", "fit", "redact", "visible", "width_of"]

# A password longer than this is not recognised; without the bound, a line made of nothing but
# "://a:" would take quadratic time.
_USERINFO = re.compile(r"(://[^\s/:@]{0,256}:)(?!\d{1,5}[/?#])[^\s\"'<>]{0,256}@")
_PARAMETER = re.compile(r"(?i)([?&](?:password|passwd|pwd)=)[^\s&#\"'<>]{1,256}")
_MASK = r"\1***"

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks that Unicode draws as nothing at all ("default ignorable"), so that two
# different texts would look the same; and tones of skin, which some terminals give room and some
# draw over what stands before them.
_INVISIBLE = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0x1F3FB, 0x1F3FF),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_MARKS = frozenset({"Mn", "Me", "Mc"})
# Vowels and finals of Hangul, which are drawn into the syllable before them.
_JAMO = re.compile("[\u1161-\u11ff\ud7b0-\ud7fb]")
# What Unicode 16 or some terminals have made wide.
_WIDER = re.compile(
    "[\u2630-\u2637\u268a-\u268f\u3248-\u324f\u4dc0-\u4dff"
    "\U0001d300-\U0001d356\U0001d360-\U0001d376]"
)
# More marks than this on one letter is a flood that paints over the neighbouring lines.
_MARKS_PER_LETTER = 3


def visible(text: object, limit: int = 2_000) -> str:
    """Return `text` as at most `limit` characters that are safe to draw on one line.

    Passwords in URLs are masked. Controls, escapes, bidi and zero-width characters, line
    separators and unassigned code points become escapes such as `\\x1b` or `\\u202e`; every other
    kind of space becomes a plain one. The result never holds a line break.
    """
    # The margin keeps a password whole until it is masked, even where the cut falls inside it.
    shown = redact(str(text)[: limit + 600])
    if not (shown.isascii() and shown.isprintable()):
        shown = _escape(shown)
    return cut(shown, limit)


def redact(text: str) -> str:
    """Mask the password of every `scheme://user:password@` and `?password=` in `text`."""
    if "://" in text:
        text = _USERINFO.sub(_MASK + "@", text)
    if "=" in text:
        text = _PARAMETER.sub(_MASK, text)
    return text


def cut(text: str, limit: int) -> str:
    """Shorten `text` to `limit` characters, the last of them an ellipsis when any were lost."""
    if len(text) <= limit:
        return text
    return text[: limit - 1] + "…" if limit > 0 else ""


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes that `visible` has returned."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def fit(text: object, width: int) -> str:
    """Return a text that is safe to draw, cut or filled up to exactly `width` columns."""
    shown = visible(text, max(width, 1))
    while width_of(shown) > width:
        shown = shown[:-2] + "…" if len(shown) > 1 else ""
    return shown + " " * (width - width_of(shown))


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"} or _JAMO.match(character):
        return 0
    wide = unicodedata.east_asian_width(character) in {"W", "F"} or _WIDER.match(character)
    return 2 if wide else 1


def _escape(text: str) -> str:
    shown: list[str] = []
    marks = 0
    for character in text:
        if " " <= character <= "~":
            marks = 0
            shown.append(character)
            continue
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS or _JAMO.match(character) else 0
        if category == "Zs":
            shown.append(" ")
        elif category in _HIDDEN_CATEGORIES or character in _INVISIBLE or marks > _MARKS_PER_LETTER:
            shown.append(_code(character))
        else:
            shown.append(character)
    return "".join(shown)


def _code(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return _SHORT.get(character) or f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
