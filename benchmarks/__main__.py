"""`make bench`: this service beside Flask on Gunicorn, FastAPI on Uvicorn, and the bare server.

One core for each server, the same database, the same answers, every request logged. Ratios carry
over to another machine; absolute figures do not. The exit code is 1 if any answer was not the
expected one, 2 if there was nothing to measure.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import msgspec

from benchmarks import load, machine, plot, population, processes, report, run
from benchmarks.cases import CASE_NAMES, CASES, ServerName
from benchmarks.servers import SERVERS
from service.database import embedded

QUICK = {"rounds": 1, "seconds": 1.0, "warm_up": 0.3, "starts": 1}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it; returns the exit code."""
    options = parse(arguments)
    try:
        plan = plan_of(options)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    cores = processes.divide_cores()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        try:
            database = options.database or _embedded(stack, folder)
            token = population.prepare(database)
            scene = run.Scene(database, token, folder, cores.server, python=options.python)
            measured = run.measure(plan, scene)
        except (run.Different, RuntimeError, OSError, asyncpg.PostgresError) as error:
            print(error, file=sys.stderr)
            return 2
    made = report.make(plan, machine.describe(cores, embedded=not options.database), measured)
    print(report.as_text(plan, made))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1))
    if options.plot:
        options.plot.write_text(plot.svg(plan.cases, made), "utf-8")
    return int(any(sample.result.failed for sample in measured.samples))


def _embedded(stack: ExitStack, folder: Path) -> str:
    # Without fsync: the disk is not what is compared.
    settings = population.SETTINGS
    server = embedded.start(folder / "postgres", durable=False, settings=settings)
    return stack.enter_context(server).url


def plan_of(options: argparse.Namespace) -> run.Plan:
    """What the command line asks for. Raises `FileNotFoundError` without the loader asked for."""
    chosen: list[ServerName] = [name for name in SERVERS if name in {"here", *options.servers}]
    return run.Plan(
        cases=[case for case in CASES if case.name in (options.only or CASE_NAMES)],
        servers=chosen,
        loader=load.choose(options.loader),
        clients=options.clients,
        rounds=options.rounds,
        seconds=options.seconds,
        warm_up=options.warm_up,
        starts=options.starts,
    )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--only", action="append", choices=CASE_NAMES, help="this case; may be said again")
    add("--servers", nargs="+", choices=list(SERVERS), default=list(SERVERS), help="beside ours")
    add("--loader", choices=list(load.LOADERS), help="wrk if it is on PATH, else python")
    add("--clients", type=positive, default=32, help="keep-alive connections (32)")
    add("--rounds", type=positive, default=5, help="measurements of each, interleaved (5)")
    add("--seconds", type=float, default=4.0, help="of one measurement; wrk rounds up (4)")
    add("--warm-up", type=float, default=1.0, help="seconds of each before the first (1)")
    add("--starts", type=int, default=3, help="starts of each that are timed (3)")
    add("--python", default=sys.executable, help="of the installation to measure (this one)")
    add("--quick", action="store_true", help="one short round: under a minute, and rough")
    add("--database", metavar="URL", help="postgresql://…, empty: filled and used")
    add("--json", type=writable, metavar="FILE", help="write all of it there")
    add("--plot", type=writable, metavar="FILE.svg", help="write a plot of the medians there")
    if "--quick" in (sys.argv[1:] if arguments is None else arguments):
        parser.set_defaults(**QUICK)
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    """1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def writable(text: str) -> Path:
    """A file in a folder there is: found out before the run, not after it."""
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


if __name__ == "__main__":
    sys.exit(main())
