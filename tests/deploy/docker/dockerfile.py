"""The Dockerfile as stages and instructions, and the build context that .dockerignore leaves."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """`RUN`, and what follows it in one line."""

    name: str
    value: str

    def words(self) -> list[str]:
        """Of a COPY or CMD, in either form."""
        if self.value.startswith("["):
            found: list[str] = json.loads(self.value)
            return found
        return shlex.split(self.value)


@dataclass(frozen=True)
class Stage:
    """A `FROM … AS name`, what it begins with, and what it does."""

    name: str
    base: str
    instructions: tuple[Instruction, ...]

    def all(self, name: str) -> list[Instruction]:
        """Its instructions of that name."""
        return [each for each in self.instructions if each.name == name]


def read_stages(text: str) -> dict[str, Stage]:
    """By name, in the file's order."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    stages: dict[str, Stage] = {}
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, value = line.partition(" ")
        if name == "FROM":
            base, _, called = value.partition(" AS ")
            stages[called] = Stage(called, base, ())
        elif stages:
            last = next(reversed(stages.values()))
            instruction = Instruction(name, value.strip())
            stages[last.name] = Stage(last.name, last.base, (*last.instructions, instruction))
    return stages


def lineage(stages: dict[str, Stage], name: str) -> list[Stage]:
    """The stages whose layers are in that image, the first one first."""
    found = [stages[name]]
    while (base := found[0].base) in stages:
        found.insert(0, stages[base])
    return found


def context(root: Path, ignore: str) -> list[Path]:
    """The files that .dockerignore lets through, relative to the root. Patterns as Docker has them:
    the last one that fits decides; one that fits a folder fits all in it."""
    patterns = [line.strip() for line in ignore.splitlines()]
    patterns = [each for each in patterns if each and not each.startswith("#")]
    found = {each.relative_to(root) for each in _files(root, patterns)}
    return sorted(path for path in found if not ignored(path, patterns))


def _files(root: Path, patterns: list[str]) -> Iterator[Path]:
    # What a pattern lets in again: all the rest is large, and changes while others test.
    for pattern in patterns:
        if pattern.startswith("!"):
            for path in root.glob(pattern[1:]):
                yield from (path,) if path.is_file() else filter(Path.is_file, path.rglob("*"))


def ignored(path: Path, patterns: list[str]) -> bool:
    """Whether Docker would leave the file out."""
    result = False
    for pattern in patterns:
        excepted = pattern.startswith("!")
        if any(_fits(str(each), pattern.removeprefix("!")) for each in (path, *path.parents)):
            result = not excepted
    return result


def _fits(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return any(
            _fits("/".join(path.split("/")[start:]), pattern[3:])
            for start in range(path.count("/") + 1)
        )
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
