"""What both commands are told: where the log is, and which of its lines are wanted."""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from console.targets import CONFIG_NAME, Command, TargetError, discover, load, log_entry
from console.text import visible

if TYPE_CHECKING:
    from console.logs.filters.expression import Expression
    from console.logs.filters.parser import Filter

__all__ = [
    "UsageError",
    "Wanted",
    "add_limit_arguments",
    "add_log_arguments",
    "entries",
    "wanted",
]


class UsageError(Exception):
    """What was asked for cannot be done; the message says what to change, and is safe to print."""


class Wanted(NamedTuple):
    """Which lines: a filter without limits of time, "" for all, and the limits, in seconds since
    the epoch."""

    text: str = ""
    since: float | None = None
    until: float | None = None


def add_log_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which log is read."""
    parser.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="LOG",
        help="file, plain or compressed, folder, 'PATTERN*', - for standard input, or 'cmd: ssh "
        "web2 cat x.jsonl'; repeat for more (default: the log of opsconsole.toml, or found here)",
    )
    parser.add_argument("--name", help="name of the target in opsconsole.toml")


def add_limit_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which part of the log is read."""
    parser.add_argument("--since", metavar="TIME", help="10m, 14:30, yesterday, 2026-01-15T10:30Z")
    parser.add_argument("--until", metavar="TIME", help="the same; not included")


def entries(options: argparse.Namespace, folder: Path) -> tuple[tuple[Path | Command, ...], str]:
    """Return the logs that the options, `opsconsole.toml` or the folder name, and the filter of
    that target, "" for none.

    Raises UsageError.
    """
    try:
        if options.log:
            return tuple(dict.fromkeys(log_entry(text) for text in options.log)), ""
        if (folder / CONFIG_NAME).is_file():
            target = load(folder / CONFIG_NAME, options.name)
        else:
            target = discover(folder, os.environ)
    except TargetError as error:
        raise UsageError(visible(error)) from error
    if not target.logs:
        raise UsageError(f"{CONFIG_NAME} names no log; give one with --log")
    return target.logs, target.filter


def wanted(
    words: Sequence[str],
    *,
    since: str | None = None,
    until: str | None = None,
    request: str | None = None,
    target: str = "",
) -> Wanted:
    """Return what a filter, made of words, and the options beside it ask for.

    `request` is a request's id, or the beginning of one; `target` the filter of opsconsole.toml.
    Raises UsageError.
    """
    now = time.time()
    limits = _instant("--since", since, now), _instant("--until", until, now)
    if not (words or request or target.strip()):
        return Wanted("", *limits)
    # Imported late here and below: nobody waits for the filters who has none.
    from console.logs.filters.expression import all_of  # noqa: PLC0415
    from console.logs.filters.formatter import to_text  # noqa: PLC0415

    typed, own = _parsed(" ".join(words), now), _parsed(target, now, f"{CONFIG_NAME}: ")
    of_request = _of_request(request.removesuffix("…")) if request else []
    parts = [own.expression, typed.expression, *of_request]
    starts = [at for at in (limits[0], typed.since, own.since) if at is not None]
    ends = [at for at in (limits[1], typed.until, own.until) if at is not None]
    return Wanted(to_text(all_of(parts)), max(starts, default=None), min(ends, default=None))


def _parsed(text: str, now: float, where: str = "") -> "Filter":
    from console.logs.filters.errors import FilterError, pointed  # noqa: PLC0415
    from console.logs.filters.parser import parse  # noqa: PLC0415

    try:
        return parse(text, now)
    except FilterError as error:
        raise UsageError(f"{where}not a filter\n\n{pointed(text, error)}") from error


def _of_request(beginning: str) -> "list[Expression]":
    """Columns show only the beginning of an id: whoever copies that means this request, too."""
    from console.logs.filters.expression import Comparison  # noqa: PLC0415
    from console.logs.filters.pattern_syntax import escaped  # noqa: PLC0415

    return [
        # What the pattern says already, in a form that is found without decoding every line.
        Comparison("request_id", "~", (beginning,)),
        Comparison("request_id", "matches", (f"^{escaped(beginning)}",)),
    ]


def _instant(option: str, text: str | None, now: float) -> float | None:
    if text is None:
        return None
    from console.logs.filters.instants import instant  # noqa: PLC0415

    at = instant(text, now)
    if at is None:
        raise UsageError(f"{option}: not a time, such as 10m, 14:30, yesterday or 2026-01-15T10:30")
    return at
