"""A real nginx on the files of `deploy/nginx/`, over plain HTTP and without its limits: what is
compared is what both sides answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.nginx import site
from tests.deploy.nginx.site import Change

ADAPTED = (
    Change("api.conf", " ssl;", ";"),
    Change("api.conf", " ssl default_server;", " default_server;"),
    Change("api.conf", f"server_name {site.NAME};", f"server_name {site.NAME} 127.0.0.1;", 2),
    Change("http.conf", "rate=50r/s", "rate=5000r/s"),
    Change("http.conf", "rate=1r/s", "rate=5000r/s"),
    Change("clients.conf", "zone=credentials burst=10", "zone=credentials burst=100"),
)


@contextmanager
def nginx(upstream: str, folder: Path, addresses: Mapping[str, str]) -> Iterator[str]:
    """The URL of an nginx with that file of upstreams, in which each of `addresses` stands for
    another."""
    text = (site.FILES / upstream).read_text()
    # None of it there is an error: a test would talk to whatever listens at the address written.
    moved = [Change(upstream, old, new, text.count(old) or 1) for old, new in addresses.items()]
    with site.nginx(folder, *ADAPTED, *moved, upstream=upstream) as running:
        yield f"http://127.0.0.1:{running.https}"
