"""`rotate.py file` keeps a log that several processes write, and open again when it is renamed,
from filling the disk: past LOG_MAX_SIZE bytes `file` becomes `file.1`, that `file.2`, and the last
goes.
`rotate.py --check file`: exit code 1 when it is twice as large, for a health check.
"""

import os
import signal
import sys
import time
from pathlib import Path

MAX_SIZE = 100_000_000
KEEP = 5
INTERVAL = 10.0


def size(path: Path) -> int:
    """In bytes; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def rotate(path: Path) -> None:
    """Each becomes the next; nobody has to be told."""
    names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, KEEP + 1))]
    for older, newer in reversed(list(zip(names[1:], names[:-1], strict=True))):
        if newer.exists():
            newer.replace(older)
    print(f"rotate: {path.name} is new", flush=True)


def main(*arguments: str) -> int:
    """Returns the exit code."""
    *options, name = arguments or ("",)
    limit = int(os.environ.get("LOG_MAX_SIZE") or MAX_SIZE)
    path = Path(name)
    if options == ["--check"]:
        return 0 if size(path) <= 2 * limit else 1
    if options or not name or limit <= 0:
        print("rotate: give the file, and LOG_MAX_SIZE in bytes", file=sys.stderr)
        return 2
    # As the first process of a container it would not notice the signal otherwise.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: sys.exit(0))
    while True:
        try:
            if size(path) > limit:
                rotate(path)
        except OSError as error:
            print(f"rotate: {error.strerror}", file=sys.stderr, flush=True)
        time.sleep(INTERVAL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
