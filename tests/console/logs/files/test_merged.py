"""Several files read as one, ordered by time, up and down alike."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from console.logs.files.log_file import LogFile
from console.logs.files.merged import MergedWindow
from console.logs.files.search import Search
from console.logs.files.window import Window
from console.logs.files.workers import Workers
from console.logs.filters.parser import parse

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp()
LOG_OF = Callable[[bytes, str], LogFile]


def line(second: float, text: str = "") -> bytes:
    stamp = datetime.fromtimestamp(NOON + second, UTC).isoformat(timespec="milliseconds")
    return f'{{"timestamp":"{stamp}","event":"{text} at {second:g}"}}\n'.encode()


def texts(window: MergedWindow, height: int) -> list[bytes]:
    return [shown.placed.line.raw + b"\n" for shown in window.show(height)]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), height=st.integers(1, 12), data=st.data())
def test_scrolled_anywhere_it_shows_the_sorted_lines(
    seed: int, height: int, data: st.DataObject
) -> None:
    chance = random.Random(seed)
    every: list[tuple[float, int, bytes]] = []
    with TemporaryDirectory() as folder:
        windows = []
        for source in range(3):
            times = sorted(chance.randrange(60) for _ in range(chance.randrange(30)))
            lines = [line(at, f"{source}.{n}") for n, at in enumerate(times)]
            every += [(at, source, each) for at, each in zip(times, lines, strict=True)]
            path = Path(folder, f"{source}.log")
            path.write_bytes(b"".join(lines))
            windows.append(Window(LogFile.open(path)))
        # Lines of the same time: in the order of the files.
        wanted = [each for _, _, each in sorted(every, key=lambda item: item[:2])]
        merged = MergedWindow(windows)
        assert texts(merged, height) == wanted[-height:]
        place = max(len(wanted) - height, 0)
        for step in data.draw(st.lists(st.integers(-15, 15), max_size=8)):
            merged.scroll(step)
            place = min(max(place + step, 0), max(len(wanted) - height, 0))
            assert texts(merged, height) == wanted[place : place + height]
            assert merged.waiting() == max(len(wanted) - height - place, 0)


def test_a_traceback_stays_with_its_line(log_of: LOG_OF) -> None:
    first = log_of(line(1) + b"Traceback:\n  File x\n" * 40 + line(5), "1.log")
    second = log_of(line(2) + line(4), "2.log")
    merged = MergedWindow([Window(first), Window(second)])
    assert texts(merged, 4) == [b"  File x\n", line(2), line(4), line(5)]
    merged.go_to_time(NOON + 1)
    assert texts(merged, 83) == [line(1), *[b"Traceback:\n", b"  File x\n"] * 40, line(2), line(4)]


def test_going_to_a_line_of_one_file_brings_the_others_along(log_of: LOG_OF) -> None:
    first = log_of(b"".join(line(n) for n in range(0, 2_000, 2)), "1.log")
    second = log_of(b"".join(line(n) for n in range(1, 2_000, 2)), "2.log")
    merged = MergedWindow([Window(first), Window(second)])
    merged.go_to(1, second.read(0, 1 << 20).index(line(777)))
    assert texts(merged, 3) == [line(777), line(778), line(779)]
    assert merged.waiting() == 2_000 - 780
    merged.scroll(-2)
    assert texts(merged, 3) == [line(775), line(776), line(777)]
    merged.scroll(5_000)
    assert merged.following


def test_filtered_and_followed(log_of: LOG_OF, workers: Workers) -> None:
    windows = [
        Window(log_of(b"".join(line(n, "ab"[n % 2]) for n in range(source, 300, 3)), f"{source}"))
        for source in range(3)
    ]
    for window in windows:
        window.search = Search(window.log, parse('"b at"'), workers)
    merged = MergedWindow(windows)
    assert texts(merged, 4) == [line(n, "b") for n in (293, 295, 297, 299)]
    with windows[0].log.path.open("ab") as file:
        file.write(line(300, "a") + line(301, "b"))
    assert merged.refresh() == ["", "", ""]
    assert texts(merged, 2) == [line(299, "b"), line(301, "b")]
