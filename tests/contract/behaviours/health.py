"""Health."""

import json
import time

import httpx

from tests.contract.behaviour import better, same
from tests.contract.settings import OUTAGE, UNREACHABLE
from tests.contract.support import Side, query
from tests.support import database_name, in_database, silent_port


@same("a database that answers", '200 {"status": "healthy", "database": "connected"}')
def healthy(side: Side) -> str:
    answer = side.get("/health")
    assert answer.headers["content-type"] == "application/json"
    return f"{answer.status_code} {json.dumps(answer.json())}"


@same(
    "a database that refuses connections",
    "503 status, error; no host, user or password",
    settings=UNREACHABLE,
)
def refusing(side: Side) -> str:
    answer = side.get("/health")
    assert answer.json()["status"] == "unhealthy"
    told_too_much = [word for word in ("someone", "pa55word", "127.0.0.1") if word in answer.text]
    return f"{answer.status_code} {', '.join(answer.json())}; " + (
        f"tells {told_too_much}" if told_too_much else "no host, user or password"
    )


@better(
    "a database that accepts and never answers",
    flask="no answer in 3 s",
    here="503 within 2 s",
    because="a probe that hangs tells an orchestrator nothing, and holds a worker's thread",
)
def hung(side: Side) -> str:
    with (
        silent_port() as port,
        side.again(DATABASE_URL=f"postgresql://someone@127.0.0.1:{port}/none") as broken,
    ):
        try:
            answer = broken.get("/health", timeout=3)
        except httpx.ReadTimeout:
            return "no answer in 3 s"
        assert answer.elapsed.total_seconds() < 2
        return f"{answer.status_code} within 2 s"


@same("a database that goes and comes back", "200, 503, 200", settings=OUTAGE)
def outage(side: Side) -> str:
    name = database_name(side.pair.database)
    elsewhere = in_database(side.pair.database, "postgres")
    statuses = [side.get("/health").status_code]
    query(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    try:
        query(elsewhere, end, name)
        statuses.append(side.get("/health").status_code)
    finally:
        query(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    # This side looks ten times a second whether it is back.
    back = time.monotonic() + 1.0
    while (status := side.get("/health").status_code) != 200 and time.monotonic() < back:
        time.sleep(0.05)
    statuses.append(status)
    return ", ".join(map(str, statuses))


@better(
    "whether the process lives, whatever the database does",
    flask="404",
    here="200",
    because="an orchestrator that restarts a process because its database is away helps nobody",
    settings=UNREACHABLE,
)
def live(side: Side) -> str:
    return str(side.get("/health/live").status_code)


@better(
    "whether to send requests here",
    flask="404",
    here="200 database, draining, schema",
    because="a deploy waits for the schema, and a balancer for the end of a drain",
)
def ready(side: Side) -> str:
    answer = side.get("/health/ready")
    if answer.status_code == 404:
        return "404"
    return f"{answer.status_code} {', '.join(sorted(answer.json()['checks']))}"
