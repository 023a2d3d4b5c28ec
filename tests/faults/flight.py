"""Single requests that are under way while something happens, each on a connection of its own."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field


@dataclass
class Flight:
    """`answers`: a status, or how it failed; in the order in which they ended."""

    answers: list[int | str] = field(default_factory=list)

    def how(self, good: int = 200) -> str:
        """Those that are not as they should be."""
        return ", ".join(str(each) for each in self.answers if each != good)


@contextmanager
def in_flight(port: int, path: str, count: int, limit: float = 40.0) -> Iterator[Flight]:
    """Sends them before the block, which ends when all of them have ended. Meant for a few: a
    thread for each."""
    flight = Flight()
    sent = threading.Barrier(count + 1)

    def one() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=limit)) as connection:
            status: int | str
            try:
                try:
                    connection.request("GET", path)
                finally:
                    sent.wait(limit)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
            flight.answers.append(status)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for each in threads:
        each.start()
    sent.wait(limit)
    try:
        yield flight
    finally:
        for each in threads:
            each.join(limit + 5)
