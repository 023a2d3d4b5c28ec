"""The Dockerfile is clean to hadolint and keeps the rules of a production image, and its context
holds all it copies and nothing secret; broken copies of both fail."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.docker.dockerfile import (
    Stage,
    context,
    ignored,
    lineage,
    read_stages,
)
from tests.deploy.docker.mutation import mutated
from tests.support import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORE = (ROOT / ".dockerignore").read_text()
HADOLINT = Path(sys.executable).with_name("hadolint")
IMAGES = ("development", "production", "backup")


def hadolint(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HADOLINT, "--no-color", "-"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def problems(text: str) -> list[str]:
    """Rules that hadolint does not have."""
    stages = read_stages(text)
    found = [f"there is no stage {each}" for each in IMAGES if each not in stages]
    if found:
        return found
    if next(reversed(stages)) != "production":
        found.append("docker build without --target makes another image than production")
    for stage in stages.values():
        found += problems_of_stage(stage)
    for name in IMAGES:
        found += problems_of_image(name, lineage(stages, name))
    return found + problems_of_production(lineage(stages, "production"))


def problems_of_stage(stage: Stage) -> list[str]:
    found = []
    if "--mount" in str(stage.instructions) or stage.all("ADD"):
        found.append(f"{stage.name}: only BuildKit can do that, or it fetches")
    for run in stage.all("RUN"):
        for command in re.split(r"&&|;", run.value):
            if re.search(r"pip\b.* install ", command) and not (
                "--require-hashes" in command or "--no-index" in command
            ):
                found.append(f"{stage.name}: installs what is not pinned by hash")
            if "--require-hashes" in command and "--only-binary :all:" not in command:
                found.append(f"{stage.name}: runs what a source package says")
    return found


def problems_of_image(name: str, stages: list[Stage]) -> list[str]:
    found = []
    users = [each.value for stage in stages for each in stage.all("USER")]
    if not users or not re.fullmatch(r"[1-9]\d{4}:[1-9]\d{4}", users[-1]):
        found.append(f"{name}: not a fixed number of a user that is not root")
    commands = [each for stage in stages for each in stage.all("CMD")]
    if not commands or not commands[-1].value.startswith("["):
        found.append(f"{name}: a shell would be the first process, and get the signals")
    if "SIGTERM" not in [each.value for stage in stages for each in stage.all("STOPSIGNAL")]:
        found.append(f"{name}: SIGTERM is not what stops it")
    return found


def problems_of_production(stages: list[Stage]) -> list[str]:
    found = []
    runs = " ".join(each.value for stage in stages for each in stage.all("RUN"))
    if re.search(r"apt|pip|curl|wget", runs):
        found.append("production: installs, in what is shipped")
    copies = [each.value for stage in stages for each in stage.all("COPY")]
    if not copies or not all("--from=build" in each for each in copies):
        found.append("production: copies something past the build stage")
    checks = [each.value for stage in stages for each in stage.all("HEALTHCHECK")]
    if len(checks) != 1 or "/health/live" not in checks[0] or "--timeout=" not in checks[0]:
        found.append("production: no health check of the process, or one without a limit")
    environ = " ".join(each.value for stage in stages for each in stage.all("ENV"))
    if "FLASK_ENV=production" not in environ or re.search(r"SECRET|PASSWORD|_URL", environ):
        found.append("production: starts as something else, or with a secret in it")
    return found


def test_hadolint_finds_nothing() -> None:
    done = hadolint(DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("'postgresql-client-17=17.*'", "postgresql-client-17", "DL3008"),
        ("-y --no-install-recommends", "-y", "DL3015"),
        ('CMD ["python", "-m", "service"]', "CMD python -m service", "DL3025"),
        ("FROM runtime AS production", "FROM python AS production", "DL3006"),
        ("FROM runtime AS production", "FROM python:latest AS production", "DL3007"),
        ("EXPOSE 5500", "EXPOSE 550000", "DL3011"),
        ("-r requirements.txt\n", "-r requirements.txt && sudo true\n", "DL3004"),
    ],
)
def test_hadolint_finds_what_is_broken(old: str, new: str, rule: str) -> None:
    done = hadolint(mutated(DOCKERFILE, old, new))
    assert done.returncode == 1
    assert rule in done.stdout


def test_it_keeps_the_rules() -> None:
    assert problems(DOCKERFILE) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("AS backup", "AS backups", "no stage backup"),
        ("FROM runtime AS production", "FROM build AS production", "installs, in what is shipped"),
        ("EXPOSE 5500\n", "EXPOSE 5500\nRUN apt-get update\n", "installs, in what is shipped"),
        ("EXPOSE 5500\n", "EXPOSE 5500\nCOPY service service\n", "past the build stage"),
        ("USER 10001:10001\nEXPOSE", "USER app\nEXPOSE", "not a fixed number"),
        ("USER 10001:10001\nEXPOSE", "USER 0:0\nEXPOSE", "not a fixed number"),
        ("EXPOSE 5500\nSTOPSIGNAL SIGTERM", "EXPOSE 5500", "SIGTERM is not"),
        ('CMD ["python", "-m", "service"]', "CMD python -m service", "a shell"),
        (":all: --require-hashes -r req", ":all: -r req", "not pinned by hash"),
        ("--only-binary :all: --require-hashes -r req", "--require-hashes -r req", "source"),
        ("--interval=10s --timeout=5s", "--interval=10s", "without a limit"),
        ('healthcheck.py", "/health/live"', 'healthcheck.py", "/health"', "no health check"),
        ("FLASK_ENV=production \\\n", "FLASK_ENV=testing \\\n", "starts as something else"),
        ("    PORT=5500 \\\n", "    PORT=5500 \\\n    SECRET_KEY=x \\\n", "with a secret"),
        ("RUN groupadd --gid", "RUN --mount=type=tmpfs,target=/t groupadd --gid", "BuildKit"),
        ('CMD ["python", "-m", "service"]\n',
         'CMD ["python", "-m", "service"]\n\nFROM production AS debug\n', "another image"),
    ],
)  # fmt: skip
def test_the_rules_find_what_is_broken(old: str, new: str, told: str) -> None:
    assert told in "; ".join(problems(mutated(DOCKERFILE, old, new)))


def missing(text: str, ignore: str) -> list[str]:
    """Sources of COPY that are not in the context."""
    files = context(ROOT, ignore)
    wanted = [
        source
        for stage in read_stages(text).values()
        for copy in stage.all("COPY")
        if "--from" not in copy.value
        for source in copy.words()[:-1]
        if source != "."
    ]
    wanted += packed(text) + re.findall(r"python (deploy/\S+\.py)", text)
    return [
        each
        for each in wanted
        if not any(path == Path(each) or Path(each) in path.parents for path in files)
    ]


def packed(text: str) -> list[str]:
    """What the build stage puts into /app."""
    build = " ".join(each.value for each in read_stages(text)["build"].all("RUN"))
    found = re.search(r"cp -r --parents (.+?) /app", build)
    assert found
    return found[1].split()


def test_all_it_copies_is_in_the_context() -> None:
    assert missing(DOCKERFILE, IGNORE) == []


@pytest.mark.parametrize(
    "line",
    ["!alembic.ini\n", "!alembic\n", "!deploy/backup\n", "!deploy/docker/*.py\n", "!app.py\n"],
)
def test_what_is_left_out_is_missed(line: str) -> None:
    assert missing(DOCKERFILE, mutated(IGNORE, line, ""))


LEFT_OUT = (
    ".env",
    ".env.production",
    ".git/config",
    ".venv/pyvenv.cfg",
    "console/app.py",
    "deploy/docker/.env",
    "deploy/docker/secrets/secret_key",
    "deploy/docker/tls/privkey.pem",
    "deploy/kubernetes/base/secret.yaml",
    "service/.env",
    "service/__pycache__/app.cpython-311.pyc",
    "tests/conftest.py",
    "var/backup.json",
    "var/postgres/data/PG_VERSION",
)


def let_in(ignore: str) -> list[str]:
    """Of what must not be in any image, what is."""
    patterns = [each for each in ignore.splitlines() if each and not each.startswith("#")]
    return [each for each in LEFT_OUT if not ignored(Path(each), patterns)]


def test_nothing_secret_is_in_the_context() -> None:
    assert let_in(IGNORE) == []
    folders = {path.parts[0] for path in context(ROOT, IGNORE)}
    assert folders >= {"service", "alembic", "deploy"}
    assert not folders & {"console", "tests", "benchmarks", "tools", "docs"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("*\n!alembic\n", "!alembic\n", ".git/config"),
        ("!deploy/docker/*.py\n", "!deploy/docker\n", "deploy/docker/secrets/secret_key"),
        ("**/.env*\n", "", "service/.env"),
        ("**/__pycache__\n", "", "service/__pycache__/app.cpython-311.pyc"),
        ("!var/tests.json\n", "!var\n", "var/backup.json"),
    ],
)
def test_what_is_let_in_is_seen(old: str, new: str, told: str) -> None:
    assert told in let_in(mutated(IGNORE, old, new))


def pins(path: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / path).read_text(), re.MULTILINE))


def test_the_image_is_built_with_the_tools_of_the_tests() -> None:
    tools = pins("deploy/docker/requirements.txt")
    assert any(each.startswith("hatchling==") for each in tools)
    assert tools <= pins("requirements-dev.txt"), "run make requirements"
