"""All SQL about users. Statements are built once: building one costs as much as running it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.database.engine import Database, Query, Writer
from service.http.pagination import Page
from service.users.models import users
from service.users.schemas import UserOut

# A page as long as most are, and one row: for a number it does not know, PostgreSQL plans anew each
# time.
USUAL_ROWS = 21
USUAL_LIMIT = sa.literal_column("21", sa.Integer)

SHOWN = [users.c[name] for name in UserOut.__struct_fields__]

WITH_ID = sa.select(*SHOWN).where(users.c.id == sa.bindparam("id"))
BY_ID = Query(WITH_ID)
TO_CHANGE = WITH_ID.with_for_update()
ADD = (
    insert(users)
    .values({name: sa.bindparam(name) for name in ("email", "password_hash", "name", "role")})
    .on_conflict_do_nothing(index_elements=[users.c.email])
    .returning(*SHOWN)
)
DELETE = sa.delete(users).where(users.c.id == sa.bindparam("id")).returning(users.c.id)


class EmailTaken(Exception):  # noqa: N818 - the state of the address
    """Another user has this e-mail address."""


@cache
def page_query(*, by_email: bool, only_one: bool, usual: bool) -> Query:
    """One page in order of id, with the filters asked for; `usual`: of `USUAL_ROWS`."""
    statement = sa.select(*SHOWN).where(users.c.id > sa.bindparam("after"))
    if by_email:
        statement = statement.where(users.c.email == sa.bindparam("email"))
    if only_one:
        statement = statement.where(users.c.id == sa.bindparam("only"))
    count = USUAL_LIMIT if usual else sa.bindparam("count", type_=sa.Integer)
    return Query(statement.order_by(users.c.id).limit(count))


async def list_users(
    database: Database, page: Page, *, email: str | None = None, only: int | None = None
) -> list[UserOut]:
    """One page in order of id, and one row more if there is one; `only` keeps to that user."""
    rows = page.limit + 1
    values: dict[str, Any] = {"after": page.after, "count": rows}
    if email is not None:
        values["email"] = email.lower()
    if only is not None:
        values["only"] = only
    query = page_query(
        by_email=email is not None, only_one=only is not None, usual=rows == USUAL_ROWS
    )
    return [UserOut(*row) for row in await database.select(query, values)]


async def get_user(database: Database, user_id: int) -> UserOut | None:
    """The user, or None."""
    rows = await database.select(BY_ID, {"id": user_id})
    return UserOut(*rows[0]) if rows else None


async def hold_user(writer: Writer, user_id: int) -> UserOut | None:
    """The user, whom nobody else changes until the transaction ends, or None."""
    row = (await writer.execute(TO_CHANGE, {"id": user_id})).one_or_none()
    return UserOut(*row) if row else None


async def add_user(
    writer: Writer, *, email: str, password_hash: str, name: str = "", role: str = "user"
) -> UserOut:
    """Creates a user. Raises `EmailTaken`."""
    values = {"email": email.lower(), "password_hash": password_hash, "name": name, "role": role}
    row = (await writer.execute(ADD, values)).one_or_none()
    if row is None:
        raise EmailTaken
    return UserOut(*row)


async def change_user(writer: Writer, user_id: int, changes: Mapping[str, Any]) -> UserOut | None:
    """The user with these columns changed, or None. Raises `EmailTaken`."""
    # Not now(): that is when the transaction began, maybe before another that has ended since.
    values = {**changes, "updated_at": sa.func.clock_timestamp()}
    if "email" in values:
        values["email"] = values["email"].lower()
    statement = sa.update(users).where(users.c.id == user_id).values(values).returning(*SHOWN)
    try:
        row = (await writer.execute(statement)).one_or_none()
    except sa.exc.IntegrityError as error:
        raise EmailTaken from error
    return UserOut(*row) if row else None


async def delete_user(writer: Writer, user_id: int) -> bool:
    """Whether there was such a user."""
    return (await writer.execute(DELETE, {"id": user_id})).one_or_none() is not None
