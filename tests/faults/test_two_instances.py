"""Two instances behind the shipped nginx, restarted one at a time under load: nobody notices."""

import time
from contextlib import ExitStack

import httpx
import pytest

from tests.contract.proxy import nginx
from tests.faults.judging import judge, must_not_fail
from tests.faults.record import row
from tests.faults.scene import SINGLE, Load, Scene, Server
from tests.support import free_port, wait_until

COMMANDS = {"python -m service": SINGLE, "gunicorn": None}
UPSTREAM = "server 127.0.0.1:5500 max_fails=0;"


def is_ready(server: Server) -> bool:
    """Whether it wants requests."""
    return httpx.get(f"{server.service.url}/health/ready", timeout=5).status_code == 200


@pytest.mark.long
@pytest.mark.parametrize("resting", [0.01, 0.0], ids=["paced", "flat out"])
@pytest.mark.parametrize("name", COMMANDS)
def test_restarted_one_at_a_time(site: Scene, name: str, resting: float) -> None:
    goal = "0 failed, gap ≤ 0.25 s, each exits with 0"
    title = f"2 × {name} behind nginx, restarted in turn, {'paced' if resting else 'flat out'}"
    with row(title, goal) as it, ExitStack() as stack:
        ports = [str(free_port()), str(free_port())]

        def started(port: str) -> Server:
            server = stack.enter_context(site.server(COMMANDS[name], PORT=port))
            wait_until(lambda: is_ready(server), "an instance that is ready", 30)
            return server

        servers = [started(port) for port in ports]
        lines = "\n".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
        folder = site.folder / f"nginx-{servers[0].port}"
        url = stack.enter_context(nginx("upstream.conf", folder, {UPSTREAM: lines}))
        port = int(url.rpartition(":")[2])
        load = Load(port, site.token, site.folder, pause=resting, name="127.0.0.1")
        stack.callback(load.process.kill)
        load.more()
        since = time.monotonic()
        codes = []
        for server in servers:
            codes.append(server.stop())
            started(str(server.port))
            load.more()
        found = judge(it, site, load, since, time.monotonic())
        must_not_fail(it, found)
        it.must(codes == [0, 0], f"exit codes {codes}")
        it.within("gap", found.longest_gap(), 0.25)
