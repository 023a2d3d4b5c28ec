"""This service, with one route more: a query that takes its time."""

import sys

import sqlalchemy as sa
from quart import Blueprint, Response

from benchmarks.cases import PAUSE
from service import app
from service.database.engine import Query
from service.http.application import Application, application
from service.http.body import json_response
from service.server import main

SLEEP = Query(sa.select(sa.func.pg_sleep(sa.bindparam("pause", type_=sa.Float))))

blueprint = Blueprint("benchmark", __name__)


@blueprint.get("/benchmark/slow")
async def slow() -> Response:
    """One query of `PAUSE` seconds, by the service's own way to read."""
    await application().database.select(SLEEP, {"pause": PAUSE})
    return json_response({"status": "done"})


def create_app() -> Application:
    """The service as it is shipped, and the route."""
    made = app.create_app()
    made.register_blueprint(blueprint)
    return made


if __name__ == "__main__":
    sys.exit(main("benchmarks.peers.here:create_app"))
