"""`quart db …`: Flask-Migrate's commands and options, carried out by Alembic's own command line."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from alembic.config import CommandLine, Config
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from service.observability import logging


class MigrationFailed(click.ClickException):
    """What Alembic says in one line, with Alembic's exit code."""

    exit_code = 255


def option(*names: str, **attributes: Any) -> Callable[[], click.Option]:
    """Each command gets an option object of its own, as click wants it."""
    return lambda: click.Option(names, **attributes)


def flag(*names: str, **attributes: Any) -> Callable[[], click.Option]:
    """An option without a value."""
    return option(*names, is_flag=True, **attributes)


def revision(default: str) -> Callable[[], click.Argument]:
    """The revision a command is about."""
    return lambda: click.Argument(["revision"], default=default, callback=_relative_or_name)


def revisions() -> click.Argument:
    """The revisions a merge follows."""
    return click.Argument(["revisions"], nargs=-1, required=True)


def _relative_or_name(context: click.Context, _: click.Parameter, value: str) -> str:
    # `downgrade -2` must pass, so click takes unknown options for revisions.
    if value.startswith("-") and not value[1:].isdigit():
        raise click.NoSuchOption(value, ctx=context)
    return value


DIRECTORY = option("-d", "--directory", help="Migration script directory, if not alembic.ini's.")
MESSAGE = option("-m", "--message", help="Revision message.")
SQL = flag("--sql", help="Print the SQL instead of running it.")
TAG = option("--tag", help="Arbitrary name that env.py may use.")
X = option("-x", "--x-arg", multiple=True, help="Additional argument that env.py may use.")
VERBOSE = flag("-v", "--verbose", help="Say more.")
BRANCH_LABEL = option("--branch-label", help="Branch label of the new revision.")
REV_ID = option("--rev-id", help="Revision id, instead of a generated one.")
NEW_REVISION = (
    MESSAGE,
    SQL,
    option("--head", help="Head, or <branch>@head, that the new revision follows."),
    flag("--splice", help="Allow a --head that is none."),
    BRANCH_LABEL,
    option("--version-path", help="Folder of the new file, of those alembic.ini names."),
    REV_ID,
)

AUTOGENERATE = flag("--autogenerate", help="Fill it with what models and database differ in.")
RANGE = option("-r", "--rev-range", help="From where to where: [start]:[end].")
INDICATE_CURRENT = flag("-i", "--indicate-current", help="Mark the database's revision.")
DEPENDENCIES = flag("--resolve-dependencies", help="Count dependencies as what a revision follows.")
PURGE = flag("--purge", help="Empty the version table first.")


@dataclass(frozen=True, slots=True)
class Command:
    """A command, what it takes, and Alembic's words for it where they are not its own name."""

    name: str
    text: str
    parameters: Sequence[Callable[[], click.Parameter]] = ()
    words: Sequence[str] = ()


COMMANDS = (
    Command("list-templates", "List the templates of `init`.", words=["list_templates"]),
    Command("revision", "Create a new revision file.", [*NEW_REVISION, AUTOGENERATE]),
    Command(
        "migrate",
        "Create a revision of what models and database differ in.",
        [*NEW_REVISION, X],
        words=["revision", "--autogenerate"],
    ),
    Command("edit", "Open a revision file in $EDITOR.", [revision("head")]),
    Command(
        "merge",
        "Create a revision that follows several.",
        [MESSAGE, BRANCH_LABEL, REV_ID, revisions],
    ),
    Command("upgrade", "Upgrade to a later revision.", [SQL, TAG, X, revision("head")]),
    Command("downgrade", "Go back to an earlier revision.", [SQL, TAG, X, revision("-1")]),
    Command("show", "Show a revision.", [revision("head")]),
    Command("history", "List the revisions, newest first.", [RANGE, VERBOSE, INDICATE_CURRENT]),
    Command("heads", "Show the heads of the history.", [VERBOSE, DEPENDENCIES]),
    Command("branches", "Show where the history branches.", [VERBOSE]),
    Command("current", "Show the database's revision.", [VERBOSE]),
    Command(
        "stamp",
        "Note a revision in the database without running any migration.",
        [SQL, TAG, PURGE, revision("head")],
    ),
    Command("check", "Fail if models and database differ."),
)


@click.group("db", params=[DIRECTORY(), X()])
@click.pass_context
def db(context: click.Context, directory: str | None, x_arg: tuple[str, ...]) -> None:
    """The database's schema: Flask-Migrate's commands on this repository's history."""
    context.obj = {"directory": directory, "x_arg": x_arg}


