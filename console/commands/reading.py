"""Logs read once: every line that matches, the newest ones, or these with what is around them."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from console.commands.chosen import Chooser, Chosen, plan_of
from console.commands.crew import Crew
from console.commands.files import FileInput, Input
from console.commands.output import Output
from console.commands.rendering import Look, drawn, renderer
from console.commands.selecting import Selecting, last

__all__ = ["Reading"]


class Reading:
    """Writes lines of some logs that match a filter without limits of time, "" for all lines.

    Every method returns how many lines matched. Raises BrokenPipeError when nobody reads the
    output.
    """

    def __init__(self, inputs: Sequence[Input], text: str, crew: Crew, output: Output) -> None:
        self._inputs = inputs
        self._text = text
        self._output = output
        self._selecting = Selecting(text, crew, logs=len(inputs))

    def show(self, look: Look) -> int:
        """Write every line that matches."""
        only = self._inputs[0] if len(self._inputs) == 1 else None
        if not (isinstance(only, FileInput) and only.large):
            return self._write(self._merged(self._selecting.lines), look)
        total = 0
        for found in self._selecting.shown(only, look):
            total += found.matches
            self._output.write(found.data)
        return total

    def show_newest(self, look: Look, count: int) -> int:
        """Write the last `count` lines that match."""
        newest = partial(self._selecting.newest, count=count)
        return self._write(last(self._merged(newest), count), look)

    def show_context(self, look: Look, lines: int, newest: int | None) -> int:
        """Write the lines that match, all or the newest, with so many around each."""
        from console.commands.context import Context  # noqa: PLC0415

        context = Context(plan_of(self._text), lines)
        timed = len(self._inputs) > 1
        every = self._merged(lambda source: Chooser("", timed=timed).of(source.blocks()))
        shown, gaps = renderer(look), not look.json
        blocks = (chosen.block for chosen in every)
        return context.write(blocks, shown, self._output, newest=newest, gaps=gaps)

    def _merged(self, lines: Callable[[Input], Iterable[Chosen]]) -> Iterable[Chosen]:
        if len(self._inputs) == 1:
            return lines(self._inputs[0])
        # Imported late: most often there is one log.
        from console.commands.merging import merged  # noqa: PLC0415

        return merged({source.name: lines(source) for source in self._inputs})

    def _write(self, every: Iterable[Chosen], look: Look) -> int:
        shown, total = renderer(look), 0
        for chosen in every:
            total += chosen.block.line_count
            self._output.write(drawn(shown, chosen.block))
        return total
