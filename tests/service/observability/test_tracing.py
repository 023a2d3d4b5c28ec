"""A trace of each request reaches a collector: its span, its SQL, and the trace id of the log."""

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.service import web
from tests.service.observability import faulty
from tests.service.observability.conftest import FAULTY
from tests.service.observability.receivers import Receiver, attributes
from tests.service.support import GUNICORN, Account, Service, register, start_service
from tests.support import free_port, silent_port, wait_until

Start = Callable[..., Service]

WATCHED = ("/health", "/health/live", "/health/ready", "/metrics")


def tracing(receiver: Receiver) -> dict[str, str]:
    """What makes a service trace to it, at once."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}


@pytest.fixture(scope="module")
def collector() -> Iterator[Receiver]:
    """What the service of this module traces to."""
    with Receiver().running() as made:
        yield made


@pytest.fixture(scope="module")
def service(
    create_database: Callable[[str], str],
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    collector: Receiver,
) -> Iterator[Service]:
    """A service that traces."""
    made = start_service(
        tmp_path_factory.mktemp("traced") / "stdout.jsonl",
        FAULTY,
        **tracing(collector),
        DATABASE_URL=create_database(migrated_template),
        OTEL_EXPORTER_OTLP_HEADERS="api-key=secret-of-the-collector",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        OTEL_RESOURCE_ATTRIBUTES="service.namespace=shop,service.version=overridden",
        OTEL_SERVICE_NAME="quartermaster-blue",
    )
    yield made
    assert made.stop() == 0


@pytest.fixture
def account(service: Service) -> Iterator[Account]:
    """Somebody registered there."""
    made = register(service.url)
    yield made
    made.http.close()


def trace_of(receiver: Receiver, answer: httpx.Response, service: Service) -> list[Span]:
    """The spans of the request, by the trace its log line names; the server's is the first."""
    line = service.line(request_id=answer.headers["x-request-id"], event="request")
    trace_id = bytes.fromhex(line["trace_id"])

    def found() -> list[Span]:
        spans = [each for each in receiver.spans() if each.trace_id == trace_id]
        spans.sort(key=lambda span: span.kind != Span.SPAN_KIND_SERVER)
        return spans if spans and spans[0].kind == Span.SPAN_KIND_SERVER else []

    spans: list[Span] = wait_until(found, "the trace")
    return spans


def test_request_is_a_server_span_with_its_sql_below(
    service: Service, collector: Receiver, account: Account
) -> None:
    answer = account.http.get(f"/api/v1/users/{account.id}?secret=in-the-query")
    assert answer.status_code == 200
    server, *others = trace_of(collector, answer, service)
    assert server.name == "GET /api/v1/users/{user_id}"
    assert server.parent_span_id == b""
    assert attributes(server.attributes) == {
        "http.request.method": "GET",
        "http.route": "/api/v1/users/{user_id}",
        "http.response.status_code": 200,
        "url.path": f"/api/v1/users/{account.id}",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "client.address": "127.0.0.1",
        "user.id": str(account.id),
    }
    assert server.status.code == Status.STATUS_CODE_UNSET
    assert {each.parent_span_id for each in others} == {server.span_id}
    statements = [each for each in others if each.name == "SELECT"]
    assert statements
    for each in statements:
        told = attributes(each.attributes)
        assert told["db.system.name"] == "postgresql"
        assert told["db.query.text"].startswith("SELECT ")
        assert "$1" in told["db.query.text"]
        assert each.start_time_unix_nano >= server.start_time_unix_nano
    (resource, *_) = collector.resources()
    assert resource["service.name"] == "quartermaster-blue"
    assert resource["service.namespace"] == "shop"
    assert resource["service.version"] == "overridden"
    assert resource["deployment.environment.name"] == "testing"
    assert {headers["api-key"] for _, headers, _ in collector.posts} == {"secret-of-the-collector"}


def test_trace_that_came_is_continued(
    service: Service, collector: Receiver, account: Account
) -> None:
    trace_id, parent = uuid4().hex, "00f067aa0ba902b7"
    headers = {"traceparent": f"00-{trace_id}-{parent}-01", "tracestate": "vendor=opaque"}
    answer = account.http.get("/api/v1/auth/me", headers=headers)
    server, *_ = trace_of(collector, answer, service)
    assert server.trace_id.hex() == trace_id
    assert server.parent_span_id.hex() == parent
    assert server.trace_state == "vendor=opaque"


