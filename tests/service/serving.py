"""A small application, and the processes that serve it: for the tests of the server and worker."""

import asyncio
import http.client
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
from quart import Blueprint, Quart, current_app, request

from service.config import ConfigurationError
from tests.support import ROOT, wait_until

say = logging.getLogger("serving").info
pages = Blueprint("pages", __name__)


class Application(Quart):
    draining = False
    headers = ()


def create_app() -> Application:
    """What it does wrong, if anything, is up to the environment."""
    logging.basicConfig(
        stream=sys.stdout, level="INFO", format="%(process)d %(message)s", force=True
    )
    exec(_code())
    if os.environ.get("SERVING_MISCONFIGURED"):
        raise ConfigurationError(["SECRET_KEY is not set", "PORT must be a whole number"])
    app = Application("serving")
    app.config.from_mapping(
        HOST="127.0.0.1",
        PORT=int(os.environ.get("SERVING_PORT", "0")),
        GRACEFUL_TIMEOUT=float(os.environ.get("SERVING_GRACEFUL_TIMEOUT", "20")),
    )
    app.register_blueprint(pages)
    app.asgi_app = NotesDisconnects(app.asgi_app)
    return app


def _code() -> str:
    """What a test changes, as a deployment changes the code, between one start and the next."""
    file = os.environ.get("SERVING_CODE")
    return Path(file).read_text() if file else ""


class NotesDisconnects:
    """Logs the `http.disconnect` of a request for `/never`."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def noting():
            event = await receive()
            if event["type"] == "http.disconnect" and scope["path"] == "/never":
                say("http.disconnect")
            return event

        await self.app(scope, noting, send)


@pages.before_app_serving
async def start() -> None:
    if os.environ.get("SERVING_BROKEN"):
        raise RuntimeError("no database")


@pages.after_app_serving
async def stop() -> None:
    say("after_serving")


@pages.get("/fast")
async def fast() -> str:
    return "fast"


@pages.get("/ready")
async def ready() -> tuple[str, int]:
    return "", 503 if current_app.draining else 200


@pages.get("/slow")
async def slow() -> str:
    say("slow began")
    await asyncio.sleep(float(request.args["seconds"]))
    return "slow"


@pages.get("/never")
async def never() -> str:
    say("never began")
    await asyncio.Event().wait()
    return "never"


@pages.get("/block")
async def block() -> str:
    say("block began")
    time.sleep(float(request.args["seconds"]))  # noqa: ASYNC251 - what it is for
    return "block"


@pages.get("/pid")
async def pid() -> str:
    return str(os.getpid())


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Returns once `condition` holds; fails the test after `seconds`."""
    wait_until(condition, "what the server should do", seconds)


class Serving:
    """A server process, what it printed, and ways to talk to it."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def said(self) -> str:
        return (self._folder / "stdout").read_text()

    @property
    def complained(self) -> str:
        return (self._folder / "stderr").read_text()

    @property
    def port(self) -> int:
        until(lambda: "listening on" in self.said or self.process.poll() is not None, 20)
        found = re.search(r"listening on http://[\d.]+:(\d+)\n", self.said)
        assert found, self.said + self.complained
        return int(found[1])

    @property
    def workers(self) -> set[int]:
        """Those that have started to listen and are still there."""
        ready = {int(pid) for pid in re.findall(r"(\d+) listening on", self.said)}
        return ready & {each.pid for each in psutil.Process(self.process.pid).children()}

    def until_said(self, text: str) -> None:
        until(lambda: text in self.said)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def connect(self) -> closing[http.client.HTTPConnection]:
        """A connection that must answer within 10 s."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.connect()
        return closing(connection)

    def get(self, path: str) -> str:
        """The body of a 200, on a connection of its own."""
        with self.connect() as connection:
            status, _, body = ask(connection, path)
            assert status == 200
            return body


def ask(connection: http.client.HTTPConnection, path: str) -> tuple[int, str | None, str]:
    """Status, Connection header, body."""
    connection.request("GET", path)
    return answer(connection)


def answer(connection: http.client.HTTPConnection) -> tuple[int, str | None, str]:
    """The same, of a request sent before."""
    response = connection.getresponse()
    return response.status, response.getheader("Connection"), response.read().decode()


@contextmanager
def run(command: Sequence[str], folder: Path, **environment: str) -> Iterator[Serving]:
    """`command` in the repository's root, its process group killed in the end."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PORT", "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "APP_ENV", "FLASK_ENV"}
    }
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**inherited, "PYTHONPATH": str(ROOT), "HOME": str(folder), **environment},
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        yield Serving(process, folder)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
