"""Programs that come as Debian packages only, such as PgBouncer and promtool: from PATH, or fetched
and unpacked into `var/debian/`, which needs apt's package lists or its mirror, and no root."""

import fcntl
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.support import ROOT

FOLDER = ROOT / "var" / "debian"
FETCH_LIMIT = 180.0
# The packages that hold a program and the libraries which a Debian without it may lack.
PACKAGES = {
    "pgbouncer": ("pgbouncer", "libc-ares2", "libevent-2.1-7"),
    "promtool": ("prometheus",),
    "prometheus": ("prometheus",),
    "amtool": ("prometheus-alertmanager",),
    "prometheus-alertmanager": ("prometheus-alertmanager",),
    "prometheus-blackbox-exporter": ("prometheus-blackbox-exporter",),
    "pgbackrest": ("pgbackrest", "libpq5", "libxml2"),
    "jq": ("jq", "libjq1", "libonig5"),
    "lnav": ("lnav", "libarchive13", "libcurl4", "libpcre2-8-0", "libsqlite3-0"),
    "logrotate": ("logrotate", "libpopt0"),
    "nginx": ("nginx",),
    "systemd-analyze": ("systemd", "libsystemd-shared"),
    "systemd-socket-activate": ("systemd", "libsystemd-shared"),
}


@dataclass(frozen=True)
class Tool:
    """Where a program is, and the environment it starts in."""

    path: str
    environ: dict[str, str]


@cache
def debian_tool(name: str) -> Tool:
    """The program. Without it the test is skipped; where `DEPLOY_TOOLS=required`, it fails."""
    if found := shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin"):
        return Tool(found, dict(os.environ))
    try:
        root = _unpacked(name)
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "stderr", None) or str(error)
        message = f"{name} is neither on PATH nor to be had from Debian: {told.strip()[-300:]}"
        if os.environ.get("DEPLOY_TOOLS") == "required":
            pytest.fail(message)
        pytest.skip(message)
    places = ("usr/bin", "usr/sbin", "bin", "sbin")
    path = next(at for each in places if (at := root / each / name).is_file())
    folders = (root / "usr" / "lib").glob("*-linux-gnu*")
    libraries = [str(each / part) for each in folders for part in ("", "systemd")]
    return Tool(str(path), os.environ | {"LD_LIBRARY_PATH": ":".join(libraries)})


def _unpacked(name: str) -> Path:
    """The folder with the program's packages; one test process fetches, the others wait."""
    root = FOLDER / name
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            partial = FOLDER / f"{name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            _fetch(PACKAGES[name], partial)
            for package in partial.glob("*.deb"):
                _run(["dpkg-deb", "-x", str(package), str(partial)], partial)
                package.unlink()
            partial.rename(root)
    return root


def _fetch(packages: tuple[str, ...], folder: Path) -> None:
    command = ["apt-get", "-q", "download", *packages]
    try:
        _run(command, folder)
    except subprocess.CalledProcessError:
        # No package lists here, or stale ones: lists of one's own, which need no root.
        lists, cache_ = FOLDER / "apt" / "lists", FOLDER / "apt" / "cache"
        lists.mkdir(parents=True, exist_ok=True)
        cache_.mkdir(parents=True, exist_ok=True)
        own = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={cache_}"]
        _run(["apt-get", "-q", *own, "update"], folder)
        _run([*command, *own], folder)


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=FETCH_LIMIT, check=True
    )
