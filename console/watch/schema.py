"""The state of the watched project's migrations, kept up to date, and its one upgrade."""

import time
from collections.abc import Callable
from pathlib import Path

from console.migrations.command import AlembicError
from console.migrations.runner import Upgrade, UpgradeResult
from console.migrations.state import MigrationState, Revision, read_revisions, read_state
from console.watch.changes import Change, Feed

__all__ = ["Schema"]

# Scripts change seldom and reading them costs a second of CPU, so they are read once in a while.
_SCRIPTS_SECONDS = 60.0


class Schema:
    """What Alembic last said. `problem` tells why it could not, and is empty after a success.

    `state` is the last one known, which may be older than `problem`; `upgrade` is the run in
    progress or the last one, `result` how that ended.
    """

    def __init__(self, folder: Path | None, feed: Feed, on_change: Callable[[], None]) -> None:
        self.folder = folder
        self.revisions: tuple[Revision, ...] = ()
        self.state: MigrationState | None = None
        self.problem = "" if folder else "no Alembic folder: give one with --alembic DIR"
        self.checked_at: float | None = None
        self.upgrade: Upgrade | None = None
        self.result: UpgradeResult | None = None
        self._feed = feed
        self._on_change = on_change
        self._scripts_at = -_SCRIPTS_SECONDS

    @property
    def running(self) -> bool:
        """Whether an upgrade is in progress."""
        return self.upgrade is not None and self.result is None

    async def refresh(self, *, scripts: bool = False) -> None:
        """Ask Alembic again; with `scripts`, read the revisions again as well."""
        if self.folder is None or self.running:
            return
        try:
            due = time.monotonic() - self._scripts_at >= _SCRIPTS_SECONDS
            if scripts or due or not self.revisions:
                self.revisions = await read_revisions(self.folder)
                self._scripts_at = time.monotonic()
                self._on_change()
            state = await read_state(self.folder, self.revisions)
        except AlembicError as error:
            self.problem = str(error)
        else:
            self._announce(state)
            self.problem, self.state = "", state
        self.checked_at = time.time()
        self._on_change()

    async def run_upgrade(self) -> None:
        """Run `alembic upgrade head` to its end and look at the result."""
        if self.folder is None or self.running:
            return
        self.upgrade, self.result = Upgrade(self.folder, self._on_change), None
        self._on_change()
        try:
            self.result = await self.upgrade.run()
        except AlembicError as error:
            self.result = UpgradeResult(code=1, seconds=0.0, reason=str(error))
        if self.result.code:
            self._feed.add(Change(time.time(), "migration", f"failed: {self.result.reason}", "bad"))
        await self.refresh(scripts=True)

    def _announce(self, state: MigrationState) -> None:
        if self.state is None or state.current == self.state.current:
            return
        after = " ".join(sorted(state.current)) or "nothing applied"
        messages = {revision.id: revision.message for revision in self.revisions}
        text = f"{after} {messages.get(after, '')}".rstrip()
        if self.result is not None and self.result.code == 0:
            text += f"  applied in {self.result.seconds:.1f} s"
        self._feed.add(Change(time.time(), "migration", text, "good"))
