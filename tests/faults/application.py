"""The service with a few routes more, for what its own never do on purpose."""

import asyncio
import os
import time
from pathlib import Path

import sqlalchemy as sa
from quart import Blueprint, request

from service import app as service
from service.http.application import Application, application

# A file: while it exists, the application cannot be made, or cannot start.
BROKEN_FACTORY = "FAULTS_BROKEN_FACTORY"
BROKEN_START = "FAULTS_BROKEN_START"

faults = Blueprint("faults", __name__, url_prefix="/faults")


def create_app() -> Application:
    """The service's application, with `/faults/…`."""
    if _told(BROKEN_FACTORY):
        raise RuntimeError("this version cannot be loaded")
    app = service.create_app()
    app.register_blueprint(faults)
    return app


def _told(name: str) -> bool:
    return name in os.environ and Path(os.environ[name]).exists()


@faults.before_app_serving
async def start() -> None:
    """Fails, if told to."""
    if _told(BROKEN_START):
        raise RuntimeError("this version cannot start")


@faults.get("/slow")
async def slow() -> str:
    """A handler that waits."""
    await asyncio.sleep(float(request.args["seconds"]))
    return "slow"


@faults.get("/block")
async def block() -> str:
    """A handler that keeps the event loop to itself."""
    time.sleep(float(request.args["seconds"]))  # noqa: ASYNC251 - what it is for
    return "block"


@faults.get("/hold")
async def hold() -> str:
    """A handler whose query takes long."""
    async with application().database.reading() as reader:
        await reader.execute(sa.select(sa.func.pg_sleep(float(request.args["seconds"]))))
    return "hold"
