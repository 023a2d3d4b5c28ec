"""Logs that tests write, look at and rotate themselves."""

import gzip
import os
from pathlib import Path

from console.logs.sources.file import FileSource
from tests.console.logs.sources.following import texts


def write(path: Path, *lines: str) -> None:
    # As long as real ones, for what tells files apart looks at their first bytes.
    with path.open("a") as file:
        file.writelines(f"{line:<300}\n" for line in lines)


def read(source: FileSource) -> list[str]:
    """Everything that four looks find; a rotation takes up to three."""
    blocks = [block for _ in range(4) for block in source.poll()]
    while source.behind:
        blocks += source.poll()
    return [text.decode().strip() for text in texts(blocks)]


def rotate(path: Path, name: str = "app.log.1") -> Path:
    """As logrotate does it: the higher numbers first."""
    if name == "app.log.1":
        for number in range(8, 0, -1):
            for end in ("", ".gz"):
                old = path.with_name(f"app.log.{number}{end}")
                if old.exists():
                    old.rename(path.with_name(f"app.log.{number + 1}{end}"))
    return path.rename(path.with_name(name))


def compress(path: Path) -> None:
    times = path.stat()
    target = path.with_name(path.name + ".gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
    path.unlink()
