"""The application: it starts the work, tells the screens about it, and ends in good order."""

import asyncio
from contextlib import suppress
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message

from console.screens.dialogs import Leave, QuitDialog
from console.screens.help import HelpDialog
from console.screens.logs import LogScreen
from console.screens.messages import (
    HealthChanged,
    LogsChanged,
    OpenLogs,
    SchemaChanged,
    UpgradeWanted,
)
from console.screens.migrations import MigrationsScreen
from console.screens.overview import OverviewScreen
from console.targets import Target
from console.watch.watch import Watch
from console.widgets.log_view import LogView

__all__ = ["LogConsole", "OpsConsole"]

# A frame this often, and half as often while little comes: each costs a few milliseconds.
_FRAME_SECONDS = 0.06
_SLOW_FRAME_SECONDS = 0.16
_BEHIND_SECONDS = 0.005
_LITTLE_PER_SECOND = 1024 * 1024
# Whatever else may have happened to a log is noticed this soon.
_QUIET_SECONDS = 0.5
_SCHEMA_SECONDS = 10.0
_KEEP_UP_SECONDS = 0.5


class OpsConsole(App[str]):
    """Watches one target. Its result is a line for the terminal it leaves behind, or None."""

    CSS_PATH = "opsconsole.tcss"
    DEFAULT_MODE = "overview"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "switch_mode('overview')", "Overview", show=False),
        Binding("2", "switch_mode('logs')", "Logs", show=False),
        Binding("5", "switch_mode('migrations')", "Migrations", show=False),
        Binding("question_mark", "help", "keys", show=False),
        Binding("q,ctrl+q", "quit", "quit", show=False),
    ]

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.watched = Watch(target, on_schema=lambda: self._tell(SchemaChanged()))
        self._leaving = False
        # Whether the screen was told of lines since it was last looked for others.
        self._told_lately = False
        self.add_mode("overview", lambda: OverviewScreen(self.watched))
        self.add_mode("logs", lambda: LogScreen(self.watched))
        self.add_mode("migrations", lambda: MigrationsScreen(self.watched))

    def on_mount(self) -> None:
        """Start everything that watches."""
        self.run_worker(self._follow_logs(), group="logs")
        self.set_interval(_KEEP_UP_SECONDS, self._keep_up)
        if self.watched.instances or self.watched.target.backup_report:
            self.run_worker(self._poll_instances(), group="health")
        self.run_worker(self._refresh_schema(), group="schema")

    async def on_unmount(self) -> None:
        """Stop the reader; an upgrade is only still running here when the console crashed."""
        self.watched.follower.stop()
        self.watched.collection.close()
        if self.watched.schema.running and self.watched.schema.upgrade is not None:
            await self.watched.schema.upgrade.terminate()
        # Cancelled workers end their Alembic commands, which takes a moment.
        self.workers.cancel_all()
        workers = [worker.wait() for worker in self.workers]
        await asyncio.gather(*workers, return_exceptions=True)

    async def on_open_logs(self, message: OpenLogs) -> None:
        """Go to the log lines of a moment."""
        await self.switch_mode("logs")
        # What was opened over the log the last time is in the way.
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        if isinstance(self.screen, LogScreen):
            # Shown for the first time, the list does not know its height yet.
            self.screen.call_after_refresh(self.screen.show_everything_from, message.at)

    def on_upgrade_wanted(self, _message: UpgradeWanted) -> None:
        """Run the upgrade beside everything else."""
        self.run_worker(self._upgrade(), group="upgrade")

    def clear_selection(self) -> None:
        """Clear what is selected, where there is a screen.

        From Python 3.12 on, the first screen's widgets are there before it is on the stack.
        """
        if self.screen_stack:
            super().clear_selection()

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(HelpDialog())

    async def action_quit(self) -> None:
        """Leave, after asking what becomes of a running upgrade."""
        if self.watched.schema.running:
            self.push_screen(QuitDialog(), self._quit_answered)
        else:
            self.exit()

    async def _quit_answered(self, answer: Leave | None) -> None:
        schema = self.watched.schema
        if answer is None:
            return
        self._leaving = True
        if not schema.running:
            self._leave()
        elif answer == "terminate" and schema.upgrade is not None:
            await schema.upgrade.terminate()
        else:
            self.notify("quits when the upgrade has ended", markup=False)

    async def _upgrade(self) -> None:
        await self.watched.schema.run_upgrade()
        if self._leaving:
            self._leave()

    def _leave(self) -> None:
        result = self.watched.schema.result
        if result is None:
            self.exit()
        elif result.code == 0:
            self.exit(f"the upgrade finished in {result.seconds:.1f} s")
        else:
            self.exit(f"the upgrade ended with exit code {result.code}: {result.reason}")

    async def _poll_instances(self) -> None:
        # Imported late: who only reads a log does not wait for the HTTP client.
        from console.health.probe import client  # noqa: PLC0415

        async with client() as http, asyncio.TaskGroup() as tasks:
            for instance in self.watched.instances:
                tasks.create_task(
                    self.watched.poll_forever(http, instance, lambda: self._tell(HealthChanged()))
                )
                tasks.create_task(
                    self.watched.measure_forever(
                        http, instance, lambda: self._tell(SchemaChanged())
                    )
                )
            tasks.create_task(self.watched.read_report_forever(lambda: self._tell(SchemaChanged())))

    async def _refresh_schema(self) -> None:
        while self.watched.target.alembic is not None:
            await self.watched.schema.refresh()
            await asyncio.sleep(_SCHEMA_SECONDS)

    async def _follow_logs(self) -> None:
        """Take in lines as they come and tell the screen, once a frame; wait while none come."""
        loop = asyncio.get_running_loop()
        come = asyncio.Event()

        def on_blocks() -> None:
            loop.call_soon_threadsafe(come.set)

        self.watched.follower.on_blocks = on_blocks
        self.watched.follower.start()
        known, last, calm = "", loop.time(), False
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(come.wait(), _QUIET_SECONDS)
            come.clear()
            begin = loop.time()
            size, problem = self.watched.take_lines(), self.watched.log_problem
            if size or problem != known:
                known, self._told_lately = problem, True
                self._tell(LogsChanged())
            if not size:
                continue
            # Once more, after the last of them: then all is counted.
            come.set()
            seconds, last = begin - last, begin
            # The first lines after a silence tell nothing of how many are to come.
            was_calm = calm and seconds < _QUIET_SECONDS
            calm = size < _LITTLE_PER_SECOND * seconds
            pause = _SLOW_FRAME_SECONDS if calm and was_calm else _FRAME_SECONDS
            # One look a frame, somewhat later than the next frame may be: so it waits for nothing.
            self.watched.follower.pace = pause + _BEHIND_SECONDS
            # What it has taken itself is left to keys.
            await asyncio.sleep(max(begin + pause - loop.time(), 0.01))

    def _keep_up(self) -> None:
        """Take in what nobody has told of: what is written while the log is not shown, where a file
        that is rotated away unseen would be missing, and late lines of one that has been."""
        # At the beginning and at the end there is no screen, or nothing in it.
        views = list(self.screen_stack[0].query(LogView)) if self.screen_stack else []
        if views and self._told_lately:
            self._told_lately = False
            return
        if self.watched.collection.refresh():
            for view in views:
                view.update()

    def _tell(self, message: Message) -> None:
        """Send news to the screen of the current mode, under any dialog; others catch up later."""
        if self.is_running and self.screen_stack:
            self.screen_stack[0].post_message(message)


class LogConsole(OpsConsole):
    """Opens on the log."""

    DEFAULT_MODE = "logs"
