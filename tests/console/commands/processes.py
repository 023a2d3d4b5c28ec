"""What the tests of the commands share: the command in a process of its own, on a terminal too."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support import ROOT

COMMAND = [sys.executable, "-m", "console"]


def environment(**more: str) -> dict[str, str]:
    """This process's environment, with the command in it, the time zone UTC, and `more`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT), "TZ": "UTC", "LC_ALL": "C.UTF-8"} | more


def opsconsole(
    *arguments: str | Path, cwd: Path, given: bytes = b"", **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Runs the command with its output in a pipe."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        input=given,
        capture_output=True,
        timeout=30,
        check=False,
    )


def start(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.Popen[bytes]:
    """Starts the command."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def on_terminal(
    *arguments: str | Path, cwd: Path, columns: int = 120, **variables: str
) -> tuple[int, str]:
    """Runs the command on a terminal; its exit code, and all that the terminal was sent."""
    terminal, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(TERM="xterm-256color", **variables),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    output = bytearray()
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        output += chunk
    os.close(terminal)
    return process.wait(30), output.decode().replace("\r\n", "\n")


def line(**fields: Any) -> bytes:
    """A line as the service writes it."""
    record = {
        "timestamp": "2026-01-15T10:30:00.123Z",
        "level": "INFO",
        "event": "request",
        "request_id": "3d28dc7277e8b516",
        "method": "GET",
        "path": "/api/v1/users/42",
        "status": 200,
        "duration_ms": 12.5,
        "user_id": None,
        "route": "/api/v1/users/{user_id}",
    }
    return json.dumps(record | fields).encode() + b"\n"


def events(output: bytes | Iterable[bytes]) -> list[Any]:
    """What the lines of an output say, which must all be JSON objects."""
    lines = output.splitlines() if isinstance(output, bytes) else output
    found = [json.loads(each) for each in lines]
    assert all(isinstance(each, dict) for each in found)
    return [each.get("event", each.get("text")) for each in found]
