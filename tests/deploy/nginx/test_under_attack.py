"""200 clients that never end their headers, bodies of 100 MB and floods of headers, all with TLS:
others are served as before, and nobody's memory grows. `pytest -s` prints the figures."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from time import perf_counter, sleep

import psutil

from tests.deploy.nginx.attack import PATH, SLOW
from tests.deploy.nginx.site import Change, Site, nginx, servers
from tests.service.support import Service, register, start_service
from tests.support import ROOT, wait_until

LIMITS = (
    Change("http.conf", "rate=50r/s", "rate=5000r/s"),
    Change("http.conf", "rate=1r/s", "rate=5000r/s"),
)
REQUESTS = 250
PAUSE = 0.01
MEBIBYTE = 1024 * 1024
# Of a machine that tests of other things may be running on too.
TIMES, AT_LEAST = 10, 1.0


def memory(site: Site, service: Service) -> dict[str, float]:
    """What nginx and the service hold, in MiB."""
    main = psutil.Process(int((site.folder / "nginx.pid").read_text()))
    of_nginx = sum(each.memory_info().rss for each in [main, *main.children()])
    of_service = psutil.Process(service.process.pid).memory_info().rss
    return {"nginx": of_nginx / MEBIBYTE, "service": of_service / MEBIBYTE}


def p99(site: Site, token: str) -> float:
    """In seconds, of somebody's own account; each answer is a good one."""
    taken = []
    with site.client(headers={"Authorization": f"Bearer {token}"}) as client:
        for _ in range(REQUESTS):
            started = perf_counter()
            assert client.get("/api/v1/auth/me").status_code == 200
            taken.append(perf_counter() - started)
            sleep(PAUSE)
    return quantiles(taken, n=100)[98]


def open_connections(port: int) -> int:
    """How many nginx has with clients."""
    ends = (each.laddr for each in psutil.net_connections("tcp") if each.status == "ESTABLISHED")
    return sum(bool(end) and end.port == port for end in ends)


@contextmanager
def attacked(site: Site) -> Iterator[None]:
    """During the block."""
    command = [sys.executable, "-m", "tests.deploy.nginx.attack", str(site.https)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            wait_until(lambda: open_connections(site.https) >= SLOW, "the attack", 30)
            yield
            assert process.poll() is None
        finally:
            process.kill()


def test_others_are_served(database: str, tmp_path: Path) -> None:
    service = start_service(tmp_path / "stdout.jsonl", DATABASE_URL=database, RATELIMIT_ENABLED="0")
    try:
        address = servers(service.url.removeprefix("http://"))
        with nginx(tmp_path / "nginx", address, *LIMITS) as site:
            account = register(service.url)
            account.http.close()
            token = account.tokens["access_token"]
            p99(site, token)
            before, quiet = memory(site, service), p99(site, token)
            with attacked(site):
                p99(site, token)
                during, loud = memory(site, service), p99(site, token)
                after = memory(site, service)
            growth = {
                name: round(max(during[name], after[name]) - before[name], 1) for name in before
            }
            print(f"p99: quiet {quiet * 1000:.1f} ms, attacked {loud * 1000:.1f} ms; MiB: {growth}")
            assert loud < max(TIMES * quiet, AT_LEAST)
            assert all(each < 20 for each in growth.values()), growth
            assert service.lines(event="request", path=PATH) == []  # none of it was ever whole
    finally:
        service.stop(signal.SIGKILL)
