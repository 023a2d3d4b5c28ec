"""Where lines come from: files small and large, several by time, archives, pipes and commands."""

import filecmp
import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from console.lines import WHOLE_LINE
from tests.console.commands.processes import environment, events, line, opsconsole

LINES = 120_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 19 MB with a traceback now and then, read by several processes."""
    path = tmp_path_factory.mktemp("large") / "large.jsonl"
    random.seed(7)
    with path.open("wb") as file:
        for number in range(LINES):
            status = 500 if random.random() < 0.002 else 200
            second = number // 2
            at = f"2026-01-15T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
            file.write(
                b'{"timestamp":"%s","level":"%s","event":"request","status":%d,"n":%d,'
                b'"padding":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}\n'
                % (at.encode(), b"ERROR" if status == 500 else b"INFO", status, number)
            )
            if status == 500:
                file.write(b"Traceback (most recent call last):\n")
    return path


def wanted_of(path: Path) -> list[bytes]:
    return [each for each in path.read_bytes().splitlines() if b'"ERROR"' in each]


def test_a_large_file_comes_in_its_order(large: Path) -> None:
    shown = opsconsole("logs", "--log", large, "level>=error", cwd=large.parent)
    assert shown.stdout.splitlines() == wanted_of(large)
    assert len(wanted_of(large)) > 100
    everything = opsconsole("logs", "--log", large, "--fields", "n", cwd=large.parent)
    numbers = [json.loads(each)["n"] for each in everything.stdout.splitlines()]
    assert [n for n in numbers if n is not None] == list(range(LINES))


def test_a_large_file_is_counted_exactly(large: Path) -> None:
    counts = [
        opsconsole("logs", "--log", large, "--count", *words, cwd=large.parent).stdout
        for words in ([], ["level>=error"], ["traceback"], ["--json", "status=200"])
    ]
    errors = len(wanted_of(large))
    assert counts == [
        b"%d\n" % (LINES + errors),
        b"%d\n" % errors,
        b"%d\n" % errors,
        b'{"count":%d}\n' % (LINES - errors),
    ]


@pytest.mark.parametrize("count", [1, 40, 100_000])
def test_the_newest_are_found_from_the_end(large: Path, count: int) -> None:
    shown = opsconsole("logs", "--log", large, "level>=error", "-n", str(count), cwd=large.parent)
    assert shown.stdout.splitlines() == wanted_of(large)[-count:]
    shown = opsconsole("logs", "--log", large, "-n", str(count), cwd=large.parent)
    last = large.read_bytes().splitlines()[-count:]
    told = [each if each.startswith(b"{") else b'{"text":"%s"}' % each for each in last]
    assert shown.stdout.splitlines() == told


def test_a_part_of_a_large_file(large: Path) -> None:
    limits = ("--since", "2026-01-15T12:00:00Z", "--until", "2026-01-15T12:00:10Z")
    shown = opsconsole("logs", "--log", large, *limits, "status:*", cwd=large.parent)
    assert [json.loads(each)["n"] for each in shown.stdout.splitlines()] == [
        *range(24 * 3600, 24 * 3600 + 20)
    ]


def test_a_large_file_in_figures(large: Path) -> None:
    shown = opsconsole("logs", "--log", large, "--stats", "--json", "status:*", cwd=large.parent)
    told = json.loads(shown.stdout)
    errors = len(wanted_of(large))
    assert (told["lines"], told["requests"], told["failed"]) == (LINES, LINES, errors)
    text = opsconsole("logs", "--log", large, "--stats", "status:*", cwd=large.parent).stdout
    assert text.decode().splitlines()[0].startswith(f"{LINES:,} lines")


def test_several_logs_are_merged_by_time(tmp_path: Path) -> None:
    random.seed(3)
    every = []
    for shift, name in enumerate(("a", "b", "c")):
        seconds = sorted(random.sample(range(shift, 3_000, 3), 300))
        every += [(second, name) for second in seconds]
        (tmp_path / f"{name}.jsonl").write_bytes(
            b"".join(
                line(timestamp=f"2026-01-15T10:{s // 60:02}:{s % 60:02}Z", event=f"{s} {name}")
                + f"{s} {name} trace\n".encode()
                for s in seconds
            )
        )
    every.sort()
    shown = events(opsconsole("logs", "--log", tmp_path, cwd=tmp_path).stdout)
    assert shown == [text for s, n in every for text in (f"{s} {n}", f"{s} {n} trace")]
    newest = opsconsole("logs", "--log", "[abc].jsonl", "-n", "50", "trace", cwd=tmp_path).stdout
    assert events(newest) == [f"{s} {n} trace" for s, n in every][-50:]
    count = opsconsole("logs", "--log", "a.jsonl", "--log", "*.jsonl", "--count", cwd=tmp_path)
    assert count.stdout == b"1800\n"


def test_rows_of_several_logs_tell_their_source(tmp_path: Path) -> None:
    for name in ("web1.jsonl", "web2.jsonl"):
        (tmp_path / name).write_bytes(line(event=name))
    shown = opsconsole("logs", "--log", tmp_path, "--color", "always", cwd=tmp_path, COLUMNS="140")
    assert [row.count(name) for row, name in zip(
        shown.stdout.decode().splitlines(), ("web1.jsonl", "web2.jsonl"), strict=True
    )] == [2, 2]  # fmt: skip


def test_archives_pipes_and_commands(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.1.gz").write_bytes(gzip.compress(line(event="old") + line(event="late")))
    (tmp_path / "a.jsonl").write_bytes(line(event="new")[:-1])
    logs = (
        *("--log", "a.jsonl*", "--log", "-"),
        *("--log", "cmd: sh -c 'echo from a command; sleep 0.1; printf unfinished'"),
    )
    shown = opsconsole("logs", *logs, cwd=tmp_path, given=b"from a pipe\nthe end")
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert sorted(events(shown.stdout)) == [
        *("from a command", "from a pipe", "late", "new", "old", "the end", "unfinished")
    ]
    assert opsconsole("logs", *logs, "--count", cwd=tmp_path, given=b"1\n2").stdout == b"7\n"
    newest = opsconsole("logs", "--log", "-", "-n", "2", cwd=tmp_path, given=b"1\n2\n3\n4\n")
    assert events(newest.stdout) == ["3", "4"]


def test_limits_of_time_hold_for_pipes(tmp_path: Path) -> None:
    given = b"".join(
        line(timestamp=f"2026-01-15T10:3{n}:00Z", event=str(n)) + b"trace of %d\n" % n
        for n in range(5)
    )
    limits = ("--since", "2026-01-15T10:31Z", "until:2026-01-15T10:33Z")
    shown = opsconsole("logs", "--log", "-", *limits, cwd=tmp_path, given=b"x\n" + given)
    assert events(shown.stdout) == ["1", "trace of 1", "2", "trace of 2"]


def test_a_named_pipe_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = subprocess.Popen(["sh", "-c", "echo through > pipe"], cwd=tmp_path)
    assert events(opsconsole("logs", "--log", "pipe", cwd=tmp_path).stdout) == ["through"]
    assert writer.wait(10) == 0


def test_a_broken_archive_is_told_and_read_as_far_as_it_goes(tmp_path: Path) -> None:
    random.seed(1)
    lines = b"".join(b"%d\n" % random.getrandbits(400) for _ in range(3_000))
    (tmp_path / "a.gz").write_bytes(gzip.compress(lines)[:-5_000])
    shown = opsconsole("logs", "--log", "a.gz", cwd=tmp_path)
    assert shown.returncode == 2
    assert shown.stderr.startswith(b"opsconsole logs: a.gz: broken archive")
    assert 1_000 < shown.stdout.count(b"\n") < 3_000


def test_a_line_of_ten_megabytes_is_whole_from_everywhere(tmp_path: Path) -> None:
    long = b'{"event":"' + b"x" * 10_000_000 + b'","last":"needle"}\n'
    given = line() + long + line(event="after")
    (tmp_path / "a.jsonl").write_bytes(given)
    (tmp_path / "a.gz").write_bytes(gzip.compress(given, 1))
    for log in ("-", "a.jsonl", "a.gz", "cmd: cat a.jsonl"):
        shown = opsconsole("logs", "--log", log, cwd=tmp_path, given=given)
        assert shown.stdout == given, log
        # A filter looks at all of it.
        shown = opsconsole("logs", "needle", "--count", "--log", log, cwd=tmp_path, given=given)
        assert shown.stdout == b"1\n", log


@pytest.mark.parametrize("log", ["-", "a.jsonl"])
def test_a_longer_line_is_cut_and_says_so(tmp_path: Path, log: str) -> None:
    long = b'{"event":"' + b"x" * (WHOLE_LINE + 500_000) + b'"}\n'
    (tmp_path / "a.jsonl").write_bytes(line() + long + line(event="after"))
    given = (tmp_path / "a.jsonl").read_bytes()
    shown = opsconsole("logs", "--log", log, cwd=tmp_path, given=given)
    before, cut, after = map(json.loads, shown.stdout.splitlines())
    assert (before["event"], after["event"]) == ("request", "after")
    assert (len(cut["text"]), cut["cut"]) == (WHOLE_LINE, True)
    assert cut.get("size") == (len(long) if log == "-" else None)


def peak(log: Path | str, shown: Path) -> int:
    """Shows a log in a file; returns how many bytes of memory that took at most."""
    code = (
        "import re, sys; from console.cli import main; main(sys.argv[1:]);"
        "print(re.search('VmHWM:(.*)kB', open('/proc/self/status').read())[1], file=sys.stderr)"
    )
    with shown.open("wb") as file:
        process = subprocess.run(
            [sys.executable, "-c", code, "logs", "--log", log],
            env=environment(),
            stdout=file,
            stderr=subprocess.PIPE,
            timeout=30,
            check=True,
        )
    return int(process.stderr) * 1024


def test_memory_does_not_grow_with_the_file(large: Path, tmp_path: Path) -> None:
    assert peak(large, tmp_path / "shown") < 80 << 20
    assert (tmp_path / "shown").read_bytes().count(b"\n") > LINES


def test_memory_does_not_grow_with_the_number_of_long_lines(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"event":"%s"}\n' % (b"x" * 9_999_987) * 20)
    # Five times such a line, and what the interpreter takes.
    assert peak(f"cmd: cat {tmp_path / 'a.jsonl'}", tmp_path / "shown") < 110 << 20
    assert filecmp.cmp(tmp_path / "shown", tmp_path / "a.jsonl", shallow=False)
