"""Words looked for in a whole block at once; which lines hold them is what `words.holds` says."""

from collections.abc import Iterable
from itertools import chain

from console.logs.filters.words import holds
from console.logs.records.lines import lines_of
from console.logs.records.objects import cleaned

__all__ = ["is_utf8", "lines_holding"]

# With more hits than this in a block, looking at each line is quicker than going on from each hit.
_FEW = 32
_DELETE = 0x7F


def is_utf8(block: bytes) -> bool:
    """Tell whether all of a block can be decoded."""
    try:
        return block.isascii() or bool(block.decode())
    except UnicodeDecodeError:
        return False


def lines_holding(block: bytes, words: str, *, exact_case: bool) -> set[int]:
    """Return the numbers of the lines that hold `words`; without `exact_case` they are folded."""
    if not words or any(ord(c) < ord(" ") or ord(c) == _DELETE for c in words):
        return _confirmed(block, None, words, exact_case=exact_case)
    if not (exact_case or words.isascii()):
        # Only bytes that are no ASCII, or an escape, can be such a letter.
        if block.isascii() and b"\\" not in block:
            return set()
        numbers = (n for n, line in enumerate(lines_of(block)) if _is_special(line))
        return _confirmed(block, numbers, words, exact_case=exact_case)
    searched = block if exact_case else block.lower()
    needle = words.encode("utf-8", "surrogatepass")
    found = set(_hits(searched, needle))
    if b"\\" in block:
        # What an escape stands for, other than `\\u`, is the character behind the backslash or a
        # control: with its backslashes taken out, a line still holds every word that it held.
        escaped: Iterable[int] = _hits(searched.replace(b"\\", b""), needle.replace(b"\\", b""))
        if b"\\u" in block:
            escaped = chain(escaped, _hits(block, b"\\u"))
        more = set(escaped) - found
        found |= _confirmed(block, more, words, exact_case=exact_case)
    return found


def _confirmed(
    block: bytes, numbers: Iterable[int] | None, words: str, *, exact_case: bool
) -> set[int]:
    """Return those of the numbers, None being all, whose lines do hold the words."""
    lines = lines_of(block)
    return {
        number
        for number in (range(len(lines)) if numbers is None else numbers)
        if holds(cleaned(lines[number].removesuffix(b"\n")), words, exact_case=exact_case)
    }


def _is_special(line: bytes) -> bool:
    return not line.isascii() or b"\\" in line


def _hits(block: bytes, needle: bytes) -> list[int]:
    """Return the numbers of the lines in which the bytes of `needle` are."""
    found: list[int] = []
    number = start = 0
    at = block.find(needle)
    while at >= 0:
        if len(found) == _FEW:
            return [n for n, line in enumerate(lines_of(block)) if needle in line]
        number += block.count(b"\n", start, at)
        found.append(number)
        end = block.find(b"\n", at)
        if end < 0:
            break
        number, start = number + 1, end + 1
        # An empty needle is found behind the last line, too.
        at = block.find(needle, start) if start < len(block) else -1
    return found
