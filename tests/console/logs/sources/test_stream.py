"""Standard input, from whatever it comes, is read to its end."""

import os
import subprocess
import sys
from pathlib import Path

from console.logs.sources.stream import StreamSource
from tests.console.logs.sources.following import texts
from tests.support import ROOT, wait_until

READER = """
import sys
from pathlib import Path
from console.logs.follower import Follower
follower = Follower([Path("-")])
follower.start()
count = 0
while not follower.ended:
    for block in follower.take(1000, timeout=1.0):
        for line in block.lines():
            count += line.size
print(count, follower.states)
follower.stop()
"""


def test_what_is_there_is_read_without_waiting() -> None:
    read, write = os.pipe()
    source = StreamSource(read, "-")
    assert source.poll() == []
    assert not source.behind
    os.write(write, b"one\ntw")
    assert texts(source.poll()) == [b"one"]
    os.write(write, b"o\nthr")
    os.close(write)
    assert source.waitable == read
    assert texts(source.poll()) == [b"two", b"thr"]
    assert source.ended
    assert source.waitable is None
    assert source.state == "ended"
    assert source.poll() == []
    # The mode of a descriptor that is not ours was not changed, and it is still open.
    assert os.get_blocking(read)
    os.close(read)


def run(**options: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", READER],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        **options,  # type: ignore[call-overload]
    )
    return str(done.stdout)


def test_a_pipe_and_a_file_and_nothing(tmp_path: Path) -> None:
    text = "x" * 99 + "\n"
    assert run(input=text * 100_000) == f"{99 * 100_000} [('-', 'ended')]\n"
    path = tmp_path / "app.log"
    path.write_text(text * 1_000)
    with path.open() as file:
        assert run(stdin=file) == f"{99 * 1_000} [('-', 'ended')]\n"
    assert run(stdin=subprocess.DEVNULL) == "0 [('-', 'ended')]\n"


def test_a_terminal_that_hangs_up_has_ended() -> None:
    controller, terminal = os.openpty()
    source = StreamSource(terminal, "-")
    os.write(controller, b"typed\n")
    wait_until(lambda: source.behind, "the line")
    assert texts(source.poll()) == [b"typed"]
    os.close(controller)
    wait_until(lambda: source.poll() == [] and source.ended, "the end")
    os.close(terminal)
