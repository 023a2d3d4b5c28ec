"""Clients that name every request, so that each of its log lines can be looked for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx


class Asking:
    """`sent`: the names of the requests that were answered."""

    def __init__(self) -> None:
        self.run = f"log-{uuid4().hex[:8]}"
        self.sent: list[str] = []
        self.failed: list[str] = []


@contextmanager
def asking(url: str, clients: int = 4) -> Iterator[Asking]:
    """They ask for `/health/live` as fast as they can, on new connections, so that every worker is
    asked."""
    told = Asking()
    over = threading.Event()

    def ask(client: int) -> None:
        number = 0
        with httpx.Client(base_url=url, timeout=10) as http:
            while not over.is_set():
                number += 1
                name = f"{told.run}-{client}-{number}"
                headers = {"X-Request-ID": name}
                if number % 20 == 0:
                    headers["Connection"] = "close"
                answer = http.get("/health/live", headers=headers)
                (told.sent if answer.status_code == 200 else told.failed).append(name)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for each in threads:
        each.start()
    try:
        yield told
    finally:
        over.set()
        for each in threads:
            each.join(20)
