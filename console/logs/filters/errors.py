"""What is wrong with a filter, and where."""

from console.text import visible, width_of

__all__ = ["FilterError", "pointed"]

_BEFORE = 40
_MESSAGE = 300


class FilterError(ValueError):
    """A filter that means nothing: what to do about it, and the characters that are at fault.

    `message` is one line that is safe to print.
    `column` counts characters from 0 and may be the length of the text, for something missing at
    its end; `length` is at least 1 and does not reach beyond the end by more than that.
    """

    def __init__(self, message: str, column: int, length: int = 1) -> None:
        # Messages repeat names as they were typed.
        self.message = visible(message, _MESSAGE)
        super().__init__(self.message)
        self.column = column
        self.length = length


def pointed(text: str, error: FilterError, width: int = 80) -> str:
    """Return three lines: the filter, carets below what is wrong with it, and the message.

    Safe to print whatever was typed. A long filter is shown around the error, in about `width`
    columns.
    """
    start = max(error.column - min(_BEFORE, width // 2), 0)
    before = visible(text[start : error.column])
    wrong = visible(text[error.column : error.column + error.length], width)
    after = visible(text[error.column + error.length :], max(width - len(before + wrong), 1))
    carets = "^" * max(width_of(wrong), 1)
    ellipsis = "…" if start else ""
    indent = " " * width_of(ellipsis + before)
    return f"{ellipsis}{before}{wrong}{after}\n{indent}{carets}\n{error.message}"
