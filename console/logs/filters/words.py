"""What it means that a line or a field contains some words."""

import re
from typing import Any

import msgspec

__all__ = ["fold", "has_capital", "holds", "number", "text_of"]

_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))",
    re.DOTALL,
)
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
# JSON inside a JSON text, as container logs have it, is escaped twice.
_LAYERS = 2
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?", re.ASCII)


def holds(line: bytes, words: str, *, exact_case: bool) -> bool:
    """Tell whether a line contains `words`, as it is or with its escapes resolved.

    Bytes that are not UTF-8 match nothing. Without `exact_case`, `words` must be folded.
    """
    # No character that one can type becomes a lone surrogate, so a broken byte matches no word.
    text = line.decode("utf-8", "surrogateescape")
    for _ in range(_LAYERS):
        if words in (text if exact_case else fold(text)):
            return True
        if "\\" not in text:
            return False
        text = _ESCAPE.sub(_resolve, text)
    return words in (text if exact_case else fold(text))


def fold(text: str) -> str:
    """Return `text` in lower case, as long as before, no letter becoming ASCII that was not."""
    if text.isascii():
        return text.lower()
    return "".join(map(_fold_character, text))


def has_capital(words: str) -> bool:
    """Tell whether case matters for these words: it does as soon as one letter is a capital."""
    return fold(words) != words


def text_of(value: Any) -> str:
    """Return the text of a field's value: text as it is, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError, OverflowError):
        return ""


def number(value: Any) -> int | float | None:
    """Return a value as a number: a number itself, or text that is a plain one such as "250"."""
    if type(value) is int or type(value) is float:
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return None


def _fold_character(character: str) -> str:
    # The Kelvin sign would become a "k", the dotted capital İ two characters.
    lower = character.lower()
    if len(lower) != 1 or (lower.isascii() and not character.isascii()):
        return character
    return lower


def _resolve(match: re.Match[str]) -> str:
    high, low, single, other = match.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
    return chr(int(single, 16)) if single else _SHORT.get(other, other)
