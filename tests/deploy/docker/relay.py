"""A TCP port before a PostgreSQL that listens on a Unix socket only: what is in a container has the
host's network, and not its files."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from tests.support import database_name


@contextmanager
def over_tcp(url: str) -> Iterator[str]:
    """The URL of the same database, at a port of this machine."""
    folder = parse_qs(urlsplit(url).query)["host"][0]
    threads: list[threading.Thread] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                thread = threading.Thread(target=converse, args=(client,))
                threads.append(thread)
                thread.start()

    def converse(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as database:
            database.connect(f"{folder}/.s.PGSQL.5432")
            back = threading.Thread(target=_carry, args=(database, client))
            back.start()
            _carry(client, database)
            back.join()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threads.append(threading.Thread(target=accept))
        threads[0].start()
        yield f"postgresql://postgres@127.0.0.1:{server.getsockname()[1]}/{database_name(url)}"
        server.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
