"""What can go wrong, and how it is told: one line, without a secret, that says what to do."""

import re

UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
SECRET = re.compile(
    r"(?P<url>://[^:/@\s]*:)[^@\s]+(?=@)"
    r"|AGE-SECRET-KEY-[0-9A-Za-z]+"
    r"|(?P<name>\b(?:password|secret|token)\b[\"']?\s*[=:]\s*[\"']?)[^\s,;&\"']+",
    re.IGNORECASE,
)
LONGEST = 500


class BackupError(Exception):
    """A step failed; the message is one line and says what to do about it."""

    def __init__(self, message: object) -> None:
        super().__init__(one_line(message))


class CorruptError(BackupError):
    """A backup is not what was written. `differences`: one line each, for people."""

    def __init__(self, message: object, differences: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.differences = differences


class UsageError(BackupError):
    """The command cannot begin as it was given: a setting is missing or wrong."""


def one_line(text: object) -> str:
    """The text on one line, without secrets and without anything that drives a terminal."""
    return shown(SECRET.sub(_hide, " ".join(str(text).split())))[:LONGEST]


def shown(text: object) -> str:
    """The text with control characters escaped: names in it were chosen by others."""
    return UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", str(text))


def _hide(match: re.Match[str]) -> str:
    return (match["url"] or match["name"] or "") + "[redacted]"
