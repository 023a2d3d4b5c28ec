"""Lines of loggers that were set up otherwise than usual, and of many more, show their columns."""

import pytest

from console.logs.records.levels import LEVELS
from tests.console.logs.records.test_records_samples import records

INITIALS = {name[0]: name for name in LEVELS} | {"-": ""}
SAID = {
    *("user created", "request failed", "slow query", "slow query 250 ms", "cache miss", "detail"),
    *("impossible", "audited", "handled request", "epoch millis", "epoch nanos", "rfc3339nano"),
    *("Request {Path} failed", "user 7 created", "x"),
}


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("structlog_options.log", "ieiiiiiwiiieie"),
        ("python_json_logger_options.log", "iiiiiiiiii"),
        ("python_text.log", "ieieieiiiiweiei"),
        ("pino_options.log", "ieieiiieii"),
        ("winston_options.log", "iedieeieie"),
        ("zap_options.log", "ieiweiicieii"),
        ("go.log", "iwcieidieieieiieeiiiie"),
        ("java.log", "wieieieiewiwe"),
        ("dotnet.log", "iewcdieeeiii"),
        ("rust.log", "ieiiiei"),
        ("platforms.log", "eiieiwieiiwceieeiiieeiieieeei"),
        ("servers.log", "------ieeeieei"),
    ],
)
def test_time_and_level(name: str, levels: str) -> None:
    found = records(name)
    assert [record.level for record in found] == [INITIALS[initial] for initial in levels]
    assert all(record.at is not None and record.at > 1.7e9 for record in found)


@pytest.mark.parametrize(
    "name",
    [
        *("structlog_options", "python_json_logger_options", "pino_options", "winston_options"),
        *("zap_options", "go", "java", "dotnet", "rust", "platforms"),
    ],
)
def test_messages(name: str) -> None:
    for record in records(f"{name}.log"):
        if record.structured:
            # The message and nothing around it.
            assert record.event in SAID or record.failure
        else:
            assert any(text in record.event for text in SAID)


def test_requests_of_web_servers() -> None:
    found = records("servers.log")[:7]
    assert [(record.method, record.path, record.status) for record in found] == [
        *[("GET", "/users", 200), ("GET", "/users?x=1", 200), ("GET", "/users", 200)],
        *[("GET", "/users", 500), ("GET", "/users", 200), ("GET", "/users", 200)],
        ("GET", "/users", 200),
    ]
    assert [record.duration for record in found][::6] == [45.0, 45.2]


def test_what_failed() -> None:
    assert [record.failure for record in records("java.log")][2:5:2] == [
        "TimeoutException in Users.java:41",
        "IllegalStateException",
    ]
    assert [record.failure for record in records("dotnet.log")][1] == "TimeoutException"
    assert [record.failure for record in records("platforms.log")][-3] == "pool exhausted"
