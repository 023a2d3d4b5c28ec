"""Log files that grow while they are read."""

import random
from collections.abc import Iterator, Sequence

from console.logs.files.log_file import LogFile


def appended(log: LogFile, content: bytes, sizes: Sequence[int]) -> Iterator[None]:
    """Writes the content at the end of the file in pieces, each of one of these sizes; yields after
    each, when the log knows of it."""
    chance = random.Random(5)
    done = 0
    with log.path.open("ab") as file:
        while done < len(content):
            size = chance.choice(sizes)
            file.write(content[done : done + size])
            file.flush()
            done += size
            assert log.refresh() == ""
            yield
