"""Receivers of errors and traces, and services that send to them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.service.observability.receivers import Receiver
from tests.service.support import Service, start_service

FAULTY = ("-m", "tests.service.observability.faulty")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An HTTP server that notes what is posted to it."""
    with Receiver().running() as made:
        yield made


@pytest.fixture
def start(database: str, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts a service by that command, with these variables."""
    started: list[Service] = []

    def run(command: tuple[str, ...] = FAULTY, **variables: str) -> Service:
        log = tmp_path / f"stdout-{len(started)}.jsonl"
        started.append(start_service(log, command, **({"DATABASE_URL": database} | variables)))
        return started[-1]

    yield run
    for each in started:
        if each.process.poll() is None:
            for child in psutil.Process(each.process.pid).children(recursive=True):
                child.kill()
            each.process.kill()
            each.process.wait(10)
