"""What a terminal shows after what it was sent: characters only, no colours.

Programs send what has changed, often a digit of a count; only the screen holds a text as a whole.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f]+)"
    r"|\x1b\[(?P<arguments>[0-?]*)[ -/]*(?P<command>[@-~])"
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\)"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b(?P<escape>[0-~])"
    r"|(?P<control>[\x00-\x1f\x7f])",
    re.DOTALL,
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?)\Z")
# No sequence that is worth waiting for is longer.
_LONGEST = 65_536
_TAB = 8


class Screen:
    """Rows of exactly `columns` characters, as after all that `feed` was given."""

    def __init__(self, lines: int, columns: int) -> None:
        self._lines, self._columns = lines, columns
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._unfinished = self._last = ""
        self._reset()

    @property
    def text(self) -> str:
        """The rows, with newlines between them."""
        return "\n".join(self.rows)

    def feed(self, sent: bytes) -> None:
        """Go on; a sequence may be cut anywhere between two calls."""
        text = self._unfinished + self._decode(sent)
        self._unfinished = ""
        if found := _UNFINISHED.search(text, max(len(text) - _LONGEST, 0)):
            text, self._unfinished = text[: found.start()], found[0]
        for token in _TOKEN.finditer(text):
            match token.lastgroup:
                case "text":
                    self._write(token["text"])
                case "command":
                    self._command(token["command"], token["arguments"])
                case "control":
                    self._control(token["control"])
                case "escape":
                    self._escape(token["escape"])

    def _reset(self) -> None:
        self.rows = [" " * self._columns] * self._lines
        self._row = self._column = 0
        self._saved = (0, 0)
        self._top, self._bottom = 0, self._lines - 1

    def _write(self, text: str) -> None:
        if not text.isascii():
            text = "".join(map(_cells, text))
        while text:
            if self._column >= self._columns:
                self._column = 0
                self._down()
            part = text[: self._columns - self._column]
            self._put(part)
            self._column += len(part)
            self._last = part[-1]
            text = text[len(part) :]

    def _control(self, character: str) -> None:
        if character in "\n\v\f":
            self._down()
        elif character == "\r":
            self._column = 0
        elif character == "\b":
            self._column = max(min(self._column, self._columns - 1) - 1, 0)
        elif character == "\t":
            self._column = min((self._column // _TAB + 1) * _TAB, self._columns - 1)

    def _escape(self, character: str) -> None:
        match character:
            case "7":
                self._saved = (self._row, self._column)
            case "8":
                self._row, self._column = self._saved
            case "D":
                self._down()
            case "E":
                self._column = 0
                self._down()
            case "M" if self._row == self._top:
                self._scroll(self._top, -1)
            case "M":
                self._row = max(self._row - 1, 0)
            case "c":
                self._reset()

    def _command(self, command: str, arguments: str) -> None:
        if arguments[:1] in {"?", ">", "=", "<"}:
            if arguments in {"?1049", "?1047", "?47"}:
                # Nobody looks at what was there before.
                self._reset()
            return
        numbers = [int(number[:4] or 0) for number in re.split(r"\D", arguments, flags=re.ASCII)]
        count = max(numbers[0], 1)
        if command == "b":
            self._write(self._last * count)
            return
        edit = self._EDITS.get(command)
        if edit is None and command not in _MOVES:
            return
        # At the end of a row the cursor stands on its last cell, until there is more to write.
        self._column = min(self._column, self._columns - 1)
        if edit is not None:
            edit(self, numbers)
        else:
            self._row, self._column = _MOVES[command](self._row, self._column, count)
        self._row = max(min(self._row, self._lines - 1), 0)
        self._column = max(min(self._column, self._columns - 1), 0)

    def _down(self) -> None:
        if self._row == self._bottom:
            self._scroll(self._top, 1)
        else:
            self._row = min(self._row + 1, self._lines - 1)

    def _scroll(self, top: int, count: int) -> None:
        """Move rows from `top` to the end of the region up, or down when `count` is negative."""
        if not self._top <= top <= self._bottom:
            return
        region = self.rows[top : self._bottom + 1]
        blank = [" " * self._columns] * min(abs(count), len(region))
        kept = region[len(blank) :] + blank if count > 0 else blank + region[: -len(blank)]
        self.rows[top : self._bottom + 1] = kept

    def _put(self, text: str) -> None:
        row, at = self.rows[self._row], self._column
        self.rows[self._row] = row[:at] + text + row[at + len(text) :]

    def _position(self, numbers: Sequence[int]) -> None:
        self._row, self._column = (max(each, 1) - 1 for each in (*numbers, 0)[:2])

    def _set_region(self, numbers: Sequence[int]) -> None:
        top, bottom = (*numbers, 0)[:2]
        self._top = min(max(top, 1), self._lines) - 1
        self._bottom = min(bottom or self._lines, self._lines) - 1
        if self._top >= self._bottom:
            self._top, self._bottom = 0, self._lines - 1
        self._row = self._column = 0

    def _erase_screen(self, numbers: Sequence[int]) -> None:
        self._erase_row(numbers)
        above = range(self._row) if numbers[0] else range(0)
        below = range(self._row + 1, self._lines) if numbers[0] != 1 else range(0)
        for row in (*above, *below):
            self.rows[row] = " " * self._columns

    def _erase_row(self, numbers: Sequence[int]) -> None:
        at = self._column
        self._column = 0 if numbers[0] else at
        self._put(" " * ((at + 1 if numbers[0] == 1 else self._columns) - self._column))
        self._column = at

    def _erase_cells(self, numbers: Sequence[int]) -> None:
        self._put(" " * min(max(numbers[0], 1), self._columns - self._column))

    def _insert_cells(self, numbers: Sequence[int]) -> None:
        row, at = self.rows[self._row], self._column
        blank = " " * max(numbers[0], 1)
        self.rows[self._row] = (row[:at] + blank + row[at:])[: self._columns]

    def _delete_cells(self, numbers: Sequence[int]) -> None:
        row, at = self.rows[self._row], self._column
        kept = row[:at] + row[at + max(numbers[0], 1) :]
        self.rows[self._row] = kept.ljust(self._columns)

    def _insert_rows(self, numbers: Sequence[int]) -> None:
        self._scroll(self._row, -max(numbers[0], 1))

    def _delete_rows(self, numbers: Sequence[int]) -> None:
        self._scroll(self._row, max(numbers[0], 1))

    def _scroll_up(self, numbers: Sequence[int]) -> None:
        self._scroll(self._top, max(numbers[0], 1))

    def _scroll_down(self, numbers: Sequence[int]) -> None:
        self._scroll(self._top, -max(numbers[0], 1))

    _EDITS: ClassVar[Mapping[str, Callable[["Screen", Sequence[int]], None]]] = {
        "H": _position,
        "f": _position,
        "r": _set_region,
        "J": _erase_screen,
        "K": _erase_row,
        "X": _erase_cells,
        "@": _insert_cells,
        "P": _delete_cells,
        "L": _insert_rows,
        "M": _delete_rows,
        "S": _scroll_up,
        "T": _scroll_down,
    }


def _cells(character: str) -> str:
    """Two cells for a wide character, none for one that joins the one before."""
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return ""
    return character + " " if unicodedata.east_asian_width(character) in "WF" else character


_MOVES: dict[str, Callable[[int, int, int], tuple[int, int]]] = {
    "A": lambda row, column, count: (row - count, column),
    "B": lambda row, column, count: (row + count, column),
    "C": lambda row, column, count: (row, column + count),
    "D": lambda row, column, count: (row, column - count),
    "E": lambda row, _, count: (row + count, 0),
    "F": lambda row, _, count: (row - count, 0),
    "G": lambda row, _, count: (row, count - 1),
    "`": lambda row, _, count: (row, count - 1),
    "d": lambda _, column, count: (count - 1, column),
}
