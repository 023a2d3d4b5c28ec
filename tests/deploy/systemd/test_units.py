"""Every shipped unit is read by systemd's own tools without a remark, is sandboxed to the stated
exposure, and agrees with the service's configuration and with the other files; broken ones are
found."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.config import KEYS, ProductionConfig
from tests.deploy.systemd.units import (
    FILES,
    FOLDER,
    SERVICES,
    WEB,
    analyze,
    environment,
    installed,
    setting,
    settings,
    unit,
)

# Of 10; `--threshold` counts in tenths.
EXPOSURE = 1.2
SANDBOX = ("NoNewPrivileges", "SystemCallErrorNumber")
BACKUP = "quartermaster-backup.service"
KNOWN = {*KEYS, "FLASK_ENV", "DATABASE_URL", "PROMETHEUS_MULTIPROC_DIR", "BACKUP_STORE"}

WRONG = [
    (WEB, "NotifyAccess=all", "NotifyAcces=all"),
    (WEB, "Type=notify", "Type=notifi"),
    (WEB, "ExecStart=/opt/quartermaster/%i/.venv/bin/gunicorn", "ExecStart=gunicorn -x"),
    (WEB, "ExecReload=/bin/kill", "ExecReload=/bin/no-such-program"),
    (WEB, "MemoryMax=2G", "MemoryMax=2 lots"),
    ("quartermaster.socket", "quartermaster@current.service", "quartermaster.service"),
    ("quartermaster.socket", "ListenStream=127.0.0.1:5500", "ListenStream=127.0.0.1:port"),
    ("quartermaster-backup.timer", "*-*-* 03:00:00 UTC", "nightly"),
    (BACKUP, "IOSchedulingClass=idle", "IOSchedulingClass=lazy"),
]


def verified(root: Path) -> tuple[int, str]:
    """What `systemd-analyze verify` says of all units together."""
    told = analyze(root, "verify", "--man=no", "--recursive-errors=yes", *map(unit, FILES))
    return told.returncode, told.stdout + told.stderr


def test_units_are_right(tmp_path: Path) -> None:
    assert len(FILES) == 6
    assert verified(installed(tmp_path / "root")) == (0, "")


@pytest.mark.parametrize(("file", "right", "wrong"), WRONG)
def test_a_broken_unit_is_found(tmp_path: Path, file: str, right: str, wrong: str) -> None:
    code, said = verified(installed(tmp_path / "root", {file: (right, wrong)}))
    assert code
    assert "quartermaster" in said


def exposed(root: Path, service: str) -> int:
    """The exit code of `systemd-analyze security`: above the threshold, 1."""
    threshold = f"--threshold={EXPOSURE * 10:.0f}"
    told = analyze(root, "security", "--offline=yes", "--no-pager", threshold, service)
    assert "Overall exposure level" in told.stdout, told.stderr
    return told.returncode


def test_services_are_sandboxed_as_far_as_the_readme_says(tmp_path: Path) -> None:
    root = installed(tmp_path / "root")
    assert [each for each in SERVICES if exposed(root, unit(each))] == []
    assert f"says {EXPOSURE} (OK)" in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize(
    "line",
    ["CapabilityBoundingSet=\n", "ProtectSystem=strict\n", "SystemCallFilter=@system-service\n"],
)
def test_a_hole_in_the_sandbox_is_found(tmp_path: Path, line: str) -> None:
    root = installed(tmp_path / "root", {WEB: (line, "")})
    assert exposed(root, unit(WEB))


@pytest.mark.parametrize("file", SERVICES)
def test_every_service_has_the_same_sandbox(file: str) -> None:
    def sandbox(name: str) -> str:
        text = (FOLDER / name).read_text()
        found = re.search(f"^{SANDBOX[0]}.*?^{SANDBOX[1]}[^\n]*", text, re.MULTILINE | re.DOTALL)
        assert found, name
        return found[0]

    assert sandbox(file) == sandbox(WEB)


def test_backup_is_made_every_night() -> None:
    calendar = setting("quartermaster-backup.timer", "OnCalendar")
    told = analyze(None, "calendar", "--iterations=2", "--base-time=2026-01-15", calendar)
    days = re.findall(r"\d{4}-\d\d-\d\d 03:00:00 UTC", told.stdout)
    nights = {datetime.strptime(each, "%Y-%m-%d %H:%M:%S %Z").replace(tzinfo=UTC) for each in days}
    assert len(nights) == 2, told
    assert (max(nights) - min(nights)).days == 1
    # The age at which the checklist and the alert complain leaves room for the delay and the run.
    assert ProductionConfig.BACKUP_MAX_AGE >= 24 * 3600 + 30 * 60 + 3600


def test_stop_waits_longer_than_the_drain() -> None:
    assert int(setting(WEB, "TimeoutStopSec")) >= ProductionConfig.GRACEFUL_TIMEOUT + 10
    assert setting(WEB, "KillSignal") == "SIGTERM"
    # TERM goes to the arbiter alone, which tells its workers.
    assert setting(WEB, "KillMode") == "mixed"


@pytest.mark.parametrize("file", SERVICES)
def test_variables_are_the_services_own_and_hold_no_secret(file: str) -> None:
    assert not set(environment(file)) - KNOWN
    secrets = {each.split(":")[0] for each in settings(file).get("LoadCredential", [])}
    assert secrets <= KNOWN
    assert not secrets & set(environment(file))
    assert not re.search("PASSWORD|://", "".join(environment(file).values()))


def test_files_are_where_the_unit_may_write() -> None:
    variables = environment(WEB)
    assert variables["PROMETHEUS_MULTIPROC_DIR"] == f"/run/{setting(WEB, 'RuntimeDirectory')}"
    assert variables["LOG_FILE"].startswith(f"/var/log/{setting(WEB, 'LogsDirectory')}/")
    assert variables["BACKUP_REPORT"].startswith(f"/var/lib/{setting(WEB, 'StateDirectory')}/")
    backup = environment(BACKUP)
    assert backup["BACKUP_REPORT"] == variables["BACKUP_REPORT"]
    states = [f"/var/lib/{each}" for each in setting(BACKUP, "StateDirectory").split()]
    assert backup["BACKUP_STORE"] in states


def test_no_unit_migrates_by_itself() -> None:
    for file in set(FILES) - {"quartermaster-migrate@.service"}:
        assert "migrate" not in (FOLDER / file).read_text()
        assert "alembic" not in (FOLDER / file).read_text()


def test_port_is_what_nginx_is_told() -> None:
    port = setting("quartermaster.socket", "ListenStream")
    assert port == f"127.0.0.1:{ProductionConfig.PORT}"
