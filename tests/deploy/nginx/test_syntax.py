"""`nginx -t` takes the shipped files without a warning, with either file of upstreams."""

import subprocess
from pathlib import Path

import pytest

from tests.deploy.nginx.site import WHEEL, Change, command, written


def checked(folder: Path, upstream: str, *changes: Change) -> tuple[int, str]:
    """The exit code of `nginx -t`, and what it says."""
    written(folder, changes, upstream)
    (folder / "snippets" / "precompressed.conf").unlink()  # the wheel lacks the module
    done = subprocess.run(
        command(WHEEL, folder, "-t"), capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stderr + (folder / "error.log").read_text()


@pytest.mark.parametrize("upstream", ["upstream.conf", "canary.conf"])
def test_shipped(tmp_path: Path, upstream: str) -> None:
    code, said = checked(tmp_path / "nginx", upstream)
    assert code == 0, said
    assert "[warn]" not in said


@pytest.mark.parametrize(
    "change",
    [
        Change("upstream.conf", "keepalive 32;", "keepalive;"),
        Change("api.conf", "include snippets/http.conf;", ""),
        Change("proxy.conf", "proxy_pass http://$side;", "proxy_pass http://$sides;"),
        Change("http.conf", "zone=api:10m", "zone=app:10m"),
        Change("tls.conf", "ECDHE-ECDSA-AES128-GCM-SHA256:", "NO SUCH:"),
    ],
)
def test_broken_is_seen(tmp_path: Path, change: Change) -> None:
    assert checked(tmp_path / "nginx", "upstream.conf", change)[0] == 1
