"""No statement of `opsconsole sql` reads another file than the logs, or writes any."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from console.commands.arguments import UsageError
from console.commands.database import Database, single_select
from console.commands.results import write_result
from tests.console.commands.processes import line, opsconsole

LOG = line() + line(level="ERROR")


class Opened(NamedTuple):
    """A database, the folder of its log, with a secret beside it, and where results may be."""

    database: Database
    folder: Path
    scratch: Path

    def run(self, query: str) -> str:
        """What the command would write."""
        statement = single_select(query)
        self.database.prepare(statement)
        result = self.scratch / "result"
        write_result(self.database, statement, "csv", result)
        return result.read_text()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder, scratch = tmp_path_factory.mktemp("logs"), tmp_path_factory.mktemp("scratch")
    (folder / "a.jsonl").write_bytes(LOG)
    (folder / "secret").write_text("token\n")
    database = Database(scratch, {"a.jsonl": folder / "a.jsonl"}, None)
    yield Opened(database, folder, scratch)
    database.close()


REFUSED = [
    "copy (select 1) to '{other}'",
    "copy (select 1) to '{log}'",
    "copy logs to '{log}' (format json)",
    "explain analyze copy (select 1) to '{log}'",
    "create table t as select 1",
    "attach '{other}'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "export database '{folder}'",
    "select 1; copy (select 1) to '{log}'",
    "select 1 as a) to '{log}' (format csv); --",
    "insert into logs values (1)",
    "",
    "select * from '{secret}'",
    "select * from read_text('{secret}')",
    "select * from read_csv('{folder}/*')",
    "select * from read_blob('/proc/self/environ')",
    "select * from glob('{folder}/*')",
    "select * from sniff_csv('{secret}')",
    "select * from duckdb_secrets()",
    "select * from query('copy (select 1) to ''{log}''')",
    "select getenv('HOME')",
    "select * from sys",
    "select * from statement",
]


@pytest.mark.parametrize("query", REFUSED)
def test_no_other_file_is_read_and_none_is_written(opened: Opened, query: str) -> None:
    folder = opened.folder
    asked = query.format(
        log=folder / "a.jsonl", other=folder / "other", secret=folder / "secret", folder=folder
    )
    with pytest.raises(UsageError) as caught:
        opened.run(asked)
    assert "\n" not in str(caught.value)
    assert "token" not in str(caught.value)
    assert (folder / "a.jsonl").read_bytes() == LOG
    assert sorted(path.name for path in folder.iterdir()) == ["a.jsonl", "secret"]


def test_the_logs_can_be_read(opened: Opened) -> None:
    """Or else the test above would prove nothing."""
    assert opened.run("select count(*) as n from logs;") == "n\n2\n"


def test_a_statement_can_be_interrupted(opened: Opened) -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        opened.run("select max(hash(a.range * b.range)) from range(1000000) a, range(1000000) b")
    timer.join()
    assert time.monotonic() - begun < 10


def test_a_log_is_never_overwritten(tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    log.write_bytes(LOG)
    (log.parent / "link").symlink_to(log.name)
    for name in (log.name, "link"):
        shown = opsconsole(
            *("sql", "select 1", "--log", log.name, "--output", name), cwd=log.parent
        )
        assert (shown.returncode, shown.stderr) == (
            2,
            b"opsconsole sql: --output is one of the logs\n",
        )
    assert log.read_bytes() == LOG
