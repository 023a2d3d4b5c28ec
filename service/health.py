"""`/health` for dashboards, `/health/live` and `/health/ready` for orchestrators."""

from typing import Literal

import msgspec
from quart import Blueprint, Response

from service.database.engine import DatabaseUnavailable
from service.database.schema import schema_state
from service.http.application import application
from service.http.body import json_response
from service.http.operation import operation

blueprint = Blueprint("health", __name__, url_prefix="/health")

# The contract is 2 s whatever the database does; the rest is for the way there and back.
DATABASE_LIMIT = 1.5


class Healthy(msgspec.Struct):
    """What a healthy service says."""

    status: Literal["healthy"] = "healthy"
    database: Literal["connected"] = "connected"


class Unhealthy(msgspec.Struct):
    """What an unhealthy one says: the kind of failure, without host, user or SQL."""

    status: Literal["unhealthy"]
    error: str


class Alive(msgspec.Struct):
    """The process runs."""

    status: Literal["alive"] = "alive"


class Check(msgspec.Struct):
    """One thing readiness depends on. `detail` says what was found."""

    ok: bool
    detail: str


class Readiness(msgspec.Struct):
    """What readiness depends on, by name."""

    status: Literal["ready", "not ready"]
    checks: dict[str, Check]


HEALTHY = Healthy()
ALIVE = Alive()


@blueprint.get("")
@operation(returns={200: Healthy, 503: Unhealthy}, credential="none", exempt=True)
async def health() -> Response:
    """Health.

    Whether the database answers, in the words every dashboard knows.
    """
    try:
        await application().database.ping(timeout=DATABASE_LIMIT)
    except DatabaseUnavailable as error:
        return json_response(Unhealthy("unhealthy", error.reason), 503)
    return json_response(HEALTHY)


@blueprint.get("/live")
@operation(returns={200: Alive}, credential="none", exempt=True)
async def live() -> Response:
    """Liveness.

    Whether the process runs its event loop; never asks the database.
    """
    return json_response(ALIVE)


@blueprint.get("/ready")
@operation(returns={200: Readiness, 503: Readiness}, credential="none", exempt=True)
async def ready() -> Response:
    """Readiness.

    Whether to send requests here: 503 while draining, without a database, or behind schema.
    """
    app = application()
    checks = {
        "draining": Check(not app.draining, "shutting down" if app.draining else "no"),
        **await _database_checks(),
    }
    is_ready = all(check.ok for check in checks.values())
    readiness = Readiness("ready" if is_ready else "not ready", checks)
    return json_response(readiness, 200 if is_ready else 503)


async def _database_checks() -> dict[str, Check]:
    database = application().database
    try:
        await database.ping(timeout=DATABASE_LIMIT)
    except DatabaseUnavailable as error:
        unknown = Check(ok=False, detail="unknown: the database does not answer")
        return {"database": Check(ok=False, detail=error.reason), "schema": unknown}
    ok, detail = await schema_state(database)
    return {"database": Check(ok=True, detail="connected"), "schema": Check(ok, detail)}
