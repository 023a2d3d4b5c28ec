"""Processes that write log lines, for tests of what becomes of them."""

import subprocess
import sys
import textwrap
from typing import Any

from tests.support import ROOT

PREAMBLE = """\
import os, signal, sys, threading, time
from service.observability import logging
from service.observability.writer import STANDARD_ERROR, FileTarget, StreamTarget, Writer
"""


def command(script: str, *arguments: object) -> list[str]:
    """Runs the script, which finds the arguments in `sys.argv`."""
    return [sys.executable, "-c", PREAMBLE + textwrap.dedent(script), *map(str, arguments)]


def run(script: str, *arguments: object, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """The script's end, and what it wrote."""
    if "stdout" not in more and "stderr" not in more:
        more["capture_output"] = True
    more = {"timeout": 30, "check": True} | more
    return subprocess.run(command(script, *arguments), cwd=ROOT, **more)  # noqa: PLW1510


def start(script: str, *arguments: object, **more: Any) -> subprocess.Popen[bytes]:
    """The script, running."""
    return subprocess.Popen(command(script, *arguments), cwd=ROOT, **more)
