"""The arbiter's own part: whom it replaces by whom, and that nobody is missed meanwhile."""

import http.client
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tests.service.serving import ROOT, Serving, answer, until
from tests.service.test_server import one_process
from tests.service.test_worker import all_ready, arbiter, failures, load
from tests.support import free_port

SLOW_START = "import time; time.sleep(2)"
BROKEN_START = "raise RuntimeError('new code, and broken')"
NO_START = "raise SystemExit(4)"


@contextmanager
def deployed(folder: Path, *flags: str, **environment: str) -> Iterator[tuple[Serving, Path]]:
    """A server, and the file with the part of its code that changes."""
    code = folder / "code.py"
    code.touch()
    with arbiter(folder, *flags, SERVING_CODE=str(code), **environment) as server:
        all_ready(server)
        yield server, code


def children(server: Serving) -> set[int]:
    return {each.pid for each in psutil.Process(server.process.pid).children()}


@contextmanager
def successes(server: Serving) -> Iterator[list[float]]:
    """When somebody was served, by connections that each ask once."""
    times = [time.monotonic()]
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            server.get("/fast")
            times.append(time.monotonic())

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield times
    finally:
        ended.set()
        thread.join(20)


def longest(times: list[float]) -> float:
    return max(after - before for before, after in pairwise(times))


def test_reload_stops_nobody_before_others_are_ready(tmp_path):
    with deployed(tmp_path) as (server, code):
        before = all_ready(server)
        code.write_text(SLOW_START)
        with successes(server) as times:
            server.signal(signal.SIGHUP)
            until(lambda: len(children(server)) == 4)
            assert server.said.count("draining") == 0
            all_ready(server, gone=before)
        # Starting takes two seconds; a start that somebody waited for would show.
        assert longest(times) < 1.5


@pytest.mark.parametrize("fault", [BROKEN_START, NO_START, "this is no Python"])
def test_reload_whose_start_fails_is_given_up(tmp_path, fault):
    with deployed(tmp_path) as (server, code):
        before = all_ready(server)
        code.write_text(fault)
        with load(server) as outcomes:
            server.signal(signal.SIGHUP)
            server.until_said("reload given up: a new worker ended before it was ready")
            until(lambda: children(server) == before)
        assert failures(outcomes) == []
        assert set(outcomes) <= {str(each) for each in before}
        # Mended, it is done after all.
        code.write_text("")
        server.signal(signal.SIGHUP)
        assert all_ready(server, gone=before).isdisjoint(before)


def test_reload_that_another_follows_is_given_up_for_it(tmp_path):
    with deployed(tmp_path) as (server, code):
        before = all_ready(server)
        code.write_text("import time; time.sleep(60)")
        server.signal(signal.SIGHUP)
        until(lambda: len(children(server)) == 4)
        hanging = children(server) - before
        code.write_text("")
        with load(server) as outcomes:
            server.signal(signal.SIGHUP)
            all_ready(server, gone=before)
        assert failures(outcomes) == []
        for each in hanging & children(server):  # in its sleep, it heeds nothing else
            psutil.Process(each).kill()
        until(lambda: len(children(server)) == 2)


def test_stop_does_not_wait_for_a_reload(tmp_path):
    with deployed(tmp_path) as (server, code):
        code.write_text("import time; time.sleep(1)")
        server.signal(signal.SIGHUP)
        until(lambda: len(children(server)) == 4)
        server.signal(signal.SIGTERM)
        assert server.process.wait(10) == 0


def test_worker_hears_what_it_is_sent_right_after_the_fork(tmp_path):
    """Gunicorn's own does not: it has no handlers yet."""
    late = tmp_path / "late.py"
    shipped = (ROOT / "deploy/gunicorn.conf.py").read_text()
    late.write_text(
        f"{shipped}\ndef post_fork(_server, _worker):\n    import time; time.sleep(1)\n"
    )
    with arbiter(tmp_path, "-c", str(late)) as server:
        all_ready(server)
        server.signal(signal.SIGHUP)
        until(lambda: len(children(server)) == 4)
        server.signal(signal.SIGTERM)
        assert server.process.wait(10) == 0


def test_worker_that_cannot_start_again_does_not_end_the_others(tmp_path):
    with deployed(tmp_path) as (server, code):
        first, second = all_ready(server)
        code.write_text(BROKEN_START)
        psutil.Process(first).kill()
        until(lambda: server.said.count("a worker cannot start") >= 2)
        assert server.get("/pid") == str(second)
        code.write_text("")
        assert second in all_ready(server, gone={first})