@db.command("init", params=[DIRECTORY()])
@click.option("--multidb", is_flag=True, hidden=True)
@click.option("-t", "--template", default="generic", help="Template; see `list-templates`.")
@click.option("--package", is_flag=True, help="Write an __init__.py into each new folder.")
@click.pass_obj
def init(
    group: dict[str, Any], directory: str | None, multidb: bool, template: str, package: bool
) -> None:
    """Creates a new history; this repository has one already, in `alembic/`."""
    if multidb or template.startswith(("flask", "aioflask")):
        raise click.ClickException(
            "there is one database here and no Flask: `list-templates` shows what there is"
        )
    directory = directory or group["directory"]
    if directory is None:
        raise click.ClickException("alembic/ is the history here: -d DIRECTORY makes another")
    command = ["init", "--template", template, *(["--package"] if package else []), directory]
    _alembic(command, directory, new=True)


def _click_command(command: Command) -> click.Command:
    parameters = [make() for make in (DIRECTORY, *command.parameters)]

    def run(**values: Any) -> None:
        group = click.get_current_context().obj
        directory = values.pop("directory") or group["directory"]
        x_arguments = values.pop("x_arg", ()) or group["x_arg"]
        if command.name == "downgrade" and values["sql"] and values["revision"] == "-1":
            values["revision"] = "head:-1"  # without a database there is no "one back from here"
        _alembic(
            [
                *(part for each in x_arguments for part in ("-x", each)),
                *(command.words or [command.name]),
                *(part for each in parameters for part in _spelt(each, values)),
            ],
            directory,
        )

    takes_revision = any(each.name == "revision" for each in parameters)
    return click.Command(
        command.name,
        {"ignore_unknown_options": takes_revision},
        callback=run,
        params=parameters,
        help=command.text,
    )


def _spelt(parameter: click.Parameter, values: Mapping[str, Any]) -> Sequence[str]:
    """The parameter as Alembic's command line takes it."""
    value = values.get(parameter.name or "")
    if value is None or value is False:
        return []
    if isinstance(parameter, click.Argument):
        return [value] if isinstance(value, str) else value
    name = parameter.opts[-1]
    return [name if value is True else f"{name}={value}"]


for each_command in COMMANDS:
    db.add_command(_click_command(each_command))


class _History(CommandLine):
    """Alembic's command line on a folder that the operator may have chosen."""

    def __init__(self, directory: str | None) -> None:
        super().__init__(prog="quart db")
        self._directory = directory

    def run_cmd(self, config: Config, options: Any) -> None:
        """Alembic's hook between reading the command line and running the command."""
        if self._directory is not None:
            config.set_main_option("script_location", self._directory.replace("%", "%%"))
        if getattr(options, "autogenerate", False):
            # Alembic hands its commands every option they have a parameter for.
            options.process_revision_directives = _leave_out_empty_revisions
        super().run_cmd(config, options)


def _leave_out_empty_revisions(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """As Flask-Migrate does: a revision that changes nothing is not written."""
    if directives[0].upgrade_ops.is_empty():
        directives.clear()
        click.echo("No changes in schema detected.", err=True)


def _alembic(arguments: list[str], directory: str | None, *, new: bool = False) -> None:
    """Runs the command. Exits as Alembic does, with one line on standard error for any failure."""
    # Flask-Migrate keeps alembic.ini inside the folder.
    beside = Path(directory) / "alembic.ini" if directory else None
    found = ["--config", str(beside)] if beside and (new or beside.is_file()) else []
    try:
        _History(directory).main([*found, "--raiseerr", *arguments])
    except CommandError as error:
        raise MigrationFailed(_one_line(error)) from None
    except RevisionError as error:
        raise click.ClickException(_one_line(error)) from None
    except DBAPIError as error:
        # The driver's own words, which SQLAlchemy wraps twice.
        cause = error.orig.__cause__ if error.orig else None
        raise click.ClickException(f"the database refused: {_one_line(cause or error)}") from None
    except Exception as error:
        said = f"{type(error).__name__}: {_one_line(error)}"
        raise click.ClickException(f"{said} ({_where(error)})") from None
    finally:
        logging.flush()  # what went well comes before what did not


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _where(error: BaseException) -> str:
    """The innermost line that is neither a library's nor this file's: a revision's, mostly."""
    frames = traceback.extract_tb(error.__traceback__)
    history = [
        each
        for each in frames
        if "site-packages" not in each.filename and each.filename != __file__
    ]
    frame = (history or frames)[-1]
    return f"{frame.filename}, line {frame.lineno}"
