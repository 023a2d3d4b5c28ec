"""No log call raises, whatever it is given, and every line is a bounded one of JSON."""

import json
import logging as standard
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from service.observability import logging
from service.observability.logging import LONGEST, ConsoleRenderer, Renderer, record
from service.observability.plain import ITEM_LIMIT, TEXT_LIMIT, plain, plain_text
from service.observability.redaction import redact_text

MB = 1_000_000


class Hostile:
    """Raises whatever is asked of it."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class HostileMapping(dict[str, str]):
    """Raises when it is looked through."""

    def items(self) -> Any:
        raise RuntimeError("no items")


class HostileError(Exception):
    """An exception that has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


def recursive() -> list[Any]:
    """Ten times itself, eight levels deep: a hundred million values."""
    found: list[Any] = []
    found.extend([found] * 10)
    return found


GIVEN: dict[str, Any] = {
    "an object": object(),
    "one that raises": Hostile(),
    "one inside": {"deep": [{"deeper": Hostile()}]},
    "a mapping that raises": HostileMapping(a="b"),
    "recursion": recursive(),
    "ten megabytes": "x " * (5 * MB),
    "ten megabytes of bytes": b"x" * (10 * MB),
    "a hundred thousand values": list(range(MB // 10)),
    "a hundred thousand keys": dict.fromkeys(range(MB // 10)),
    "lone surrogates": {"\ud800": "\udfff"},
    "controls": "\x00\x1b[2J\u202e\x7f\x85" * 5000,
    "a large number": 10**30,
    "one too large to show": 10**5000,
    "no number": float("nan"),
    "a class": Hostile,
}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The log of this process, until the test ends."""
    path = tmp_path / "log.jsonl"
    root = standard.getLogger()
    handlers, level = root.handlers[:], root.level
    logging.configure(level="info", fmt="console", file=str(path))
    yield path
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("name", GIVEN)
def test_line_is_written_whatever_is_given(log: Path, name: str) -> None:
    given = GIVEN[name]
    # One of its own: pytest's handlers raise.
    calls = standard.Logger("tests")  # noqa: LOG001
    calls.addHandler(logging._StandardLibraryHandler())
    started = time.thread_time()
    structlog.get_logger().info("by value", value=given)
    structlog.get_logger().info(given)
    calls.warning(given)
    calls.warning("by argument: %s", given)
    calls.warning("%d too few", *[])
    logging.emit(record("INFO", "as it is", value=given))
    for error in (HostileError(), RuntimeError(given)):
        calls.error("with an error", exc_info=error)
        structlog.get_logger().error("with an error", exc_info=error)
    assert time.thread_time() - started < 5
    logging.flush(20)
    lines = log.read_bytes().splitlines()
    assert len(lines) == 10
    for line in lines:
        assert len(line) <= LONGEST
        assert all(character >= " " for character in line.decode())
        assert tuple(json.loads(line))[:3] == ("timestamp", "level", "event")


def test_cut_text_says_how_long_it_was() -> None:
    assert plain_text("a " * MB) == "a " * (TEXT_LIMIT // 2 - 2) + "a [cut: 2000000 characters]"
    assert plain(list(range(5000)))[-1] == "[cut: 5000 items]"
    assert len(plain(list(range(5000)))) == ITEM_LIMIT + 1
    assert plain(dict.fromkeys(range(5000)))["[cut]"] == "5000 items"


@pytest.mark.parametrize("before", range(-60, 40, 7))
def test_cut_leaves_no_part_of_a_secret(before: int) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9." + "a1" * 300 + ".c2lnbmF0dXJl"
    given = "word " * ((TEXT_LIMIT + before - 300) // 5) + token + " and more" * 1000
    assert "a1" not in redact_text(plain_text(given))


def test_request_with_a_path_of_30_kb_is_one_whole_line() -> None:
    made = record("INFO", "request", method="GET", path="/" + "a" * 30_000, status=404)
    line = Renderer()(made)
    assert len(line) <= LONGEST
    told = json.loads(line)
    assert told["path"].endswith("[cut: 30001 characters]")
    assert len(told["path"]) > 1000
    assert {name: told[name] for name in told if name != "path"} == {
        name: made[name] for name in made if name != "path"
    }
    assert len(ConsoleRenderer(colour=True)(made)) <= LONGEST
