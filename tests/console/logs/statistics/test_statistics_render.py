"""A summary can be read in a terminal of any width, and does nothing to it."""

import time
import unicodedata
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from console.logs.records import LEVELS, Record
from console.logs.statistics.render import render
from console.logs.statistics.statistics import Statistics
from console.logs.statistics.tables import table
from console.text import fit, visible, width_of

EVIL = st.text(
    alphabet=st.characters(exclude_categories=["Cs"])
    | st.sampled_from("\x1b\u202e\u200b\U0001f600世界é́")
)
RECORDS = st.builds(
    Record,
    raw=st.just(b""),
    size=st.just(0),
    at=st.none() | st.floats(-7e10, 3e11) | st.floats(1.7e9, 1.7001e9),
    level=st.sampled_from(["", *LEVELS]),
    event=EVIL,
    request_id=EVIL,
    method=EVIL,
    path=EVIL,
    route=EVIL,
    status=st.none() | st.sampled_from([200, 404, 500]),
    duration=st.none() | st.floats(0, 1e15),
    user_id=EVIL,
    client=EVIL,
    failure=EVIL,
)


@given(st.lists(RECORDS, max_size=25), st.integers(0, 220), st.integers(1, 150))
@settings(max_examples=60, deadline=None)
def test_nothing_is_wider_than_the_terminal_or_harmful(
    records: list[Record], width: int, bars: int
) -> None:
    statistics = Statistics()
    statistics.add(records)
    text = render(statistics.summary(bars=bars), width)
    assert max(map(cell_len, text.split("\n"))) <= max(width, 40)
    harmful = {"Cc", "Cf", "Zl", "Zp", "Cs"}
    assert not [c for c in text if unicodedata.category(c) in harmful and c != "\n"]


def test_wide_letters_stand_at_the_right_edge() -> None:
    rows = table(["", "what"], [["a", "世界"], ["b", "x"]], 20)
    assert [width_of(row) for row in rows] == [7, 7, 7]


@given(EVIL, st.integers(1, 30))
def test_a_cell_is_as_wide_as_it_should_be(text: str, width: int) -> None:
    assert width_of(fit(text, width)) == width
    # Where terminals disagree, the wider one counts.
    assert width_of(visible(text)) >= cell_len(visible(text))


def test_columns_give_way_from_the_right() -> None:
    rows = [("GET /a/very/long/route", "1,000", "12 ms"), ("/b", "1", "3 ms")]
    assert table(("ROUTE", "COUNT", "P50"), rows, 40) == [
        "ROUTE                   COUNT    P50",
        "GET /a/very/long/route  1,000  12 ms",
        "/b                          1   3 ms",
    ]
    assert table(("ROUTE", "COUNT", "P50"), rows, 20) == [
        "ROUTE          COUNT",
        "GET /a/very/…  1,000",
        "/b                 1",
    ]


@pytest.fixture
def _in_utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_in_utc")
def test_the_report(log_line: Callable[..., bytes]) -> None:
    failure = {
        "type": "asyncpg.TimeoutError",
        "frames": ["/srv/service/users/queries.py:41 create"],
    }
    lines = [
        log_line(
            timestamp=f"2026-01-15T10:30:{second:02d}.5Z",
            request_id=f"r{second}",
            client="203.0.113.7",
            route="/api/v1/users",
            duration_ms=10.0 * (second + 1),
            **({"level": "ERROR", "status": 500, "exception": failure} if second == 7 else {}),
        )
        for second in range(20)
    ]
    statistics = Statistics()
    statistics.add_block(b"".join(lines))
    text = render(statistics.summary(top=2, bars=60), 80)
    assert text == REPORT


REPORT = """\
20 lines   2026-01-15 10:30:00 to 2026-01-15 10:30:19   20 s
20 requests   1.0/s   peak 1.0/s at 10:30:00   5.0 % failed (1)
latency   p50 100 ms   p95 189 ms   p99 200 ms   max 200 ms   ± 1 %
levels   error 1   info 19
status   201 19   500 1

lines     ████████████████████  ≤ 1
error            █              ≤ 1
          10:30:00    10:30:19  a bar is 1 s

ROUTE               REQUESTS  FAILED     P50     P95     P99     MAX   TIME
POST /api/v1/users        20   5.0 %  100 ms  189 ms  200 ms  200 ms  100 %

ERROR                                COUNT     FIRST      LAST
TimeoutError in users/queries.py:41      1  10:30:07  10:30:07
  POST /api/v1/users   r7

SLOWEST             STATUS    TOOK        AT  REQUEST
POST /api/v1/users     201  200 ms  10:30:19      r19
POST /api/v1/users     201  190 ms  10:30:18      r18

CLIENTS      LINES
203.0.113.7     20

USERS  LINES
42        20
"""
