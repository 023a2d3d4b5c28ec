"""`quart users …`: what an operator does before there is anybody to log in as."""

import asyncio
import os
import sys

import click
import msgspec

from service.config import Config, ConfigurationError, load_for_migration
from service.database.embedded import EmbeddedPostgresError
from service.database.engine import DatabaseUnavailable
from service.database.location import open_database
from service.security.passwords import Passwords
from service.users.queries import EmailTaken, add_user
from service.users.schemas import NewUser


@click.group("users")
def users() -> None:
    """Users, straight in the database."""


@users.command("create-admin")
@click.option("--email", envvar="ADMIN_EMAIL", prompt="E-mail address")
def create_admin(email: str) -> None:
    """Creates an administrator.

    The password is asked for, or taken from ADMIN_PASSWORD: never from an argument, which every
    user of the machine could read in the process list.
    """
    password = os.environ.get("ADMIN_PASSWORD") or click.prompt(
        "Password", hide_input=True, confirmation_prompt=True
    )
    try:
        new = msgspec.convert({"email": email, "password": password, "role": "admin"}, NewUser)
    except msgspec.ValidationError as error:
        field = "password" if "$.password" in str(error) else "e-mail address"
        raise click.ClickException(f"the {field} is not acceptable") from None
    try:
        user_id = asyncio.run(_create(load_for_migration(), new))
    except EmailTaken:
        raise click.ClickException(f"{email} is already in use") from None
    except DatabaseUnavailable as error:
        raise click.ClickException(f"the database cannot answer now: {error}") from None
    except ConfigurationError as error:
        sys.exit(error.report())
    except EmbeddedPostgresError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"administrator {new.email} created, id {user_id}")


async def _create(settings: Config, new: NewUser) -> int:
    passwords = Passwords(settings.PASSWORD_SCHEME)
    try:
        password_hash = await passwords.hash(new.password)
    finally:
        passwords.close()
    async with open_database(settings) as database, database.writing() as writer:
        user = await add_user(writer, email=new.email, password_hash=password_hash, role=new.role)
    return user.id
