"""`python -m benchmarks.scale` measures what it says, on databases like a migrated one."""

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from benchmarks import load, processes, scale, scale_cases
from benchmarks.requests import get
from benchmarks.scale_data import fill
from tests.service.sql import fetch
from tests.service.support import start_service

SCHEMA = """
SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON oid = indrelid
WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
ORDER BY 1
"""


def test_run_measures_every_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # wrk counts in whole seconds, and the core this process runs on is pytest's to choose.
    monkeypatch.setattr(load, "choose", lambda _: "python")
    monkeypatch.setattr(processes, "divide_cores", lambda: processes.Cores(None, None))
    monkeypatch.setattr(scale, "CLIENTS", (1, 4))
    monkeypatch.setattr(scale, "bytes_needed", lambda _: 0)
    monkeypatch.setattr(scale, "REQUESTS_A_SECOND", 1_000)
    arguments = ["--sizes", "1k,2k", "--cases", "list,read,login,create", "--rounds", "1"]
    file = tmp_path / "results" / "scale.json"
    assert scale.main([*arguments, "--seconds", "0.2", "--json", str(file)]) == 0
    results = msgspec.json.decode(file.read_bytes(), type=scale.Results)
    assert results.failed == 0
    assert {name: each.users for name, each in results.sizes.items()} == {"1k": 1000, "2k": 2000}
    for by_size in results.cases.values():
        for each in by_size.values():
            assert each.rate > 0
            assert 0 < each.p50 <= each.p99
            assert each.service_us > 0
    assert list(results.clients["read"]) == ["1", "4"]
    printed = capsys.readouterr().out
    for told in ("2,000 users", "login", "1.3x", "ms of CPU"):
        assert told in printed


def test_filled_database_has_every_index_and_constraint(empty_database: str, database: str) -> None:
    filled = fill(empty_database, 500)
    assert filled.users == 500
    assert fetch(empty_database, SCHEMA) == fetch(database, SCHEMA)
    [counts] = fetch(
        empty_database,
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM issued_tokens),"
        " (SELECT count(*) FROM revoked_tokens)",
    )
    assert counts == (500, 500, 50)
    [(analyzed,)] = fetch(
        empty_database, "SELECT reltuples FROM pg_class WHERE relname = 'issued_tokens'"
    )
    assert analyzed == 500


@pytest.mark.parametrize("loader", ["wrk", "python"])
def test_answer_that_was_not_expected_is_counted(
    loader: load.LoaderName, database: str, tmp_path: Path
) -> None:
    if loader == "wrk" and not shutil.which(loader):
        pytest.skip("wrk is not on PATH")
    service = start_service(tmp_path / "log", DATABASE_URL=database)
    port = int(service.url.rpartition(":")[2])
    live = [get("/health/live"), get("/health/live?2")]
    asked = load.Load(port, live, 200, clients=2, seconds=0.3)
    try:
        good = load.measure(loader, asked)
        assert good.requests > 0 == good.failed
        bad = load.measure(loader, replace(asked, expected=201))
        assert bad.failed == bad.requests > 0
    finally:
        assert service.stop() == 0


def test_requests_are_about_users_all_over_the_table() -> None:
    by_name = {case.name: case for case in scale_cases.CASES}
    users = 1_000_000
    paths = {each.split()[1] for each in by_name["read"].requests(users, 500)}
    ids = [int(path.rpartition(b"/")[2]) for path in paths]
    assert len(ids) > 490
    assert min(ids) < users / 50
    assert max(ids) > users - users / 50
    created = by_name["create"].requests(users, 100)
    assert len({json.loads(each.partition(b"\r\n\r\n")[2])["email"] for each in created}) == 100


def test_full_disk_is_told_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = SimpleNamespace(free=5_000_000_000)
    monkeypatch.setattr(scale.shutil, "disk_usage", lambda _: usage)
    assert scale.main(["--sizes", "10m", "--folder", str(tmp_path)]) == 2
    assert "5.0 GB free, and 10.0 GB are needed" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["10", "k", "0k", "-1k", "10k,", "1.5m", "ten"])
def test_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        scale.parse_sizes(text)


def test_sizes() -> None:
    assert scale.parse_sizes("10k,1M") == {"10k": 10_000, "1m": 1_000_000}
