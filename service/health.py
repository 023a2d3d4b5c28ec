"""`/health` for dashboards, `/health/live` and `/health/ready` for orchestrators."""

import msgspec
from quart import Blueprint, Response

from service.database.engine import DatabaseUnavailable
from service.database.schema import schema_state
from service.http.application import application
from service.http.body import json_response

blueprint = Blueprint("health", __name__, url_prefix="/health")

# The contract is 2 s whatever the database does; the rest is for the way there and back.
DATABASE_LIMIT = 1.5
HEALTHY = {"status": "healthy", "database": "connected"}
LIVE = {"status": "alive"}


class Check(msgspec.Struct):
    """One thing readiness depends on. `detail` says what was found."""

    ok: bool
    detail: str


@blueprint.get("")
async def health() -> Response:
    """Whether the database answers, in the words every dashboard knows."""
    try:
        await application().database.ping(timeout=DATABASE_LIMIT)
    except DatabaseUnavailable as error:
        return json_response({"status": "unhealthy", "error": error.reason}, 503)
    return json_response(HEALTHY)


@blueprint.get("/live")
async def live() -> Response:
    """Whether the process runs its event loop; never asks the database."""
    return json_response(LIVE)


@blueprint.get("/ready")
async def ready() -> Response:
    """Whether to send requests here: 503 while draining, without a database, or behind schema."""
    app = application()
    checks = {
        "draining": Check(not app.draining, "shutting down" if app.draining else "no"),
        **await _database_checks(),
    }
    is_ready = all(check.ok for check in checks.values())
    status = "ready" if is_ready else "not ready"
    return json_response({"status": status, "checks": checks}, 200 if is_ready else 503)


async def _database_checks() -> dict[str, Check]:
    database = application().database
    try:
        await database.ping(timeout=DATABASE_LIMIT)
    except DatabaseUnavailable as error:
        unknown = Check(ok=False, detail="unknown: the database does not answer")
        return {"database": Check(ok=False, detail=error.reason), "schema": unknown}
    ok, detail = await schema_state(database)
    return {"database": Check(ok=True, detail="connected"), "schema": Check(ok, detail)}
