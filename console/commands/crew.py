"""Worker processes, for what is large enough to need them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.logs.files.workers import Workers

__all__ = ["Crew"]


class Crew:
    """The workers of this command; there are none until they are asked for."""

    def __init__(self) -> None:
        self._workers: Workers | None = None

    def workers(self) -> "Workers":
        """Return the workers; they are started when there is something to do."""
        if self._workers is None:
            from console.logs.files.workers import Workers  # noqa: PLC0415

            self._workers = Workers()
        return self._workers

    def close(self) -> None:
        """End every process."""
        if self._workers is not None:
            self._workers.close()
            self._workers = None
