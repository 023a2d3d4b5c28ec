"""Context lines are those that grep's -C shows, and the newest ones the end of these."""

import os
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from console.commands.chosen import plan_of
from console.commands.context import Context
from console.commands.output import Output
from console.commands.rendering import Look, renderer
from console.logs.sources.block import Block
from tests.console.commands.processes import line, opsconsole


def as_grep(lines: list[str], around: int) -> list[str]:
    """What `grep -C` shows of the lines that hold a y."""
    matches = [number for number, each in enumerate(lines) if "y" in each]
    shown: list[str] = []
    last = None
    for number, each in enumerate(lines):
        if any(abs(number - match) <= around for match in matches):
            if last is not None and number > last + 1:
                shown.append("--")
            shown.append(each)
            last = number
    return shown


def written(blocks: list[bytes], around: int, newest: int | None) -> tuple[int, list[str]]:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as shown:
        output = Output(writer)
        context = Context(plan_of("y"), around)
        each = [Block(data, "a", len(data), 0) for data in blocks]
        found = context.write(
            each,
            renderer(Look(json=False, fields=("message",), width=80)),
            output,
            newest=newest,
            gaps=True,
        )
        output.flush()
        os.close(writer)
        return found, shown.read().decode().splitlines()


lines_of_blocks = st.lists(st.lists(st.sampled_from(["n", "n", "n", "y"]), min_size=1), max_size=6)


@given(lines_of_blocks, st.integers(0, 4), st.none() | st.integers(1, 4))
def test_as_grep_does(blocks: list[list[str]], around: int, newest: int | None) -> None:
    numbered = [[f"{each}{n}.{m}" for m, each in enumerate(b)] for n, b in enumerate(blocks)]
    lines = [each for block in numbered for each in block]
    matches = [number for number, each in enumerate(lines) if "y" in each]
    data = ["".join(f"{each}\n" for each in block).encode() for block in numbered]
    found, shown = written(data, around, newest)
    if newest is None or newest >= len(matches):
        assert (found, shown) == (len(matches), as_grep(lines, around))
        return
    assert found == newest
    # The matches that are left out are lines like all others.
    for match in matches[:-newest]:
        lines[match] = lines[match].replace("y", "Y")
    expected = [each.replace("Y", "y") for each in as_grep(lines, around)]
    assert shown == expected


def test_the_lines_around_are_those_of_all_logs(tmp_path: Path) -> None:
    for name, seconds in (("a", (1, 3, 5)), ("b", (2, 4, 6))):
        (tmp_path / f"{name}.jsonl").write_bytes(
            b"".join(line(timestamp=f"2026-01-15T10:30:0{s}Z", event=str(s)) for s in seconds)
        )
    shown = opsconsole("logs", "--log", tmp_path, "-C", "1", "message=4", cwd=tmp_path).stdout
    assert re.findall(rb'"event": "(\d)"', shown) == [b"3", b"4", b"5"]
