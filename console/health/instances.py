"""What is known of one instance: its last answers, and how long it has been well."""

from collections import deque
from dataclasses import dataclass, field

from console.health.probe import Poll
from console.quantiles import quantile
from console.targets import Endpoint

__all__ = ["HISTORY", "Instance"]

HISTORY = 600
"""Polls remembered: ten minutes at one a second."""


@dataclass(slots=True)
class Instance:
    """An endpoint and its last HISTORY polls, newest last."""

    endpoint: Endpoint
    polls: deque[Poll] = field(default_factory=lambda: deque(maxlen=HISTORY))
    _healthy_polls: int = 0
    _all_polls: int = 0

    def add(self, poll: Poll) -> bool:
        """Take a poll in; return whether the instance turned healthy or unhealthy with it.

        The first poll is a change only when it finds the instance unhealthy.
        """
        changed = poll.healthy is not (self.polls[-1].healthy if self.polls else True)
        self.polls.append(poll)
        self._all_polls += 1
        self._healthy_polls += poll.healthy
        return changed

    @property
    def last(self) -> Poll | None:
        """The newest poll, None before the first answer."""
        return self.polls[-1] if self.polls else None

    @property
    def status(self) -> str:
        """One of "waiting", "healthy" and "unhealthy"."""
        if not self.polls:
            return "waiting"
        return "healthy" if self.polls[-1].healthy else "unhealthy"

    @property
    def uptime(self) -> float | None:
        """The share of healthy polls since the console started, 0 to 1; None before the first."""
        return self._healthy_polls / self._all_polls if self._all_polls else None

    def latency(self, q: float) -> float | None:
        """Return the latency of rank `q` among the answers remembered, in milliseconds."""
        return quantile((poll.latency for poll in self.polls if poll.answered), q)
