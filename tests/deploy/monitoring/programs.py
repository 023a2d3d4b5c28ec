"""The real Prometheus, Alertmanager and blackbox exporter, on ports of this machine."""

import re
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.certificates import Authority
from tests.debian import Tool, debian_tool
from tests.deploy.monitoring.promtool import MONITORING, copy, replace
from tests.support import free_port, wait_until

START_LIMIT = 30.0
# Where Debian's Alertmanager looks for its templates, wherever it was unpacked.
TEMPLATES = Path("/usr/share/prometheus/alertmanager")


@contextmanager
def program(
    tool: Tool, ready: str, log: Path, *arguments: str, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The program, once it answers at the URL."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [tool.path, *arguments],
            env=tool.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx.get(ready, timeout=2).is_success
        except httpx.TransportError:
            return False

    try:
        wait_until(answers, tool.path, START_LIMIT)
        yield process
    finally:
        process.kill()
        process.wait(10)


@contextmanager
def alertmanager() -> Iterator[Tool]:
    """The program, which finds its templates beside it though it was not installed."""
    tool = debian_tool("prometheus-alertmanager")
    beside = Path(tool.path).parents[1] / "share" / TEMPLATES.relative_to("/usr/share")
    if TEMPLATES.exists() or not beside.exists():
        yield tool
        return
    # The place is built in: a copy gets another of the same length.
    with TemporaryDirectory(dir="/tmp") as folder:
        place = str(TEMPLATES).encode()
        other = folder.encode().ljust(len(place), b"/")
        assert len(other) == len(place)
        for template in beside.glob("*.tmpl"):
            shutil.copy(template, folder)
        patched = Path(folder) / "alertmanager"
        patched.write_bytes(Path(tool.path).read_bytes().replace(place, other))
        patched.chmod(0o700)
        yield Tool(str(patched), tool.environ)


@contextmanager
def https(authority: Authority, folder: Path, life: timedelta) -> Iterator[str]:
    """The URL of a server that says 200 to everything, with a certificate for `localhost`."""

    class Fine(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    issued = authority.issue("localhost", life=life)
    (folder / "cert.pem").write_text(issued.certificate)
    (folder / "key.pem").write_text(issued.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with ThreadingHTTPServer(("127.0.0.1", 0), Fine) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://localhost:{server.server_port}/health"
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Stack:
    """All three, watching a service."""

    prometheus: str
    alertmanager: str

    def ask(self, path: str, **parameters: str) -> Any:
        """What Prometheus's API answers; not asked so often that it has no time for its work."""
        time.sleep(0.1)
        answer = httpx.get(f"{self.prometheus}/api/v1/{path}", params=parameters, timeout=10)
        return answer.raise_for_status().json()["data"]

    def values(self, expression: str) -> dict[frozenset[tuple[str, str]], float]:
        """The value of each series of the expression now, by its labels."""
        return {
            frozenset(each["metric"].items()): float(each["value"][1])
            for each in self.ask("query", query=expression)["result"]
        }

    def alerts(self) -> dict[str, str]:
        """What Alertmanager holds, by name: `active`, or `suppressed`."""
        answer = httpx.get(f"{self.alertmanager}/api/v2/alerts", timeout=10).raise_for_status()
        return {each["labels"]["alertname"]: each["status"]["state"] for each in answer.json()}


@contextmanager
def stack(folder: Path, service: str, certificate_life: timedelta) -> Iterator[Stack]:
    """Everything with the shipped files, but for addresses, and for time: what they do every half
    minute, or when it has lasted, is done at once."""
    files = copy(folder)
    ports = {name: free_port() for name in ("prometheus", "alertmanager", "blackbox")}
    configuration = files / "prometheus-vps.yml"
    text = configuration.read_text()
    for written, name in ((9090, "prometheus"), (9093, "alertmanager"), (9115, "blackbox")):
        assert f"127.0.0.1:{written}" in text
        text = text.replace(f"127.0.0.1:{written}", f"127.0.0.1:{ports[name]}")
    for written_, actual in (
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("scrape_timeout: 10s", "scrape_timeout: 1s"),
        ("evaluation_interval: 30s", "evaluation_interval: 2s"),
    ):
        assert text.count(written_) == 1
        text = text.replace(written_, actual)
    configuration.write_text(text)
    for path in (files / "rules").iterdir():
        rules = re.sub(r"^ +for: \w+\n", "", path.read_text(), flags=re.MULTILINE)
        path.write_text(re.sub(r"interval: \w+", "interval: 2s", rules))
    authority = Authority()
    (folder / "ca.pem").write_text(authority.certificate)
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    replace(files / "targets" / "service.yml", "127.0.0.1:5500", service)
    with ExitStack() as running:
        public = running.enter_context(https(authority, folder, certificate_life))
        replace(files / "targets" / "public.yml", "https://api.example.com/openapi.json", public)
        running.enter_context(
            program(
                debian_tool("prometheus-blackbox-exporter"),
                f"{urls['blackbox']}/-/healthy",
                folder / "blackbox.log",
                f"--config.file={MONITORING / 'blackbox' / 'blackbox.yml'}",
                f"--web.listen-address=127.0.0.1:{ports['blackbox']}",
                SSL_CERT_FILE=str(folder / "ca.pem"),
            )
        )
        running.enter_context(
            program(
                running.enter_context(alertmanager()),
                f"{urls['alertmanager']}/-/ready",
                folder / "alertmanager.log",
                f"--config.file={MONITORING / 'alertmanager' / 'alertmanager.yml'}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
                "--cluster.listen-address=",
            )
        )
        running.enter_context(
            program(
                debian_tool("prometheus"),
                f"{urls['prometheus']}/-/ready",
                folder / "prometheus.log",
                f"--config.file={configuration}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
                "--log.level=warn",
            )
        )
        yield Stack(urls["prometheus"], urls["alertmanager"])
