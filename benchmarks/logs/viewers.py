"""The programs that show a log in a terminal, and how each is asked for the same things."""

import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.logs import lnav, peers
from benchmarks.logs.emulator import Screen
from benchmarks.logs.figures import OURS
from benchmarks.logs.terminal import Condition

ROOT = Path(__file__).parents[2]
# Of the rows of the console's Logs screen, the first and the last of the log; then its state.
FIRST, STATE = 3, -2
_COUNTED = re.compile(r" ([\d,]+) lines?(?:,.*)?\s*$")
_MATCHES = re.compile(r" ([\d,]+) match(?:es)?( |,|$)")


@dataclass(frozen=True)
class Viewer:
    """`key` opens its help, or stops its following; `answered`: it has. `home`: what it finds
    there, by path."""

    name: str
    command: Sequence[str]
    key: str
    answered: Condition
    variables: Mapping[str, str] = field(default_factory=dict)
    home: Mapping[str, bytes] = field(default_factory=dict)


def shows(text: str) -> Condition:
    """That a text is somewhere on the screen."""
    return lambda screen: text in screen.text


KEYS = shows("─ Keys ─")
"""That the console shows its keys."""


def state(screen: Screen) -> str:
    """The line of the console that tells of the log as a whole."""
    return screen.rows[STATE]


def lines(screen: Screen) -> int | None:
    """How many lines the console says the log has; None until it has counted them."""
    found = _COUNTED.search(state(screen))
    return int(found[1].replace(",", "")) if found else None


def matches(screen: Screen) -> int | None:
    """How many matches the console says there are; None until it has looked everywhere."""
    found = _MATCHES.search(state(screen))
    return int(found[1].replace(",", "")) if found and found[2] != "," else None


def find(folder: Path, wanted: Sequence[str] | None) -> tuple[list[Viewer], dict[str, str]]:
    """The viewers that there are, ours first, and why others are not. Peers in Python are
    installed in `folder` when they are not there; `wanted` names those to look for (all)."""
    found: list[Viewer] = []
    missing: dict[str, str] = {}
    for name, make in MAKERS.items():
        if wanted is not None and name != OURS and name not in wanted:
            continue
        try:
            found.append(make(folder))
        except peers.MissingError as error:
            missing[name] = str(error)
    return found, missing


def _ours(_: Path) -> Viewer:
    return Viewer(
        OURS,
        (sys.executable, "-m", "console", "--log"),
        "?",
        KEYS,
        {"PYTHONPATH": str(ROOT)},
    )


def _less(_: Path) -> Viewer:
    def stopped(screen: Screen) -> bool:
        return "Waiting for data" not in screen.text

    return Viewer("less", (_on_path("less"), "-S", "+F"), "\x03", stopped)


def _lnav(_: Path) -> Viewer:
    command = (_on_path("lnav"),)
    return Viewer(lnav.FORMATTED, command, "?", shows(lnav.HELP), home=lnav.HOME)


def _lnav_bare(_: Path) -> Viewer:
    return Viewer(lnav.BARE, (_on_path("lnav"),), "?", shows(lnav.HELP))


def _python(name: str, command: str, key: str, text: str) -> Callable[[Path], Viewer]:
    def make(folder: Path) -> Viewer:
        program, *arguments = command.split()
        path = str(peers.install(folder, name) / program)
        return Viewer(name, (path, *arguments), key, shows(text))

    return make


def _on_path(program: str) -> str:
    if found := shutil.which(program):
        return found
    raise peers.MissingError("not on PATH")


_F1 = "\x1bOP"
MAKERS: dict[str, Callable[[Path], Viewer]] = {
    OURS: _ours,
    "less": _less,
    lnav.FORMATTED: _lnav,
    lnav.BARE: _lnav_bare,
    "toolong": _python("toolong", "tl", _F1, "Author"),
    "tailjlogs": _python("tailjlogs", "tailjlogs", _F1, "Author"),
    "jnav": _python("jnav", "jnav --follow", "?", "Jump to top"),
}
"""Every viewer by its name."""
