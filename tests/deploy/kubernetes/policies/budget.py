"""The connections to the database."""

import json
import math
from collections.abc import Iterator, Mapping
from configparser import ConfigParser

from service.database.budget import connections_per_process
from tests.deploy.kubernetes.rendered import Rendered

# PostgreSQL's superuser_reserved_connections, and what `quart check` and an operator's psql take.
KEPT_BACK = 3 + 5
MIGRATION_CONNECTIONS = 1
# pg_dump, and what creates, fills and reads the database a backup is verified in.
BACKUP_CONNECTIONS = 4


def connections_fit_the_database(rendered: Rendered) -> Iterator[str]:
    """The service or its pooler, the migration and the backup have connections enough, also in the
    middle of a roll-out at full scale."""
    room = int(rendered.service["metadata"]["annotations"].get("quartermaster/max-connections", 0))
    if needed(rendered) > room:
        yield f"{needed(rendered)} connections are needed, {room} are there"


def pods_fit_the_pooler(rendered: Rendered) -> Iterator[str]:
    """One PgBouncer takes every pod's connections while the other is away."""
    if rendered.config.get("DATABASE_POOLER") == "pgbouncer":
        clients, room = of_the_pods(rendered), int(_pooler(rendered)["max_client_conn"])
        if clients > room:
            yield f"{clients} clients may come, PgBouncer takes {room}"


def needed(rendered: Rendered) -> int:
    """The connections to PostgreSQL that there may be at once."""
    pooled = rendered.config.get("DATABASE_POOLER") == "pgbouncer"
    service = of_the_pooler(rendered) if pooled else of_the_pods(rendered)
    backup = BACKUP_CONNECTIONS if rendered.of("CronJob") else 0
    return service + MIGRATION_CONNECTIONS + backup + KEPT_BACK


def of_the_pods(rendered: Rendered) -> int:
    """The connections that all the pods that can be there at once may open."""
    options = json.loads(rendered.config.get("SQLALCHEMY_ENGINE_OPTIONS", "{}"))
    return most_pods(rendered) * connections_per_process(options)


def of_the_pooler(rendered: Rendered) -> int:
    """The connections PgBouncer may open, one more of it than there are while it is rolled out."""
    spec = rendered.named("Deployment", "pgbouncer")["spec"]
    copies: int = spec["replicas"] + spec["strategy"]["rollingUpdate"]["maxSurge"]
    return copies * int(_pooler(rendered)["max_db_connections"])


def _pooler(rendered: Rendered) -> Mapping[str, str]:
    name = rendered.named("Deployment", "pgbouncer")["spec"]["template"]["spec"]["volumes"][0]
    config = rendered.named("ConfigMap", name["configMap"]["name"])["data"]["pgbouncer.ini"]
    # PgBouncer's own directive, which is no section's.
    lines = [line for line in config.splitlines() if not line.startswith("%include")]
    parser = ConfigParser(interpolation=None)
    parser.read_string("\n".join(lines))
    return parser["pgbouncer"]


def most_pods(rendered: Rendered) -> int:
    """Those the autoscaler may want, the one a roll-out adds, and those that are still stopping:
    one follows another after `minReadySeconds`, and each may take its whole grace."""
    spec = rendered.service["spec"]
    (scaler,) = rendered.of("HorizontalPodAutoscaler")
    grace = spec["template"]["spec"]["terminationGracePeriodSeconds"]
    stopping = math.ceil(grace / max(1, spec.get("minReadySeconds", 0)))
    most: int = scaler["spec"]["maxReplicas"]
    return most + spec["strategy"]["rollingUpdate"]["maxSurge"] + stopping
