"""A restore makes a new database, as the old one was, and touches no other."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.deploy.backup.conftest import Hire
from tests.deploy.backup.support import all_rows, ask
from tests.support import database_name, execute


@pytest.fixture
def role(shop: str) -> str:
    """A role that owns the tables of the shop."""
    name = f"role_{database_name(shop)}"
    execute(
        shop,
        f"CREATE ROLE {name}",
        f"ALTER TABLE users OWNER TO {name}",
        f"GRANT SELECT ON issued_tokens TO {name}",
        f"ALTER DATABASE {database_name(shop)} SET statement_timeout = '77s'",
        f"""ALTER DATABASE {database_name(shop)} SET search_path = public, "it's, odd" """,
    )
    return name


def drop(url: str, role: str) -> None:
    execute(url, f"REASSIGN OWNED BY {role} TO postgres", f"DROP OWNED BY {role}")


OWNER = "SELECT tableowner FROM pg_tables WHERE tablename = 'users'"
GRANTED = "SELECT has_table_privilege('{}', 'issued_tokens', 'SELECT')"


@pytest.mark.parametrize("own", [False, True])
def test_restored_is_as_it_was(
    shop: str, role: str, hire: Hire, new_name: Callable[[str], str], own: bool
) -> None:
    operator = hire(shop)
    operator.succeeds("create")
    name = f"test {uuid4().hex[:6]} 'odd\" name"
    again = new_name(name.replace('"', '""')).replace(name.replace('"', '""'), "")
    told = operator.succeeds("restore", "latest", "--to", name, *(["--no-owner"] if own else []))
    assert "restored to" in told.out
    url = again.replace("/?", f"/{name.replace(' ', '%20').replace(chr(34), '%22')}?")
    try:
        assert asyncio.run(all_rows(url)) == asyncio.run(all_rows(shop))
        assert asyncio.run(ask(url, OWNER)) == ("postgres" if own else role)
        assert asyncio.run(ask(url, GRANTED.format(role))) is not own
        assert asyncio.run(ask(url, "SHOW statement_timeout")) == "77s"
        assert asyncio.run(ask(url, "SHOW search_path")) == 'public, "it\'s, odd"'
        collation = "SELECT datlocale FROM pg_database WHERE datname = current_database()"
        assert asyncio.run(ask(url, collation)) == "C.UTF-8"
        analysed = "SELECT reltuples FROM pg_class WHERE relname = 'users'"
        assert asyncio.run(ask(url, analysed)) == 200
    finally:
        for each in (url, shop):
            drop(each, role)
        execute(shop, f"DROP ROLE {role}")


def test_no_database_is_overwritten(shop: str, empty_database: str, hire: Hire) -> None:
    operator = hire(shop)
    operator.succeeds("create")
    for taken in (shop, empty_database):
        for to in (taken, database_name(taken)):
            result = operator("restore", "latest", "--to", to)
            assert result.code == 1
            assert "already: restore to a new name" in result.out
    assert asyncio.run(ask(shop, "SELECT count(*) FROM users")) == 200


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("shop-20260115T030000Z-abcdef", "--to", "new"), "there is no backup"),
        (("\x1b[2J", "--to", "new"), "\\u001b[2J"),
        (("latest", "--to", ""), "--to must name"),
        (("latest", "--to", "mysql://h/d"), "--to must begin"),
        (("latest", "--to", "postgresql://u@127.0.0.1:1/new"), "cannot be reached"),
    ],
)
def test_refusals(shop: str, hire: Hire, arguments: tuple[str, ...], told: str) -> None:
    operator = hire(shop)
    operator.succeeds("create")
    result = operator("restore", *arguments)
    assert result.code in {1, 2}
    assert told in result.out
    assert "\x1b" not in result.out + result.err


def test_latest_is_that_of_the_database(shop: str, hire: Hire) -> None:
    """After a restore, DATABASE_URL names another database, which has no backups yet."""
    operator = hire(shop)
    operator.succeeds("create")
    result = operator("restore", "latest", "--to", "new", DATABASE_URL="postgres://h/shop_restored")
    assert result.code == 1
    assert "there is no backup of shop_restored yet: name one, see list" in result.out


def test_no_backup_yet(shop: str, hire: Hire) -> None:
    result = hire(shop)("restore", "latest", "--to", "new")
    assert (result.code, result.out) == (1, "backup: there is no backup yet: create one\n")
