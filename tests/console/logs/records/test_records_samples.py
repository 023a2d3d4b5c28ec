"""Other loggers' lines show their time, level and message without any configuration."""

from pathlib import Path

import pytest

from console.logs.records import Record, decode_line
from console.logs.records.aliases import ATTRIBUTES
from console.logs.records.wanted import Columns

SAMPLES = Path(__file__).parent / "samples"
FILES = sorted(path.name for path in SAMPLES.glob("*.log"))


def records(name: str) -> list[Record]:
    return [decode_line(line) for line in (SAMPLES / name).read_bytes().splitlines()]


CREATED, FAILED = ("info", "user created"), ("error", "request failed")
SLOW, MISS, FATAL = (
    ("warning", "slow query"),
    ("debug", "cache miss"),
    ("critical", "request failed"),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("structlog.log", [CREATED, SLOW, FAILED, FAILED]),
        ("python_json_logger.log", [CREATED, MISS, FAILED]),
        ("python_json_logger_timestamp.log", [CREATED, MISS, FAILED]),
        (
            "pino.log",
            [("info", "request completed"), ("warning", "slow"), ("error", "pool exhausted")],
        ),
        ("pino_labels.log", [("info", "hello"), FATAL]),
        ("pino_http.log", [("info", "request completed")]),
        ("bunyan.log", [CREATED, MISS, FAILED]),
        ("winston.log", [CREATED, ("error", "pool exhausted")]),
        ("zap.log", [CREATED, FAILED, SLOW, ("critical", "impossible")]),
        ("logrus.log", [CREATED, FATAL, SLOW]),
        ("logfmter.log", [CREATED, MISS, FAILED]),
        ("loguru.log", [CREATED, FAILED]),
        ("ecs.log", [CREATED, MISS, FAILED]),
        ("ecs_pino.log", [CREATED, FAILED]),
        ("google_cloud_export.log", [CREATED, FATAL]),
        (
            "journald.log",
            [
                ("info", "Started quartermaster.service."),
                ("error", r"out of memory\xff"),
                ("error", "request"),
            ],
        ),
        (
            "docker.log",
            [SLOW, ("error", "2026-01-15 10:30:01,000 ERROR app.users: request failed")],
        ),
    ],
)
def test_time_level_and_message(name: str, expected: list[tuple[str, str]]) -> None:
    found = records(name)
    assert [(record.level, record.event) for record in found] == expected
    assert all(record.at is not None and record.at > 1.7e9 for record in found)
    assert all(record.structured for record in found)


def test_lines_behind_the_prefixes_of_containers() -> None:
    found = records("kubernetes.log")
    assert [record.level for record in found] == ["info", "error", "warning", "critical", "error"]
    assert [record.event for record in found][:4] == [
        *["user created", "request failed", "slow query", "impossible"]
    ]
    assert [round((record.at or 0) - 1768473000, 1) for record in found] == [0.1, 1.5, 2, 3, 4]
    assert [record.structured for record in found] == [True, True, True, True, False]


def test_plain_text_shows_time_and_level() -> None:
    found = records("python_logging.log")
    assert [record.level for record in found][:4] == ["info", "debug", "error", ""]
    assert [record.at is not None for record in found][:4] == [True, True, True, False]


def test_google_cloud_leaves_the_time_to_its_agent() -> None:
    _, created, failed = records("google_cloud.log")
    assert (created.level, created.event, created.status) == ("info", "user created", 201)
    assert (created.method, created.path) == ("POST", "https://example.com/users")
    assert (created.duration, created.client) == (123.0, "10.0.0.1")
    assert failed.level == "error"


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("structlog.log", 2, "TimeoutError in app/gen.py:4"),
        ("structlog.log", 3, "TimeoutError in app/gen.py:4"),
        ("python_json_logger.log", 2, "TimeoutError in app/gen.py:4"),
        ("ecs.log", 2, "TimeoutError in app/gen.py:4"),
        ("pino.log", 2, "TypeError in app/gen.js:2"),
        ("bunyan.log", 2, "TypeError in app/gen.js:2"),
        ("ecs_pino.log", 1, "TypeError in app/gen.js:2"),
        ("winston.log", 1, "TypeError in app/gen.js:2"),
        ("zap.log", 1, "pool exhausted"),
        ("zap.log", 3, "main.create in users/create.go:70"),
        ("logrus.log", 1, "pool exhausted"),
        ("loguru.log", 1, "TimeoutError"),
    ],
)
def test_what_failed_and_where(name: str, number: int, expected: str) -> None:
    assert records(name)[number].failure == expected


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("pino.log", 0, ("POST", "/users", 201, 45.0, "abc123", "10.0.0.1")),
        ("pino_http.log", 0, ("GET", "/users?x=1", 404, 1.0, "1", "127.0.0.1")),
        ("ecs.log", 0, ("POST", "/users", 201, 45.2, "", "")),
        ("google_cloud_export.log", 1, ("GET", "/users", 500, 2004.5, "", "10.0.0.1")),
        ("journald.log", 2, ("POST", "/api/v1/users", 503, 2004.5, "abc123", "")),
        ("zap.log", 0, ("", "", None, 45.2, "abc123", "")),
    ],
)
def test_requests(name: str, number: int, expected: tuple[object, ...]) -> None:
    r = records(name)[number]
    assert (r.method, r.path, r.status, r.duration, r.request_id, r.client) == expected


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_is_read_as_its_lines_are(name: str) -> None:
    columns = Columns(list(ATTRIBUTES))((SAMPLES / name).read_bytes())
    rows = [[getattr(r, attribute) for attribute in ATTRIBUTES.values()] for r in records(name)]
    assert [list(row) for row in zip(*columns, strict=True)] == rows
