"""Guided by what code is reached, bytes are looked for that break something:
`python -m tests.console.logs.hostile.fuzz --minutes 10`.

Needs `pip install atheris`. Begins with the corpus; ends with exit code 1 when something was found,
and says which bytes it was. Coverage is that of the console's own modules.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["main"]

_NAMES = ("block", "line", "filter", "text")
_LONGEST = 4_096
_SECONDS_FOR_ONE = 5
_FOUND = 77


def main(arguments: list[str] | None = None) -> int:
    """Run each target for its share of the minutes; return 1 when one has found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.console.logs.hostile.fuzz")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--target", choices=_NAMES, action="append", help="only these")
    options = parser.parse_args(arguments)
    try:
        import atheris  # noqa: F401, PLC0415
    except ModuleNotFoundError:
        print("fuzz: atheris is missing: pip install atheris", file=sys.stderr)
        return 2
    names = options.target or _NAMES
    seconds = max(int(options.minutes * 60 / len(names)), 1)
    failed = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            # libFuzzer ends its process.
            process = multiprocessing.get_context("spawn").Process(
                target=_fuzz, args=(name, seconds, Path(folder))
            )
            process.start()
            process.join()
        print(f"fuzz: {name}: {seconds} s, exit code {process.exitcode}", flush=True)
        if process.exitcode:
            failed.append(name)
    print(f"fuzz: found something in {', '.join(failed)}" if failed else "fuzz: found nothing")
    return 1 if failed else 0


def _fuzz(name: str, seconds: int, folder: Path) -> None:
    import atheris  # noqa: PLC0415

    with atheris.instrument_imports(include=["console"]):
        from tests.console.logs.hostile.targets import FILTERS, TARGETS  # noqa: PLC0415
    from tests.console.logs.hostile.fragments import EVERY  # noqa: PLC0415
    from tests.console.logs.hostile.lines import lines  # noqa: PLC0415

    takes_text = name in {"filter", "text"}
    target = TARGETS[name]
    test: Callable[[bytes], None] = target
    seeds: Iterable[bytes] = lines()
    if takes_text:
        seeds = [text.encode("utf-8", "surrogatepass") for text in (*FILTERS, *EVERY)]

        def test(data: bytes) -> None:
            target(data.decode("utf-8", "surrogateescape"))

    for number, seed in enumerate(seeds):
        if len(seed) <= _LONGEST:
            (folder / str(number)).write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST}",
        f"-timeout={_SECONDS_FOR_ONE}",
        "-rss_limit_mb=1024",
        f"-error_exitcode={_FOUND}",
        f"-artifact_prefix={Path(tempfile.gettempdir(), f'found-{name}-')}",
        "-print_final_stats=1",
        str(folder),
    ]
    atheris.Setup([sys.argv[0], *options], test)
    atheris.Fuzz()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
