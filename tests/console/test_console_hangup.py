"""The console ends with its terminal, though nobody sends it a signal."""

import signal
import sys
from pathlib import Path

from tests.console.terminal import Terminal


def test_the_console_ends_with_its_terminal(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("newest\n")
    with Terminal([sys.executable, "-m", "console", "--log", "app.log"], tmp_path) as terminal:
        terminal.until(b"following")
        terminal.hang_up()
        assert terminal.process.wait(10) == -signal.SIGHUP
