"""What a run was made on, and with."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from benchmarks.processes import Cores, share_a_core
from service.database.embedded import MAJOR

PACKAGES = (
    *("quart", "hypercorn", "uvloop", "sqlalchemy", "asyncpg", "msgspec"),
    *("flask", "gunicorn", "flask-sqlalchemy", "flask-jwt-extended", "psycopg"),
    *("fastapi", "uvicorn", "httptools", "pydantic", "starlette", "structlog"),
)


class Machine(msgspec.Struct, frozen=True):
    """`threads_of_one_core`: whether the server's core and the other are one physical core."""

    made_at: str
    system: str
    processor: str
    processors: int
    cores: Cores
    threads_of_one_core: bool | None
    python: str
    postgresql: str | None
    packages: dict[str, str]


def describe(cores: Cores, *, embedded: bool) -> Machine:
    """This machine. `embedded`: PostgreSQL is the one out of the wheel."""
    return Machine(
        made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        processors=os.cpu_count() or 1,
        cores=cores,
        threads_of_one_core=share_a_core(cores) if cores.server is not None else None,
        python=platform.python_version(),
        postgresql=MAJOR if embedded else None,
        packages={name: version(name) for name in PACKAGES},
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
