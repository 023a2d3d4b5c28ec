"""The report of the tests is about one state of the code, and no other."""

import json
from pathlib import Path

from service.checks.source import digest, write_test_report


def tree(folder: Path) -> Path:
    (folder / "alembic" / "versions").mkdir(parents=True)
    (folder / "alembic" / "versions" / "0001.py").write_text("revision = '0001'\n")
    (folder / "requirements.txt").write_text("quart==1\n")
    return folder


def test_any_change_of_the_code_is_another_digest(tmp_path: Path) -> None:
    root = tree(tmp_path)
    digests = [digest(root)]
    (root / "requirements.txt").write_text("quart==2\n")
    digests.append(digest(root))
    (root / "alembic" / "versions" / "0002.py").write_text("")
    digests.append(digest(root))
    (root / "alembic" / "versions" / "0002.py").rename(root / "alembic" / "versions" / "0003.py")
    digests.append(digest(root))
    assert len(set(digests)) == len(digests)


def test_what_is_not_code_does_not_count(tmp_path: Path) -> None:
    root = tree(tmp_path)
    before = digest(root)
    (root / "README.md").write_text("words")
    (root / "alembic" / "__pycache__").mkdir()
    (root / "alembic" / "__pycache__" / "env.pyc").write_bytes(b"compiled")
    assert digest(root) == before


def test_report_is_what_the_line_reads(tmp_path: Path) -> None:
    root = tree(tmp_path)
    path = root / "var" / "tests.json"
    write_test_report(path, passed=7, root=root)
    report = json.loads(path.read_text())
    assert set(report) == {"passed", "failed", "source", "finished_at"}
    assert (report["passed"], report["failed"], report["source"]) == (7, 0, digest(root))
