"""The whole round: what is verified is reported, what is old goes, what is not ours stays."""

import asyncio
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.backup.catalogue import Catalogue
from deploy.backup.names import Name
from deploy.backup.prune import prune
from deploy.backup.retention import Keep
from deploy.backup.run import _seconds_left
from deploy.backup.settings import load
from deploy.backup.stores import FolderStore
from service.checks.operation import read_backup_report, reason_of_failure
from tests.deploy.backup.conftest import Hire
from tests.deploy.backup.support import ask
from tests.support import execute, in_database, wait_until


@pytest.mark.parametrize(("store", "sealed"), [("folder", True), ("s3", False)])
def test_round(shop: str, hire: Hire, tmp_path: Path, store: str, sealed: bool) -> None:
    operator = hire(shop, store, sealed=sealed)
    metrics = tmp_path / "metrics" / "backup.prom"
    # Not even the key is needed: the backup is opened with one that lives as long as the run.
    before = datetime.now(UTC).replace(microsecond=0)
    operator.succeeds("run", "--metrics", str(metrics), BACKUP_AGE_IDENTITY_FILE="")
    report = operator.report()
    (backup,) = operator.listed()
    assert report["ok"]
    assert report["error"] is None
    assert report["rows"] == 201
    assert (report["name"], report["size_bytes"]) == (backup["name"], backup["size_bytes"])
    assert backup["encrypted"] is sealed
    assert backup["verified_at"]
    # The service's own checklist takes it.
    path = tmp_path / "report.json"
    assert before <= read_backup_report(path) <= datetime.now(UTC)
    assert reason_of_failure(path) is None
    assert samples(metrics) == {
        "backup_verified_timestamp_seconds": read_backup_report(path).timestamp(),
        "backup_attempted_timestamp_seconds": read_backup_report(path).timestamp(),
        "backup_last_attempt_success": 1.0,
        "backup_size_bytes": float(backup["size_bytes"]),
    }
    # With the key, later, it is opened as well.
    assert operator("verify").code == 0

    operator("run", "--metrics", str(metrics), BACKUP_PG_BIN="/nowhere")
    failed = operator.report()
    assert failed["error"].startswith("pg_dump is not in /nowhere")
    assert reason_of_failure(path) == failed["error"]
    assert failed | {"ok": True, "error": None, "attempted_at": report["attempted_at"]} == report
    assert samples(metrics)["backup_last_attempt_success"] == 0.0


def samples(path: Path) -> dict[str, float]:
    families = text_string_to_metric_families(path.read_text())
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_verified_again_is_not_younger(shop: str, hire: Hire, tmp_path: Path) -> None:
    """Else `verify latest` every night would hide that nothing new is backed up."""
    operator = hire(shop)
    operator.succeeds("run")
    report = operator.report() | {"verified_at": "2026-01-15T03:00:00Z", "ok": False}
    (tmp_path / "report.json").write_text(json.dumps(report))
    operator.succeeds("verify")
    assert operator.report()["verified_at"] == report["verified_at"]
    assert operator.report()["ok"]


def test_again_and_again(shop: str, hire: Hire, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = hire(shop)
    process = operator.start("run", "--every", "24h")
    wait_until((operator.folder / "report.json").exists, "the first round", 30)
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert operator.report()["ok"]
    # After a restart the next round is when it would have been.
    left = asyncio.run(_seconds_left(load(operator.variables), 86_400))
    assert 86_000 < left <= 86_400
    other = load(operator.variables | {"DATABASE_URL": "postgres://h/other"})
    assert asyncio.run(_seconds_left(other, 86_400)) == 0


def test_what_others_left_on_the_server(shop: str, hire: Hire, new_name) -> None:
    """A database of a run that died goes after a day; one that only looks like it never does."""
    now = int(time.time())
    names = {
        f"quartermaster_backup_{now - 100_000}_deadbee{os.getpid() % 10}": False,
        f"quartermaster_backup_{now - 1000}_deadbee{os.getpid() % 10}": True,
        f"quartermaster_backup_{now - 100_000}_orders{os.getpid() % 10}": True,
    }
    for name in names:
        new_name(name)
    execute(shop, *(f"CREATE DATABASE {name}" for name in names))
    hire(shop).succeeds("run")
    for name, stays in names.items():
        there = f"SELECT count(*) FROM pg_database WHERE datname = '{name}'"
        assert bool(asyncio.run(ask(in_database(shop, "postgres"), there))) is stays


NOW = datetime.now(UTC).replace(microsecond=0)


def put(folder: Path, age: timedelta, *suffixes: str, database: str = "shop") -> str:
    """Files of a backup of that age."""
    name = str(Name.new(database, NOW - age))
    for suffix in suffixes:
        path = folder / f"{name}{suffix}"
        path.write_text(json.dumps({"verified_at": "2026-01-15T03:00:00Z"}))
        os.utime(path, ((NOW - age).timestamp(),) * 2)
    return name


def test_prune_removes_its_own_alone(tmp_path: Path) -> None:
    days = [timedelta(days=each) for each in range(40)]
    whole = [put(tmp_path, age, ".dump", ".json") for age in days]
    good = put(tmp_path, timedelta(days=400), ".dump.age", ".json", ".verified")
    other = put(tmp_path, timedelta(days=300), ".dump", ".json", database="other")
    abandoned = put(tmp_path, timedelta(days=2), ".dump.partial")
    orphan = put(tmp_path, timedelta(days=2), ".dump")
    begun = put(tmp_path, timedelta(hours=2), ".dump.partial")
    foreign = ["notes.txt", "shop.dump", f"{whole[30]}.dump.bak", "shop-20200101T000000Z.json"]
    for name in foreign:
        (tmp_path / name).write_text("mine")
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / f"{Name.new('shop', NOW - timedelta(days=90))}.json").symlink_to("notes.txt")
    catalogue = Catalogue(FolderStore(tmp_path))
    everything = {each.name for each in tmp_path.iterdir()}
    keep = Keep(daily=3, weekly=0, monthly=0)
    would = prune(catalogue, keep, dry=True)
    assert {each.name for each in tmp_path.iterdir()} == everything
    assert prune(catalogue, keep) == would

    left = {each.name for each in tmp_path.iterdir()}
    stay = {f"{name}{suffix}" for name in whole[:3] for suffix in (".dump", ".json")}
    stay |= {f"{good}.dump.age", f"{good}.json", f"{good}.verified"}
    stay |= {f"{other}.dump", f"{other}.json", f"{begun}.dump.partial", *foreign}
    assert left - {each.name for each in tmp_path.iterdir() if each.is_symlink()} == stay
    assert f"{abandoned}.dump.partial" not in left
    assert f"{orphan}.dump" not in left
