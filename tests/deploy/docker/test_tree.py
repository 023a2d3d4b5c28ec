"""What the production image holds suffices: put together from the build context as the Dockerfile
does, the service migrates, starts, answers and stops there, and writes nothing beside it."""

import json
import re
import secrets
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.deploy.docker.dockerfile import context, read_stages
from tests.deploy.docker.mutation import mutated
from tests.service.support import answers
from tests.support import ROOT, environment, free_port, wait_until

DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORE = (ROOT / ".dockerignore").read_text()
SLIM = ROOT / "deploy/docker/slim.py"


@dataclass(frozen=True)
class Tree:
    """`app` is the image's /app, `site` its site-packages, but for the packages of others."""

    app: Path
    site: Path

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command of the image's environment."""
        return subprocess.run(
            [Path(sys.executable).with_name(arguments[0]), *arguments[1:]],
            cwd=self.app,
            env=self.environ(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def environ(self, **variables: str) -> dict[str, str]:
        image = {"FLASK_ENV": "production", "PYTHONDONTWRITEBYTECODE": "1"}
        return environment(PYTHONPATH=str(self.site), **image, **variables)

    def files(self) -> set[Path]:
        return {each for folder in (self.app, self.site) for each in folder.rglob("*")}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("image")
    source, made = root / "source", Tree(root / "app", root / "site")
    for path in context(ROOT, IGNORE):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, source / path)
    build = " ".join(each.value for each in read_stages(DOCKERFILE)["build"].all("RUN"))
    [packed] = re.findall(r"(cp -r --parents .+?) /app", build)
    made.app.mkdir()
    subprocess.run([*packed.split(), made.app], cwd=source, check=True, timeout=60)
    shutil.copytree(source / "service", made.site / "service")
    return made


@pytest.fixture
def production(empty_database: str) -> dict[str, str]:
    return {
        "DATABASE_URL": empty_database,
        "SECRET_KEY": secrets.token_hex(32),
        "JWT_SECRET_KEY": secrets.token_hex(32),
    }


def test_it_migrates_starts_answers_and_stops(
    tree: Tree, production: dict[str, str], tmp_path: Path
) -> None:
    before = tree.files()
    migrated = tree.run("alembic", "upgrade", "head", DATABASE_URL=production["DATABASE_URL"])
    assert migrated.returncode == 0, migrated.stderr
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"],
            cwd=tree.app,
            env=tree.environ(PORT=str(port), **production),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: process.poll() is not None or answers(url), "the service", 30)
        assert process.poll() is None, log.read_text()
        ready = httpx.get(f"{url}/health/ready", timeout=10)
        assert ready.status_code == 200, ready.text
        assert httpx.get(f"{url}/docs", timeout=10).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(10)
    assert tree.files() == before


def test_the_operators_commands_work(tree: Tree, production: dict[str, str]) -> None:
    before = tree.files()
    done = tree.run("quart", "check", "--deploy", "--json", **production)
    assert "Traceback" not in done.stderr
    outcomes = {line["id"]: line["status"] for line in json.loads(done.stdout)["checks"]}
    # It reads requirements.txt in the working directory, and looks at what is installed.
    assert outcomes["dependencies"] == "pass", done.stdout
    where = tree.run("python", "-c", "import service; print(service.__file__)")
    assert where.stdout.startswith(str(tree.site))
    gunicorn = tree.run("gunicorn", "--check-config", "-c", "deploy/gunicorn.conf.py", **production)
    assert gunicorn.returncode == 0, gunicorn.stderr
    assert tree.files() == before


def installed(folder: Path) -> Path:
    """A site-packages with one package that has an extension module, and what packages bring."""
    site = folder / "lib/python3/site-packages"
    import uvloop  # noqa: PLC0415 - not on every platform

    shutil.copytree(Path(uvloop.__file__).parent, site / "uvloop")
    for name in ("uvloop/tests/test_all.py", "sqlalchemy/testing/suite.py", "other/testing/a.py"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).touch()
    (site / "other/text.so").write_text("not ELF")
    return site


def slim(script: Path, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, script, folder], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


USES = """
import asyncio, uvloop
assert uvloop.__file__.startswith({site!r}), uvloop.__file__
uvloop.run(asyncio.sleep(0.01))
"""


def works(site: Path) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", USES.format(site=str(site))],
        env=environment(PYTHONPATH=str(site)),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="images hold Linux programs")
def test_what_is_taken_out_is_not_missed(tmp_path: Path) -> None:
    site = installed(tmp_path)
    [module] = site.glob("uvloop/loop.*.so")
    before = module.stat().st_size
    assert "MB of debug information" in slim(SLIM, tmp_path)
    assert module.stat().st_size < before / 2
    assert works(site)
    assert not list(site.glob("uvloop/**/*.pyx"))
    assert not (site / "uvloop/tests").exists()
    assert not (site / "sqlalchemy/testing").exists()
    assert (site / "other/testing/a.py").exists()
    assert (site / "other/text.so").read_text() == "not ELF"


@pytest.mark.skipif(sys.platform != "linux", reason="images hold Linux programs")
def test_a_cut_too_deep_is_seen(tmp_path: Path) -> None:
    site = installed(tmp_path)
    broken = tmp_path / "slim.py"
    broken.write_text(mutated(SLIM.read_text(), "content[:end]", "content[: end // 2]"))
    slim(broken, tmp_path)
    assert not works(site)
