"""`make scale`: what a request costs at 10 thousand, 1 million and 10 million users, and for 1 to
200 clients at once; the service as it is shipped, one process. The databases are in one PostgreSQL
and are measured in turn, so that what the machine does meanwhile falls on all of them.

10 million users take five minutes to make and 10 GB of disk while it runs.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec
import psycopg
from werkzeug.security import generate_password_hash

from benchmarks import load, machine, processes
from benchmarks.scale_cases import CASES, Case
from benchmarks.scale_data import bytes_needed, fill, read_into_memory
from benchmarks.scale_results import AT_ONCE, Measured, Results, middles, ratios, report
from benchmarks.servers import Running, here_as_shipped, running
from service.config import Config
from service.database import embedded

CLIENTS = (1, 8, 32, 64, 128, 200)
# The cases measured for each number of clients.
VARIED = ("list", "read")
# More than one process answers in a second, so that no request is sent twice.
REQUESTS_A_SECOND = 4_000
SUFFIXES = {"k": 1_000, "m": 1_000_000}
POSTGRES = {
    "max_connections": "200",
    # No work of its own in the middle of a measurement; statistics are up to date before.
    "autovacuum": "off",
    # For the making: it does not touch what is measured.
    "maintenance_work_mem": "512MB",
    "max_wal_size": "4GB",
}


@contextmanager
def databases(folder: Path, sizes: Mapping[str, int]) -> Iterator[tuple[dict[str, str], int]]:
    """An empty database of each size's name, in one PostgreSQL; their URLs, and its pid."""
    with embedded.start(folder, settings=POSTGRES) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            for name in sizes:
                connection.execute(f"CREATE DATABASE users_{name}")
        urls = {name: server.url.replace("/app?", f"/users_{name}?") for name in sizes}
        yield urls, int((folder / "data" / "postmaster.pid").read_text().split()[0])


def measure(
    service: Running, postmaster: int, loader: load.LoaderName, asked: load.Load
) -> Measured:
    """One measurement."""
    before = service.cpu_seconds(), processes.cpu_seconds(postmaster)
    answers = load.measure(loader, asked)
    after = service.cpu_seconds(), processes.cpu_seconds(postmaster)
    of_service, of_database = (
        (end - start) / max(1, answers.requests) * 1e6
        for start, end in zip(before, after, strict=True)
    )
    return Measured(
        rate=answers.rate,
        p50=answers.p50,
        p99=answers.p99,
        service_us=of_service,
        database_us=of_database,
        failed=answers.failed,
    )


