"""The real PgBouncer reads the file Kubernetes mounts, and the service works through it in the
environment the component gives it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.certificates import Authority
from tests.deploy.kubernetes.pod import start
from tests.deploy.kubernetes.variants import variant
from tests.deploy.pgbouncer.bouncer import ROLE, Bouncer, Postgres, postgres
from tests.service.support import Service, register
from tests.support import wait_until
from tests.valkey import Valkey

MOUNT = "/run/secrets/pgbouncer"

pytestmark = pytest.mark.xdist_group("kubernetes-pgbouncer")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with postgres(tmp_path_factory.mktemp("kubernetes") / "postgres") as running:
        yield running


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    server = Valkey()
    yield server
    server.kill()


def mounted(folder: Path, database: Postgres, broken: tuple[str, str] | None = None) -> Bouncer:
    """A PgBouncer on the file in the rendered ConfigMap and the Secret's files, all in `folder`."""
    rendered = variant("pgbouncer")
    template = rendered.named("Deployment", "pgbouncer")["spec"]["template"]["spec"]
    bouncer = Bouncer(folder, database)
    config = rendered.named("ConfigMap", template["volumes"][0]["configMap"]["name"])
    text = config["data"]["pgbouncer.ini"].replace(MOUNT, str(folder))
    changes = [("listen_port = 6432", f"listen_port = {bouncer.port}"), *([broken] * bool(broken))]
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "pgbouncer.ini").write_text(text)
    (folder / "databases.ini").write_text(
        f"[databases]\n{ROLE} = host={database.host} port=5432 dbname={ROLE}\n"
    )
    (folder / "userlist.txt").write_text(f'"{ROLE}" "{database.password}"\n')
    (folder / "DATABASE_CA").write_text(Authority().certificate)
    assert set(rendered.secrets["quartermaster-pgbouncer"]) == {
        "databases.ini",
        "userlist.txt",
        "DATABASE_CA",
    }
    bouncer.start()
    return bouncer


def started(bouncer: Bouncer, store: str, folder: Path) -> Service:
    """A pod of the service, before that PgBouncer."""
    return start(variant("pgbouncer"), bouncer.url, store, folder)


def test_the_service_works_through_it(database: Postgres, valkey: Valkey, tmp_path: Path) -> None:
    bouncer = mounted(tmp_path, database)
    try:
        service = started(bouncer, valkey.url, tmp_path)
        try:
            ready = f"{service.url}/health/ready"
            wait_until(lambda: httpx.get(ready, timeout=5).status_code == 200, "readiness")
            with closing(register(service.url).http) as client:
                assert client.get("/api/v1/auth/me").status_code == 200
        finally:
            assert service.stop() == 0
    finally:
        bouncer.stop()


def test_another_mode_is_noticed(database: Postgres, valkey: Valkey, tmp_path: Path) -> None:
    bouncer = mounted(tmp_path, database, ("pool_mode = transaction", "pool_mode = statement"))
    try:
        service = started(bouncer, valkey.url, tmp_path)
        try:
            assert httpx.get(f"{service.url}/health/ready", timeout=5).status_code == 503
        finally:
            service.stop()
    finally:
        bouncer.stop()
