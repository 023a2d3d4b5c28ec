"""A wall clock that jumps: tokens are judged by it as documented, and nothing else notices."""

import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import httpx
import jwt
import psutil
import pytest

from tests.faults.judging import judge, must_not_fail
from tests.faults.record import Row, row
from tests.faults.scene import Scene, Server, pause

SOURCE = Path(__file__).with_name("clock.c")
HOUR = 3600
LIFE = 1800


class Clock:
    """A wall clock that is ahead of this machine's by as many seconds as it is told."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None or sys.platform != "linux":
            pytest.skip("needs Linux and a C compiler, to give a process a clock of its own")
        library, self._file = folder / "clock.so", folder / "clock"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", library, SOURCE],
            check=True,
            timeout=60,
        )
        self.jump(0)
        self.variables = {"LD_PRELOAD": str(library), "FAULTS_CLOCK": str(self._file)}

    def jump(self, seconds: int) -> None:
        """From now on. The file is shared memory of the processes: it is written in place."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("@l", seconds))


def lasting_token(site: Scene) -> str:
    """The administrator's, good from a day ago until tomorrow."""
    now = int(time.time())
    with site.postgres.connection() as connection:
        found = connection.execute("SELECT id FROM users WHERE role = 'admin'").fetchone()
    assert found
    day = 24 * HOUR
    claims = {"sub": str(found[0]), "type": "access", "jti": uuid4().hex, "fresh": False}
    claims |= {"iat": now - day, "nbf": now - day, "exp": now + day}
    return jwt.encode(claims, site.variables()["JWT_SECRET_KEY"], "HS256")


def status(server: Server, token: str) -> int:
    """Of who one is, by the token."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(
        f"{server.service.url}/api/v1/auth/me", headers=headers, timeout=10
    ).status_code


@pytest.mark.long
@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["on", "back"])
def test_clock_jumps(site: Scene, tmp_path: Path, jump: int) -> None:
    goal = "0 failed; tokens judged by the new time; no worker replaced; no busy loop"
    clock = Clock(tmp_path)
    variables = {**clock.variables, "JWT_ACCESS_TOKEN_EXPIRES": str(LIFE)}
    with (
        row(f"the clock jumps an hour {'on' if jump > 0 else 'back'}", goal) as it,
        site.server(**variables) as server,
        site.load(server, token=lasting_token(site)) as load,
    ):
        workers = server.workers()
        earlier = site.fresh_token(server.service.url)
        it.must(status(server, earlier) == 200, "a new token is not accepted")
        since = time.monotonic()
        clock.jump(jump)
        # Expired, or not valid yet.
        it.must(status(server, earlier) == 401, "a token is not judged by the new time")
        later = site.fresh_token(server.service.url)
        it.must(status(server, later) == 200, "a token of the new time is not accepted")
        load.more()
        found = judge(it, site, load, since, time.monotonic())
        must_not_fail(it, found)
        must_rest(it, workers)
        it.must(server.workers() == workers, "a worker was replaced")
        it.within("gap", found.longest_gap(), 1.0)


def must_rest(it: Row, workers: list[psutil.Process]) -> None:
    """Without requests they want no CPU."""
    before = [sum(each.cpu_times()[:2]) for each in workers]
    pause(3.0)
    used = [sum(each.cpu_times()[:2]) - then for each, then in zip(workers, before, strict=True)]
    it.note(cpu_at_rest=f"{max(used) / 3:.0%}")
    it.must(max(used) < 1.0, f"{max(used):.1f} s of CPU in 3 s without requests")
