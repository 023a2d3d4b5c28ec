"""`opsconsole logs`: the lines of a log that match a filter."""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands.arguments import (
    UsageError,
    Wanted,
    add_limit_arguments,
    add_log_arguments,
    entries,
    wanted,
)
from console.commands.running import run, width
from console.targets import Command

if TYPE_CHECKING:
    from console.commands.crew import Crew
    from console.commands.files import Input
    from console.commands.output import Output
    from console.commands.rendering import Look

__all__ = ["main"]

_DESCRIPTION = """\
Show the lines of a log that match a filter: in columns on a terminal, as one JSON object a line
elsewhere. docs/filters.md tells all that a filter can say; put it in single quotes.

  opsconsole logs 'level>=warning since:10m'
  opsconsole logs 'status>=500 path~/api/v1' -n 20
  opsconsole logs timeout --log 'cmd: ssh web2 cat /var/log/service.jsonl' --count
  opsconsole logs --request 3d28dc72 --fields time,level,message,duration_ms
  opsconsole logs -f 'duration>1s'
"""
_EPILOG = """\
The exit code is 0 when a line matched, 1 when none did, and 2 when something was wrong.
"""
_FOLLOWED = 10
_SHORT = re.compile(r"-[fh]*(?:[nC]\d*)?")


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(list(map(_negation, arguments)))
    return run("opsconsole logs", lambda problems: _run(options, problems) > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="opsconsole logs",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("filter", nargs="*", metavar="FILTER", help="such as 'status>=500'")
    add_log_arguments(parser)
    add_limit_arguments(parser)
    parser.add_argument("--request", metavar="ID", help="of this request; its first characters do")
    parser.add_argument("-n", "--lines", type=_number, metavar="N", help="only the newest N")
    parser.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="go on with the lines that are written from now on, after the newest 10 (or -n)",
    )
    parser.add_argument(
        "-C", "--context", type=_number, default=0, metavar="N", help="with N lines around each"
    )
    parser.add_argument("--fields", type=_names, default=(), metavar="A,B,…", help="only these")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, anywhere")
    parser.add_argument("--count", action="store_true", help="only how many lines match")
    parser.add_argument(
        "--stats", action="store_true", help="rates, latencies, errors and more, of these lines"
    )
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="always: columns and colours for 'less -R', too",
    )
    return parser


def _negation(argument: str) -> str:
    """Return `-health` as `!health`, which means the same and is no option `-h`."""
    if argument[:2] in {"", "-", "--"} or argument[0] != "-" or _SHORT.fullmatch(argument):
        return argument
    return "!" + argument[1:]


def _number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def _names(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, (name.strip() for name in text.split(","))))
    if not names or len(set(names)) < len(names):
        raise ValueError
    return names


def _run(options: argparse.Namespace, problems: list[str]) -> int:
    """Do what was asked for; return how many lines matched."""
    logs, target = entries(options, Path())
    limits = wanted(
        options.filter,
        since=options.since,
        until=options.until,
        request=options.request,
        target=target,
    )
    if options.follow and (options.count or options.stats or limits.until is not None):
        raise UsageError("--follow has no end: leave out --count, --stats and until")
    # Imported late: --help and a wrong filter do not wait for it.
    from console.commands.crew import Crew  # noqa: PLC0415
    from console.commands.inputs import open_inputs  # noqa: PLC0415
    from console.commands.output import Output  # noqa: PLC0415

    output, crew = Output(), Crew()
    try:
        if options.follow:
            return _follow(options, logs, limits, output, crew)
        inputs = open_inputs(logs, limits, problems)
        found = _read(options, inputs, limits.text, output, crew)
        output.flush()
    finally:
        crew.close()
    problems += [f"{each.name}: {each.problem}" for each in inputs if each.problem]
    return found


def _read(
    options: argparse.Namespace,
    inputs: Sequence["Input"],
    text: str,
    output: "Output",
    crew: "Crew",
) -> int:
    if options.count or options.stats:
        return _total(options, inputs, text, output, crew)
    from console.commands.reading import Reading  # noqa: PLC0415

    reading, look = Reading(inputs, text, crew, output), _look(options, several=len(inputs) > 1)
    if options.context and options.lines != 0:
        return reading.show_context(look, options.context, options.lines)
    if options.lines is not None:
        return reading.show_newest(look, options.lines)
    return reading.show(look)


def _total(
    options: argparse.Namespace,
    inputs: Sequence["Input"],
    text: str,
    output: "Output",
    crew: "Crew",
) -> int:
    from console.commands import totals  # noqa: PLC0415

    if options.count:
        count = totals.count(inputs, text, crew)
        output.write(f'{{"count":{count}}}\n'.encode() if options.json else b"%d\n" % count)
        return count
    summary = totals.statistics(inputs, text, crew).summary()
    if options.json:
        import msgspec  # noqa: PLC0415

        from console.commands.rendering import printable  # noqa: PLC0415

        told = msgspec.json.encode(summary) + b"\n"
        output.write(printable(told) if os.isatty(1) else told)
    else:
        from console.logs.statistics.render import render  # noqa: PLC0415

        output.write(render(summary, width()).encode())
    return summary.lines


def _follow(
    options: argparse.Namespace,
    logs: Sequence[Path | Command],
    limits: Wanted,
    output: "Output",
    crew: "Crew",
) -> int:
    from console.commands.following import follow  # noqa: PLC0415

    several = len(logs) > 1 or any(isinstance(log, Path) and not log.is_file() for log in logs)
    lines = options.lines
    if lines is None and limits.since is None:
        lines = _FOLLOWED
    look = _look(options, several=several)
    return follow(logs, limits, look, output, crew, lines=lines, context=options.context)


def _look(options: argparse.Namespace, *, several: bool) -> "Look":
    from console.commands.rendering import Look  # noqa: PLC0415

    terminal = os.isatty(1)
    colour = options.color == "always" or (
        options.color == "auto" and terminal and not os.environ.get("NO_COLOR")
    )
    return Look(
        json=options.json or not (terminal or options.color == "always"),
        fields=options.fields,
        terminal=terminal,
        colour=colour,
        width=width(),
        sources=several,
    )
