"""`opsconsole logs -f`: the newest lines, then each new one as soon as it is written."""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from console.commands.arguments import Wanted
from console.commands.chosen import Chooser, plan_of
from console.commands.context import Context
from console.commands.crew import Crew
from console.commands.files import FileInput, Input
from console.commands.inputs import open_inputs
from console.commands.output import Output
from console.commands.reading import Reading
from console.commands.rendering import Look, drawn, renderer
from console.logs.follower import Follower
from console.logs.sources.archive import archive_kind
from console.logs.sources.block import HEAD, LAST, Block, Generation
from console.logs.sources.position import Positions
from console.targets import Command
from console.text import visible

__all__ = ["follow"]

_LINES = 5_000
# So long waits a line for an earlier one of another log.
_WINDOW_SECONDS = 0.1
# How often it is looked whether anybody still reads, and whether a source has a problem.
_LOOK_SECONDS = 0.5
# What is put right sooner, as by a rotation, is not worth a word.
_PATIENCE_SECONDS = 2.0


def follow(
    logs: Sequence[Path | Command],
    wanted: Wanted,
    look: Look,
    output: Output,
    crew: Crew,
    *,
    lines: int | None,
    context: int,
) -> int:
    """Write the newest `lines` that match, None for all that are in the files, then every new one,
    with `context` lines around it.

    Returns how many matched, once every source has ended; a file never does. Raises
    BrokenPipeError when nobody reads the output.
    """
    # What is not there yet is waited for.
    inputs = open_inputs([log for log in logs if _is_stored(log)], wanted, [], live=True)
    with tempfile.TemporaryDirectory(prefix="opsconsole-") as folder:
        # The follower takes up every file where the newest lines end: none is lost or shown twice.
        _note_ends(inputs, Path(folder))
        live = [log for log in logs if _is_live(log)]
        follower = Follower(live, window=_WINDOW_SECONDS, state=Path(folder))
        follower.start()
        try:
            reading = Reading(inputs, wanted.text, crew, output)
            found = reading.show(look) if lines is None else reading.show_newest(look, lines)
            # From here on it only waits.
            crew.close()
            return found + _Live(follower, wanted.text, look, output, context).run()
        finally:
            follower.stop()


class _Live:
    """Writes what a follower reads, and tells on standard error what stands in its way."""

    def __init__(
        self, follower: Follower, text: str, look: Look, output: Output, context: int
    ) -> None:
        self._follower = follower
        self._chooser = Chooser(text)
        self._context = Context(plan_of(text), context) if context else None
        self._shown = renderer(look)
        self._gaps = not look.json
        self._output = output
        # When a state was first seen, and whether it was told.
        self._states: dict[tuple[str, str], tuple[float, bool]] = {}

    def run(self) -> int:
        """Return how many lines matched, at the end of all sources."""
        found, looked = 0, time.monotonic()
        self._output.flush()
        while not self._follower.ended:
            found += self._write(self._follower.take(_LINES, _LOOK_SECONDS))
            self._output.flush()
            if time.monotonic() - looked >= _LOOK_SECONDS:
                looked = time.monotonic()
                self._output.check()
                self._tell(looked)
        return found

    def _write(self, blocks: Sequence[Block]) -> int:
        if self._context is not None:
            return self._context.write(blocks, self._shown, self._output, gaps=self._gaps)
        found = 0
        for chosen in self._chooser.of(blocks):
            found += chosen.block.line_count
            self._output.write(drawn(self._shown, chosen.block))
        return found

    def _tell(self, now: float) -> None:
        for name, text in self._follower.news():
            _say(name, text)
        states = self._follower.states
        self._states = {state: self._states.get(state, (now, False)) for state in states}
        for state, (since, told) in self._states.items():
            if not told and now - since >= _PATIENCE_SECONDS:
                self._states[state] = since, True
                _say(*state)


def _say(name: str, text: str) -> None:
    print(f"opsconsole logs: {visible(name)}: {visible(text)}", file=sys.stderr, flush=True)


def _is_stored(log: Path | Command) -> bool:
    return isinstance(log, Path) and str(log) != "-"


def _is_live(log: Path | Command) -> bool:
    return not _is_stored(log) or not isinstance(log, Path) or not archive_kind(log)


def _note_ends(inputs: Sequence[Input], folder: Path) -> None:
    positions = Positions(folder)
    for source in inputs:
        if isinstance(source, FileInput):
            log = source.log
            found = os.fstat(log.descriptor)
            start = max(log.end - LAST, 0)
            before = log.read(start, log.end - start)
            generation = Generation(found.st_dev, found.st_ino, log.read(0, HEAD))
            positions.note(Block(before, source.name, len(before), log.end, generation))
    positions.save(now=True)
