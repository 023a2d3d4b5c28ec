"""Schemathesis, as its users run it: every check, on every operation the document names.

`SCHEMATHESIS_EXAMPLES=1000` makes it look longer, `SCHEMATHESIS_SEED=2` elsewhere.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.service.support import Service, register
from tests.support import ROOT

COMMAND = Path(sys.executable).parent / "schemathesis"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
# For each operation and phase.
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "25")
TIME_LIMIT = 120 + 3 * int(EXAMPLES)
SEED = os.environ.get("SCHEMATHESIS_SEED", "1")
# What no plain user can do.
ADMINISTRATORS_ONLY = {("POST", "/api/v1/users")}


def schemathesis(
    service: Service, folder: Path, configuration: Path, *options: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """`schemathesis run`, on what the service says of itself; it leaves its files in the folder."""
    return subprocess.run(
        [
            *(COMMAND, "--config-file", configuration, "run", f"{service.url}/openapi.json"),
            *("--max-examples", EXAMPLES, "--seed", SEED, "--no-color", *options),
        ],
        cwd=folder,
        env={**service.environ, "PYTHONPATH": str(ROOT), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )


def documented(service: Service) -> set[tuple[str, str]]:
    """Method and path of every operation."""
    paths = httpx.get(f"{service.url}/openapi.json").json()["paths"]
    return {(method.upper(), path) for path, item in paths.items() for method in item}


def done(service: Service) -> set[tuple[str, str]]:
    """Method and path of every operation that succeeded at least once."""
    lines = [line for line in service.lines(event="request") if line["status"] < 300]
    return {
        (line["method"], line["route"].replace("<id:", "{").replace(">", "}")) for line in lines
    }


@pytest.mark.parametrize("role", ["admin", "user"])
def test_no_check_fails_and_every_operation_is_reached(
    own_service: Callable[..., Service], tmp_path: Path, role: str
) -> None:
    service = own_service(JWT_ACCESS_TOKEN_EXPIRES="86400")
    result = schemathesis(
        service,
        tmp_path,
        CONFIGURATION,
        *("--checks", "all"),
        RUNNER_URL=service.url,
        RUNNER_ROLE=role,
        RUNNER_DATABASE=service.environ["DATABASE_URL"],
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert [line for line in service.lines(event="request") if line["status"] >= 500] == []
    unreached = documented(service) - done(service)
    assert unreached == (ADMINISTRATORS_ONLY if role == "user" else set())


def test_nobody_reads_what_is_another_users(
    own_service: Callable[..., Service], tmp_path: Path
) -> None:
    service = own_service(JWT_ACCESS_TOKEN_EXPIRES="86400")
    people = {name: register(service.url) for name in ("alice", "bob")}
    tokens = {name: str(each.http.headers["Authorization"]) for name, each in people.items()}
    identities = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": token}]}
        for name, token in tokens.items()
    ]
    (tmp_path / "people.json").write_text(json.dumps({"auth": identities}))
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text('[auth.wfc]\npath = "people.json"\npeers = ["alice", "bob"]\n')
    # Reading only: one of the two would soon have deleted themself.
    result = schemathesis(
        service,
        tmp_path,
        configuration,
        *("--checks", "object_level_authorization", "--include-method", "GET"),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    alice, bob = people.values()
    tried = [
        line["status"]
        for asking, asked in ((alice, bob), (bob, alice))
        for line in service.lines(path=f"/api/v1/users/{asked.id}", user_id=asking.id)
    ]
    assert set(tried) == {403}
    for each in people.values():
        each.http.close()
