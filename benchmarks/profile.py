"""`python -m benchmarks.profile`: where the CPU time of one request goes, layer by layer.

py-spy samples the service while it is under load, from outside and without slowing it. A sample
counts for the layer of the innermost frame that is not Python's own library; time in C counts for
whoever called it. Sampling another process takes root, or `kernel.yama.ptrace_scope = 0`.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks import load, population, processes
from benchmarks.cases import CASE_NAMES, CASES, Case
from benchmarks.servers import SERVERS, Running, running
from service.database import embedded

# Beside this Python, or on PATH.
SPY = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
SAMPLES_A_SECOND = 500
CLIENTS = 32

# The first that is part of a frame's file names its layer.
LAYERS = (
    ("service/http1/", "HTTP/1.1: heads, bodies, answers"),
    ("service/connections", "HTTP/1.1: heads, bodies, answers"),
    ("site-packages/hypercorn/", "Hypercorn: ASGI, connections"),
    ("site-packages/quart/", "Quart: context, dispatch, response"),
    ("site-packages/werkzeug/", "Werkzeug: routing, headers"),
    ("service/observability/", "log line and metrics"),
    ("site-packages/structlog/", "log line and metrics"),
    ("site-packages/prometheus_client/", "log line and metrics"),
    ("service/http/body", "JSON"),
    ("service/http/", "one pass: id, headers, limits"),
    ("service/security/", "token and caller"),
    ("site-packages/jwt/", "token and caller"),
    ("service/auth/", "token and caller"),
    ("site-packages/sqlalchemy/", "pool: SQLAlchemy, breaker"),
    ("service/database/", "pool: SQLAlchemy, breaker"),
    ("site-packages/asyncpg/", "driver: asyncpg"),
    ("service/server", "event loop, sockets, kernel"),
    ("service/", "handlers"),
)
ELSEWHERE = "event loop, sockets, kernel"
# Where threads wait for work: the one that writes the log, and those that hash passwords.
IDLE = (
    ("_wait ", "service/observability/backlog.py"),
    ("_worker ", "concurrent/futures/thread.py"),
)


class Profile(msgspec.Struct, frozen=True):
    """One case. `cpu_us`: of the service, for a request; `layers`: how many of them are whose, the
    largest first."""

    case: str
    cpu_us: float
    layers: dict[str, float]


def layer_of(stack: str) -> str:
    """The layer that a stack, its frames from the outermost on, was sampled in."""
    for frame in reversed(stack.split(";")):
        for part, layer in LAYERS:
            if part in frame:
                return layer
    return ELSEWHERE


def layers_of(raw: str) -> Counter[str]:
    """Samples of each layer, of what `py-spy record --format raw` writes."""
    found: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, samples = line.rpartition(" ")
        inmost = stack.rpartition(";")[2]
        if not any(name in inmost and file in inmost for name, file in IDLE):
            found[layer_of(stack)] += int(samples)
    return found


def profile(server: Running, case: Case, token: str, seconds: float) -> Profile:
    """Samples the server for so long while it is asked for the case."""
    loader = load.choose(None)
    load.measure(loader, case.load(server.port, token, CLIENTS, 1))
    asked = case.load(server.port, token, CLIENTS, seconds + 2)
    with tempfile.NamedTemporaryFile("r") as file:
        spy = [
            *(
                SPY or "py-spy",
                "record",
                "--pid",
                str(server.pid),
                "--format",
                "raw",
                "--full-filenames",
            ),
            *("--rate", str(SAMPLES_A_SECOND), "--duration", f"{seconds:.0f}"),
            *("--output", file.name),
        ]
        before = server.cpu_seconds()
        with subprocess.Popen(spy, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            result = load.measure(loader, asked)
            _, told = process.communicate(timeout=seconds + 30)
        if process.returncode:
            raise RuntimeError(f"py-spy failed: {told.decode().strip()}")
        cpu_us = (server.cpu_seconds() - before) / result.requests * 1e6
        samples = layers_of(file.read())
    total = sum(samples.values())
    shares = {name: cpu_us * count / total for name, count in samples.most_common()}
    return Profile(case.name, cpu_us, shares)


def report(case: Case, found: Profile) -> None:
    """One table."""
    print(f"\n{case.title} ({case.method} {case.path}): {found.cpu_us:,.0f} µs of CPU")
    for name, cpu_us in found.layers.items():
        print(f"  {name:<38}{cpu_us:7.0f} µs{cpu_us / found.cpu_us:7.0%}")


def main() -> int:
    """The exit code is 2 without py-spy."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("cases", nargs="*", default=["live", "health", "list", "create"])
    parser.add_argument("--seconds", type=float, default=8.0, help="of each case (8)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it there")
    parser.add_argument("--python", default=sys.executable, help="of the installation (this one)")
    options = parser.parse_args()
    if unknown := [name for name in options.cases if name not in CASE_NAMES]:
        parser.error(f"{unknown[0]!r} is none of {', '.join(CASE_NAMES)}")
    if not SPY:
        print("there is no py-spy: pip install py-spy", file=sys.stderr)
        return 2
    cores = processes.divide_cores()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="profile-")))
        postgres = embedded.start(folder / "postgres", durable=False, settings=population.SETTINGS)
        url = stack.enter_context(postgres).url
        token = population.prepare(url)
        server = stack.enter_context(
            running(
                SERVERS["here"].command, url, folder / "logs", cores.server, python=options.python
            )
        )
        found = []
        for case in CASES:
            if case.name in options.cases:
                found.append(profile(server, case, token, options.seconds))
                report(case, found[-1])
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
