"""Whatever happens to a stored backup, `verify` finds it, says so, and the report tells."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from pyrage import x25519

from tests.deploy.backup.support import Operator, operator_for
from tests.support import execute

PLACES = {"plain folder": ("folder", False), "sealed s3": ("s3", True)}


@dataclass(frozen=True)
class Stored:
    """A verified backup in `operator`'s store; `fewer` and `changed` are folders with a backup of
    fewer rows, and of as many but other rows."""

    operator: Operator
    fewer: Path
    changed: Path

    def content(self) -> Path:
        """The backup's file."""
        return content_in(self.operator.files)

    def manifest(self) -> Path:
        """The backup's manifest."""
        return manifest_in(self.operator.files)


def content_in(folder: Path) -> Path:
    (found,) = folder.glob("*.dump*")
    return found


def manifest_in(folder: Path) -> Path:
    (found,) = folder.glob("*.json")
    return found


@pytest.fixture(scope="module")
def originals(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    create_database: Callable[[str], str],
    migrated_template: str,
) -> Callable[[str], tuple[Operator, Path]]:
    """Makes, once for each kind of store, an operator and a folder with three backups of theirs:
    good, fewer, changed."""

    @cache
    def make(place: str) -> tuple[Operator, Path]:
        folder = tmp_path_factory.mktemp("originals")
        url = create_database(migrated_template)
        store, sealed = PLACES[place]
        s3 = request.getfixturevalue("s3") if store == "s3" else None
        operator = operator_for(url, folder, s3, sealed=sealed)
        changes = {
            "good": "INSERT INTO users (email, password_hash)"
            " SELECT n, 'x' FROM generate_series(1, 200) AS n",
            "changed": "UPDATE users SET name = 'x' WHERE id = 7",
            "fewer": "DELETE FROM users WHERE id < 3",
        }
        for name, statement in changes.items():
            execute(url, statement)
            operator.succeeds("run" if name == "good" else "create")
            shutil.copytree(operator.files, folder / name)
            for path in operator.files.iterdir():
                path.unlink()
        return operator, folder

    return make


Store = Callable[[str], Stored]


@pytest.fixture
def store(originals: Callable[[str], tuple[Operator, Path]], tmp_path: Path) -> Store:
    """Puts a copy of them in place, which a test may break."""

    def put(place: str) -> Stored:
        operator, folder = originals(place)
        shutil.rmtree(operator.files)
        shutil.copytree(folder / "good", operator.files)
        # The mark of this backup's verification must not come back after a failure.
        next(operator.files.glob("*.verified")).unlink()
        shutil.copy(folder / "report.json", tmp_path / "report.json")
        variables = operator.variables | {
            "BACKUP_REPORT": str(tmp_path / "report.json"),
            "TMPDIR": str(tmp_path),
        }
        mine = replace(operator, folder=tmp_path, variables=variables)
        return Stored(mine, folder / "fewer", folder / "changed")

    return put


def flip(share: float) -> Callable[[Stored], None]:
    """One bit, at that share of the file."""

    def flipped(stored: Stored) -> None:
        data = bytearray(stored.content().read_bytes())
        data[round(share * (len(data) - 1))] ^= 1
        stored.content().write_bytes(data)

    return flipped


def truncate(stored: Stored) -> None:
    stored.content().write_bytes(stored.content().read_bytes()[:-1])


def delete_content(stored: Stored) -> None:
    stored.content().unlink()


def swap_manifest(stored: Stored) -> None:
    """That of another backup, which was made to fit by whoever wants to hide something."""
    told = json.loads(stored.manifest().read_text())
    mine = {name: told[name] for name in ("name", "file", "size_bytes", "sha256")}
    other = json.loads(manifest_in(stored.fewer).read_text())
    stored.manifest().write_text(json.dumps(other | mine))


