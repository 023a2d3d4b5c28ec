"""Logs as a table of DuckDB's, which is let near no other file."""

import importlib
import re
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from console.commands.arguments import UsageError
from console.commands.views import broken_lines, literal, literals, view
from console.text import visible

__all__ = ["Database", "DatabaseError", "count_broken", "single_select"]

_SETTINGS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    # This may be the machine that the log tells of; what needs more goes to the disk.
    "memory_limit": "2GB",
}
# What is about all columns without giving them.
_OF_ALL = re.compile(
    r"\bdistinct\s*\*|\b(?:describe|summarize|show)\b|^\s*desc\b|\(\s*logs\s*\)", re.IGNORECASE
)
_MESSAGE = 400
_STOP_SECONDS = 5.0


class DatabaseError(UsageError):
    """What DuckDB says of a statement, in one line."""


class Database:
    """A database in memory with one view, `logs`.

    `plain` files, each with its name as a source, are read by DuckDB itself, `converted` is one
    that `convert` has written. Links to them and what does not fit into memory are in `folder`;
    nothing else can be read. Those named in `strays` have lines that are no objects, which are in
    `converted`. Lines of requests whose id begins with `without` are left out. `strict`: a line
    of the others that is no object is an error.
    Raises UsageError when DuckDB is missing or too old.
    """

    def __init__(
        self,
        folder: Path,
        plain: Mapping[str, Path],
        converted: Path | None,
        *,
        strays: Container[str] = (),
        without: str = "",
        strict: bool = False,
    ) -> None:
        self._duckdb = _duckdb()
        self._without = without
        self._strict = strict
        self._converted = None if converted is None else str(converted)
        self._plain: dict[str, str] = {}
        for number, (name, path) in enumerate(plain.items()):
            # By this name: of the path, DuckDB would take some characters for a pattern.
            link = folder / f"{number}.jsonl"
            link.symlink_to(path)
            self._plain[str(link)] = name
        self._strays = {link for link, name in self._plain.items() if name in strays}
        try:
            self._connection = self._duckdb.connect(config=_SETTINGS)
            for setting, value in (
                ("temp_directory", literal(str(folder / "spilled"))),
                ("allowed_directories", literals([str(folder)])),
                ("allowed_paths", literals(map(str, plain.values()))),
                ("enable_external_access", "false"),
                ("lock_configuration", "true"),
            ):
                self._connection.execute(f"SET {setting} = {value}")
        except self._duckdb.Error as error:
            raise UsageError(f"needs DuckDB 1.2 or newer: {_line(error)}") from error

    def prepare(self, statement: str) -> bool:
        """Make the view as a statement needs it; return whether it has all of each line, which are
        then never read strictly. Raises DatabaseError."""
        with _one_line(self._duckdb.Error):
            self._create(raw=True)
            columns = self.columns(statement)
            # To have all of each line read takes half as long again, and few ask for it.
            whole = bool(_OF_ALL.search(statement)) or not self._gives(statement, columns)
            if whole:
                self._create(raw=True)
            return whole

    def columns(self, statement: str) -> list[tuple[str, str]]:
        """Return the names and types of a statement's columns. Raises DatabaseError."""
        with _one_line(self._duckdb.Error):
            found = self._connection.sql(statement)
            return list(zip(found.columns, map(str, found.types), strict=True))

    def execute(self, statement: str) -> None:
        """Execute a statement. Raises DatabaseError."""
        self._beside(lambda: self._connection.execute(statement))

    def rows(self, statement: str, count: int) -> list[tuple[Any, ...]]:
        """Return the first rows that a statement gives. Raises DatabaseError."""
        rows: list[tuple[Any, ...]]
        rows = self._beside(lambda: self._connection.execute(statement).fetchmany(count))
        return rows

    def _beside(self, work: Callable[[], Any]) -> Any:
        """Have DuckDB work in a thread: while it waits for its own ones, it notices no signal."""
        found: list[Any] = []
        errors: list[Exception] = []
        done = threading.Event()

        def run() -> None:
            try:
                found.append(work())
            except Exception as error:  # raised again below
                errors.append(error)
            done.set()

        threading.Thread(target=run, name="duckdb", daemon=True).start()
        try:
            done.wait()
        except BaseException:
            self._connection.interrupt()
            done.wait(_STOP_SECONDS)
            raise
        if errors:
            with _one_line(self._duckdb.Error):
                raise errors[0]
        return found[0]

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()

    def _gives(self, statement: str, columns: list[tuple[str, str]]) -> bool:
        """Tell whether a statement gives the same columns where there is no `raw`."""
        self._create(raw=False)
        try:
            return self.columns(statement) == columns
        except DatabaseError:
            return False

    def _create(self, *, raw: bool) -> None:
        lines = view(
            self._plain, self._converted, strays=self._strays, raw=raw, strict=self._strict
        )
        if self._without:
            own = f"starts_with(request_id, {literal(self._without)})"
            lines = f"SELECT * FROM ({lines}) WHERE {own} IS NOT TRUE"  # noqa: S608
        self._connection.execute(f"CREATE OR REPLACE VIEW logs AS {lines}")


def count_broken(path: Path, folder: Path) -> int:
    """Return how many lines of a file DuckDB takes for no objects. Raises DatabaseError."""
    duckdb = _duckdb()
    link = folder / "checked.jsonl"
    link.symlink_to(path)
    with _one_line(duckdb.Error), duckdb.connect() as connection:
        ((count,),) = connection.execute(broken_lines(str(link))).fetchall()
    link.unlink()
    return int(count)


def single_select(query: str) -> str:
    """Return a query without what ends it, so that it can be made part of another.

    Raises UsageError for anything but one SELECT, DatabaseError for what cannot be understood.
    """
    duckdb = _duckdb()
    with _one_line(duckdb.Error):
        statements = duckdb.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError("one SELECT, please: logs are only read")
    return str(statements[0].query).rstrip().removesuffix(";")


def _duckdb() -> Any:
    try:
        return importlib.import_module("duckdb")
    except ModuleNotFoundError as error:
        raise UsageError("needs DuckDB: install quartermaster[sql]") from error


@contextmanager
def _one_line(errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        raise DatabaseError(_line(error)) from error


def _line(error: Exception) -> str:
    """Return what an error says, without the picture of where."""
    said = str(error).partition("\nLINE ")[0]
    return visible(" ".join(said.split()), _MESSAGE)