def test_only_worker_is_replaced_before_it_leaves(tmp_path):
    flags = ("--max-requests", "20")
    with arbiter(tmp_path, *flags, WEB_CONCURRENCY="1") as server, server.connect() as client:
        client.request("GET", "/slow?seconds=4")
        server.until_said("slow began")
        [first] = server.workers
        with successes(server) as times:
            until(lambda: server.workers - {first}, 20)
            assert first in server.workers  # with the request that takes so long
        assert answer(client)[::2] == (200, "slow")
        assert longest(times) < 1.5
        until(lambda: first not in server.workers)


def test_number_of_workers_follows_ttin_and_ttou(tmp_path):
    with deployed(tmp_path) as (server, _):
        server.signal(signal.SIGTTIN)
        until(lambda: len(server.workers) == 3)
        server.signal(signal.SIGTTOU)
        until(lambda: len(children(server)) == 2)


def test_wrong_configuration_is_not_reloaded(tmp_path):
    config = tmp_path / "gunicorn.conf.py"
    shutil.copy(ROOT / "deploy/gunicorn.conf.py", config)
    with deployed(tmp_path, "-c", str(config)) as (server, _):
        before = all_ready(server)
        config.write_text("import sys; sys.exit(2)\n")
        server.signal(signal.SIGHUP)
        server.until_said("not reloaded")
        config.write_text("this is no Python\n")
        server.signal(signal.SIGHUP)
        until(lambda: server.said.count("not reloaded") == 2)
        assert children(server) == before
        server.signal(signal.SIGTERM)
        assert server.process.wait(10) == 0


def test_libraries_that_have_changed_are_not_mixed_with_those_of_before(tmp_path):
    library = tmp_path / "site-packages" / "shared_library.py"
    library.parent.mkdir()
    library.write_text("")
    config = tmp_path / "gunicorn.conf.py"
    shipped = (ROOT / "deploy/gunicorn.conf.py").read_text()
    path = f"import sys; sys.path.append({str(library.parent)!r}); import shared_library\n"
    config.write_text(path + shipped)
    with deployed(tmp_path, "-c", str(config)) as (server, _):
        before = all_ready(server)
        library.write_text("version = 2")
        server.signal(signal.SIGHUP)
        server.until_said("not reloaded: restart instead, for libraries have changed: shared_lib")
        assert children(server) == before


@pytest.mark.parametrize("several", [True, False])
def test_nobody_is_accepted_and_then_reset_by_a_stop(tmp_path, several):
    outcomes: Counter[str] = Counter()
    with arbiter(tmp_path) if several else one_process(tmp_path) as server:
        if several:
            all_ready(server)
        port = server.port

        def connect() -> None:
            while not outcomes["ConnectionRefusedError"]:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                try:
                    connection.connect()
                except OSError as error:
                    outcomes[type(error).__name__] += 1
                    return
                try:
                    connection.request("GET", "/fast")
                    outcomes[str(connection.getresponse().status)] += 1
                except (OSError, http.client.HTTPException) as error:
                    outcomes[f"accepted, then {type(error).__name__}"] += 1
                finally:
                    connection.close()

        threads = [threading.Thread(target=connect) for _ in range(4)]
        for each in threads:
            each.start()
        until(lambda: outcomes["200"] > 50)
        server.signal(signal.SIGTERM)
        for each in threads:
            each.join(20)
        assert server.process.wait(10) == 0
    assert set(outcomes) == {"200", "ConnectionRefusedError"}, outcomes


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_nobody_is_kept_waiting_for_the_first_worker(tmp_path, host):
    code = tmp_path / "code.py"
    code.write_text(SLOW_START)
    address = host.strip("[]"), free_port()
    with arbiter(
        tmp_path, "--bind", f"{host}:{address[1]}", SERVING_CODE=str(code)
    ) as server:  # the last --bind adds to those before
        server.until_said("Booting worker")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=5)
        until(lambda: "listening on" in server.said, 20)
        socket.create_connection(address, timeout=5).close()
        server.signal(signal.SIGTERM)
        assert server.process.wait(10) == 0


def test_workers_find_their_libraries_loaded():
    loaded = "import importlib, sys; from service.arbiter import LIBRARIES\n"
    loaded += "for each in LIBRARIES: importlib.import_module(each)\n"
    loaded += "before = set(sys.modules); import service.app, service.server\n"
    loaded += "print(*(each.__name__ for name, each in sys.modules.items() if name not in before"
    loaded += " and 'site-packages' in (getattr(each, '__file__', '') or '')))"
    command = [sys.executable, "-c", loaded]
    found = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert len(found.stdout.split()) < 10, found.stdout
