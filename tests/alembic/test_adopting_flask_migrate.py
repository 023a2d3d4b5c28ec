"""The history of a Flask-Migrate project goes on here, as docs/from-flask.md says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT, environment

FLASK_APPLICATION = """
import os
import sqlalchemy as sa
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"].replace(
    "postgresql://", "postgresql+psycopg://"
)
db = SQLAlchemy(app)
Migrate(app, db)


class User(db.Model):
    __tablename__ = "users"
    id = db.Column(db.BigInteger, sa.Identity(), primary_key=True)
    email = db.Column(db.String(254), unique=True, nullable=False)
    name = db.Column(db.String(200), server_default="", nullable=False)
    password_hash = db.Column(db.String(255), nullable=False)
    role = db.Column(db.String(16), server_default="user", nullable=False)
    active = db.Column(db.Boolean, server_default=sa.true(), nullable=False)
    created_at = db.Column(db.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
    updated_at = db.Column(db.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
"""


def run(folder: Path, url: str, *command: str) -> str:
    """What the command printed, on both streams; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment(DATABASE_URL=url, PYTHONPATH=os.pathsep.join((str(folder), str(ROOT)))),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout + done.stderr


def renamed_instead_of_rebuilt(revision: str) -> str:
    """The revision with the constraint, which here has another name, renamed: to build it anew
    would lock a large table for as long as its index takes."""
    lines = revision.splitlines()
    rebuilding = [each for each in lines if "users_email" in each and "constraint" in each]
    assert len(rebuilding) == 4
    for each, name in zip(rebuilding[::2], (NEW_NAME, OLD_NAME), strict=True):
        lines[lines.index(each)] = f'    op.execute("ALTER TABLE users RENAME CONSTRAINT {name}")'
    kept = [each for each in lines if each not in rebuilding]
    up = "\n".join(kept).partition("def downgrade")[0]
    assert "op.drop" not in up
    return "\n".join(kept)


OLD_NAME = "uq_users_email TO users_email_key"
NEW_NAME = "users_email_key TO uq_users_email"


def test_history_of_flask_migrate_goes_on_here(empty_database: str, tmp_path: Path) -> None:
    flask, here = tmp_path / "flask", tmp_path / "here"
    flask.mkdir()
    (flask / "app.py").write_text(FLASK_APPLICATION)
    for command in (["init"], ["migrate", "-m", "users"], ["upgrade"]):
        run(flask, empty_database, "flask", "db", *command)
    theirs = run(flask, empty_database, "flask", "db", "current").split()[0]

    here.mkdir()
    shutil.copy(ROOT / "alembic.ini", here)
    shutil.copytree(ROOT / "alembic", here / "alembic")
    versions = here / "alembic" / "versions"
    for own in versions.glob("*.py"):
        own.unlink()
    for each in (flask / "migrations" / "versions").glob("*.py"):
        shutil.copy(each, versions)
    assert theirs in run(here, empty_database, "alembic", "current")
    run(here, empty_database, "alembic", "revision", "--autogenerate", "-m", "what is new")
    (added,) = versions.glob("*what_is_new.py")
    added.write_text(renamed_instead_of_rebuilt(added.read_text()))
    run(here, empty_database, "alembic", "upgrade", "head")
    run(here, empty_database, "alembic", "check")

    # And back: the Flask project is at its own revision again, and none the wiser.
    run(here, empty_database, "alembic", "downgrade", theirs)
    assert theirs in run(flask, empty_database, "flask", "db", "current")
    run(flask, empty_database, "flask", "db", "check")
