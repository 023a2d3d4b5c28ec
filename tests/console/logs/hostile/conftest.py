"""A log of nothing but harm, and what the console sends for one of none."""

from pathlib import Path

import pytest

from tests.console.logs.hostile.driving import Console
from tests.console.logs.hostile.files import write
from tests.console.logs.hostile.fragments import EVERY
from tests.console.logs.hostile.lines import BROKEN, innocent, lines, lines_with
from tests.console.logs.hostile.sent import sequences

_FAILURE = {"type": "TimeoutError", "message": "no", "frames": ["service/a.py:1 f"]}


def _innocent_log(path: Path) -> Path:
    levels = (("DEBUG", 200), ("INFO", 201), ("WARNING", 404), ("ERROR", 503), ("CRITICAL", 500))
    found = [
        innocent(level=level, status=status, path=f"/{n}", exception=_FAILURE if n % 3 else None)
        for n in range(80)
        for level, status in levels
    ]
    return write(path, iter([*found, b'{"a":{"b":1}}', b"plain text", b"x" * 70_000] * 2))


@pytest.fixture(scope="session")
def innocent_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of lines of every level and kind, none of them hostile."""
    return _innocent_log(tmp_path_factory.mktemp("innocent") / "service.jsonl")


@pytest.fixture(scope="session")
def own_sequences(innocent_log: Path) -> frozenset[str]:
    """All sequences that the console sends for such a log."""
    with Console(innocent_log) as console:
        console.page_up(3)
        console.walk()
        assert console.quit() == 0
        return frozenset(sequences(console.output))


@pytest.fixture(scope="session")
def short_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that has each hostile text in each way it can be had, if not all in each field."""
    found = [line for n, text in enumerate(EVERY) for line in list(lines_with(text))[n % 3 :: 3]]
    return write(tmp_path_factory.mktemp("short") / "short.jsonl", iter([*BROKEN, *found]))


@pytest.fixture(scope="session")
def whole_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of every hostile line."""
    return write(tmp_path_factory.mktemp("whole") / "whole.jsonl", lines())
