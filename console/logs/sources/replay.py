"""What a command says again after it was started again: `tail -F`, `kubectl logs -f`, …"""

from collections import deque
from collections.abc import Iterable
from hashlib import blake2b

from console.lines import LINE_LIMIT
from console.logs.sources.block import Block

__all__ = ["Replay"]

_RECENT_BYTES = 256 * 1024
_SAMPLE = 16


class Replay:
    """Leaves out lines at the beginning of a run that the run before it gave already.

    Known again are its last lines (`tail -F` and `journalctl -f` begin with some of these) and all
    of them from the first one on (`kubectl logs -f` and `docker logs -f` begin there), when the
    first lines are the same and not all alike. `repeated` counts the lines left out in this run.
    """

    def __init__(self) -> None:
        self.repeated = 0
        self._recent: deque[Block] = deque()
        self._size = 0
        # The first lines of a run and how many it had: of this one, and of the one repeated.
        self._sample: list[bytes] = []
        self._count = 0
        self._sample_before: list[bytes] = []
        self._count_before = 0
        self._last: list[bytes] = []
        # While the new run repeats: from the first line on, or else what of the last ones is left.
        self._matching = self._whole = False
        self._expected: deque[bytes] | None = None

    def restart(self) -> None:
        """Expect a new run."""
        if self._sample != self._sample_before[: len(self._sample)] or (
            self._count > self._count_before
        ):
            self._sample_before, self._count_before = self._sample, self._count
        self._sample, self._count, self.repeated = [], 0, 0
        self._last = [mark for block in self._recent for mark in _marks(block)]
        self._matching = bool(self._last)
        self._whole = len(set(self._sample_before)) > 1
        self._expected = None

    def new(self, blocks: Iterable[Block]) -> list[Block]:
        """Return what of a run's next blocks was not given before."""
        given: list[Block] = []
        for block in blocks:
            lines = _marks(block) if self._starting else []
            skip = 0
            while self._matching and skip < len(lines):
                self._matching = self._known(lines[skip], self._count + skip)
                skip += self._matching
            self._sample += lines[: _SAMPLE - len(self._sample)]
            self._count += block.line_count
            self.repeated += skip
            if skip and skip == len(lines):
                continue
            rest = block.split(skip)[1] if skip else block
            self._remember(rest)
            given.append(rest)
        return given

    @property
    def _starting(self) -> bool:
        return self._matching or len(self._sample) < _SAMPLE

    def _known(self, line: bytes, number: int) -> bool:
        if self._whole:
            sample = self._sample_before
            if number < self._count_before and (number >= len(sample) or line == sample[number]):
                return True
            if number == self._count_before:
                return False
            # The same first lines are a heading only.
            self._whole = False
        if self._expected is None:
            places = [at for at, last in enumerate(self._last) if last == line]
            self._expected = deque(self._last[places[-1] :] if places else ())
        return bool(self._expected) and self._expected.popleft() == line

    def _remember(self, block: Block) -> None:
        self._recent.append(block)
        self._size += len(block.data)
        while len(self._recent) > 1 and self._size - len(self._recent[0].data) >= _RECENT_BYTES:
            self._size -= len(self._recent.popleft().data)


def _marks(block: Block) -> list[bytes]:
    """Return the lines, and of a long one what tells it from others: many of these are kept."""
    return [raw if len(raw) <= LINE_LIMIT else blake2b(raw).digest() for raw, _ in block.lines()]
