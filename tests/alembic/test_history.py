"""The schema's history goes up and down, matches the models, and fails with one clear line."""

import asyncio
import threading

import asyncpg
import pytest

from tests.support import alembic, execute, in_database


def fetch(url: str, query: str) -> list[str]:
    async def run() -> list[str]:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return [str(row[0]) for row in await connection.fetch(query, timeout=10)]
        finally:
            await connection.close(timeout=10)

    return asyncio.run(run())


TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


def test_up_check_down_up(empty_database: str) -> None:
    url = empty_database.replace("postgresql://", "postgres://")
    for command in (["upgrade", "head"], ["check"], ["downgrade", "base"], ["upgrade", "head"]):
        done = alembic(url, *command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        if command[0] == "downgrade":
            assert fetch(empty_database, TABLES) == ["alembic_version"]
    assert {"alembic_version", "revoked_tokens", "users"} <= set(fetch(empty_database, TABLES))
    assert alembic(url, "current").stdout.strip().endswith("(head)")


def test_upgrade_says_what_it_runs(empty_database: str) -> None:
    done = alembic(empty_database, "upgrade", "head")
    assert "Running upgrade  -> 0001" in done.stderr


def test_constraints_follow_the_naming_convention(database: str) -> None:
    names = fetch(
        database,
        "SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid "
        "WHERE relname IN ('users', 'revoked_tokens') AND contype <> 'n' ORDER BY 1",
    )
    assert names == [
        "ck_users_role",
        "fk_revoked_tokens_user_id_users",
        "pk_revoked_tokens",
        "pk_users",
        "uq_users_email",
    ]


def test_many_upgrades_at_once_run_each_revision_once(empty_database: str) -> None:
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(alembic(empty_database, "upgrade", "head")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [done.returncode for done in results] == [0] * 4, [done.stderr for done in results]
    assert sum("Running upgrade" in done.stderr for done in results) == 1


def while_holding(url: str, statement: str, *command: str) -> tuple[int, str]:
    """What became of Alembic's command while another transaction held what the statement takes."""

    async def run() -> tuple[int, str]:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            async with connection.transaction():
                await connection.execute(statement)
                done = await asyncio.to_thread(alembic, url, *command)
        finally:
            await connection.close(timeout=10)
        return done.returncode, done.stdout + done.stderr

    return asyncio.run(run())


def test_revision_waits_for_a_lock_but_not_for_ever(database: str) -> None:
    head = fetch(database, "SELECT version_num FROM alembic_version")
    code, said = while_holding(database, "LOCK TABLE users", "downgrade", "base")
    assert code != 0
    assert "lock timeout" in said
    assert fetch(database, "SELECT version_num FROM alembic_version") == head


def test_looking_does_not_wait_for_a_migration(database: str) -> None:
    hold = "SELECT pg_advisory_xact_lock(5500001)"
    code, said = while_holding(database, hold, "current")
    assert code == 0, said
    assert "(head)" in said


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/d", "the database cannot answer: connection refused"),
        ("mysql://u:hunter2@h/d", "must begin with postgresql://"),
    ],
)
def test_unusable_database_is_one_line(url: str, told: str) -> None:
    done = alembic(url, "upgrade", "head")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert told in done.stderr
    assert "hunter2" not in done.stderr


def test_missing_database_is_one_line(postgres: str) -> None:
    done = alembic(in_database(postgres, "nowhere"), "current")
    assert done.returncode == 1
    assert done.stderr == "the database cannot answer: database does not exist\n"


def test_production_without_a_database_is_refused() -> None:
    done = alembic("", "upgrade", "head", FLASK_ENV="production")
    assert done.returncode == 2
    assert done.stderr.startswith("configuration: DATABASE_URL is not set")


def test_pooler_is_gone_past(empty_database: str) -> None:
    pooled = "postgresql://u:hunter2@127.0.0.1:1/d"
    done = alembic(pooled, "upgrade", "head", DATABASE_POOLER="pgbouncer")
    assert done.returncode == 2
    assert done.stderr.startswith("configuration: MIGRATION_DATABASE_URL is not set")
    direct = {"DATABASE_POOLER": "pgbouncer", "MIGRATION_DATABASE_URL": empty_database}
    assert alembic(pooled, "upgrade", "head", **direct).returncode == 0
    assert alembic(empty_database, "current").stdout.strip().endswith("(head)")


def test_sql_can_be_printed_without_a_database() -> None:
    done = alembic("postgresql://nobody@127.0.0.1:1/d", "upgrade", "head", "--sql")
    assert done.returncode == 0, done.stderr
    assert "CREATE TABLE users" in done.stdout


def test_data_survives_an_upgrade_that_finds_nothing_to_do(database: str) -> None:
    execute(database, "INSERT INTO users (email, password_hash) VALUES ('a@b.cd', 'x')")
    assert alembic(database, "upgrade", "head").returncode == 0
    assert fetch(database, "SELECT email FROM users") == ["a@b.cd"]
