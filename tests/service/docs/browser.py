"""A real browser, told what to do over its debugging protocol."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request, TextMessage

from tests.support import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # which root, in a container, cannot have
    "--no-first-run",
    "--disable-gpu",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-port=0",
)
PATIENCE = 20.0


class Page:
    """One tab. `complaints`: what the browser objected to, scripts' errors and what
    the policy forbids."""

    def __init__(self, connection: socket.socket, url: str) -> None:
        parts = urlsplit(url)
        self._socket = connection
        self._websocket = WSConnection(ConnectionType.CLIENT)
        self._events: Iterator[Any] = iter(())
        self._count = 0
        self.complaints: list[str] = []
        self._socket.sendall(self._websocket.send(Request(host=parts.netloc, target=parts.path)))
        assert isinstance(self._next(), AcceptConnection)
        for domain in ("Runtime", "Log", "Page"):
            self.call(f"{domain}.enable")

    def _next(self) -> Any:
        while True:
            for event in self._events:
                return event
            self._websocket.receive_data(self._socket.recv(65_536))
            self._events = self._websocket.events()

    def _message(self) -> dict[str, Any]:
        text = ""
        while True:
            event = self._next()
            assert isinstance(event, TextMessage), event
            text += event.data
            if event.message_finished:
                message: dict[str, Any] = json.loads(text)
                return message

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of one command."""
        self._count += 1
        command = json.dumps({"id": self._count, "method": method, "params": parameters})
        self._socket.sendall(self._websocket.send(TextMessage(data=command)))
        while (message := self._message()).get("id") != self._count:
            self._notice(message)
        assert "error" not in message, message
        result: dict[str, Any] = message["result"]
        return result

    def _notice(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(message["params"]["exceptionDetails"]))
        elif message.get("method") == "Log.entryAdded":
            entry = message["params"]["entry"]
            if entry["source"] != "network":  # an answer that is an error is no complaint
                self.complaints.append(entry["text"])

    def evaluate(self, expression: str) -> Any:
        """What the expression is in the page, as JSON."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> Any:
        """The expression's value once it is true."""
        return wait_until(lambda: self.evaluate(expression), expression, PATIENCE)

    def open(self, url: str) -> None:
        """Goes to the URL, and waits until it and its modules have run."""
        self.call("Page.navigate", url=url)
        self.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A browser whose profile is in the folder, and its one tab."""
    assert CHROMIUM
    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        written = folder / "DevToolsActivePort"
        wait_until(lambda: written.exists() and written.read_text(), "the browser", PATIENCE)
        port = int(written.read_text().split()[0])
        tabs = httpx.get(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE).json()
        tab = next(each for each in tabs if each["type"] == "page")
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            yield Page(connection, tab["webSocketDebuggerUrl"])
    finally:
        process.terminate()
        process.wait(PATIENCE)
