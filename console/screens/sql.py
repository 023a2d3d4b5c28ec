"""SQL over the lines of the log."""

from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerCancelled

from console.screens.base import WatchScreen
from console.watch.query import Answer, ask
from console.watch.watch import Watch
from console.widgets.result_table import ResultHeading, ResultTable
from console.widgets.sql_status import SqlStatus

__all__ = ["STATEMENTS", "SqlScreen"]

STATEMENTS = 100
"""So many statements are remembered."""
_LENGTH = 4_000
_HELP = (
    "One SELECT of DuckDB's SQL; the lines are in the view logs:",
    "",
    "  time level message request_id method path route status duration_ms",
    "  user_id client source, and raw: all of the line as JSON",
    "",
    "  select route, count(*), quantile_cont(duration_ms, .99) from logs group by 1",
    "  select * from logs where status >= 500 order by duration_ms desc",
    "  select raw->>'$.ctx.tenant' as tenant, count(*) from logs group by all",
)


class SqlScreen(WatchScreen):
    """A line to type a statement, and what the last one has given. `statements` are those typed
    before, the newest last; what is typed here is added."""

    NAME = "logs"
    HINTS = (
        ("enter", "run"),
        ("↑↓", "statements"),
        ("tab", "table"),
        ("←→", "columns"),
        ("esc", "stop, back"),
    )
    # Those keys are characters of a statement here.
    COMMON_HINTS = ()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False),
        Binding("up", "recall(-1)", "earlier statement", show=False),
        Binding("down", "recall(1)", "later statement", show=False),
        # In the line itself, this is a character like others.
        Binding("colon", "edit", "statement", show=False),
    ]

    def __init__(self, watch: Watch, statements: list[str]) -> None:
        super().__init__(watch)
        self._statements = statements
        self._recalled = len(statements)
        self._asking: list[Worker[None]] = []

    def body(self) -> Iterable[Widget]:
        """The statement, how it goes, and what it gave."""
        table = ResultTable()
        typed = Input(restrict=r"[^\x00-\x1f\x7f-\x9f]*", max_length=_LENGTH, select_on_focus=False)
        return (
            Horizontal(Static("sql ", id="label", markup=False), typed, id="statement"),
            SqlStatus(self.watched),
            ResultHeading(table),
            table,
        )

    def on_mount(self) -> None:
        """Begin with the last statement, ready to be changed."""
        self.query_one(ResultTable).show(_HELP)
        self.action_recall(-1)
        self.set_focus(self.query_one(Input))
        self.set_interval(0.25, self.query_one(SqlStatus).tick)

    async def on_unmount(self) -> None:
        """See every statement that still runs to its end."""
        for worker in self._asking:
            if worker.is_running and not worker.is_cancelled:
                worker.cancel()
            with suppress(WorkerCancelled):
                await worker.wait()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Run the statement."""
        statement = message.value.strip()
        if not statement:
            return
        if statement in self._statements:
            self._statements.remove(statement)
        self._statements.append(statement)
        del self._statements[:-STATEMENTS]
        self._recalled = len(self._statements)
        self.query_one(SqlStatus).begin()
        # One at a time: the one before is ended, which takes a moment.
        self._asking = [worker for worker in self._asking if worker.is_running]
        self._asking.append(self.run_worker(self._run(statement), group="sql", exclusive=True))

    def on_result_table_shifted(self, _message: ResultTable.Shifted) -> None:
        """Move the names with their columns."""
        self.query_one(ResultHeading).refresh()

    def action_recall(self, step: int) -> None:
        """Take up another statement that was typed before."""
        place = max(min(self._recalled + step, len(self._statements)), 0)
        self._recalled = place
        typed = self.query_one(Input)
        typed.value = self._statements[place] if place < len(self._statements) else ""
        typed.cursor_position = len(typed.value)

    def action_edit(self) -> None:
        """Go back to the statement."""
        self.query_one(Input).focus()

    def action_back(self) -> None:
        """End the statement that runs, or else leave."""
        if self.query_one(SqlStatus).running:
            self._asking[-1].cancel()
            self.query_one(SqlStatus).end(Answer(problem="stopped"))
        else:
            self.dismiss()

    async def _run(self, statement: str) -> None:
        answer = await ask(self.watched, statement)
        self.query_one(SqlStatus).end(answer)
        if answer.heading:
            self.query_one(ResultTable).show(answer.rows)
            self.query_one(ResultHeading).show(answer.heading)
            self.query_one(ResultTable).focus()
