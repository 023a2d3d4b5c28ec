"""Lines about PostgreSQL: where it is, how it is reached, what it allows and what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from service.checks.hosts import any_is_this_machine
from service.checks.line import Outcome, Unknowable, failed, passed
from service.checks.scene import SEE_DATABASE, Scene
from service.config import is_chosen
from service.database.budget import (
    PROBES,
    connection_budget,
    connections_per_process,
    processes_that_fit,
)
from service.database.engine import DatabaseUnavailable
from service.database.location import EMBEDDED
from service.database.schema import schema_state
from service.database.url import DatabaseURLError, translate

# system_user, which tells how the role proved who it is, is from PostgreSQL 16 on.
SESSION = """
SELECT
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
    (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS encrypted,
    current_setting('server_version_num')::int >= 160000 AS tells
"""


async def database_url(scene: Scene) -> Outcome:
    """`DATABASE_URL` is set and PostgreSQL answers there; it is neither the embedded one nor on
    this machine, unless `DATABASE_SELF_HOSTED=1` says that it is meant to be.

    Set `DATABASE_URL` to the production database; `psql "$DATABASE_URL"` shows whether it answers.
    """
    url = scene.settings.SQLALCHEMY_DATABASE_URI
    try:
        translate(url, scene.settings.SQLALCHEMY_ENGINE_OPTIONS.get("connect_args"))
    except DatabaseURLError as error:
        return failed(f"DATABASE_URL {error}", "set DATABASE_URL to postgresql://…")
    hosts = scene.database_hosts()
    if await asyncio.to_thread(_is_embedded, hosts):
        return failed(
            "it is the embedded database of development",
            "set DATABASE_URL to the production database",
        )
    here = await any_is_this_machine(hosts)
    if here and not scene.settings.DATABASE_SELF_HOSTED:
        return failed(
            "the database is on this machine",
            "set DATABASE_URL to a database elsewhere, or DATABASE_SELF_HOSTED=1",
        )
    where = "on this machine, as DATABASE_SELF_HOSTED says" if here else "on another machine"
    if not scene.deployed:
        return passed(f"it is {where}")
    try:
        await scene.database()
    except Unknowable as error:
        return failed(error.found, "put DATABASE_URL right, or start the database it names")
    return passed(f"PostgreSQL answers, {where}")


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to the database. `method`: how the role proved who it is; None: not at all."""

    superuser: bool
    encrypted: bool
    method: str | None
    local: bool


async def managed_database(scene: Scene) -> Outcome:
    """The service's role is no superuser and has to prove who it is, by a password or a
    certificate; the connection is encrypted when the database is on another machine.

    `ALTER ROLE … NOSUPERUSER PASSWORD …`, `scram-sha-256` in pg_hba.conf, `?sslmode=verify-full`.
    """
    database = await scene.database()
    try:
        async with database.reading() as reader:
            superuser, encrypted, tells = (await reader.execute(sa.text(SESSION))).one()
            method = await reader.scalar(sa.text("SELECT system_user")) if tells else "unknown"
    except DatabaseUnavailable as error:
        raise Unknowable(f"the database does not answer: {error}", SEE_DATABASE) from None
    local = await any_is_this_machine(scene.database_hosts())
    session = Session(superuser, bool(encrypted), method, local)
    return flaw_of_session(session) or passed(
        f"no superuser, {(method or '').partition(':')[0]} authentication, "
        + ("TLS" if encrypted else "on this machine")
    )


def flaw_of_session(session: Session) -> Outcome | None:
    """What somebody who got hold of the connection, or of the network, could do."""
    if session.superuser:
        return failed(
            "the service's role is a superuser",
            "give the service a role of its own, which owns its database: CREATE ROLE … LOGIN",
        )
    if session.method is None:
        return failed(
            "PostgreSQL lets the role in without a password",
            "in pg_hba.conf, replace trust with scram-sha-256, and give the role a password",
        )
    if not session.encrypted and not session.local:
        return failed(
            "passwords and rows cross the network unencrypted",
            "add ?sslmode=verify-full&sslrootcert=… to DATABASE_URL",
        )
    return None


async def budget(scene: Scene) -> Outcome:
    """Every process of every instance (`--instances`) can have its whole pool of connections open
    at once, beside what others have open: `WEB_CONCURRENCY` × (`pool_size` + `max_overflow` + 1)
    against what PostgreSQL leaves to this role. Behind PgBouncer, its `default_pool_size` is the
    bound instead.

    Lower `WEB_CONCURRENCY` or the pool, or raise `max_connections`.
    """
    scene.require("SQLALCHEMY_ENGINE_OPTIONS", line="connection-pool")
    scene.require("WEB_CONCURRENCY", line="server")
    if scene.settings.DATABASE_POOLER:
        return passed("PgBouncer shares its own connections among all processes")
    found = await connection_budget(await scene.database())
    if found is None:
        raise Unknowable("the database does not say what it allows", SEE_DATABASE)
    options = scene.settings.SQLALCHEMY_ENGINE_OPTIONS
    try:
        each = connections_per_process(options)
    except (TypeError, ValueError):
        raise Unknowable("the pool has no size", "see the line connection-pool") from None
    processes = scene.settings.WEB_CONCURRENCY
    if not is_chosen("WEB_CONCURRENCY", scene.environ):
        processes = min(processes, processes_that_fit(found.available, options))
    fit = processes_that_fit(found.available // scene.instances, options)
    wanted = processes * each * scene.instances
    left = (
        f"PostgreSQL leaves {found.available} of {found.maximum} "
        f"({found.reserved} reserved, {found.others} others')"
    )
    instances = f" × {scene.instances} instances" if scene.instances > 1 else ""
    sum_of = f"{processes} processes × {each} connections{instances} = {wanted}"
    if wanted <= found.available:
        return passed(f"{sum_of}; {left}")
    remedy = f"set WEB_CONCURRENCY={fit}"
    if fit * each * scene.instances > found.available:
        pool = max(1, found.available // (scene.instances * processes) - PROBES)
        remedy = f'set SQLALCHEMY_ENGINE_OPTIONS={{"pool_size": {pool}, "max_overflow": 0}}'
    return failed(f"{sum_of}; {left}", f"{remedy}, or raise max_connections")


async def migrations(scene: Scene) -> Outcome:
    """The schema is the one the code was written for, as `/health/ready` sees it.

    `quart db upgrade`.
    """
    ok, found = await schema_state(await scene.database())
    if found.startswith("unknown"):
        raise Unknowable(found, SEE_DATABASE)
    return passed(found) if ok else failed(found.partition(":")[0], "quart db upgrade")


def _is_embedded(hosts: Sequence[str]) -> bool:
    return any(Path(each).resolve().is_relative_to(EMBEDDED.resolve()) for each in hosts)
