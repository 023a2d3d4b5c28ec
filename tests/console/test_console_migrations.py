"""A real Alembic project on SQLite, by its command line."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from console.migrations.command import AlembicError, find_alembic, last_useful_line, run
from console.migrations.runner import Upgrade
from console.migrations.state import (
    MigrationState,
    parse_current,
    parse_history,
    read_revisions,
    read_state,
)
from console.watch.changes import Change, Feed
from console.watch.schema import Schema

Until = Callable[..., Awaitable[None]]


async def test_the_state_of_a_project(alembic_project: Any) -> None:
    folder = alembic_project.folder
    revisions = await read_revisions(folder)
    assert [(r.id, r.message, r.head) for r in revisions] == [
        ("b2", "add roles", True),
        ("a1", "create users", False),
    ]
    state = await read_state(folder, revisions)
    assert state.current == frozenset()
    assert [r.id for r in state.pending] == ["a1", "b2"]
    await run(folder, "upgrade", "a1", time_limit=30)
    state = await read_state(folder, revisions)
    assert state.current == {"a1"}
    assert [r.id for r in state.pending] == ["b2"]


def test_histories_of_every_shape() -> None:
    revisions = parse_history(
        "INFO something env.py printed\n"
        "c3, d4 -> e5 (head) (mergepoint), merge both\n"
        "b2 (x9) -> d4 (label, other-label), right -> left, and more\n"
        "b2 -> c3, left\n"
        "a1 -> b2 (branchpoint), add\n"
        "<base> -> a1, create\n"
    )
    assert [r.id for r in revisions] == ["e5", "d4", "c3", "b2", "a1"]
    assert revisions[0].parents == ("c3", "d4")
    assert revisions[0].head
    assert revisions[1].parents == ("b2",)
    assert revisions[1].message == "right -> left, and more"
    assert revisions[4].parents == ()
    state = MigrationState(revisions, frozenset({"c3"}))
    assert state.applied == {"a1", "b2", "c3"}
    assert [r.id for r in state.pending] == ["d4", "e5"]
    assert [r.id for r in state.heads] == ["e5"]


def test_current_ignores_what_env_py_prints() -> None:
    output = "connected\nb2 (head) (mergepoint)\nhello world\n"
    assert parse_current(output, ["a1", "b2"]) == {"b2"}


_REFUSED = """Traceback (most recent call last):
  File "env.py", line 3
