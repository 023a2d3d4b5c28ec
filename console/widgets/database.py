"""The database in three lines: its schema, the services' connections to it, its backups."""

import time

from rich.text import Text
from textual.app import RenderResult

from console.figures import age, size
from console.health.backups import OLDEST, Backup
from console.text import visible
from console.watch.vitals import Pool, Vitals
from console.watch.watch import Watch
from console.widgets.schema import SchemaPanel

__all__ = ["DatabasePanel"]

_BAR, _LEAST_BAR = 10, 4


class DatabasePanel(SchemaPanel):
    """The schema alone, as on its own screen, where nothing else is known."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch.schema)
        self._vitals: Vitals = watch.vitals

    def render(self) -> RenderResult:
        """Draw the panel."""
        pool, backup = self._vitals.pool, self._vitals.backup
        if pool is None and backup is None:
            return super().render()
        lines = [self._schema_line()]
        if pool is not None:
            lines.append(self._pool_line(pool))
        if backup is not None:
            lines.append(self._backup_line(backup, time.time()))
        for line in lines:
            line.truncate(self.size.width, overflow="ellipsis")
        return Text("\n").join(lines)

    def _schema_line(self) -> Text:
        schema = self._schema
        text = Text("schema   ", self.ink("dim"))
        if schema.running:
            return text.append("upgrade running …", self.ink("accent"))
        if schema.problem:
            return text.append(visible(schema.problem), self.ink("bad" if schema.folder else "dim"))
        if schema.state is None:
            return text.append("asking alembic …", self.ink("dim"))
        heads = {revision.id for revision in schema.state.heads}
        current = " ".join(sorted(schema.state.current))
        text.append(visible(current, 60) or "nothing applied", self.ink("strong"))
        if current and schema.state.current <= heads:
            text.append(" (head)", self.ink("good"))
        count = len(schema.state.pending)
        text.append(f"   {count}", self.ink("warn" if count else "strong"))
        text.append(" pending", self.ink("dim"))
        if len(heads) > 1:
            text.append(f"  {len(heads)} heads", self.ink("bad"))
        return text

    def _pool_line(self, pool: Pool) -> Text:
        used, waiting = f" {pool.in_use:,}/{pool.most:,}", f"  {pool.waiting:,}"
        text = Text("pool     ", self.ink("dim"))
        room = self.size.width - len(f"pool     {used}{waiting} waiting")
        bar = min(max(room, _LEAST_BAR), _BAR)
        full = min(round(pool.in_use / pool.most * bar), bar)
        ink = self.ink("bad" if pool.waiting else "warn" if full == bar else "accent")
        text.append("█" * full, ink).append("░" * (bar - full), self.ink("dim"))
        text.append(used, self.ink("strong"))
        text.append(waiting, self.ink("bad" if pool.waiting else "strong"))
        return text.append(" waiting", self.ink("dim"))

    def _backup_line(self, backup: Backup, now: float) -> Text:
        text = Text("backup   ", self.ink("dim"))
        verified = None if backup.verified_at is None else now - backup.verified_at
        if not backup.ok:
            text.append("✖ failed", self.ink("bad"))
            good = "none is good" if verified is None else f"good {age(verified)} ago"
            return text.append(f", {good}", self.ink("bad" if _is_old(verified) else "plain"))
        if verified is None:
            return text.append("✖ never verified", self.ink("bad"))
        if _is_old(verified):
            text.append(f"✖ {age(verified)} ago, too old", self.ink("bad"))
        else:
            text.append(f"{age(verified)} ago", self.ink("strong"))
            text.append(", verified", self.ink("good"))
        if backup.size is not None:
            text.append(f"   {size(backup.size)}", self.ink("dim"))
        return text


def _is_old(verified: float | None) -> bool:
    return verified is None or verified > OLDEST