def in_turn(
    rounds: int, names: Iterable[str], one: Callable[[str], Measured]
) -> dict[str, list[Measured]]:
    """A B C, A B C …"""
    found: dict[str, list[Measured]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, many in found.items():
            many.append(one(name))
    return found


@dataclass(frozen=True)
class Bench:
    """A service on each size of database, and how they are measured."""

    services: Mapping[str, Running]
    sizes: Mapping[str, int]
    postmaster: int
    loader: load.LoaderName
    rounds: int
    seconds: float

    def at_sizes(self, case: Case) -> dict[str, list[Measured]]:
        """The case at every size in turn, after a first second that does not count."""
        say(case.name)
        for size in self.sizes:
            self._one(case, size, AT_ONCE, min(1, self.seconds))
        return in_turn(
            self.rounds,
            self.sizes,
            lambda size: self._one(case, size, AT_ONCE, self.seconds),
        )

    def for_clients(self, case: Case) -> dict[str, list[Measured]]:
        """The case for every number of clients in turn, with the smallest database."""
        say(f"{case.name}, for 1 to {max(CLIENTS)} clients")
        size = next(iter(self.sizes))
        return in_turn(
            self.rounds,
            map(str, CLIENTS),
            lambda clients: self._one(case, size, int(clients), self.seconds),
        )

    def _one(self, case: Case, size: str, clients: int, seconds: float) -> Measured:
        users, service = self.sizes[size], self.services[size]
        requests = case.requests(users, int(REQUESTS_A_SECOND * (seconds + 1)))
        asked = load.Load(service.port, requests, case.expected, clients, seconds)
        return measure(service, self.postmaster, self.loader, asked)


def run(arguments: argparse.Namespace, folder: Path) -> Results:
    """Makes the databases, starts a service on each, and measures."""
    sizes: dict[str, int] = arguments.sizes
    cores = processes.divide_cores()
    loader = load.choose(None)
    with ExitStack() as stack:
        urls, postmaster = stack.enter_context(databases(folder / "postgres", sizes))
        filled = {}
        for name, users in sizes.items():
            say(f"making {users:,} users")
            filled[name] = fill(urls[name], users)
        read_into_memory(folder / "postgres" / "data")
        services = {
            name: stack.enter_context(
                running(here_as_shipped, url, folder / name, cores.server, python=arguments.python)
            )
            for name, url in urls.items()
        }
        bench = Bench(services, sizes, postmaster, loader, arguments.rounds, arguments.seconds)
        cases = {case.name: bench.at_sizes(case) for case in arguments.cases}
        clients = {
            case.name: bench.for_clients(case) for case in arguments.cases if case.name in VARIED
        }
        memory = max(each.memory()[0].rss for each in services.values())
    return Results(
        machine=machine.describe(cores, embedded=True),
        client=loader,
        seconds=arguments.seconds,
        rounds=arguments.rounds,
        sizes=filled,
        cases={name: middles(many) for name, many in cases.items()},
        ratios={name: ratios(many) for name, many in cases.items()},
        clients={name: middles(many) for name, many in clients.items()},
        hash_scheme=Config.PASSWORD_SCHEME,
        hash_ms=cost_of_hash(Config.PASSWORD_SCHEME),
        memory_mb=memory,
    )


def cost_of_hash(scheme: str) -> float:
    """Milliseconds of CPU that one password takes."""
    found = []
    for _ in range(5):
        before = time.process_time()
        generate_password_hash("correct horse battery", scheme)
        found.append((time.process_time() - before) * 1000)
    return median(found)


def parse_sizes(text: str) -> dict[str, int]:
    """`10k,1m` as numbers by their names."""
    found = {}
    for each in text.lower().split(","):
        number, suffix = each[:-1], each[-1:]
        if not number.isdigit() or suffix not in SUFFIXES or int(number) < 1:
            raise argparse.ArgumentTypeError(f"{each!r} is no size: write it like 10k or 1m")
        found[each] = int(number) * SUFFIXES[suffix]
    return found


def parse_cases(text: str) -> list[Case]:
    """The cases of these names."""
    by_name = {case.name: case for case in CASES}
    try:
        return [by_name[each] for each in text.split(",")]
    except KeyError as error:
        known = ", ".join(by_name)
        raise argparse.ArgumentTypeError(f"{error} is none of {known}") from None


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = "10k,1m,10m"
    parser.add_argument("--sizes", type=parse_sizes, default=default, help=f"users ({default})")
    parser.add_argument("--cases", type=parse_cases, default=CASES, help="such as list,read (all)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one (4)")
    parser.add_argument("--folder", type=Path, help="where the databases are, meanwhile")
    parser.add_argument(
        "--python", default=sys.executable, help="of the installation to measure (this one)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    return parser.parse_args(arguments)


def main(command_line: list[str] | None = None) -> int:
    """The exit code is 1 if an answer was not the expected one."""
    arguments = parse_arguments(command_line)
    needed = bytes_needed(list(arguments.sizes.values()))
    with tempfile.TemporaryDirectory(prefix="scale-", dir=arguments.folder) as made:
        free = shutil.disk_usage(made).free
        if free < needed:
            print(
                f"{made} has {free / 1e9:.1f} GB free, and {needed / 1e9:.1f} GB are needed: "
                "give a --folder elsewhere, or smaller --sizes",
                file=sys.stderr,
            )
            return 2
        results = run(arguments, Path(made))
    report(results)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        text = msgspec.json.format(msgspec.json.encode(results), indent=1)
        arguments.json.write_bytes(text + b"\n")
    return int(bool(results.failed))


def say(text: str) -> None:
    """What is being done, beside the tables."""
    print(f"… {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
