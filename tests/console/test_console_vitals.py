"""The pool and the backups: read from metrics or a report, and shown where they are known."""

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.app import OpsConsole
from console.health.backups import Backup, backup_of, read_report
from console.health.metrics import BODY_LIMIT, Figures, fetch, metrics_url, parse
from console.health.probe import client
from console.targets import Endpoint, Target
from console.watch.changes import Feed
from console.watch.vitals import Pool, Vitals

Until = Callable[..., Awaitable[None]]
SIZES = [(80, 24), (120, 40), (200, 60)]
HOUR = 3600.0


def metrics(**samples: object) -> bytes:
    """A service's metrics, these among them."""
    lines = ["# HELP http_requests_total Requests.", 'http_requests_total{route="/x"} 7.0']
    lines += [f"{name} {value}" for name, value in samples.items()]
    return "\n".join([*lines, ""]).encode()


def shop(in_use: float, most: float, waiting: float, **backup: object) -> bytes:
    body = metrics(database_pool_max_connections=most, database_pool_waiting=waiting, **backup)
    return (
        body
        + (
            f'database_pool_connections{{state="in_use"}} {in_use}\n'
            f'database_pool_connections{{state="idle"}} {most - in_use}\n'
        ).encode()
    )


@pytest.mark.parametrize(
    ("health", "found"),
    [
        ("http://h:5500/health", "http://h:5500/metrics"),
        ("https://u:p@h/shop/health/ready?a=b#c", "https://u:p@h/shop/metrics"),
        ("http://h/", "http://h/metrics"),
        ("http://h/status", "http://h/metrics"),
    ],
)
def test_metrics_are_beside_the_health(health: str, found: str) -> None:
    assert metrics_url(health) == found


def test_samples_are_read() -> None:
    body = shop(21, 30, 2, backup_verified_timestamp_seconds="1.795408412e+09 1795408413000")
    assert parse(body) == Figures(
        database_pool_connections_in_use=21,
        database_pool_max_connections=30,
        database_pool_waiting=2,
        backup_verified_timestamp_seconds=1_795_408_412,
    )


@pytest.mark.parametrize(
    "value", ["NaN", "+Inf", "-1", "1e300", "x", "", "0x10", "9" * 40, "\x1b[2J"]
)
def test_nonsense_is_passed_over(value: str) -> None:
    body = metrics(backup_size_bytes=value, database_pool_waiting=3)
    assert parse(body) == Figures(database_pool_waiting=3)


@given(st.binary() | st.text().map(lambda text: f"backup_{text}\ndatabase_pool_{text}".encode()))
def test_any_answer_can_be_read(body: bytes) -> None:
    assert isinstance(parse(body), Figures)


async def test_a_flood_is_cut_off(start_health: Callable[..., Any]) -> None:
    server = start_health()
    server.metrics = b"backup_size_bytes 5\n" + b"x" * BODY_LIMIT + b"\nbackup_size_bytes 9\n"
    async with client() as http:
        assert await fetch(http, metrics_url(server.url)) == Figures(backup_size_bytes=5)
        server.metrics = None
        assert await fetch(http, metrics_url(server.url)) == Figures()
        server.close()
        assert await fetch(http, metrics_url(server.url)) is None