def test_trace_that_is_not_sampled_is_logged_and_not_exported(
    service: Service, collector: Receiver
) -> None:
    trace_id = uuid4().hex
    answer = web.get(
        f"{service.url}/nowhere", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-00"}
    )
    seen = web.get(f"{service.url}/nowhere")
    assert service.line(request_id=answer.headers["x-request-id"])["trace_id"] == trace_id
    trace_of(collector, seen, service)
    assert trace_id not in {each.trace_id.hex() for each in collector.spans()}


def test_error_is_recorded_without_secrets(
    service: Service, collector: Receiver, account: Account
) -> None:
    answer = account.http.post(
        "/faulty/7?token=secret-in-the-query",
        content=b"secret-in-the-body",
        headers={"X-Api-Key": "secret-in-a-header", "Cookie": "session=secret-in-a-cookie"},
    )
    assert answer.status_code == 500
    server, *_ = trace_of(collector, answer, service)
    assert server.status.code == Status.STATUS_CODE_ERROR
    told = attributes(server.attributes)
    assert (told["http.response.status_code"], told["error.type"]) == (500, "RuntimeError")
    (event,) = server.events
    exception = attributes(event.attributes)
    assert exception["exception.type"] == "RuntimeError"
    assert "service:[redacted]@" in exception["exception.message"]
    assert " fail" in exception["exception.stacktrace"]

    answer = web.get(f"{service.url}/faulty/sql")
    assert answer.status_code == 500
    spans = trace_of(collector, answer, service)
    (failed,) = (each for each in spans if each.name == "SELECT")
    assert failed.status.code == Status.STATUS_CODE_ERROR

    arrived = b"".join(body for _, _, body in collector.posts)
    for secret in (
        faulty.PASSWORD,
        faulty.TOKEN,
        "s3cr3t-of-the-database",
        faulty.ROW,
        "secret-in-",
        account.email,
        account.password,
        account.tokens["access_token"],
    ):
        assert secret.encode() not in arrived, secret


def test_what_watches_and_what_is_unheard_of(service: Service, collector: Receiver) -> None:
    for path in WATCHED:
        web.get(f"{service.url}{path}")
    with web.client(base_url=service.url) as client:
        answer = client.request("BREW", "/healthy")
    server, *_ = trace_of(collector, answer, service)
    assert server.name == "HTTP"
    assert attributes(server.attributes)["http.request.method"] == "_OTHER"
    paths = {attributes(each.attributes).get("url.path") for each in collector.spans()}
    assert "/healthy" in paths
    assert not paths & set(WATCHED)
    roots = [each for each in collector.spans() if not each.parent_span_id]
    assert {each.kind for each in roots} == {Span.SPAN_KIND_SERVER}


def test_what_waits_is_exported_at_the_stop(start: Start, receiver: Receiver) -> None:
    service = start(OTEL_EXPORTER_OTLP_ENDPOINT=f"{receiver.url}/", OTEL_BSP_SCHEDULE_DELAY="60000")
    web.get(f"{service.url}/nowhere")
    assert receiver.spans() == []
    assert service.stop() == 0
    assert [span.name for span in receiver.spans()] == ["GET"]


def test_workers_of_gunicorn_trace_each_for_itself(start: Start, receiver: Receiver) -> None:
    service = start(GUNICORN, **tracing(receiver), WEB_CONCURRENCY="2")

    def both() -> bool:
        web.get(f"{service.url}/nowhere")
        return len({line["pid"] for line in service.lines(event="request", path="/nowhere")}) == 2

    wait_until(both, "both workers to answer", 20)
    wait_until(
        lambda: len({each["service.instance.id"] for each in receiver.resources()}) == 2,
        "the spans of both",
    )
    assert {each["service.name"] for each in receiver.resources()} == {"quartermaster"}
    assert service.stop() == 0


def test_collector_that_is_away_or_hangs_slows_nobody_and_not_the_stop(start: Start) -> None:
    with silent_port() as silent:
        for port in (silent, free_port()):
            service = start(
                FAULTY,
                OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
                OTEL_BSP_SCHEDULE_DELAY="20",
                OTEL_BSP_MAX_QUEUE_SIZE="100",
                OTEL_BSP_MAX_EXPORT_BATCH_SIZE="10",
            )
            began = time.perf_counter()
            with web.client(base_url=service.url) as client:
                for _ in range(300):
                    assert client.get("/nowhere").status_code == 404
            assert time.perf_counter() - began < 10
            began = time.perf_counter()
            assert service.stop() == 0
            # Two for the receiver, and a slow machine.
            assert time.perf_counter() - began < 6
