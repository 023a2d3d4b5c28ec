"""What the application tells the screens, and they the application."""

from textual.message import Message

__all__ = ["HealthChanged", "LogsChanged", "OpenLogs", "SchemaChanged", "UpgradeWanted"]


class LogsChanged(Message):
    """New records are in the buffer, or the state of a log file has changed."""


class HealthChanged(Message):
    """An instance has been polled."""


class SchemaChanged(Message):
    """Alembic has answered, or an upgrade has printed something or ended."""


class OpenLogs(Message):
    """The log lines around `at`, in seconds since the epoch, are wanted."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at = at


class UpgradeWanted(Message):
    """An upgrade to head was asked for and confirmed."""
