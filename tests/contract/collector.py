"""A pytest plugin: what the tests saw each side do, wherever they ran.

It imports nothing of the tests: they are rewritten by pytest when it imports them first.
"""

from collections.abc import Mapping

import pytest

Key = tuple[str, str]
"""A behaviour and a side."""


class Seen:
    """Outcomes and failures, by behaviour and side."""

    def __init__(self) -> None:
        self._outcomes: dict[Key, str] = {}
        self._problems: dict[Key, str] = {}

    def outcome(self, behaviour: str, side: str) -> str | None:
        """What the side did, if it came to an end."""
        return self._outcomes.get((behaviour, side))

    def problem(self, behaviour: str, side: str) -> str | None:
        """Why its test failed, if it did."""
        return self._problems.get((behaviour, side))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest, in the process that reports."""
        told: Mapping[str, object] = dict(report.user_properties)
        key = str(told.get("behaviour")), str(told.get("side"))
        if "outcome" in told:
            self._outcomes[key] = str(told["outcome"])
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            message = str(getattr(crash, "message", "")) or report.longreprtext
            self._problems[key] = message.strip().partition("\n")[0]
