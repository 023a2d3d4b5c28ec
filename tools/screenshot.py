"""Draw one screen of the console, without a terminal, into an SVG file."""

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from console.app import OpsConsole
from console.cli import add_target_arguments, target_from
from console.targets import Target, TargetError
from console.watch.watch import Watch

KEYS = {"overview": "1", "logs": "2", "migrations": "5"}


def main() -> int:
    """Take the picture; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screen", choices=KEYS, default="overview")
    parser.add_argument("--size", default="120x40", metavar="COLUMNSxLINES")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.svg")
    parser.add_argument("--keys", default="", help="keys to press then, separated by spaces")
    parser.add_argument("--polls", type=int, default=3, help="polls to wait for (default 3)")
    parser.add_argument("--wait", type=float, default=20.0, help="seconds to wait at most")
    add_target_arguments(parser)
    options = parser.parse_args()
    columns, _, lines = options.size.partition("x")
    if not (columns.isdigit() and lines.isdigit()):
        parser.error("--size looks like 120x40")
    try:
        target = target_from(options, Path())
    except TargetError as error:
        parser.error(str(error))
    asyncio.run(_draw(target, (int(columns), int(lines)), options))
    return 0


async def _draw(target: Target, size: tuple[int, int], options: argparse.Namespace) -> None:
    app = OpsConsole(target)
    async with app.run_test(size=size) as pilot:
        await pilot.press(KEYS[options.screen])
        deadline = time.monotonic() + options.wait
        while not _complete(app.watched, options.polls) and time.monotonic() < deadline:
            await pilot.pause(0.05)
        for key in options.keys.split():
            await pilot.press(key)
        while app.watched.schema.running and time.monotonic() < deadline:
            await pilot.pause(0.05)
        # Figures cover complete seconds: let one pass.
        await pilot.pause(1.1)
        picture = app.export_screenshot(title=f"opsconsole {options.screen}")
    await asyncio.to_thread(options.out.write_text, _self_contained(picture), "utf-8")


def _self_contained(svg: str) -> str:
    """The picture without the web fonts it would fetch: the reader's own monospace will do."""
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def _complete(watch: Watch, polls: int) -> bool:
    waits: list[Callable[[], bool]] = [
        lambda: all(len(instance.polls) >= polls for instance in watch.instances),
        lambda: bool(watch.log_lines or watch.log_problem),
        lambda: watch.target.alembic is None or watch.schema.checked_at is not None,
    ]
    return all(done() for done in waits)


if __name__ == "__main__":
    sys.exit(main())
