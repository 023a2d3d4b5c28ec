"""What a person would see of the console."""

from collections.abc import Callable
from pathlib import Path

from console.app import OpsConsole

__all__ = ["append", "screen_text", "sees"]


def append(path: Path, *lines: bytes) -> None:
    """Write at the end of a file, at once."""
    with path.open("ab") as file:
        file.write(b"".join(lines))


def screen_text(app: OpsConsole) -> str:
    """Everything on the screen, line by line."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def sees(app: OpsConsole, *texts: str) -> Callable[[], bool]:
    """A condition: all these texts are on the screen."""
    return lambda: all(text in screen_text(app) for text in texts)
