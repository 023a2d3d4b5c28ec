"""Regular expressions as typed, read into a tree: the part of Python's syntax that is regular."""

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = [
    "AnyOf",
    "Assertion",
    "Characters",
    "Node",
    "PatternError",
    "Repeat",
    "Sequence",
    "escaped",
    "is_word",
    "read",
]

_REPEATS = 1_000
_DEPTH = 50
_BOUNDS = re.compile(r"\{(\d{0,4})(,?)(\d{0,4})\}", re.ASCII)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
_PLAIN = " /_-:,'\""
_ASSERTIONS = {"b": "edge", "B": "no edge"}


class PatternError(ValueError):
    """A regular expression that cannot be used: what to do, and the column that is at fault."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


def escaped(text: str) -> str:
    """Return a pattern that means just that text."""
    return "".join(c if c.isalnum() or c in _PLAIN else "\\" + c for c in text)


def is_word(character: str) -> bool:
    """Tell whether a character is part of a word, as `\\w` has it."""
    return character.isalnum() or character == "_"


_CLASSES: dict[str, Callable[[str], bool]] = {
    "d": str.isdecimal,
    "s": str.isspace,
    "w": is_word,
}


@dataclass(slots=True)
class Characters:
    """One character: any of some, of ranges or of classes (each with what it should say)."""

    ranges: list[tuple[str, str]]
    classes: list[tuple[Callable[[str], bool], bool]]
    negated: bool = False

    def hold(self, character: str) -> bool:
        """Tell whether it may be this character."""
        found = any(low <= character <= high for low, high in self.ranges) or any(
            test(character) is wanted for test, wanted in self.classes
        )
        return found is not self.negated


@dataclass(slots=True)
class Assertion:
    """A place: `start`, `end`, the `edge` of a word, or `no edge`."""

    kind: str


@dataclass(slots=True)
class Sequence:
    """One after the other."""

    parts: "list[Node]"


@dataclass(slots=True)
class AnyOf:
    """One or the other."""

    parts: "list[Node]"


@dataclass(slots=True)
class Repeat:
    """At least `least` and at most `most` times; without an end if that is None."""

    inner: "Node"
    least: int
    most: int | None


Node = Characters | Assertion | Sequence | AnyOf | Repeat


def read(pattern: str) -> Node:
    """Return the tree of a regular expression, or raise PatternError."""
    reader = _Reader(pattern)
    found = reader.alternatives(0)
    if reader.next:
        raise PatternError("this ) closes nothing: write \\) for one", reader.column)
    return found


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.column = 0

    @property
    def next(self) -> str:
        return self._pattern[self.column : self.column + 1]

    def alternatives(self, depth: int) -> Node:
        parts: list[Node] = [self._sequence(depth)]
        while self._take("|"):
            parts.append(self._sequence(depth))
        return AnyOf(parts) if len(parts) > 1 else parts[0]

    def _take(self, text: str) -> bool:
        found = self._pattern.startswith(text, self.column)
        self.column += len(text) * found
        return found

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.next not in {"", "|", ")"}:
            parts.append(self._repeated(self._one(depth)))
        return parts[0] if len(parts) == 1 else Sequence(parts)

    def _repeated(self, inner: Node) -> Node:
        start = self.column
        bounds = self._bounds()
        if bounds is None:
            return inner
        least, most = bounds
        if max(least, most or 0) > _REPEATS or (most is not None and least > most):
            raise PatternError(f"repeat from few to many times, at most {_REPEATS}", start)
        # How greedy a repetition is makes no difference to whether there is a match.
        self._take("?")
        again = self.column
        if self._bounds() is not None:
            raise PatternError("this repeats a repetition: put it in parentheses", again)
        return Repeat(inner, least, most)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in {"*": (0, None), "+": (1, None), "?": (0, 1)}.items():
            if self._take(sign):
                return bounds
        found = _BOUNDS.match(self._pattern, self.column)
        if not found or not (found[1] or found[3]):
            return None
        self.column = found.end()
        least = int(found[1] or 0)
        if not found[2]:
            return least, least
        return least, int(found[3]) if found[3] else None

    def _one(self, depth: int) -> Node:
        start = self.column
        character = self.next
        if character == "\\":
            return self._escape()
        self.column += 1
        if character == ".":
            return Characters([], [], negated=True)
        if character in {"^", "$"}:
            return Assertion("start" if character == "^" else "end")
        if character == "[":
            return self._set(start)
        if character == "(":
            return self._group(start, depth)
        if character in {"*", "+", "?"}:
            raise PatternError(f"there is nothing here to repeat: write \\{character}", start)
        return Characters([(character, character)], [])

    def _group(self, start: int, depth: int) -> Node:
        if depth == _DEPTH:
            raise PatternError(f"only {_DEPTH} parentheses may stand within each other", start)
        if self._take("?") and not self._take(":"):
            raise PatternError("of the (?…) only (?:…) is known", start)
        inner = self.alternatives(depth + 1)
        if not self._take(")"):
            raise PatternError("this ( is never closed: write \\( for one", start)
        return inner

    def _escape(self) -> Node:
        start = self.column
        character = self._pattern[start + 1 : start + 2]
        self.column += 2
        if character in _ASSERTIONS:
            return Assertion(_ASSERTIONS[character])
        return self._characters_escaped(character, start)

    def _characters_escaped(self, character: str, start: int) -> Characters:
        if character.lower() in _CLASSES:
            return Characters([], [(_CLASSES[character.lower()], character.islower())])
        literal = _CONTROLS.get(character, character)
        if not character or (literal == character and character.isalnum()):
            raise PatternError(f"\\{character} is not known here", start)
        return Characters([(literal, literal)], [])

    def _set(self, start: int) -> Node:
        found = Characters([], [], negated=self._take("^"))
        first = True
        while first or self.next != "]":
            if not self.next:
                raise PatternError("this [ is never closed: write \\[ for one", start)
            column = self.column
            low = self._set_member()
            after = self._pattern[self.column + 1 : self.column + 2]
            if self.next == "-" and after not in {"", "]"}:
                self.column += 1
                high = self._set_member()
                if low.classes or high.classes or low.ranges > high.ranges:
                    raise PatternError("a range goes from one character to a later one", column)
                low = Characters([(low.ranges[0][0], high.ranges[0][1])], [])
            found.ranges += low.ranges
            found.classes += low.classes
            first = False
        self.column += 1
        return found

    def _set_member(self) -> Characters:
        start, character = self.column, self.next
        if character == "\\":
            self.column += 2
            return self._characters_escaped(self._pattern[start + 1 : start + 2], start)
        self.column += 1
        return Characters([(character, character)], [])
