"""The feed of what changed."""

from collections.abc import Iterable

from rich.segment import Segment

from console.figures import clock
from console.text import visible
from console.watch.changes import Change, Feed
from console.widgets.ink import Ink
from console.widgets.rows import Rows

__all__ = ["FeedList"]

_SUBJECT = 16
_INKS: dict[str, Ink] = {"good": "good", "bad": "bad", "neutral": "plain"}


class FeedList(Rows):
    """Newest first; the cursor stays on its change while new ones arrive above it."""

    def __init__(self, feed: Feed) -> None:
        super().__init__(empty="nothing has changed since the console started")
        self._feed = feed
        self.changes: list[Change] = []
        self._room = 0

    @property
    def row_count(self) -> int:
        """How many changes there are."""
        return len(self.changes)

    def refresh_changes(self) -> None:
        """Take the feed's present state over."""
        chosen = self.changes[self.cursor] if self.cursor else None
        self.changes = self._feed.newest_first
        if chosen is not None:
            found = (i for i, change in enumerate(self.changes) if change is chosen)
            self.cursor = next(found, self.cursor)
        subjects = (len(visible(change.subject, _SUBJECT)) for change in self.changes)
        self._room = max(subjects, default=0)
        self.update_rows()

    def draw_row(self, index: int, width: int) -> Iterable[Segment]:
        """Time, what it is about, and what happened."""
        change = self.changes[index]
        yield Segment(f"{clock(change.at)}  ", self.ink("dim"))
        subject = visible(change.subject, _SUBJECT)
        yield Segment(f"{subject:<{self._room}}  ", self.ink("strong"))
        yield Segment(visible(change.text, width), self.ink(_INKS[change.mood]))
        if change.signature is not None:
            yield Segment(f"  ×{change.signature.count}", self.ink("strong"))
            where = visible(change.signature.where, width)
            yield Segment(f"  ({where})" if where else "", self.ink("dim"))
