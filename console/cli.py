"""The `opsconsole` command."""

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from console import targets
from console.commands.arguments import UsageError, wanted
from console.hangup import end_with_terminal
from console.targets import (
    CONFIG_NAME,
    Target,
    TargetError,
    discover,
    endpoint,
    load,
    log_entry,
)
from console.text import visible

__all__ = ["add_target_arguments", "main", "target_from"]

_DESCRIPTION = """\
Watch a web service: its instances' health, its JSON log, its Alembic migrations.

Without arguments, the target is read from opsconsole.toml in the current folder, or found there:
alembic.ini, the log file $LOG_FILE or var/log/service.jsonl (else the newest *.jsonl or *.log
under var/log, logs or log), and http://127.0.0.1:$PORT/health (5500 without PORT). The environment
is $APP_ENV or $FLASK_ENV. As soon as one of --health, --log and --alembic is given, nothing is
searched for.

  opsconsole logs …   the lines of the log that match a filter, for terminals, pipes and programs
  opsconsole sql …    SQL over the log
"""
_COMMANDS = {"logs": "console.commands.logs", "sql": "console.commands.sql"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 2 when it cannot start."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in _COMMANDS:
        # Imported late: a command does not wait for what it does not need, nor the console.
        return int(importlib.import_module(_COMMANDS[arguments[0]]).main(arguments[1:]))
    parser = argparse.ArgumentParser(
        prog="opsconsole",
        description=_DESCRIPTION,
        epilog=targets.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_target_arguments(parser)
    options = parser.parse_args(arguments)
    try:
        target = target_from(options, Path())
    except TargetError as error:
        print(f"opsconsole: {visible(error)}", file=sys.stderr)
        return 2
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    # Imports and frames make many small objects and few cycles: not to be looked for so often.
    gc.set_threshold(20_000, 20, 20)
    try:
        # Imported late: --help and a wrong argument answer without waiting for any of this.
        from console.first_screen import first_screen, opens_on_logs  # noqa: PLC0415

        wanted((), target=target.filter)
        early = terminal and opens_on_logs(target) and not target.filter
        with first_screen(target) if early else nullcontext():
            from console.app import LogConsole, OpsConsole  # noqa: PLC0415

            if terminal:
                end_with_terminal(sys.stdin.fileno())
                app = LogConsole(target) if opens_on_logs(target) else OpsConsole(target)
                farewell = app.run()
    except (TargetError, UsageError) as error:
        print(f"opsconsole: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"textual", "rich", "httpx", "msgspec"}:
            raise
        print("opsconsole: install quartermaster[console]", file=sys.stderr)
        return 2
    if not terminal:
        print("opsconsole: standard input and output must be a terminal", file=sys.stderr)
        return 2
    if farewell:
        print(f"opsconsole: {visible(farewell)}")
    return app.return_code or 0


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is watched."""
    parser.add_argument(
        "--health",
        action="append",
        default=[],
        metavar="[NAME=]URL",
        help="health URL of an instance; repeat for more",
    )
    parser.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="FILE",
        help="log file, one JSON object a line; a folder, a pattern, - for standard input, or "
        "'cmd: kubectl logs -f …'; repeat for more",
    )
    parser.add_argument(
        "--alembic", metavar="DIR", help="Alembic's folder, or the one with alembic.ini"
    )
    parser.add_argument("--name", help="name of the target; chooses one in opsconsole.toml")
    parser.add_argument(
        "--environment",
        metavar="NAME",
        help="production makes the header red, and an upgrade ask for the target's name",
    )
    parser.add_argument("--read-only", action="store_true", help="refuse upgrades")


def target_from(options: argparse.Namespace, folder: Path) -> Target:
    """Return the target that the options and the folder tell of. Raises TargetError."""
    if options.health or options.log or options.alembic:
        target = Target(
            name=options.name or folder.resolve().name or "target",
            environment=os.environ.get("APP_ENV") or os.environ.get("FLASK_ENV") or "development",
            health=tuple(endpoint(text) for text in options.health),
            logs=tuple(log_entry(text) for text in options.log),
            alembic=Path(options.alembic) if options.alembic else None,
        )
    elif (folder / CONFIG_NAME).is_file():
        target = load(folder / CONFIG_NAME, options.name)
    else:
        target = discover(folder, os.environ)
        target = replace(target, name=options.name or target.name)
    return replace(
        target,
        alembic=_folder_of_ini(target.alembic) if target.alembic else None,
        environment=options.environment or target.environment,
        read_only=options.read_only or target.read_only,
    )


def _folder_of_ini(folder: Path) -> Path:
    """The folder itself, or the one around it when it is the folder of the scripts."""
    if (folder / "alembic.ini").is_file():
        return folder
    around = folder.resolve().parent
    if (folder / "env.py").is_file() and (around / "alembic.ini").is_file():
        return around
    raise TargetError(f"no alembic.ini in {folder}")
