"""`quart db …`: Flask-Migrate's commands on a real database and a history of one's own."""

import shutil
import subprocess
import sys
from pathlib import Path

import click
import flask_migrate.cli
import pytest
from alembic.config import CommandLine
from click.testing import CliRunner

from service.cli import db as commands
from tests.support import ROOT, environment, execute

Done = subprocess.CompletedProcess[str]


def quart_db(url: str, *arguments: str, **variables: str) -> Done:
    """`quart db` with nothing but the database's URL and the variables given."""
    return subprocess.run(
        [Path(sys.executable).parent / "quart", "db", *arguments],
        cwd=ROOT,
        env=environment(DATABASE_URL=url, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def said(done: Done) -> str:
    """What a command that succeeded printed."""
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def error(done: Done) -> str:
    """The one line by which a command failed; Alembic's progress may come before it."""
    assert "Traceback" not in done.stderr
    *progress, line = done.stderr.splitlines()
    assert all(" INFO     alembic." in each for each in progress), done.stderr
    return line


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A copy of the repository's history, to be added to."""
    leave_out = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(ROOT / "alembic", tmp_path / "history", ignore=leave_out))


def names(command: click.Command) -> dict[str, set[str]]:
    """A command's parameters: the spellings of options, the default of arguments."""
    return {
        each.name or "": set(each.opts) if isinstance(each, click.Option) else {str(each.default)}
        for each in command.params
    }


def test_every_command_of_flask_migrate_with_all_its_options() -> None:
    theirs, ours = flask_migrate.cli.db, commands.db
    assert set(ours.commands) == set(theirs.commands)
    assert names(ours).items() >= names(theirs).items()
    for name, command in theirs.commands.items():
        mine = names(ours.commands[name])
        assert mine.keys() >= names(command).keys(), name
        for parameter, spellings in names(command).items():
            if parameter != "revisions":
                assert mine[parameter] == spellings, (name, parameter)


def test_up_and_down(empty_database: str) -> None:
    assert "Running upgrade  -> 0001" in quart_db(empty_database, "upgrade", "0001").stderr
    assert said(quart_db(empty_database, "current")) == "0001"
    said(quart_db(empty_database, "upgrade"))
    assert said(quart_db(empty_database, "current")).endswith("(head)")
    assert said(quart_db(empty_database, "check")) == "No new upgrade operations detected."
    said(quart_db(empty_database, "downgrade"))
    assert "(head)" not in said(quart_db(empty_database, "current"))
    said(quart_db(empty_database, "downgrade", "base"))
    assert said(quart_db(empty_database, "current")) == ""


def test_relative_revisions_need_no_escaping(database: str) -> None:
    assert "Running downgrade" in quart_db(database, "downgrade", "-1").stderr
    said(quart_db(database, "upgrade", "+1"))
    assert said(quart_db(database, "current")).endswith("(head)")


def test_looking(database: str) -> None:
    history = said(quart_db(database, "history", "-i"))
    assert history.splitlines()[-1] == "<base> -> 0001, create users and revoked tokens"
    assert "(head) (current)" in history
    assert "def upgrade" in said(quart_db(database, "edit", "0001", EDITOR="cat"))


@pytest.mark.parametrize(
    ("typed", "runs"),
    [
        ("list-templates", "list_templates"),
        ("show", "show head"),
        ("heads -v --resolve-dependencies", "heads --verbose --resolve-dependencies"),
        ("branches -v", "branches --verbose"),
        ("current --verbose", "current --verbose"),
        ("history -r base:0001 -v", "history --rev-range=base:0001 --verbose"),
        ("-x a upgrade --tag t", "-x a upgrade --tag=t head"),
        ("-x a upgrade -x b -x c 0001", "-x b -x c upgrade 0001"),
        ("downgrade", "downgrade -1"),
        ("downgrade -2", "downgrade -2"),
        ("downgrade --sql", "downgrade --sql head:-1"),
        ("downgrade --sql 2:1", "downgrade --sql 2:1"),
        ("stamp --purge", "stamp --purge head"),
        ("edit", "edit head"),
        ("merge -m both a b", "merge --message=both a b"),
        ("migrate -m -5", "revision --autogenerate --message=-5"),
        (
            "revision --autogenerate --head a@head --splice --version-path v --rev-id i",
            "revision --head=a@head --splice --version-path=v --rev-id=i --autogenerate",
        ),
        ("check", "check"),
    ],
)
def test_command_lines_as_alembic_takes_them(
    monkeypatch: pytest.MonkeyPatch, typed: str, runs: str
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(commands, "_alembic", lambda arguments, _directory: ran.append(arguments))
    done = CliRunner().invoke(commands.db, typed.split())
    assert done.exit_code == 0, done.output
    assert ran == [runs.split()]
    CommandLine().parser.parse_args(ran[0])


def test_stamp_and_purge(empty_database: str) -> None:
    said(quart_db(empty_database, "stamp", "0001"))
    assert said(quart_db(empty_database, "current")) == "0001"
    execute(empty_database, "UPDATE alembic_version SET version_num = 'lost'")
    assert "lost" in error(quart_db(empty_database, "current"))
    said(quart_db(empty_database, "stamp", "--purge"))
    assert said(quart_db(empty_database, "current")).endswith("(head)")


def test_sql_is_printed_without_a_database() -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/d"
    assert "CREATE TABLE users" in said(quart_db(nowhere, "upgrade", "--sql"))
    assert "Running downgrade" in said(quart_db(nowhere, "downgrade", "--sql"))
    assert "INSERT INTO alembic_version" in said(quart_db(nowhere, "stamp", "--sql"))


def test_migrate_writes_what_differs_and_nothing_when_nothing_does(
    database: str, history: Path
) -> None:
    before = set(history.glob("versions/*.py"))
    same = quart_db(database, "-d", str(history), "migrate", "-m", "same")
    assert same.returncode == 0
    assert same.stderr.endswith("No changes in schema detected.\n")
    assert set(history.glob("versions/*.py")) == before
    execute(database, "ALTER TABLE users ADD COLUMN shoe_size int")
    said(
        quart_db(database, "migrate", "-d", str(history), "-m", "no shoes", "--rev-id", "shoeless")
    )
    (made,) = set(history.glob("versions/*.py")) - before
    assert 'op.drop_column("users", "shoe_size")' in made.read_text().replace("'", '"')
    assert "shoe_size" in error(quart_db(database, "check"))
    said(quart_db(database, "-d", str(history), "upgrade"))
    assert said(quart_db(database, "-d", str(history), "current")) == "shoeless (head)"


def test_revision_and_merge(database: str, history: Path) -> None:
    folder = ("-d", str(history))
    for name in ("left", "right"):
        more = ("--head", "0001", "--splice", "--branch-label", name)
        said(
            quart_db(database, *folder, "revision", "-m", "-dashed", "--rev-id", f"{name}1", *more)
        )
    heads = said(quart_db(database, *folder, "heads")).splitlines()
    assert len(heads) == 3
    branches = said(quart_db(database, *folder, "branches"))
    assert branches.startswith("0001 (branchpoint)")
    assert "-> left1 (left) (head)" in branches
    merged = ("merge", "-m", "together", "--rev-id", "merged", "heads")
    said(quart_db(database, *folder, *merged))
    assert said(quart_db(database, *folder, "heads")).startswith("merged ")


def test_x_arguments_reach_env_py(database: str, history: Path) -> None:
    env = history / "env.py"
    shown = "print('x =', context.get_x_argument())\n"
    env.write_text(env.read_text().replace("\nif context.is", f"\n{shown}if context.is"))
    folder = ("-d", str(history))
    assert (
        said(quart_db(database, *folder, "-x", "a=1", "-x", "b", "upgrade")) == "x = ['a=1', 'b']"
    )
    assert said(quart_db(database, *folder, "-x", "a=1", "upgrade", "-x", "c")) == "x = ['c']"


def test_init_makes_another_history_and_refuses_flasks(tmp_path: Path) -> None:
    new = tmp_path / "new"
    said(quart_db("", "init", "-d", str(new), "-t", "async", "--package"))
    assert (new / "alembic.ini").is_file()
    assert (new / "versions" / "__init__.py").is_file()
    assert error(quart_db("", "init")).startswith("Error: alembic/ is the history here")
    assert "no Flask" in error(quart_db("", "init", "--multidb"))
    assert "no Flask" in error(quart_db("", "init", "-t", "flask-multidb"))
    assert "already exists" in error(quart_db("", "init", "-d", str(new)))


def test_unknown_revision_has_alembics_exit_code(database: str) -> None:
    done = quart_db(database, "upgrade", "nope")
    assert done.returncode == 255
    assert error(done) == "Error: Can't locate revision identified by 'nope'"


def test_unknown_option_is_not_taken_for_a_revision(database: str) -> None:
    done = quart_db(database, "upgrade", "--sqll")
    assert done.returncode == 2
    assert "--sqll" in done.stderr


def test_failing_revision_is_one_line_that_says_where(database: str, history: Path) -> None:
    folder = ("-d", str(history))
    # Two versions of a file within a second, of one size, are the same to Python's cache.
    uncached = {"PYTHONDONTWRITEBYTECODE": "1"}
    said(quart_db(database, *folder, "revision", "-m", "wrong", "--rev-id", "wrong", **uncached))
    (made,) = history.glob("versions/*wrong*.py")
    for body, told in (
        ("    op.bulk()", f"AttributeError: module 'alembic.op' has no attribute 'bulk' ({made}, "),
        ('    op.execute("SELECT 1 / 0")', "the database refused: division by zero"),
    ):
        head = made.read_text().partition("def upgrade")[0]
        made.write_text(f"{head}def upgrade() -> None:\n{body}\n\n\ndef downgrade() -> None: ...\n")
        done = quart_db(database, *folder, "upgrade", **uncached)
        assert done.returncode == 1
        assert error(done).startswith(f"Error: {told}")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/d", "the database cannot answer: connection refused"),
        ("mysql://u:hunter2@h/d", "DATABASE_URL must begin with postgresql://"),
    ],
)
def test_unusable_database_is_one_line(url: str, told: str) -> None:
    done = quart_db(url, "upgrade")
    assert done.returncode == 1
    assert error(done).startswith(told)
    assert "hunter2" not in done.stderr


def test_production_needs_no_secret_to_migrate(empty_database: str) -> None:
    said(quart_db(empty_database, "upgrade", FLASK_ENV="production", LOG_FORMAT="console"))
    done = quart_db("", "upgrade", FLASK_ENV="production")
    assert done.returncode == 2
    assert error(done).startswith("configuration: DATABASE_URL is not set")
