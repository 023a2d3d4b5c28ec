"""A database that accepts and never answers, as one behind a broken network does."""

import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.service.support import Service


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and says nothing."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for each in held:
            each.close()


def test_health_is_answered_whatever_the_database_does(
    own_service: Callable[..., Service], silent_port: int
) -> None:
    service = own_service(DATABASE_URL=f"postgresql://u:p@127.0.0.1:{silent_port}/d")
    for path in ("/health", "/health/ready"):
        # The client's own limit is the contract's: past 2 s this raises.
        answer = httpx.get(f"{service.url}{path}", timeout=2)
        assert answer.status_code == 503
    assert httpx.get(f"{service.url}/health", timeout=2).json()["error"] == "timeout"
    assert httpx.get(f"{service.url}/health/live", timeout=2).status_code == 200
