"""Every form of database URL a Flask deployment uses, and none that leaks its password."""

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.database.url import DatabaseURLError, redact, translate


@pytest.mark.parametrize(
    "scheme",
    [
        "postgres",
        "postgresql",
        "postgresql+psycopg2",
        "postgresql+psycopg",
        "postgresql+asyncpg",
        "postgres+psycopg2",
    ],
)
def test_schemes(scheme: str) -> None:
    assert translate(f"{scheme}://u:p@h:5433/d").dsn == "postgresql://u:p@h:5433/d"


@pytest.mark.parametrize(
    ("query", "dsn_query", "timeout"),
    [
        ("", "", None),
        ("?sslmode=require", "?sslmode=require", None),
        (
            "?sslmode=verify-full&sslrootcert=/dev/null",
            "?sslmode=verify-full&sslrootcert=%2Fdev%2Fnull",
            None,
        ),
        ("?connect_timeout=3", "", 3.0),
        ("?connect_timeout=0", "", None),
        ("?application_name=my+app", "?application_name=my+app", None),
        ("?options=-c%20search_path%3Dapp", "?options=-c+search_path%3Dapp", None),
        ("?channel_binding=require&sslmode=require", "?sslmode=require", None),
        ("?host=/run/postgresql", "?host=%2Frun%2Fpostgresql", None),
    ],
)
def test_queries(query: str, dsn_query: str, timeout: float | None) -> None:
    translated = translate(f"postgresql://u@h/d{query}")
    assert translated.dsn == f"postgresql://u@h/d{dsn_query}"
    assert translated.connect_timeout == timeout


def test_arguments_beside_the_url_count_as_if_in_it() -> None:
    translated = translate(
        "postgresql://u@h/d?sslmode=prefer",
        {"sslmode": "require", "connect_timeout": 7, "keepalives": 1},
    )
    assert translated.dsn == "postgresql://u@h/d?sslmode=require"
    assert translated.connect_timeout == 7


@pytest.mark.parametrize(
    "url", ["", "mysql://u:secret@h/d", "sqlite:///x", "postgresql", "u:secret@h/d", "http://["]
)
def test_what_is_no_postgresql_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(DatabaseURLError) as caught:
        translate(url)
    assert "secret" not in str(caught.value)


async def test_real_connection_with_every_option(postgres: str) -> None:
    url = postgres.replace("postgresql://", "postgresql+psycopg2://")
    options = "&connect_timeout=5&application_name=shown&sslmode=prefer&gssencmode=disable"
    translated = translate(f"{url}{options}&options=-c%20work_mem%3D5MB")
    connection = await asyncpg.connect(translated.dsn, timeout=translated.connect_timeout)
    try:
        assert await connection.fetchval("SHOW application_name") == "shown"
        assert await connection.fetchval("SHOW work_mem") == "5MB"
    finally:
        await connection.close()


letters = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="@/?#[]&%"), min_size=4
)


@given(letters)
def test_password_is_in_no_repr(password: str) -> None:
    url = f"postgresql://user:{password}@host/database"
    assert redact(url) == "postgresql://user:***@host/database"
    assert f":{password}@" not in repr(translate(url))