@given(st.binary() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps).map(str.encode))
def test_any_report_can_be_read(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "report.json"
    path.write_bytes(content)
    assert read_report(path) is None


def test_reports(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert read_report(path) is None
    assert read_report(Path("/dev/zero")) is None
    path.write_text('{"verified_at": "1970-01-01T01:00:00Z"}')
    assert read_report(path) == Backup(3600.0, None, ok=True)
    path.write_text(
        '{"verified_at": null, "attempted_at": "1970-01-01T02:00:00+01:00", "ok": false,'
        ' "error": "no room", "size_bytes": 5}'
    )
    assert read_report(path) == Backup(None, 3600.0, ok=False, size=5, error="no room")


def test_pools_are_added_up() -> None:
    vitals = Vitals(Feed())
    assert vitals.pool is None
    vitals.take("web1", parse(shop(21, 30, 2)), 0.0)
    vitals.take("web2", parse(shop(4, 30, 0)), 0.0)
    vitals.take("web3", Figures(), 0.0)
    assert vitals.pool == Pool(25, 60, 2)
    vitals.take("web1", None, 0.0)
    assert vitals.pool == Pool(4, 30, 0)


def test_what_becomes_of_backups_is_news() -> None:
    feed = Feed()
    vitals = Vitals(feed)

    def take(verified: float, attempted: float, success: int) -> None:
        figures = Figures(
            backup_verified_timestamp_seconds=verified,
            backup_attempted_timestamp_seconds=attempted,
            backup_last_attempt_success=success,
        )
        vitals.take("web1", figures, 1000.0)

    take(100, 100, 1)
    assert feed.newest_first == []
    take(200, 200, 1)
    take(200, 300, 0)
    # The report tells the same, and why.
    vitals.take_report(Backup(200, 300, ok=False, error="no room"), 1000.0)
    take(200, 310, 0)
    vitals.take("web1", None, 1000.0)
    assert vitals.backup is not None
    assert not vitals.backup.ok
    take(400, 400, 1)
    told = [(each.text, each.mood) for each in reversed(feed.newest_first)]
    assert sorted(told) == [
        ("failed", "bad"),
        ("made and verified", "good"),
        ("made and verified", "good"),
    ]
    assert backup_of(Figures()) is None


def screen_text(app: OpsConsole) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def sees(app: OpsConsole, *texts: str) -> Callable[[], bool]:
    return lambda: all(text in screen_text(app) for text in texts)


def backup(*, verified: float | None = None, ok: int = 1) -> dict[str, object]:
    now = time.time()
    found: dict[str, object] = {
        "backup_attempted_timestamp_seconds": now - 60,
        "backup_last_attempt_success": ok,
        "backup_size_bytes": 1_288_490_189,
    }
    if verified is not None:
        found["backup_verified_timestamp_seconds"] = now - verified - 5
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (backup(verified=3 * HOUR), "backup   3 h ago, verified   1.2 GB"),
        (backup(verified=30 * HOUR), "backup   ✖ 30 h ago, too old   1.2 GB"),
        (backup(verified=3 * HOUR, ok=0), "backup   ✖ failed, good 3 h ago"),
        (backup(ok=0), "backup   ✖ failed, none is good"),
        (backup(), "backup   ✖ never verified"),
    ],
)
async def test_the_overview_tells_of_pool_and_backup(
    until: Until,
    start_health: Callable[..., Any],
    size: tuple[int, int],
    samples: dict[str, object],
    told: str,
) -> None:
    server = start_health()
    server.metrics = shop(21, 30, 2, **samples)
    app = OpsConsole(Target("shop", health=(Endpoint("web1", server.url),)))
    async with app.run_test(size=size, notifications=True):
        # The narrowest panel cuts a line rather than wrap it.
        told = told if size[0] > 80 else told[:35]
        await until(sees(app, "pool     ███████░░░ 21/30  2 waiting", told))
        if "failed" in told:
            await until(sees(app, "backup  failed"))


async def test_a_service_without_them_shows_the_schema_alone(
    until: Until, start_health: Callable[..., Any]
) -> None:
    server = start_health()
    app = OpsConsole(Target("shop", health=(Endpoint("web1", server.url),)))
    async with app.run_test(size=(80, 24), notifications=True):
        await until(sees(app, "1 of 1 healthy", "--alembic DIR"))
        assert "pool" not in screen_text(app)
        assert "backup" not in screen_text(app)


async def test_a_report_is_read_and_escaped(until: Until, tmp_path: Path) -> None:
    path = tmp_path / "backup.json"
    app = OpsConsole(Target("shop", backup_report=path))
    moment = datetime.now(UTC) - timedelta(hours=3)
    report = {"attempted_at": moment.isoformat(), "ok": False, "error": "[red]\x1b[2J"}
    path.write_text(json.dumps(report))
    async with app.run_test(size=(120, 40), notifications=True):
        await until(sees(app, "✖ failed, none is good", r"backup  failed: [red]\x1b[2J"))
