"""What each field is called in the formats that are understood without configuration.

An alias is a key, or a path of keys joined by dots: `log.level` is the key `log.level` of an
object that has one, otherwise `level` inside `log`. The first alias whose value can be understood
counts. But `null` under the first name of all is an answer: this project's own lines have all
their keys always, and no other name is looked for when they say that there is no user.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from console.logs.records.failures import failure
from console.logs.records.levels import (
    information,
    letter,
    level,
    named,
    opentelemetry_level,
    priority,
    python_level,
)
from console.logs.records.times import instant, likely_instant
from console.logs.records.values import (
    Milliseconds,
    journal_text,
    json_text,
    request_method,
    request_path,
    status,
    text,
)

__all__ = ["ALIASES", "ATTRIBUTES", "LATE", "Alias"]


class Alias(NamedTuple):
    """A path, and what understands the value there; it returns None for what it does not."""

    path: str
    read: Callable[[Any], Any]


def _aliases(read: Callable[[Any], Any], paths: str) -> tuple[Alias, ...]:
    return tuple(Alias(path, read) for path in paths.split())


_ms, _s, _ns = Milliseconds(1.0), Milliseconds(1e3), Milliseconds(1e-6)

ALIASES: Mapping[str, tuple[Alias, ...]] = {
    "time": (
        *_aliases(
            instant,
            "timestamp time ts @timestamp asctime datetime record.time.timestamp T @t when "
            "Timestamp eventTime "
            "timeMillis instant timeUnixNano time_unix_nano time_iso8601 time_local "
            "timestampSeconds start_time TimeGenerated",
        ),
        *_aliases(likely_instant, "created t t.$date msec receiveTimestamp"),
    ),
    "level": (
        *_aliases(level, "level severity levelname log.level lvl log_level loglevel L at"),
        *_aliases(level, "record.level.name SeverityText severity_text severityText @l Level"),
        *_aliases(level, "LogLevel @level level_name error_severity @fields.level"),
        *_aliases(python_level, "levelno level_number"),
        *_aliases(opentelemetry_level, "severity_number severityNumber SeverityNumber"),
        Alias("s", letter),
        Alias("status", named),
        # Serilog leaves it out of what is information.
        *_aliases(information, "@m @mt"),
    ),
    "message": _aliases(
        text,
        "event message msg record.message M @m Body body Message @message fields.message "
        "RenderedMessage @mt MessageTemplate short_message body.stringValue properties.message",
    ),
    "request_id": _aliases(
        text,
        "request_id requestId req_id reqId req.id http.request.id correlation_id correlationId "
        "x_request_id x-request-id RequestId trace_id traceId trace.id TraceId dd.trace_id "
        "logging.googleapis.com/trace trace",
    ),
    "method": (
        *_aliases(
            text,
            "method req.method http.request.method httpRequest.requestMethod request.method "
            "http_method request_method http.method RequestMethod",
        ),
        Alias("request", request_method),
    ),
    "path": (
        *_aliases(
            text,
            "path req.url url.path url httpRequest.requestUrl request.path request.uri uri "
            "request_uri url.original http.target http.url RequestPath http_path",
        ),
        Alias("request", request_path),
    ),
    "route": _aliases(text, "route http.route endpoint url_rule"),
    "status": _aliases(
        status,
        "status status_code statusCode res.statusCode http.response.status_code "
        "httpRequest.status response.status http_status http.status_code StatusCode "
        "response_code DownstreamStatus",
    ),
    "duration_ms": (
        *_aliases(_ms, "duration_ms durationMs responseTime elapsed_ms latency_ms took_ms"),
        *_aliases(_ms, "ElapsedMilliseconds Elapsed"),
        *_aliases(_ns, "event.duration Duration"),
        *_aliases(_s, "httpRequest.latency duration request_time latency elapsed took"),
    ),
    "user_id": _aliases(text, "user_id userId user.id user uid user.name username enduser.id"),
    "client": _aliases(
        text,
        "client client.ip client.address source.ip client_ip clientIp remote_addr remoteAddress "
        "req.remoteAddress httpRequest.remoteIp request.remote_ip remote_ip ip ClientHost",
    ),
    "logger": _aliases(
        text,
        "logger log.logger name logger_name loggerName record.name N logger.name target channel "
        "Category SourceContext Properties.SourceContext @module _logger",
    ),
    "exception": _aliases(
        failure,
        "exception exc_info err error stack_trace stack traceback exc_text stacktrace "
        "error.stack_trace error.type exception.stacktrace exception.type record.exception S "
        "@x Exception thrown context.exception errorType",
    ),
}
"""Canonical field names and their aliases."""

LATE: Mapping[str, tuple[Alias, ...]] = {
    "time": _aliases(instant, "_SOURCE_REALTIME_TIMESTAMP __REALTIME_TIMESTAMP date"),
    "level": _aliases(priority, "PRIORITY"),
    "message": (
        *_aliases(journal_text, "MESSAGE log textPayload"),
        *_aliases(json_text, "event message msg"),
    ),
    "logger": _aliases(text, "SYSLOG_IDENTIFIER _SYSTEMD_UNIT"),
}
"""Aliases that count only after those of a line inside the line: what the carrier knows of it."""

ATTRIBUTES: Mapping[str, str] = {
    **{name: name for name in ALIASES},
    "time": "at",
    "message": "event",
    "duration_ms": "duration",
    "exception": "failure",
}
"""The attribute of `Record` for each canonical name."""
