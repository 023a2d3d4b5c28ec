"""How `opsconsole logs` ends: its exit code, what it says of errors, and how quietly it goes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.commands.processes import environment, line, opsconsole, start


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "service.jsonl"
    path.write_bytes(line() + line(level="ERROR", status=500) + b"no JSON\n")
    return path


@pytest.mark.parametrize(
    ("arguments", "code", "count"),
    [
        ([], 0, 3),
        (["level>=error"], 0, 1),
        (["level>=critical"], 1, 0),
        (["level>=error", "status<500"], 1, 0),
        (["-n", "2"], 0, 2),
        (["-n", "0"], 1, 0),
        (["--", "!JSON"], 0, 2),
        (["-JSON"], 0, 2),
        (["-http"], 0, 3),
        (["-(JSON or ERROR)", "-n2"], 0, 1),
        (["-fields", "-level=info", "-no"], 0, 1),
        (["--request", "3d28"], 0, 2),
        (["--request", "28dc"], 1, 0),
        (["--request", "3d28dc72…"], 0, 2),
        (["--since", "2026-01-15T10:30:00Z", "--until", "2026-01-15T10:30:00.123Z"], 1, 0),
        (["since:2026-01-15T10:30Z until:2026-01-15T10:31Z"], 0, 3),
    ],
)
def test_the_code_says_whether_anything_matched(
    log: Path, arguments: list[str], code: int, count: int
) -> None:
    shown = opsconsole("logs", "--log", log, *arguments, cwd=log.parent)
    assert (shown.returncode, shown.stdout.count(b"\n"), shown.stderr) == (code, count, b"")
    if not {"-n", "-n2"} & set(arguments):
        counted = opsconsole("logs", "--count", "--log", log, *arguments, cwd=log.parent)
        assert (counted.returncode, counted.stdout) == (code, b"%d\n" % count)


def test_a_wrong_filter_is_pointed_at(log: Path) -> None:
    shown = opsconsole("logs", "--log", log, "status>=200 stauts>=500", cwd=log.parent)
    assert (shown.returncode, shown.stdout) == (2, b"")
    first, _, *pointed = shown.stderr.decode().splitlines()
    assert first == "opsconsole logs: not a filter"
    assert pointed[0] == "status>=200 stauts>=500"
    assert pointed[1] == "            ^^^^^^"
    assert pointed[2].startswith("did you mean status?")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "soon"], "--since: not a time"),
        (["--log", "cmd: 'x"], "no closing quotation"),
        (["--log", "nothing.jsonl"], "nothing.jsonl: no such file or directory"),
        (["--log", "Nothing*.jsonl"], "Nothing*.jsonl: no such file"),
        (["--log", "cmd: /nowhere/at-all"], "cannot be started: no such file or directory"),
        (["--log", "cmd: sh -c 'echo a\x1b[31mb >&2; exit 3'"], r"with exit code 3: a\x1b[31mb"),
        (["--follow", "--count"], "--follow has no end"),
        (["--name", "web9"], "no [target.web9]; there is: web1"),
        (["--lines", "-1"], "argument -n/--lines: invalid"),
        (["--fields", ","], "argument --fields: invalid"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "opsconsole.toml").write_text('[target.web1]\nlog = "a.jsonl"\n')
    shown = opsconsole("logs", *arguments, cwd=tmp_path)
    assert shown.returncode == 2
    assert message in shown.stderr.decode().splitlines()[-1]
    assert b"Traceback" not in shown.stderr
    assert b"\x1b" not in shown.stderr


def test_a_log_that_cannot_be_read_does_not_hide_the_others(log: Path) -> None:
    shown = opsconsole("logs", "--log", "gone", "--log", log, "--count", cwd=log.parent)
    assert (shown.returncode, shown.stdout) == (2, b"3\n")
    assert shown.stderr == b"opsconsole logs: gone: no such file or directory\n"


def test_the_log_is_found_as_the_console_finds_it(tmp_path: Path) -> None:
    (tmp_path / "var/log").mkdir(parents=True)
    (tmp_path / "var/log/service.jsonl").write_bytes(line(event="found"))
    assert b"found" in opsconsole("logs", cwd=tmp_path).stdout
    (tmp_path / "other.jsonl").write_bytes(line(event="named"))
    (tmp_path / "opsconsole.toml").write_text('[target.a]\nlog = "other.jsonl"\n')
    assert b"named" in opsconsole("logs", cwd=tmp_path).stdout


@pytest.mark.parametrize("size", [100, 200_000])
def test_a_reader_that_leaves_is_no_error(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.jsonl").write_bytes(line() * size)
    script = f"{sys.executable} -m console logs --log a.jsonl | head -1; echo ${{PIPESTATUS[0]}}"
    shown = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert shown.stderr == b""
    # What fits into the pipe may be written before the reader has gone.
    assert shown.stdout in {line() + b"141\n", line() + b"0\n"}
    assert size < 1_000 or shown.stdout.endswith(b"141\n")


def test_an_interrupt_is_quiet(log: Path) -> None:
    process = start("logs", "--follow", "--log", log, cwd=log.parent)
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (130, b"", b"")


def test_a_full_disk_is_told(log: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        process = subprocess.run(
            [sys.executable, "-m", "console", "logs", "--log", log],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
        )
    assert process.returncode == 2
    assert process.stderr == b"opsconsole logs: no space left on device\n"


def test_nothing_is_waited_for_that_is_not_needed(log: Path) -> None:
    code = (
        "import sys; from console.cli import main; main(sys.argv[1:]);"
        "late = {'textual', 'rich', 'httpx', 'asyncio', 'multiprocessing', 'concurrent.futures',"
        " 'console.logs.filters.parser', 'console.logs.files.workers', 'gzip', 'subprocess'};"
        "sys.exit(', '.join(late & set(sys.modules)) or 0)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, "logs", "--log", log, "-n", "1"],
        env=environment(),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, b"")


def test_an_output_made_non_blocking_by_another_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(line() * 5_000)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    process = subprocess.Popen(
        [sys.executable, "-m", "console", "logs", "--log", "a.jsonl"],
        cwd=tmp_path,
        env=environment(),
        stdout=writer,
    )
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == line() * 5_000
    assert process.wait(10) == 0
