"""Operation."""

import signal
from uuid import uuid4

from tests.contract.behaviour import better, same
from tests.contract.support import Side, query
from tests.support import in_database


@same("db current", "the head, marked as such")
def current(side: Side) -> str:
    [(head,)] = side.pair.query("SELECT version_num FROM alembic_version")
    said = side.command("db", "current")
    assert said.returncode == 0, said.stderr
    return "the head, marked as such" if said.stdout.split() == [head, "(head)"] else said.stdout


@same("db upgrade of an empty database", "the same tables, the same version")
def upgrade(side: Side) -> str:
    name = f"test_{uuid4().hex[:12]}"
    elsewhere = in_database(side.pair.database, "postgres")
    query(elsewhere, f"CREATE DATABASE {name}")
    url = in_database(side.pair.database, name)
    columns = (
        "SELECT table_name, column_name, data_type, column_default, is_nullable "
        "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    version = "SELECT version_num FROM alembic_version"
    try:
        done = side.command("db", "upgrade", DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        assert query(url, columns) == side.pair.query(columns)
        assert query(url, version) == side.pair.query(version)
    finally:
        query(elsewhere, f"DROP DATABASE {name} WITH (FORCE)")
    return "the same tables, the same version"


@same("db history", "one history")
def history(side: Side) -> str:
    mine, theirs = (each.command("db", "history") for each in (side, side.other))
    assert mine.returncode == theirs.returncode == 0, mine.stderr + theirs.stderr
    return "one history" if mine.stdout == theirs.stdout else mine.stdout


@better(
    "metrics",
    flask="404",
    here="200 text/plain",
    because="Prometheus is the guide's first monitoring option, and the guide has nothing for it",
)
def metrics(side: Side) -> str:
    return found(side, "/metrics")


@better(
    "a description of the API",
    flask="404",
    here="200 application/json",
    because="clients are generated from it, and tests",
)
def openapi(side: Side) -> str:
    return found(side, "/openapi.json")


@better(
    "documentation of the API",
    flask="404",
    here="200 text/html",
    because="it is read where it is served, without the internet",
)
def docs(side: Side) -> str:
    return found(side, "/docs")


def found(side: Side, path: str) -> str:
    """The status, and the type of what is there."""
    answer = side.get(path)
    kind = answer.headers["content-type"].partition(";")[0]
    return str(answer.status_code) + (f" {kind}" if answer.is_success else "")


@same("SIGTERM", "exit code 0")
def stop(side: Side) -> str:
    with side.again() as again:
        assert again.get("/health").is_success
        again.http.close()
        again.server.process.send_signal(signal.SIGTERM)
        return f"exit code {again.server.process.wait(20)}"
