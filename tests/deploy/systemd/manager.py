"""A real systemd of one's own, on which the shipped units are installed as the README says.

It is PID 1 of its own namespaces: its processes end with it, and what it writes to /etc, /opt, /run
and /var is seen by nobody else. The network is this machine's.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from service.database import embedded
from tests.support import ROOT, database_name, free_port, wait_until

UNITS = ROOT / "deploy" / "systemd"
INSTALLED = "/etc/systemd/system"
SYSTEMD = "/lib/systemd/systemd"
# Those of a whole system that the units name.
TARGETS = ("basic", "default", "multi-user", "network-online", "shutdown", "sockets", "sysinit")
SOCKET = ".s.PGSQL.5432"
STARTED = (
    "quartermaster@.service",
    "quartermaster-migrate@.service",
    "quartermaster-backup.service",
)


@dataclass
class Manager:
    """`port` is the one the service listens on."""

    pid: int
    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Where the service answers."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A shell's command, as root, where systemd is."""
        enter = ["nsenter", "-t", str(self.pid), "-m", "-p", "-C", "--"]
        done = subprocess.run(
            [*enter, "bash", "-ec", command],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0 or not check, (command, done.stdout, done.stderr, self.errors)
        return done

    def documented(self, command: str) -> None:
        """Runs a command that the README shows."""
        shown = [each.strip() for each in (UNITS / "README.md").read_text().splitlines()]
        assert f"# {command}" in shown, command
        self.run(command)

    def state(self, unit: str) -> str:
        """`active`, `failed` …"""
        return self.run(f"systemctl is-active {quote(unit)}", check=False).stdout.strip()

    def shown(self, unit: str, name: str) -> str:
        """A property of the unit."""
        return self.run(f"systemctl show -P {name} {quote(unit)}").stdout.strip()

    @property
    def errors(self) -> str:
        """What systemd and the units' standard error said."""
        said = [each.read_text() for each in sorted(self.folder.glob("*.stderr"))]
        return "\n".join(said)[-4000:]


# What `_outer` and `_inner` begin with; the group is left at once, and removed.
PROBE = """set -eu
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/$0
rmdir /sys/fs/cgroup/$0
unshare --cgroup --pid --uts --ipc --mount --fork --kill-child --mount-proc true
"""


def require() -> None:
    """Skips the test where there can be no such systemd. That takes root, which nobody is asked
    for: so also where `DEPLOY_TOOLS=required`."""
    missing = [each for each in ("unshare", "nsenter") if not shutil.which(each)]
    missing += [] if Path(SYSTEMD).exists() else [SYSTEMD]
    missing += [] if os.geteuid() == 0 else ["root"]
    if not missing:
        name = f"quartermaster-probe-{os.getpid()}"
        probe = ["unshare", "--mount", "--propagation=private", "bash", "-c", PROBE, name]
        done = subprocess.run(probe, capture_output=True, text=True, check=False, timeout=20)
        missing += [f"namespaces ({done.stderr.strip()})"] if done.returncode else []
    if missing:
        pytest.skip(f"a systemd of one's own needs {', '.join(missing)}")


@contextmanager
def started(folder: Path, database: str) -> Iterator[Manager]:
    """systemd with the units installed and nothing of them started."""
    require()
    port = free_port()
    host = parse_qs(urlsplit(database).query)["host"][0]
    (folder / "inner").write_text(_inner(folder, Path(host) / SOCKET))
    group = f"quartermaster-test-{os.getpid()}-{port}"
    (folder / "outer").write_text(_outer(folder, group))
    with (folder / "systemd.stderr").open("wb") as said:
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation=private", "bash", folder / "outer"],
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        manager = Manager(_first(process, folder), port, folder)
        _install(manager, database)
        yield manager
    finally:
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        process.kill()
        process.wait(10)
        _remove(group)


def _outer(folder: Path, group: str) -> str:
    """A control group of its own, below which systemd sees no other."""
    return f"""set -eu
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/{group}
echo $$ >/sys/fs/cgroup/{group}/cgroup.procs
unshare --cgroup --pid --uts --ipc --mount --fork --kill-child --mount-proc bash {folder}/inner
"""


def _inner(folder: Path, socket: Path) -> str:
    """The layout of a server, over this machine's; PostgreSQL's socket where Debian has it."""
    lines = [
        "set -eu",
        "umount /sys/fs/cgroup",
        "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
        "mount -t tmpfs -o mode=755 tmpfs /run",
        "mount --bind /proc/sys /proc/sys",
        "mount -o remount,bind,ro /proc/sys",
        "mkdir -p /run/layers /run/systemd/units /run/postgresql /run/kept",
        f"touch /run/postgresql/{SOCKET}",
        f"mount --bind {socket} /run/postgresql/{SOCKET}",
    ]
    for top in ("etc", "opt", "var"):
        layer = f"/run/layers/{top}"
        options = f"lowerdir=/{top},upperdir={layer},workdir={layer}.work"
        lines += [f"mkdir {layer} {layer}.work", f"mount -t overlay overlay -o {options} /{top}"]
    for release in ("1", "2"):
        place = f"/opt/quartermaster/releases/{release}"
        lines += [f"mkdir -p {place}", f"mount --bind {ROOT} {place}"]
    lines += _made_readable([ROOT, Path(sys.base_prefix)])
    lines += [
        f"echo '[Unit]\nDefaultDependencies=no' >/run/systemd/units/{t}.target" for t in TARGETS
    ]
    lines += [
        # As on a server: what is mounted for one unit, its credentials, is seen by systemd too.
        "mount --make-rshared /",
        f"export SYSTEMD_UNIT_PATH={INSTALLED}:/run/systemd/units container=test",
        f"exec {SYSTEMD} --system --log-target=console --log-level=info",
    ]
    return "\n".join(lines)


def _made_readable(places: list[Path]) -> list[str]:
    """What is below a folder that only root may enter is shown alone, in an empty one."""
    hidden = [each for each in places if any(not p.stat().st_mode & 1 for p in each.parents)]
    lines = []
    for number, each in enumerate(hidden):
        lines += [f"mkdir /run/kept/{number}", f"mount --bind {each} /run/kept/{number}"]
    for top in sorted({each.parts[1] for each in hidden}):
        lines.append(f"mount -t tmpfs -o mode=755 tmpfs /{top}")
    for number, each in enumerate(hidden):
        lines += [f"mkdir -p {each}", f"mount --bind /run/kept/{number} {each}"]
    return lines


def _first(process: subprocess.Popen[bytes], folder: Path) -> int:
    """PID 1 of the namespace, once it takes commands."""

    def running() -> int:
        assert process.poll() is None, (folder / "systemd.stderr").read_text()
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if child.name() == "systemd" and _answers(child.pid):
                    return child.pid
        return 0

    pid: int = wait_until(running, "systemd", 20)
    return pid


def _answers(pid: int) -> bool:
    command = ["nsenter", "-t", str(pid), "-m", "-p", "-C", "systemctl", "is-system-running"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.strip() in {"running", "degraded"}


def _install(manager: Manager, database: str) -> None:
    units = manager.folder / "units"
    units.mkdir()
    for unit in UNITS.glob("quartermaster*"):
        shutil.copy(unit, units)
    path = units / "quartermaster.socket"
    text = path.read_text()
    assert text.count("127.0.0.1:5500") == 1
    path.write_text(text.replace("127.0.0.1:5500", f"127.0.0.1:{manager.port}"))
    url = f"postgresql://postgres@/{database_name(database)}?host=/run/postgresql"
    secrets = {"SECRET_KEY": os.urandom(32).hex(), "JWT_SECRET_KEY": os.urandom(32).hex()}
    keep = "\n".join(
        f"install -m 0600 /dev/stdin /etc/quartermaster/credentials/{key} <<<{quote(value)}"
        for key, value in {**secrets, "DATABASE_URL": url}.items()
    )
    manager.run(f"""
install -m 0644 -D -t {INSTALLED} {units}/*.service {units}/*.socket {units}/*.timer
install -d -m 0711 /etc/quartermaster
install -d -m 0700 /etc/quartermaster/credentials
systemd-sysusers {units}/quartermaster.sysusers
{keep}
cat >/etc/quartermaster/environment <<'END'
CORS_ORIGINS=https://app.example.com
WEB_CONCURRENCY=2
DATABASE_SELF_HOSTED=1
END
echo BACKUP_PG_BIN={embedded.programs()} >/etc/quartermaster/backup
ln -s releases/1 /opt/quartermaster/current
""")
    for unit in STARTED:
        # There is no journal here, and this machine's Python may live in somebody's home.
        drop_in = f"""[Service]
StandardOutput=append:{manager.folder}/%n.stderr
StandardError=append:{manager.folder}/%n.stderr
ProtectHome=tmpfs
BindReadOnlyPaths={sys.base_prefix} {ROOT}
"""
        manager.run(
            f"install -D -m 0644 /dev/stdin {INSTALLED}/{unit}.d/test.conf <<<{quote(drop_in)}"
        )
    manager.run("systemctl daemon-reload")


def _remove(group: str) -> None:
    """The control group, emptied by the end of its processes."""
    script = f"""set -eu
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
find /sys/fs/cgroup/{group} -depth -type d -exec rmdir {{}} +
"""
    command = ["unshare", "--mount", "--propagation=private", "bash", "-c", script]
    wait_until(
        lambda: (
            subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
        ),
        "the end of the control group",
    )
