"""The shipped files under the real Prometheus, Alertmanager and blackbox exporter, watching a real
service: what it records, what it says of a service that is well, and of one that has gone."""

import json
import math
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.debian import debian_tool
from tests.deploy.monitoring.metrics import (
    exposed_by_others,
    read_by,
    read_by_dashboard,
    read_by_rules,
)
from tests.deploy.monitoring.programs import Stack, stack
from tests.deploy.monitoring.promtool import ALERTS, MONITORING, RECORDS, replace
from tests.service.support import Service, start_service
from tests.support import wait_until

LIMIT = 120.0
# The certificate of these tests ends in five days.
EXPECTED = {"CertificateExpiring": "suppressed", "CertificateExpiringSoon": "active"}


@dataclass
class Watched:
    """A service, and what watches it."""

    service: Service
    stack: Stack


@pytest.fixture
def watched(database: str, tmp_path: Path) -> Iterator[Watched]:
    now = datetime.now(UTC).isoformat()
    report = tmp_path / "backup.json"
    report.write_text(
        json.dumps({"verified_at": now, "attempted_at": now, "ok": True, "size_bytes": 1})
    )
    service = start_service(
        tmp_path / "service.jsonl", DATABASE_URL=database, BACKUP_REPORT=str(report)
    )
    try:
        address = service.url.removeprefix("http://")
        with stack(tmp_path, address, timedelta(days=5)) as running:
            yield Watched(service, running)
    finally:
        service.stop(signal.SIGKILL)


def test_watches_a_service(watched: Watched) -> None:
    seen, url = watched.stack, watched.service.url

    def up() -> set[str]:
        targets = seen.ask("targets")["activeTargets"]
        return {each["labels"]["job"] for each in targets if each["health"] == "up"}

    jobs = {"service", "blackbox", "blackbox-exporter", "prometheus", "alertmanager"}
    wait_until(lambda: up() == jobs, "every target to be up", LIMIT)

    def visited() -> bool:
        httpx.get(f"{url}/openapi.json", timeout=10)
        httpx.get(f"{url}/health", timeout=10)
        return bool(seen.values('method_route:http_requests:rate5m{route="/openapi.json"} > 0'))

    wait_until(visited, "the rate of a route to be recorded", LIMIT)
    p99 = 'method_route:http_request_duration_seconds:p99_rate5m{route="/openapi.json"}'
    wait_until(lambda: finite(seen.values(p99)), "a quantile to be recorded", LIMIT)
    assert not seen.values('{__name__=~"method_route.*", route=~"/health.*|/metrics"}')
    # Those of a counter that nothing was counted under, or of histograms not seen twice yet.
    wait_until(
        lambda: names_of(seen) >= set(RECORDS) - unseen(), "every rule to have recorded", LIMIT
    )
    assert finite(seen.values("slo:availability:budget_left_30d")) == [1.0]

    rules = [rule for group in seen.ask("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == set(ALERTS) | set(RECORDS)
    wait_until(
        lambda: (
            {rule["health"] for group in seen.ask("rules")["groups"] for rule in group["rules"]}
            == {"ok"}
        ),
        "every rule to be evaluated",
        LIMIT,
    )
    names = names_of(seen)
    assert read_by_rules() - exposed_by_others() <= names
    assert not read_by('rate(http_request_total{status="500"}[5m])') <= names
    assert read_by_dashboard() - exposed_by_others() <= names

    wait_until(lambda: seen.alerts() == EXPECTED, "nothing but the certificate's alerts", LIMIT)

    watched.service.stop(signal.SIGKILL)
    gone = EXPECTED | {"ServiceDown": "active", "InstanceDown": "suppressed"}
    wait_until(lambda: gone.items() <= seen.alerts().items(), "the service's absence", LIMIT)


def finite(values: dict[frozenset[tuple[str, str]], float]) -> list[float]:
    """The values that are numbers."""
    return [value for value in values.values() if math.isfinite(value)]


def names_of(seen: Stack) -> set[str]:
    """Every name in Prometheus."""
    return set(seen.ask("label/__name__/values"))


def unseen() -> set[str]:
    """What is recorded of failures, of which there was none."""
    return {name for name in RECORDS if name.startswith("slo:availability_bad:increase")} | {
        "method_route:http_requests_failed:ratio_rate5m"
    }


def probe_is_accepted(path: Path) -> bool:
    """What the blackbox exporter says of its configuration."""
    tool = debian_tool("prometheus-blackbox-exporter")
    command = [tool.path, "--config.check", f"--config.file={path}"]
    checked = subprocess.run(
        command, env=tool.environ, capture_output=True, timeout=30, check=False
    )
    return checked.returncode == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("fail_if_not_ssl: true", "fail_unless_ssl: true"),
        ("timeout: 5s", "timeout: soon"),
        ("modules:", "module:"),
    ],
)
def test_broken_probe_is_refused(old: str, new: str, tmp_path: Path) -> None:
    shipped = MONITORING / "blackbox" / "blackbox.yml"
    assert probe_is_accepted(shipped)
    path = tmp_path / "blackbox.yml"
    path.write_text(shipped.read_text())
    replace(path, old, new)
    assert not probe_is_accepted(path)
