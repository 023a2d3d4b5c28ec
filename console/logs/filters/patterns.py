"""Regular expressions that no text can make slow.

Python's `re` takes a minute or a year for `(a+)+$` and the right forty characters, and the right
characters are what an attacker gets logged. Here the pattern becomes an automaton whose states are
made as texts need them: each character is looked at once, whatever the pattern.
"""

from collections.abc import Iterator

from console.logs.filters.pattern_syntax import (
    AnyOf,
    Assertion,
    Characters,
    Node,
    PatternError,
    Repeat,
    Sequence,
    is_word,
    read,
)
from console.logs.filters.words import fold

__all__ = ["SEARCHED", "Pattern", "PatternError"]

SEARCHED = 16 * 1024
"""Characters of a text that are searched; the rest of a longer one is not."""

_THREADS = 250
_WORK = 5_000
_TRANSITIONS = 20_000
_MATCH = -1


class Pattern:
    """A regular expression that is searched for in texts.

    `.` is any character, line ends too; `^` and `$` are the ends of the text. Case matters if the
    pattern holds a capital letter that stands for itself. Raises PatternError.
    """

    def __init__(self, text: str) -> None:
        tree = read(text)
        self.exact_case = any(_has_capital(node) for node in _characters(tree))
        self.needle = max(_literals(tree), key=len, default="")
        """What every text that matches holds, after `fold` unless `exact_case`; may be empty."""
        self._threads: list[tuple[Characters | Assertion | None, list[int]]] = []
        self._work = 0
        self._first = self._compile(tree, _MATCH)
        self._forget()

    def search(self, text: str) -> bool:
        """Tell whether the pattern is found anywhere in the first SEARCHED characters."""
        text = text[:SEARCHED]
        if not self.exact_case:
            text = fold(text)
        if self.needle not in text:
            return False
        state = self._start
        for character in text:
            following = state.following.get(character)
            if following is None:
                following = self._step(state, character)
            if following is _FOUND:
                return True
            state = following
        return _MATCH in self._closure(state, "")

    def _compile(self, node: Node, after: int) -> int:
        """Add the threads of `node`, which go on with thread `after`; return the first of them."""
        self._work += 1
        if self._work > _WORK or len(self._threads) > _THREADS:
            raise PatternError("this is too much: repeat less, or use fewer alternatives", 0)
        match node:
            case Characters() | Assertion():
                return self._thread(node, [after])
            case Sequence(parts):
                for part in reversed(parts):
                    after = self._compile(part, after)
                return after
            case AnyOf(parts):
                return self._thread(None, [self._compile(part, after) for part in parts])
            case Repeat(inner, least, most):
                if most is None:
                    loop = self._thread(None, [after])
                    self._threads[loop][1].append(self._compile(inner, loop))
                    after = loop
                else:
                    end = after
                    for _ in range(most - least):
                        after = self._thread(None, [self._compile(inner, after), end])
                for _ in range(least):
                    after = self._compile(inner, after)
                return after

    def _thread(self, what: Characters | Assertion | None, after: list[int]) -> int:
        self._threads.append((what, after))
        return len(self._threads) - 1

    def _forget(self) -> None:
        self._states: dict[tuple[frozenset[int], str], _State] = {}
        self._transitions = 0
        self._start = self._state(frozenset({self._first}), "")

    def _state(self, threads: frozenset[int], before: str) -> "_State":
        key = threads, before
        if key not in self._states:
            self._states[key] = _State(threads, before)
        return self._states[key]

    def _step(self, state: "_State", character: str) -> "_State":
        if self._transitions >= _TRANSITIONS:
            self._forget()
        self._transitions += 1
        alive = self._closure(state, character)
        if _MATCH in alive:
            following = _FOUND
        else:
            threads = {self._first}
            for thread in alive:
                what, after = self._threads[thread]
                if isinstance(what, Characters) and what.hold(character):
                    threads.update(after)
            following = self._state(frozenset(threads), "w" if is_word(character) else " ")
        state.following[character] = following
        return following

    def _closure(self, state: "_State", character: str) -> set[int]:
        """Return the threads that are reached before `character` is read; "" is the text's end."""
        before_word, after_word = state.before == "w", bool(character) and is_word(character)
        holds = {
            "start": not state.before,
            "end": not character,
            "edge": before_word is not after_word,
            "no edge": before_word is after_word,
        }
        reached: set[int] = set()
        waiting = list(state.threads)
        while waiting:
            thread = waiting.pop()
            if thread in reached:
                continue
            reached.add(thread)
            if thread == _MATCH:
                continue
            what, after = self._threads[thread]
            if what is None or (isinstance(what, Assertion) and holds[what.kind]):
                waiting += after
        return reached


class _State:
    """Threads that wait for the next character, and what the one before was: w, a space, none."""

    __slots__ = ("before", "following", "threads")

    def __init__(self, threads: frozenset[int], before: str) -> None:
        self.threads = threads
        self.before = before
        self.following: dict[str, _State] = {}


_FOUND = _State(frozenset(), "")


def _characters(node: Node) -> Iterator[Characters]:
    match node:
        case Characters():
            yield node
        case Sequence(parts) | AnyOf(parts):
            for part in parts:
                yield from _characters(part)
        case Repeat(inner):
            yield from _characters(inner)


def _has_capital(found: Characters) -> bool:
    return any(fold(end) != end for pair in found.ranges for end in pair)


def _literals(node: Node) -> Iterator[str]:
    """Texts that are in every match of `node`."""
    match node:
        case Characters():
            yield _literal(node)
        case Sequence(parts):
            run = ""
            for part in parts:
                literal = _literal(part)
                if literal:
                    run += literal
                    continue
                yield run
                run = ""
                yield from _literals(part)
            yield run
        case Repeat(inner, least) if least:
            yield from _literals(inner)


def _literal(node: Node) -> str:
    """The only text that `node` matches, if it is one character."""
    if not isinstance(node, Characters) or node.negated or node.classes or len(node.ranges) != 1:
        return ""
    low, high = node.ranges[0]
    return low if low == high else ""
