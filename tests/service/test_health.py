"""`/health`, `/health/live` and `/health/ready`, with the database there, away and frozen."""

from collections.abc import Callable

import httpx

from tests.service.support import Service
from tests.support import database_name, execute, wait_until


def test_health_is_word_for_word_what_dashboards_know(client: httpx.Client) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.content == b'{"status":"healthy","database":"connected"}'
    assert answer.headers["content-type"] == "application/json"


def test_head_has_the_headers_and_no_body(client: httpx.Client) -> None:
    answer = client.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "43"


def test_live_answers_without_a_database(own_service: Callable[..., Service]) -> None:
    service = own_service(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert httpx.get(f"{service.url}/health/live").json() == {"status": "alive"}


def test_unreachable_database_is_a_503_that_names_no_host(
    own_service: Callable[..., Service],
) -> None:
    service = own_service(DATABASE_URL="postgresql://someone:pa55word@127.0.0.1:1/none")
    answer = httpx.get(f"{service.url}/health")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unhealthy", "error": "connection refused"}
    ready = httpx.get(f"{service.url}/health/ready")
    assert ready.status_code == 503
    assert ready.json()["checks"]["database"] == {"ok": False, "detail": "connection refused"}
    assert "pa55word" not in service.log.read_text()


def test_health_recovers_when_the_database_does(
    own_service: Callable[..., Service], database: str, postgres: str
) -> None:
    service = own_service()
    name = database_name(database)
    assert httpx.get(f"{service.url}/health").status_code == 200
    execute(
        postgres,
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    assert httpx.get(f"{service.url}/health").status_code == 503
    execute(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    # It is asked ten times a second.
    wait_until(lambda: httpx.get(f"{service.url}/health").status_code == 200, "health", 1)


def test_ready_on_a_migrated_database(client: httpx.Client) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200, answer.text
    checks = answer.json()["checks"]
    assert {name: check["ok"] for name, check in checks.items()} == {
        "draining": True,
        "database": True,
        "schema": True,
    }
    assert checks["schema"]["detail"].endswith("(head)")


def test_not_ready_before_the_migration(
    own_service: Callable[..., Service], empty_database: str
) -> None:
    service = own_service(DATABASE_URL=empty_database)
    assert httpx.get(f"{service.url}/health").status_code == 200
    answer = httpx.get(f"{service.url}/health/ready")
    assert answer.status_code == 503
    assert "run alembic upgrade head" in answer.json()["checks"]["schema"]["detail"]


def test_ready_on_a_newer_schema(own_service: Callable[..., Service], database: str) -> None:
    execute(database, "UPDATE alembic_version SET version_num = 'from_the_future'")
    service = own_service()
    answer = httpx.get(f"{service.url}/health/ready")
    assert answer.status_code == 200, answer.text
    assert "newer" in answer.json()["checks"]["schema"]["detail"]