sqlalchemy.exc.OperationalError: refused
\tIs the server running?
[SQL: SELECT 1]
(Background on this error at: https://sqlalche.me/e/20/e3q8)
"""


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("", ""),
        ("INFO x\nFAILED: Can't locate revision identified by 'zz'\n", "FAILED: Can't locate"),
        (_REFUSED, "sqlalchemy.exc.OperationalError: refused"),
        ("something odd\n", "something odd"),
    ],
)
def test_the_line_that_says_what_went_wrong(output: str, line: str) -> None:
    assert last_useful_line(output).startswith(line)


def test_the_projects_own_command_comes_first(tmp_path: Path) -> None:
    with pytest.raises(AlembicError, match=r"no alembic\.ini"):
        find_alembic(tmp_path)
    (tmp_path / "alembic.ini").touch()
    assert find_alembic(tmp_path) == [str(Path(sys.executable).with_name("alembic"))]
    own = tmp_path / ".venv/bin/alembic"
    own.parent.mkdir(parents=True)
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert find_alembic(tmp_path) == [str(own)]


def test_without_a_command_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alembic.ini").touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AlembicError, match="pip install alembic"):
        find_alembic(tmp_path)


async def test_a_command_that_hangs_is_ended(alembic_project: Any) -> None:
    alembic_project.env.write_text("import time\ntime.sleep(60)\n")
    with pytest.raises(AlembicError, match="did not answer in 1 s"):
        await run(alembic_project.folder, "current", time_limit=1)


async def test_a_broken_env_tells_its_error(alembic_project: Any) -> None:
    alembic_project.env.write_text("raise RuntimeError('no settings')\n")
    with pytest.raises(AlembicError, match="RuntimeError: no settings"):
        await run(alembic_project.folder, "current", time_limit=30)


async def test_an_upgrade_is_told_line_by_line(alembic_project: Any, until: Until) -> None:
    go = alembic_project.folder / "go"
    alembic_project.add(
        "c3",
        "slow",
        f"print('first', flush=True)\nwhile not Path({str(go)!r}).exists(): time.sleep(0.02)\n"
        "print('second', flush=True)",
    )
    told: list[int] = []
    upgrade = Upgrade(alembic_project.folder, lambda: told.append(1))
    task = asyncio.create_task(upgrade.run())
    await until(lambda: upgrade.lines == ["first"])
    assert not task.done()
    go.touch()
    result = await task
    assert (result.code, result.reason, upgrade.lines) == (0, "", ["first", "second"])
    assert len(told) >= 2


async def test_an_upgrade_can_be_terminated(alembic_project: Any, until: Until) -> None:
    alembic_project.add("c3", "endless", "print('begun', flush=True)\ntime.sleep(60)")
    upgrade = Upgrade(alembic_project.folder, lambda: None)
    task = asyncio.create_task(upgrade.run())
    await until(lambda: upgrade.lines == ["begun"])
    await upgrade.terminate()
    result = await task
    assert result.code != 0
    assert result.reason == "terminated on request"


async def test_the_schema_follows_what_happens(alembic_project: Any) -> None:
    feed, calls = Feed(), []
    schema = Schema(alembic_project.folder, feed, lambda: calls.append(1))
    await schema.refresh()
    assert schema.state is not None
    assert schema.problem == ""
    await schema.run_upgrade()
    assert schema.result is not None
    assert schema.result.code == 0
    assert schema.state.pending == ()
    (change,) = feed.newest_first
    assert change.text.startswith("b2 add roles  applied in ")


async def test_a_failed_upgrade_is_told_and_survived(alembic_project: Any) -> None:
    alembic_project.add("c3", "broken", "raise ValueError('column is not empty')")
    feed = Feed()
    schema = Schema(alembic_project.folder, feed, lambda: None)
    await schema.refresh()
    await schema.run_upgrade()
    assert schema.result is not None
    assert schema.result.code != 0
    assert schema.result.reason == "ValueError: column is not empty"
    assert feed.newest_first[-1].mood == "bad"
    alembic_project.remove_last()
    await schema.run_upgrade()
    assert schema.result.code == 0
    assert schema.problem == ""


async def test_a_problem_keeps_the_revisions_and_goes_away(alembic_project: Any) -> None:
    await run(alembic_project.folder, "upgrade", "head", time_limit=30)
    good = alembic_project.database.read_bytes()
    alembic_project.database.write_bytes(b"garbage" * 200)
    schema = Schema(alembic_project.folder, Feed(), lambda: None)
    await schema.refresh()
    assert "file is not a database" in schema.problem
    assert [r.id for r in schema.revisions] == ["b2", "a1"]
    assert schema.state is None
    alembic_project.database.write_bytes(good)
    await schema.refresh()
    assert (schema.problem, schema.state is not None) == ("", True)


async def test_no_folder_is_no_error() -> None:
    schema = Schema(None, Feed(), lambda: None)
    await schema.refresh()
    await schema.run_upgrade()
    assert "--alembic DIR" in schema.problem


def test_the_feed_is_ordered_by_time_and_bounded() -> None:
    feed = Feed()
    for at in (5.0, 1.0, 3.0):
        feed.add(Change(at, "x", "y"))
    assert [change.at for change in feed.newest_first] == [5.0, 3.0, 1.0]
    for at in range(1000):
        feed.add(Change(float(at), "x", "y"))
    assert len(feed.newest_first) == 200


def test_the_commands_run_in_a_session_of_their_own(tmp_path: Path) -> None:
    async def session() -> int:
        (tmp_path / "alembic.ini").touch()
        own = tmp_path / ".venv/bin/alembic"
        own.parent.mkdir(parents=True)
        own.write_text("#!/bin/sh\nps -o sid= -p $$\n")
        own.chmod(0o755)
        return int(await run(tmp_path, "current", time_limit=10))

    assert asyncio.run(session()) != os.getsid(0)
