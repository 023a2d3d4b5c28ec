"""What a terminal was sent, taken apart as a terminal does it: sequences, and text between them."""

import re
import unicodedata
from collections.abc import Iterator

__all__ = ["sequences", "text_of", "unprintable"]

# As ECMA-48 and xterm have them; what is begun and never ended reaches to the end.
_SEQUENCE = re.compile(
    "(?P<string>(?:\x1b[\\]PX^_k]|[\x90\x98\x9d\x9e\x9f]).*?(?:\x07|\x1b\\\\|\x9c|\\Z))"
    "|(?P<csi>(?:\x1b\\[|\x9b)[0-?]*[ -/]*(?:[@-~]|\\Z))"
    "|(?P<other>\x1b[ -/]*(?:[0-~]|\\Z))",
    re.DOTALL,
)
_PLACES = frozenset("ABCDEFGHJKXdf")
_COLOUR = re.compile(r"[34]8[;:](?:5[;:]\d+|2[;:]\d+[;:]\d+[;:]\d+)|\d+")
_SPACES = frozenset("\r\n")
_DANGEROUS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def sequences(output: bytes) -> set[str]:
    """Return the sequences: where the cursor goes is `#`, colours and attributes are one each."""
    return {part for found in _SEQUENCE.finditer(_decoded(output)) for part in _parts(found)}


def text_of(output: bytes) -> str:
    """Return what stands between the sequences."""
    return _SEQUENCE.sub("", _decoded(output))


def unprintable(output: bytes) -> set[str]:
    """Return the characters of the text that do anything but to be seen; ends of lines may be."""
    return {
        each for each in set(text_of(output)) - _SPACES if unicodedata.category(each) in _DANGEROUS
    }


def _parts(found: re.Match[str]) -> Iterator[str]:
    sequence = found[0]
    if found.lastgroup != "csi":
        yield sequence
    elif sequence.endswith("m") and sequence[2:3].isdigit():
        # What fades or blinks has many of the 256 colours in turn.
        for attribute in _COLOUR.findall(sequence):
            yield re.sub(r"5;\d+$", "5;#", f"\x1b[{attribute}") + "m"
    elif sequence[-1] in _PLACES:
        yield re.sub(r"\d+", "#", sequence)
    else:
        yield sequence


def _decoded(output: bytes) -> str:
    # A broken byte is a character of its own, which is none that may be sent.
    return output.decode("utf-8", "surrogateescape")
