"""The shipped units run under a real systemd: sandboxed, restarted and upgraded under load without
a refused connection, and stopped from starting a release that does not start."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import httpx
import psutil
import pytest

from tests.deploy.systemd.manager import Manager, started
from tests.support import wait_until

CURRENT = "quartermaster@current"

pytestmark = pytest.mark.xdist_group("systemd")


@pytest.fixture(scope="module")
def manager(
    tmp_path_factory: pytest.TempPathFactory, create_database: Callable[[str], str]
) -> Iterator[Manager]:
    """systemd with the units installed, on an empty database."""
    with started(tmp_path_factory.mktemp("systemd"), create_database("template1")) as made:
        made.documented("systemctl start quartermaster-migrate@current")
        made.run("systemctl start quartermaster.socket")
        yield made


@pytest.fixture
def running(manager: Manager) -> Manager:
    """The current release, ready."""
    manager.run(f"systemctl reset-failed; systemctl start {CURRENT}")
    assert httpx.get(f"{manager.url}/health/ready", timeout=20).status_code == 200
    return manager


@dataclass
class Load:
    """Requests one after another, each on a connection of its own."""

    port: int
    answered: int = 0
    failed: list[str] = field(default_factory=list)

    def ask(self, ended: threading.Event) -> None:
        while not ended.is_set():
            connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request("GET", "/health")
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failed.append(str(answer.status))
            except OSError as error:
                self.failed.append(repr(error))
            finally:
                connection.close()
            self.answered += 1


@contextmanager
def load(manager: Manager) -> Iterator[Load]:
    """Four clients, from before the block until after it."""
    made, ended = Load(manager.port), threading.Event()
    threads = [threading.Thread(target=made.ask, args=(ended,)) for _ in range(4)]
    for each in threads:
        each.start()
    try:
        wait_until(lambda: made.answered > 20, "requests")
        yield made
        before = made.answered
        wait_until(lambda: made.answered > before + 20, "requests afterwards", 30)
    finally:
        ended.set()
        for each in threads:
            each.join(40)


def main(manager: Manager, unit: str = CURRENT) -> psutil.Process:
    """The arbiter, by its number outside."""
    inside = int(manager.shown(unit, "MainPID"))
    for each in psutil.Process(manager.pid).children():
        status = Path(f"/proc/{each.pid}/status").read_text()
        if re.search(rf"^NSpid:.*\t{inside}$", status, re.MULTILINE):
            return each
    raise AssertionError(inside)


def test_a_connection_starts_the_service(manager: Manager) -> None:
    manager.run(f"systemctl stop {CURRENT}")
    assert manager.state(CURRENT) == "inactive"
    assert httpx.get(f"{manager.url}/health", timeout=60).json()["status"] == "healthy"
    assert manager.state(CURRENT) == "active"


def test_the_sandbox_is_real_and_the_service_works_in_it(running: Manager) -> None:
    process = main(running)
    assert process.uids().real != 0
    status = running.run(f"cat /proc/{running.shown(CURRENT, 'MainPID')}/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["CapEff"] == fields["CapBnd"] == "0" * 16
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    account = {"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"}
    made = httpx.post(f"{running.url}/api/v1/auth/register", json=account, timeout=20)
    assert made.status_code == 201, made.text
    assert "http_requests_total" in httpx.get(f"{running.url}/metrics", timeout=20).text
    assert running.run("ls /run/quartermaster/current").stdout.split()
    log = running.run("stat -c '%U %a' /var/log/quartermaster/service.jsonl").stdout.split()
    assert log == ["quartermaster", "640"]


def test_no_secret_is_in_the_environment(running: Manager) -> None:
    for each in [main(running), *main(running).children()]:
        environ = each.environ()
        assert "CREDENTIALS_DIRECTORY" in environ
        assert not {"SECRET_KEY", "JWT_SECRET_KEY", "DATABASE_URL"} & set(environ)


def test_a_restart_refuses_no_connection(running: Manager) -> None:
    before = main(running).pid
    with load(running) as made:
        running.documented(f"systemctl restart {CURRENT}")
    assert made.failed == []
    assert main(running).pid != before


def test_a_reload_replaces_the_workers_and_refuses_no_connection(running: Manager) -> None:
    arbiter = main(running)
    before = {each.pid for each in arbiter.children()}
    with load(running) as made:
        running.documented(f"systemctl reload {CURRENT}")
        wait_until(
            lambda: not before & {each.pid for each in arbiter.children()}, "new workers", 60
        )
    assert made.failed == []
    assert main(running).pid == arbiter.pid


def test_an_upgrade_runs_both_releases_and_refuses_no_connection(running: Manager) -> None:
    with load(running) as made:
        running.documented("ln -sfn releases/2 /opt/quartermaster/next")
        running.documented("systemctl start quartermaster-migrate@next")
        running.documented("systemctl start quartermaster@next")
        assert running.state(CURRENT) == "active"
        running.documented("ln -sfn releases/2 /opt/quartermaster/current")
        running.documented(f"systemctl restart {CURRENT}")
        running.documented("systemctl stop quartermaster@next")
    assert made.failed == []
    assert running.state(CURRENT) == "active"
    release = running.run(f"readlink /proc/{running.shown(CURRENT, 'MainPID')}/cwd").stdout
    assert release.strip() == "/opt/quartermaster/releases/2"


def test_a_release_that_does_not_start_leaves_the_one_that_runs(running: Manager) -> None:
    broken = "[Service]\nEnvironment=FLASK_DEBUG=1\n"
    folder = "/etc/systemd/system/quartermaster@next.service.d"
    running.run("ln -sfn releases/2 /opt/quartermaster/next")
    running.run(f"mkdir -p {folder}; printf '{broken}' >{folder}/broken.conf")
    running.run("systemctl daemon-reload")
    try:
        with load(running) as made:
            done = running.run("systemctl start quartermaster@next", check=False)
        assert done.returncode == 1
        # Refused, and not tried again.
        assert running.shown("quartermaster@next", "ExecMainStatus") == "2"
        assert running.shown("quartermaster@next", "NRestarts") == "0"
        assert running.state("quartermaster@next") == "failed"
        assert "configuration: FLASK_DEBUG" in running.errors
        assert made.failed == []
    finally:
        running.run(f"rm -r {folder}; systemctl daemon-reload; systemctl reset-failed")


def test_a_backup_is_made_verified_and_seen_by_the_service(running: Manager) -> None:
    running.run("systemctl start quartermaster-backup")
    assert running.run("ls /var/lib/quartermaster/backups").stdout.split()
    metrics = httpx.get(f"{running.url}/metrics", timeout=20).text
    assert "backup_last_attempt_success 1.0" in metrics


def test_one_that_is_killed_comes_back(running: Manager) -> None:
    killed = main(running)
    killed.kill()
    wait_until(lambda: running.shown(CURRENT, "NRestarts") == "1", "a restart", 30)
    assert httpx.get(f"{running.url}/health", timeout=60).status_code == 200


def test_a_failure_is_told(running: Manager) -> None:
    hook = '#!/bin/sh\ntest "$1" = quartermaster-backup.service\n'
    running.run(f"printf '%s' '{hook}' >/etc/quartermaster/on-failure")
    running.run("chmod 755 /etc/quartermaster/on-failure")
    running.run("mv /etc/quartermaster/credentials /etc/quartermaster/away")
    try:
        assert running.run("systemctl start quartermaster-backup", check=False).returncode == 1
    finally:
        running.run("mv /etc/quartermaster/away /etc/quartermaster/credentials")
    unit = "quartermaster-failed@quartermaster-backup.service.service"
    wait_until(lambda: running.shown(unit, "ExecMainExitTimestamp"), "the hook", 20)
    assert running.shown(unit, "Result") == "success"
    assert running.shown(unit, "ExecMainStatus") == "0"
