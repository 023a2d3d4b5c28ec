"""Whatever bytes a file holds, its lines are numbered, found, shown and scrolled through."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.lines import Line
from console.logs.files.index import Index
from console.logs.files.log_file import LogFile
from console.logs.files.search import Search
from console.logs.files.times import offset_of_time
from console.logs.files.window import Window
from console.logs.files.workers import Workers
from console.logs.filters.parser import parse
from console.logs.filters.reference import matches
from console.logs.records.record import decode

FILTERS = ("level>=error", "-status>=500", "x", "", "a.b:*", "time:*")
LINES = (
    b"",
    b"\0" * 9,
    b"\xff\xfe\x80",
    b"[1, 2]",
    b"17",
    b"[" * 3_000,
    b'{"a":' * 2_000,
    b'{"level":"error","level":"info"}',
    b'{"status":1e999,"a":{"b":"x"}}',
    b'{"status":' + b"9" * 400 + b"}",
    b'{"level":"\\ud800","time":"9999-99-99"}',
    b'{"timestamp":"2026-01-15T10:30:00Z","level":"ERROR","status":503}',
    b"\x1b]0;title\x07 level=error status=500",
    b"x" * 70_000,
)
lines = st.lists(st.one_of(st.sampled_from(LINES), st.binary(max_size=30)), max_size=25)


@pytest.fixture(scope="module")
def nobody() -> Workers:
    """Workers that never come: all is looked at here."""
    workers = Workers(1)
    workers.close()
    return workers


@settings(max_examples=60, deadline=None)
@given(lines=lines, whole=st.booleans(), height=st.integers(1, 7), text=st.sampled_from(FILTERS))
def test_any_bytes(
    nobody: Workers, lines: list[bytes], whole: bool, height: int, text: str
) -> None:
    content = b"\n".join(lines)
    with TemporaryDirectory() as folder:
        path = Path(folder, "app.log")
        path.write_bytes(content)
        log = LogFile.open(path, whole=whole)
        shown = content[: log.end]
        rows = shown.split(b"\n")
        if not rows[-1]:
            rows.pop()

        expression = parse(text).expression
        wanted = [
            n for n, row in enumerate(rows) if matches(expression, decode(Line(row, len(row))))
        ]
        index = Index(log, nobody)
        for number in range(len(index._known)):
            index._learn(number)
        assert index.lines == len(rows)
        search = Search(log, parse(text), nobody)
        found = search.after(0, 1_000, seconds=60).offsets
        assert [index.line_number(offset) for offset in found] == wanted

        window = Window(log)
        window.go_to(0)
        seen: list[int] = []
        while not window.following:
            seen += [row.start for row in window.show(height) if row.start not in seen]
            window.scroll(height)
        seen += [row.start for row in window.show(height) if row.start not in seen]
        assert [index.line_number(offset) for offset in seen] == list(range(len(rows)))
        assert 0 <= offset_of_time(log, 1.7e9) <= log.end
