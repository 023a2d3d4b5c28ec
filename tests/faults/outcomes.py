"""What became of the requests of a load, and what that comes to. No pytest in here: the process
that makes the load imports it."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from statistics import quantiles

import msgspec

CREATED = {"create": 201}
# Of a connection that the server closed between two requests without having said so.
CLOSED = "idle connection closed"
DOUBLED = "done twice"


class Outcome(msgspec.Struct, array_like=True, frozen=True):
    """One request. `answer`: its status, or a word for how it failed; `name`: of what it creates;
    `again`: that create was sent before, without an answer that settled it. Times are monotonic, in
    seconds. `port`: the client's, so that it tells the connection."""

    kind: str
    started: float
    ended: float
    answer: int | str
    retry_after: bool
    port: int
    name: str = ""
    again: bool = False

    @property
    def good(self) -> bool:
        """Whether it was answered as it should be."""
        return self.answer == CREATED.get(self.kind, 200)

    @property
    def seconds(self) -> float:
        """From the first byte sent to the last received."""
        return self.ended - self.started

    @property
    def refused_honestly(self) -> bool:
        """Whether it is a 503 that says when to come back."""
        return self.answer == 503 and self.retry_after


class Outcomes:
    """Many of them. A request belongs to the window in which it was sent."""

    def __init__(self, all_: Iterable[Outcome]) -> None:
        # A connection that was closed is no request.
        found = list(all_)
        self.closed = [each for each in found if each.answer == CLOSED]
        self.requests = [each for each in found if each.answer != CLOSED]

    def between(self, since: float, until: float) -> "Outcomes":
        """Those sent then."""
        return Outcomes(
            each for each in [*self.requests, *self.closed] if since <= each.started < until
        )

    def of(self, *kinds: str) -> "Outcomes":
        """Those of these kinds."""
        return Outcomes(each for each in [*self.requests, *self.closed] if each.kind in kinds)

    @property
    def failed(self) -> list[Outcome]:
        """Those that were not answered as they should be."""
        return [each for each in self.requests if not each.good]

    def how(self) -> str:
        """The failures, counted by how."""
        counts = Counter(str(each.answer) for each in self.failed)
        return ", ".join(f"{count} × {what}" for what, count in counts.most_common()) or "0"

    def acknowledged(self) -> set[str]:
        """Who was created, by the answer."""
        return {each.name for each in self.requests if each.kind == "create" and each.good}

    def doubled(self) -> list[str]:
        """Who was created once more by a request that had been sent before: its first time was
        done, and not remembered."""
        return [each.name for each in self.requests if each.answer == DOUBLED]

    def longest_gap(self) -> float:
        """The longest time without a success, in seconds."""
        times = sorted(each.ended for each in self.requests if each.good)
        return max((after - before for before, after in pairwise(times)), default=float("inf"))

    def first_success_after(self, moment: float) -> float:
        """How long after that moment a request was answered well, in seconds."""
        ended = [each.ended for each in self.requests if each.good and each.ended >= moment]
        return min(ended, default=float("inf")) - moment

    def slowest(self) -> float:
        """Of all that ended, well or not, in seconds."""
        return max((each.seconds for each in self.requests), default=0.0)

    def percentile(self, share: int) -> float:
        """Of how long an answer took, whatever it said, in seconds."""
        times = [each.seconds for each in self.requests if isinstance(each.answer, int)]
        if len(times) < 2:
            return max(times, default=0.0)
        return quantiles(times, n=100, method="inclusive")[share - 1]
