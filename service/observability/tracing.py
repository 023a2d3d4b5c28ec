"""OpenTelemetry. Imported only where OTEL_EXPORTER_OTLP_ENDPOINT is set.

A thread exports the spans in batches, and drops what piles up. The SDK reads OTEL_* itself.
"""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TraceState
from opentelemetry.util.re import parse_env_headers
from opentelemetry.util.types import Attributes

from service.observability.build import DISTRIBUTION, build
from service.observability.errors import Request, reporters
from service.observability.logging import exception_fields
from service.observability.redaction import redact_text
from service.observability.spans import Answered, Received

OWN_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
UNKNOWN_METHOD = "_OTHER"


class Tracing:
    """Makes spans and exports them, from its making until `stop`."""

    def __init__(self, *, endpoint: str, headers: str, environment: str) -> None:
        about = build()
        ours = {
            "service.name": DISTRIBUTION,
            "service.version": about.version,
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            "deployment.environment.name": environment,
        }
        exporter = OTLPSpanExporter(
            # The variable of traces alone is a whole address, this one a base.
            endpoint=os.environ.get(OWN_ENDPOINT) or f"{endpoint.rstrip('/')}/v1/traces",
            headers=parse_env_headers(headers, liberal=True),
        )
        # The operator's variables win over what is said here.
        resource = Resource.create(ours).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.sampler = WithinRequests(self._provider.sampler)
        self._provider.add_span_processor(BatchSpanProcessor(Scrubbing(exporter)))
        self._tracer = self._provider.get_tracer(DISTRIBUTION, about.version)
        # Today's names for the attributes of SQL spans, as for those of HTTP.
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "database,http")
        reporters.append(_record)

    def watch(self, engine: Any) -> None:
        """Makes a span of every statement of SQLAlchemy's engine, without its values."""
        SQLAlchemyInstrumentor().instrument(
            engine=engine,
            tracer_provider=self._provider,
            skip_dep_check=True,  # it claims SQLAlchemy below 2.1 only
        )

    def stop(self) -> None:
        """Exports what waits; takes as long as the receiver does."""
        reporters.remove(_record)
        SQLAlchemyInstrumentor().uninstrument()
        self._provider.shutdown()

    @contextmanager
    def request(self, received: Received) -> Iterator["_Server"]:
        """A server span, as `spans.Begin` says."""
        attributes: dict[str, str] = {
            "http.request.method": received.method,
            "url.path": received.path,
            "url.scheme": received.scheme,
            "network.protocol.version": received.http_version,
        }
        if received.client:
            attributes["client.address"] = received.client
        span = self._tracer.start_span(
            _name(received.method, None),
            context=propagate.extract(received.headers),
            kind=SpanKind.SERVER,
            attributes=attributes,
        )
        with trace.use_span(
            span, end_on_exit=True, record_exception=False, set_status_on_exception=False
        ):
            yield _Server(span, received.method)


class _Server:
    def __init__(self, span: Span, method: str) -> None:
        self._span = span
        self._method = method

    @property
    def traceparent(self) -> str | None:
        context = self._span.get_span_context()
        if not context.is_valid:
            return None
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def answered(self, answer: Answered) -> None:
        span = self._span
        if not span.is_recording():
            return
        if answer.route:
            span.update_name(_name(self._method, answer.route))
            span.set_attribute("http.route", answer.route)
        if answer.status:
            span.set_attribute("http.response.status_code", answer.status)
            if answer.status >= 500:
                span.set_status(Status(StatusCode.ERROR))
                if "error.type" not in (getattr(span, "attributes", None) or ()):
                    span.set_attribute("error.type", str(answer.status))
        if answer.user_id is not None:
            span.set_attribute("user.id", str(answer.user_id))


def _name(method: str, route: str | None) -> str:
    shown = "HTTP" if method == UNKNOWN_METHOD else method
    return f"{shown} {route}" if route else shown


def _record(error: Exception, _request: Request) -> None:
    span = trace.get_current_span()
    if not span.is_recording():
        return
    fields = exception_fields(error)
    span.set_attribute("error.type", fields["type"])
    span.add_event(
        "exception",
        {
            "exception.type": fields["type"],
            "exception.message": fields["message"],
            "exception.stacktrace": "\n".join(fields["frames"]),
        },
    )


class WithinRequests(Sampler):
    """A sampler that leaves out what belongs to no request that is traced: what health checks ask
    the database, for instance."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(  # noqa: PLR0917 - the SDK's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """As the other one says, for a request or a part of one."""
        within = trace.get_current_span(parent_context).get_span_context().is_valid
        if kind is not SpanKind.SERVER and not within:
            return SamplingResult(Decision.DROP)
        return self._sampler.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        """The other one's."""
        return self._sampler.get_description()


class Scrubbing(SpanExporter):
    """An exporter that hides secrets from the one it hands spans to, on the exporting thread."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hands them on, without secrets."""
        return self._exporter.export([_scrubbed(span) for span in spans])

    def shutdown(self) -> None:
        """Ends the other one."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flushes the other one."""
        return self._exporter.force_flush(timeout_millis)


def _scrubbed(span: ReadableSpan) -> ReadableSpan:
    told = span.status.description
    # PostgreSQL's DETAIL repeats the row.
    told = redact_text(told.partition("\nDETAIL:")[0]) if told else None
    return ReadableSpan(
        name=redact_text(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_without_secrets(span.attributes),
        events=[
            Event(each.name, _without_secrets(each.attributes), each.timestamp)
            for each in span.events
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, told),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _without_secrets(attributes: Attributes) -> Attributes:
    return {
        name: redact_text(value) if isinstance(value, str) else value
        for name, value in (attributes or {}).items()
    }
