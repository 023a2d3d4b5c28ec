"""From what one types to a tree: `level>=warning -health (a or b) since:10m`.

any    = all {"or" all}
all    = term {["and"] term}
term   = {"-" | "!" | "not"} ("(" any ")" | field | time | words)
field  = name operator value {"," value} | name ":*"
time   = ("since:" | "until:") value
words  = a bare word | "quoted text"
"""

import re
from collections.abc import Collection

from console.logs.filters.errors import FilterError
from console.logs.filters.expression import (
    Comparison,
    Exists,
    Expression,
    Operator,
    Text,
    all_of,
    any_of,
    negation,
)
from console.logs.filters.fields import FIELDS, NAME, canonical, likely_typo
from console.logs.filters.scanner import Piece, Scanner
from console.logs.filters.values import TIMES, comparison, instant_of
from console.logs.filters.words import fold, has_capital

__all__ = ["DEPTH", "Grammar"]

DEPTH = 50
"""Parentheses within parentheses."""

_TIME = re.compile(r"(since|until):", re.IGNORECASE)
_LIMITS: dict[str, Operator] = {"since": ">=", "until": "<"}


class Grammar:
    """Reads one filter, by recursive descent: a method for each rule above."""

    def __init__(self, text: str, now: float, seen: Collection[str]) -> None:
        self._scanner = Scanner(text)
        self._now = now
        self._seen = seen
        self._depth = 0

    def read(self) -> Expression:
        """Return the whole filter as a tree, or raise FilterError."""
        found = self._any() if self._more() else all_of([])
        if self._scanner.next:
            raise self._here("this ) closes nothing; to search for one, put it in quotes")
        return found

    def _any(self) -> Expression:
        parts = [self._all()]
        while self._take_keyword("or"):
            parts.append(self._all())
        return any_of(parts)

    def _all(self) -> Expression:
        parts = [self._term()]
        while self._more() and not self._at_keyword("or"):
            self._take_keyword("and")
            parts.append(self._term())
        return all_of(parts)

    def _term(self) -> Expression:
        negated = False
        while self._take_negation():
            negated = not negated
        if not self._more():
            raise self._here("something is missing here: a word, a comparison, a parenthesis")
        found = self._positive()
        self._scanner.expect_close()
        return negation(found) if negated else found

    def _positive(self) -> Expression:
        scanner = self._scanner
        if scanner.next == "(":
            return self._group()
        if scanner.next in {'"', "'", "`"}:
            return self._quoted()
        if operator := scanner.operator():
            raise operator.error(
                f"a field is missing before {operator.text}; to search for it, put it in quotes"
            )
        word = scanner.peek_word()
        if word.lower() in {"or", "and"}:
            raise scanner.word(len(word)).error(
                f'something is missing before {word}; to search for the word, write "{word}"'
            )
        if limit := _TIME.match(word):
            return self._time(scanner.word(limit.end()))
        piece = scanner.word(len(word))
        if operator := scanner.operator():
            return self._comparison(self._name(piece), operator)
        return self._word(piece)

    def _group(self) -> Expression:
        opening = self._scanner.word(1)
        if self._depth == DEPTH:
            raise opening.error(f"only {DEPTH} parentheses may stand within each other")
        self._depth += 1
        found = self._any()
        self._depth -= 1
        if not self._scanner.take(")"):
            raise opening.error("this ( is never closed; to search for one, put it in quotes")
        return found

    def _quoted(self) -> Expression:
        backtick = self._scanner.next == "`"
        piece = self._scanner.quoted()
        if not piece.text:
            raise piece.error("there is nothing between the quotes")
        name = canonical(piece.text)
        if self._scanner.take(":*"):
            return Exists(name)
        if operator := self._scanner.operator():
            return self._comparison(name, operator)
        if backtick:
            raise piece.error("this is a field: write an operator after it, or :* for any value")
        return _text(piece.text)

    def _word(self, piece: Piece) -> Expression:
        name, colon, value = piece.text.partition(":")
        if colon and value == "*":
            return Exists(self._name(piece._replace(text=name, length=len(name))))
        if colon and (canonical(name) in FIELDS or name in self._seen):
            raise piece.error(
                f"for the field write {name}={value or '…'}; for the text put it in quotes"
            )
        return _text(piece.text)

    def _time(self, keyword: Piece) -> Expression:
        value = self._scanner.value() if not self._scanner.next.isspace() else None
        if value is None:
            raise self._here(f"a time is missing here: {TIMES}")
        symbol = _LIMITS[keyword.text[:-1].lower()]
        return Comparison("time", symbol, (instant_of(value, self._now),))

    def _comparison(self, name: str, operator: Piece) -> Expression:
        scanner = self._scanner
        take = scanner.pattern if operator.text.endswith("~~") else scanner.value
        values: list[Piece] = []
        while not values or scanner.take(","):
            value = take()
            if value is None:
                raise self._here(
                    'a value is missing here; write "" for none, several as 500,502'
                    if scanner.next in {"", ")", ","}
                    else "put a value with parentheses in quotes; write several as 500,502"
                )
            values.append(value)
        return comparison(name, operator, values, self._now)

    def _name(self, piece: Piece) -> str:
        name = canonical(piece.text)
        if piece.text.endswith(":"):
            raise piece.error("leave out the : before an operator, as in status>=500")
        if not NAME.fullmatch(name):
            raise piece.error("this is no field: put a strange name in backticks, a text in quotes")
        if piece.text in _LIMITS:
            raise piece.error(f"for a time write {piece.text}:, as in {piece.text}:10m")
        if name not in self._seen and (meant := likely_typo(name)):
            raise piece.error(f"did you mean {meant}? If not, write `{name}` in backticks")
        return name

    def _more(self) -> bool:
        self._scanner.skip_space()
        return self._scanner.next not in {"", ")"}

    def _at_keyword(self, keyword: str) -> bool:
        self._scanner.skip_space()
        return self._scanner.peek_word().lower() == keyword

    def _take_keyword(self, keyword: str) -> bool:
        found = self._at_keyword(keyword)
        if found:
            self._scanner.word(len(keyword))
        return found

    def _take_negation(self) -> bool:
        self._scanner.skip_space()
        return (
            self._scanner.take("-")
            or (self._scanner.peek_word().startswith("!") and self._scanner.take("!"))
            or self._take_keyword("not")
        )

    def _here(self, message: str) -> FilterError:
        return FilterError(message, self._scanner.column)


def _text(words: str) -> Text:
    exact = has_capital(words)
    return Text(words if exact else fold(words), exact_case=exact)
