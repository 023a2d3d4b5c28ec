"""Times, levels, durations, statuses and plain text, in the notations that loggers use."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.logs.records import decode_line, pretty
from console.logs.records.levels import level, priority
from console.logs.records.plain import logfmt, recognise
from console.logs.records.times import instant, instants
from console.logs.records.values import Milliseconds, status

AT = 1768473000.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-15T10:30:00Z", AT),
        ("2026-01-15T10:30:00.123Z", AT + 0.123),
        ("2026-01-15T10:30:00.123456Z", AT + 0.123456),
        ("2026-01-15T10:30:00.123456789Z", AT + 0.123456789),
        ("2026-01-15T12:30:00.5+02:00", AT + 0.5),
        ("2026-01-15T12:30:00.123+0200", AT + 0.123),
        ("2026-01-15T05:00:00.123456-05:30", AT + 0.123456),
        ("2026-01-15T10:30:00+00:00", AT),
        ("2026-01-15 10:30:00.123 UTC", AT + 0.123),
        ("2026-01-15 10:30:00 +0000", AT),
        ("15/Jan/2026:11:30:00 +0100", AT),
        (1768473000, AT),
        (1768473000.25, AT + 0.25),
        (1768473000250, AT + 0.25),
        (1768473000250000, AT + 0.25),
        (1768473000250000000, AT + 0.25),
        ("1768473000.25", AT + 0.25),
        ("1768473000250000", AT + 0.25),
        ({"seconds": 1768473000, "nanos": 250000000}, AT + 0.25),
        ({"seconds": "1768473000"}, AT),
        *[
            (value, None)
            for value in ("", "soon", "2026-02-31T00:00:00Z", "2026-01-15T10:30:00.12aZ")
        ],
        *[(value, None) for value in ("2026-01-15T10:30:00.1_3Z", "२०२६-01-15T10:30:00.123Z")],
        *[
            (value, None)
            for value in ("0000-00-00T00:00:00Z", "Jan 99 10:30:00", "9" * 30, "x" * 500)
        ],
        *[(value, None) for value in (-1, 1e300, 10**400, True, None, [], {}, {"seconds": -1})],
    ],
)
def test_times(value: Any, expected: float | None) -> None:
    found = instant(value)
    assert found == expected if expected is None else found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "text", ["2026-01-15 10:30:00,123", "2026-01-15T10:30:00.123", "2026/01/15 10:30:00"]
)
def test_times_without_an_offset_are_local(text: str) -> None:
    second = datetime(2026, 1, 15, 10, 30).timestamp()  # noqa: DTZ001
    assert instant(text) == pytest.approx(second + (0.123 if "123" in text else 0), abs=1e-6)


def test_syslog_has_no_year() -> None:
    yesterday = time.time() - 86_400
    text = time.strftime("%b %d %H:%M:%S", time.localtime(yesterday))
    found = instant(text[:4] + text[4:6].replace("0", " ", text[4] == "0") + text[6:])
    assert found == pytest.approx(yesterday, abs=1)
    ahead = time.strftime("%b %d %H:%M:%S", time.localtime(time.time() + 10 * 86_400))
    assert (instant(ahead) or 0) < time.time()


@given(st.integers(0, 9 * 10**16), st.sampled_from(["auto", "milliseconds"]))
def test_times_are_what_datetime_says(microseconds: int, spec: str) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    text = moment.isoformat(timespec=spec)
    expected = datetime.fromisoformat(text).timestamp()
    assert instant(text) == pytest.approx(expected, abs=1e-5)
    assert instant(text.replace("+00:00", "Z")) == instant(text)


@given(
    st.lists(
        st.sampled_from(["2026-01-15T10:30:00.123Z", "2026-01-15T10:30:00.123456Z"]) | st.text()
    )
)
def test_many_times_are_read_as_each_of_them(values: list[str]) -> None:
    assert instants(values) == [instant(value) for value in values]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[("WARN", "warning"), ("Fatal", "critical"), ("notice", "info"), ("trace", "debug")],
        *[
            (10, "debug"),
            (30, "info"),
            (40, "warning"),
            (50, "error"),
            (60, "critical"),
            (3, "error"),
        ],
        *[("7", "debug"), ("loud", None), ("", None), ("é" * 9, None), (True, None), (-5, None)],
        *[(None, None), ([], None), (45.5, None), ("²", None)],
    ],
)
def test_levels(value: Any, expected: str | None) -> None:
    assert level(value) == expected


def test_priorities() -> None:
    assert [priority(str(number)) for number in range(9)] == [
        *["critical"] * 3, "error", "warning", "info", "info", "debug", None
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        *[
            (45.2, 1, 45.2),
            (45, 1, 45.0),
            ("45.2", 1, 45.2),
            (45_200_000, 1e-6, 45.2),
            (0.0452, 1e3, 45.2),
        ],
        *[("0.123s", 1, 123.0), ("12.3ms", 1e3, 12.3), ("1m30s", 1, 90_000.0), ("15µs", 1, 0.015)],
        *[
            ("", 1, None),
            ("fast", 1, None),
            (True, 1, None),
            (10**400, 1, None),
            (1e308, 1e3, None),
        ],
    ],
)
def test_durations(value: Any, unit: float, expected: float | None) -> None:
    assert Milliseconds(unit)(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (200, 200),
        ("404", 404),
        (200.0, 200),
        (200.5, None),
        ("5xx", None),
        (0, None),
        (True, None),
        ("²²²", None),
    ],
)
def test_statuses(value: Any, expected: int | None) -> None:
    assert status(value) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "[2026-01-15 10:30:00 +0000] [12] [INFO] Running on :8000",
            ("2026-01-15 10:30:00 +0000", "info"),
        ),
        ("2026/01/15 10:30:00 [error] 12#12: *1 open() failed", ("2026/01/15 10:30:00", "error")),
        (
            "2026-01-15 10:30:00.123 UTC [12] ERROR:  deadlock detected",
            ("2026-01-15 10:30:00.123 UTC", "error"),
        ),
        ("2026-01-15T10:30:00Z\tWARN\tmain.go:1\tslow", ("2026-01-15T10:30:00Z", "warning")),
        ("<11>1 2026-01-15T10:30:00Z web app - - - no", ("2026-01-15T10:30:00Z", "error")),
        ("Jan 15 10:30:00 web app[1]: ERROR no", ("Jan 15 10:30:00", "error")),
        ("WARNING:root:careful", (None, "warning")),
        ("INFO:     127.0.0.1:1 - GET / 200", (None, "info")),
        ("2026-01-15 10:30:00 GET /ERROR/x.ERROR", ("2026-01-15 10:30:00", None)),
        ("the ERROR was found", (None, None)),
        ("2026-01-15", (None, None)),
    ],
)
def test_plain_text(line: str, expected: tuple[str | None, str | None]) -> None:
    found = recognise(line)
    assert (found.get("timestamp"), level(found.get("level"))) == expected


def test_an_access_line() -> None:
    found = decode_line(
        b'10.0.0.1 - bob [15/Jan/2026:10:30:00 +0000] "GET /x?y=1 HTTP/1.1" 502 12 "-" "curl/8"'
    )
    assert (found.at, found.client, found.method, found.path, found.status) == (
        *(AT, "10.0.0.1", "GET", "/x?y=1", 502),
    )
    assert not found.structured
    assert found.event.endswith('"curl/8"')


def test_logfmt() -> None:
    assert logfmt(r'level=info msg="a \"b\"\n" n=1 empty= x.y=é alone') == {
        "level": "info", "msg": 'a "b"\n', "n": "1", "empty": "", "x.y": "é"
    }  # fmt: skip
    assert logfmt("x=1 y=2") is None
    assert logfmt("the level=info") is None


def test_broken_bytes_and_huge_numbers_do_not_hide_the_rest() -> None:
    found = decode_line(
        b'{"level":"error","event":"a\xffb","status":1e999,"duration_ms":' + b"9" * 5000 + b"}"
    )
    assert (found.level, found.event, found.status, found.duration) == (
        "error",
        r"a\xffb",
        None,
        None,
    )
    assert "a\\xffb" in pretty(found)


def test_the_last_of_duplicate_keys_counts() -> None:
    assert decode_line(b'{"level":"info","level":"error"}').level == "error"


def test_pretty_keeps_what_stands_before_the_object() -> None:
    line = b'2026-01-15T10:30:00.1Z stdout F {"level":"info"}'
    assert pretty(decode_line(line)) == '2026-01-15T10:30:00.1Z stdout F {\n  "level": "info"\n}'
    assert pretty(decode_line(b"level=info msg=x")) == "level=info msg=x"


HOSTILE = [
    b"level=x " + b"a" * 60_000,
    b'level=x k="' + b"\\" * 60_000,
    b'level=x ' + b'k="\\" ' * 10_000,
    b"level=x " + b"a= " * 20_000,
    b'{"exception":"x' + b"\\n  at " + b"a" * 60_000 + b'"}',
    b'{"exception":"x' + (b"\\n  at " + b"a/" * 300) * 100 + b'"}',
    b'{"exception":"x' + b'\\n  File \\"' * 6_000 + b'"}',
    b"a" * 300 + b" " * 60_000 + b"}",
    b"[pod/" + b"a" * 60_000 + b"}",
    b'{"log":"' + b"level=x " * 8_000 + b'"}',
    b'{"timestamp":"%b","level":"%b","duration":"%b"}' % ((b"9" * 20_000,) * 3),
    b"{" + b",".join(b'"k%d":1' % number for number in range(6_000)) + b"}",
    b'1.1.1.1 - - [15/Jan/2026:10:30:00 +0000] "GET ' + b"a" * 60_000,
]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_no_line_of_64_kilobytes_takes_long(line: bytes) -> None:
    started = time.process_time()
    decode_line(line)
    assert time.process_time() - started < 0.2
