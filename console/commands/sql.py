"""`opsconsole sql`: what a SELECT over the lines of a log gives."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
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

if TYPE_CHECKING:
    from console.commands.contract import Check
    from console.commands.crew import Crew
    from console.commands.database import Database
    from console.commands.files import Input

__all__ = ["main"]

_DESCRIPTION = """\
Run one SELECT of DuckDB's SQL over the lines of a log. They are in the view `logs`:

  time           TIMESTAMPTZ
  level          debug, info, warning, error or critical
  message        what the line says, or all of it when it is plain text
  request_id     method  path  route  user_id  client
  status         the HTTP status
  duration_ms    milliseconds
  source         the log that the line is from
  raw            all of the line as JSON: raw->>'$.ctx.tenant'

  opsconsole sql "select route, count(*), quantile_cont(duration_ms, .99) from logs group by 1"
  opsconsole sql "select * from logs where status >= 500" --since 1h --format csv
  opsconsole sql "from logs" --filter 'level>=error' --output errors.parquet

Needs quartermaster[sql]. Nothing but the logs can be read, and nothing but --output is written.
"""
_SUFFIXES = {".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet"}


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    return run("opsconsole sql", lambda problems: _run(options, problems))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="opsconsole sql",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("query", metavar="SELECT")
    add_log_arguments(parser)
    add_limit_arguments(parser)
    parser.add_argument("--filter", default="", help="only lines that match, as in opsconsole logs")
    parser.add_argument(
        "--format",
        choices=("table", "csv", "json", "parquet"),
        help="default: what the output's name says, a table on a terminal, one JSON object a row",
    )
    parser.add_argument(
        "--without-requests",
        default="",
        metavar="PREFIX",
        help="leave out requests whose id begins so, as the console's own polls do: opsconsole-",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="instead of standard output")
    return parser


def _run(options: argparse.Namespace, problems: list[str]) -> bool:
    logs, target = entries(options, Path())
    words = [options.filter] if options.filter else []
    limits = wanted(words, since=options.since, until=options.until, target=target)
    kind = _kind(options)
    # Imported late: --help and a wrong filter do not wait for it.
    from console.commands.crew import Crew  # noqa: PLC0415
    from console.commands.database import Database, single_select  # noqa: PLC0415
    from console.commands.inputs import open_inputs  # noqa: PLC0415

    inputs = open_inputs(logs, limits, problems)
    crew = Crew()
    with (
        closing(crew),
        tempfile.TemporaryDirectory(prefix="opsconsole-", dir=_large_folder()) as name,
    ):
        folder = Path(name)
        statement = single_select(options.query)
        _refuse_overwriting(options.output, inputs)
        if not inputs:
            return False
        checks = [_check(each, limits) for each in inputs]
        if not _write_at_once(inputs, checks, statement, options, folder):
            plain, converted, strays = _prepare(inputs, checks, limits, crew, folder)
            database = Database(
                folder, plain, converted, strays=strays, without=options.without_requests
            )
            with closing(database):
                database.prepare(statement)
                _write(database, statement, kind, options.output, folder)
    problems += [f"{each.name}: {each.problem}" for each in inputs if each.problem]
    return True


def _kind(options: argparse.Namespace) -> str:
    by_name = _SUFFIXES.get(options.output.suffix) if options.output else None
    kind = options.format or by_name or ("table" if os.isatty(1) or options.output else "json")
    if kind == "parquet" and not options.output and os.isatty(1):
        raise UsageError("parquet is nothing for a terminal: give --output")
    return str(kind)


def _refuse_overwriting(output: Path | None, inputs: Sequence["Input"]) -> None:
    if output is not None and output.exists():
        for each in inputs:
            if Path(each.name).exists() and output.samefile(each.name):
                raise UsageError("--output is one of the logs")


def _check(source: "Input", limits: Wanted) -> "Check | None":
    """Return what finds out whether DuckDB can read a file itself; None if it cannot."""
    from console.commands.contract import Check  # noqa: PLC0415
    from console.commands.files import FileInput  # noqa: PLC0415

    if not isinstance(source, FileInput) or limits != Wanted():
        return None
    # Of a descriptor, the file may have no name any more.
    path = source.log.path.resolve()
    return Check(source) if path.is_file() and _is_text(path) else None


def _write_at_once(
    inputs: Sequence["Input"],
    checks: Sequence["Check | None"],
    statement: str,
    options: argparse.Namespace,
    folder: Path,
) -> bool:
    """Have DuckDB read large files itself and say whether some line is no object; return whether
    none is: to look for such lines first takes as long as many a statement."""
    if not all(check is not None and check.promising for check in checks):
        return False
    from console.commands.database import Database, DatabaseError  # noqa: PLC0415
    from console.commands.files import FileInput  # noqa: PLC0415

    files = [each for each in inputs if isinstance(each, FileInput)]
    plain = {each.name: each.log.path.resolve() for each in files}
    inner = folder / "strict"
    inner.mkdir()
    database = Database(inner, plain, None, without=options.without_requests, strict=True)
    with closing(database), suppress(DatabaseError):
        if not database.prepare(statement):
            _write(database, statement, _kind(options), options.output, inner)
            return True
    return False


def _prepare(
    inputs: Sequence["Input"],
    checks: Sequence["Check | None"],
    limits: Wanted,
    crew: "Crew",
    folder: Path,
) -> tuple[dict[str, Path], Path | None, set[str]]:
    """Return the files that DuckDB reads itself, and one with all other lines, if there are any.

    Also tells in which of these files some lines are among the others.
    """
    from console.commands.conversion import convert  # noqa: PLC0415
    from console.commands.database import count_broken  # noqa: PLC0415
    from console.commands.files import FileInput  # noqa: PLC0415

    plain: dict[str, Path] = {}
    others: list[Input] = []
    mixed: set[str] = set()
    for each, check in zip(inputs, checks, strict=True):
        found = check.result(crew) if check is not None else None
        if found is None or not isinstance(each, FileInput):
            others.append(each)
            continue
        path = each.log.path.resolve()
        # What else is broken is only found by reading all of it as DuckDB does.
        if found.lines and count_broken(path, folder) != found.count:
            others.append(each)
            continue
        plain[each.name] = path
        if found.lines:
            others.append(found)
            mixed.add(each.name)
    if not others:
        return plain, None, mixed
    converted = folder / "converted.jsonl"
    convert(others, limits.text, crew, converted)
    return plain, converted, mixed


def _write(
    database: "Database", statement: str, kind: str, path: Path | None, folder: Path
) -> None:
    from console.commands.output import Output  # noqa: PLC0415
    from console.commands.results import send, write_result, write_table  # noqa: PLC0415

    made = folder / "result"
    if kind == "table":
        columns = width() if path is None and os.isatty(1) else None
        with made.open("wb") as file:
            more = write_table(database, statement, Output(file.fileno()), columns)
        if more:
            print("opsconsole sql: there are more rows: --format csv has all", file=sys.stderr)
    else:
        write_result(database, statement, kind, made)
    if path is None:
        send(made, Output(), terminal=os.isatty(1))
    else:
        # Not before all of it is there: what the file holds is kept when a statement fails.
        shutil.copyfile(made, path)


def _is_text(path: Path) -> bool:
    """Tell whether DuckDB can be told of a file: a name may have bytes that are no UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _large_folder() -> str | None:
    """Return where large files may be put for a while; a /tmp is often memory."""
    large = "/var/tmp"  # noqa: S108 - what is made there has a random name, and is one's own
    return None if "TMPDIR" in os.environ or not os.access(large, os.W_OK) else large
