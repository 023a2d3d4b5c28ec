"""Several logs as one, in the order of their times."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from console.commands.chosen import Chosen
from console.logs.sources.merge import Merger

__all__ = ["merged"]


def merged(logs: Mapping[str, Iterable[Chosen]]) -> Iterator[Chosen]:
    """Give the lines of all logs, known by their names, by time; those of one log stay in order.

    Holds a few blocks of each log at a time.
    """
    times: Sequence[float | None] = ()
    # No line has to wait for a log that may never say anything: each of them ends.
    merger = Merger(lambda _: times, window=math.inf, lines=2**62, size=2**62)
    rest = {name: iter(every) for name, every in logs.items()}
    while rest or merger.held:
        for name in [name for name in rest if merger.lacks(name)]:
            chosen = next(rest[name], None)
            if chosen is None:
                del rest[name]
            else:
                times = chosen.times
                merger.add([chosen.block], 0.0)
        for block in merger.take(0.0, rest):
            yield Chosen(block)
