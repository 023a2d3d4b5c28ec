"""Which code this is: a digest of it, and the report of the tests that were run on just that."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import service

PACKAGE = Path(service.__file__).parent
HISTORY = "alembic"
REQUIREMENTS = "requirements.txt"


def digest(root: Path | None = None) -> str:
    """SHA-256 over the names and contents of the service's code as it is installed, and of its
    migrations and requirements.txt in `root` (the working directory)."""
    root = root or Path.cwd()
    total = hashlib.sha256()
    for name, path in _files(root):
        content = path.read_bytes()
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    for base, folder in ((PACKAGE.parent, PACKAGE), (root, root / HISTORY)):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(base).as_posix(), path
    if (requirements := root / REQUIREMENTS).is_file():
        yield REQUIREMENTS, requirements


def write_test_report(path: Path, *, passed: int, root: Path | None = None) -> None:
    """Notes that all tests passed on this code: for a run of the whole suite without a failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "passed": passed,
        "failed": 0,
        "source": digest(root),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path.write_text(json.dumps(report) + "\n", encoding="utf-8")
