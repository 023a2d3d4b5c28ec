"""A running service, and people who use it."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.service.support import (
    PASSWORD,
    Account,
    Service,
    log_in,
    quart,
    register,
    start_service,
)


@pytest.fixture(scope="session")
def service(
    create_database: Callable[[str], str],
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """One service for all tests of this process that leave it as it was."""
    log = tmp_path_factory.mktemp("service") / "stdout.jsonl"
    running = start_service(log, DATABASE_URL=create_database(migrated_template))
    yield running
    assert running.stop() == 0, log.read_text()


@pytest.fixture
def own_service(database: str, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts a service for one test, which may break it; the variables are the test's own."""
    started: list[Service] = []

    def start(**variables: str) -> Service:
        log = tmp_path / f"stdout-{len(started)}.jsonl"
        started.append(start_service(log, **({"DATABASE_URL": database} | variables)))
        return started[-1]

    yield start
    for each in started:
        each.stop(signal.SIGKILL)


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    """An HTTP client without credentials."""
    with httpx.Client(base_url=service.url, timeout=10) as made:
        yield made


@pytest.fixture
def user(service: Service) -> Iterator[Account]:
    """A new user."""
    account = register(service.url)
    yield account
    account.http.close()


@pytest.fixture(scope="session")
def admin(service: Service) -> Iterator[Account]:
    """An administrator, made by the operator's command."""
    email = f"{uuid4().hex[:12]}@example.com"
    made = quart(service, "users", "create-admin", "--email", email, ADMIN_PASSWORD=PASSWORD)
    assert made.returncode == 0, made.stderr
    account = log_in(service.url, email)
    yield account
    account.http.close()