def swap_content(stored: Stored) -> None:
    """That of another backup, with the right checksum in the manifest."""
    told = json.loads(stored.manifest().read_text())
    other = json.loads(manifest_in(stored.changed).read_text())
    shutil.copy(content_in(stored.changed), stored.content())
    fitting = {name: other[name] for name in ("size_bytes", "sha256")}
    stored.manifest().write_text(json.dumps(told | fitting))


def misname(stored: Stored) -> None:
    """The manifest of another backup as it is."""
    shutil.copy(manifest_in(stored.fewer), stored.manifest())


def garble_manifest(stored: Stored) -> None:
    stored.manifest().write_text('{"name": [')


BROKEN: dict[str, tuple[Callable[[Stored], None], str]] = {
    "first byte": (flip(0), "SHA-256"),
    "early byte": (flip(0.1), "SHA-256"),
    "middle byte": (flip(0.5), "SHA-256"),
    "last byte": (flip(1), "SHA-256"),
    "truncated": (truncate, "bytes"),
    "deleted": (delete_content, "missing"),
    "another manifest": (swap_manifest, "public.users: 200 rows, 198 were backed up"),
    "another content": (swap_content, "public.users: 200 rows, as many as were backed up, but"),
    "misnamed": (misname, "its manifest is that of"),
    "garbled manifest": (garble_manifest, "its manifest is not one"),
}


# What differs between a folder and a bucket is how the content comes here.
IN_BUCKETS = ("first byte", "middle byte", "truncated", "deleted", "another content")
CASES = [("plain folder", kind) for kind in BROKEN] + [("sealed s3", kind) for kind in IN_BUCKETS]


@pytest.mark.parametrize(("place", "kind"), CASES)
def test_corruption_is_found(store: Store, place: str, kind: str) -> None:
    stored = store(place)
    operator = stored.operator
    verified = operator.report()
    breaking, told = BROKEN[kind]
    breaking(stored)

    result = operator("verify")
    assert result.code == 1
    assert told in result.out
    assert result.log[-1]["level"] == "ERROR"
    report = operator.report()
    assert (report["ok"], report["verified_at"]) == (False, verified["verified_at"])
    assert verified["ok"]
    assert report["error"]
    assert "\n" not in report["error"]
    assert not list(operator.files.glob("*.verified"))
    assert not list(operator.folder.glob("backup-*")), "a copy was left behind"


@pytest.mark.parametrize("place", PLACES)
def test_intact_is_found_intact(store: Store, place: str) -> None:
    stored = store(place)
    stored.operator.succeeds("verify")
    assert stored.operator.report()["ok"]
    assert list(stored.operator.files.glob("*.verified"))


def test_corrupted_is_not_restored(store: Store) -> None:
    stored = store("plain folder")
    breaking, told = BROKEN["another content"]
    breaking(stored)
    result = stored.operator("restore", "latest", "--to", "never")
    assert result.code == 1
    assert told in result.out


@pytest.mark.parametrize("place", PLACES)
def test_archive_alone(store: Store, place: str) -> None:
    """Without a server: no verification, and no use for a broken archive either."""
    stored = store(place)
    told = stored.operator.succeeds("verify", "--archive-only", DATABASE_URL="").out
    assert "not verified" in told
    assert not list(stored.operator.files.glob("*.verified"))
    flip(0.6)(stored)
    assert stored.operator("verify", "--archive-only", DATABASE_URL="").code == 1


def test_wrong_key(store: Store, tmp_path: Path) -> None:
    stored = store("sealed s3")
    wrong = tmp_path / "wrong"
    wrong.write_text(str(x25519.Identity.generate()))
    result = stored.operator("verify", BACKUP_AGE_IDENTITY_FILE=str(wrong))
    assert result.code == 1
    assert "is BACKUP_AGE_IDENTITY_FILE the key" in result.out
    assert not stored.operator.report()["ok"]
    assert stored.operator("verify", BACKUP_AGE_IDENTITY_FILE="").code == 2
