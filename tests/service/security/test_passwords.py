"""Password hashes both sides read, made without holding up the event loop."""

import asyncio

from werkzeug.security import check_password_hash, generate_password_hash

from service.config import Config
from service.security.passwords import Passwords

CHEAP = "scrypt:1024:8:1"


async def test_hash_is_werkzeugs_own() -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash("päßword")
    assert stored.startswith(f"{CHEAP}$")
    assert check_password_hash(stored, "päßword")
    assert await passwords.verify(stored, "päßword")
    assert not await passwords.verify(stored, "password")


async def test_default_cost_is_owasps() -> None:
    assert Config.PASSWORD_SCHEME == "scrypt:32768:8:3"
    stored = await Passwords(Config.PASSWORD_SCHEME).hash("x")
    assert stored.startswith("scrypt:32768:8:3$")


async def test_hashes_of_other_schemes_verify() -> None:
    passwords = Passwords(CHEAP)
    for scheme in ("scrypt:2048:8:1", "pbkdf2:sha256:1000", "pbkdf2:sha512:1000"):
        assert await passwords.verify(generate_password_hash("x", scheme), "x")


async def test_what_is_no_hash_fits_nothing() -> None:
    passwords = Passwords(CHEAP)
    for stored in ("", "x", "$$", "md5$salt$00", "scrypt:x:y:z$salt$00", None):
        assert not await passwords.verify(stored, "")
        assert not await passwords.verify(stored, "nobody")


async def test_loop_runs_while_passwords_are_hashed() -> None:
    passwords = Passwords(Config.PASSWORD_SCHEME)
    hashing = asyncio.gather(*(passwords.hash(str(number)) for number in range(4)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
    assert len(set(await hashing)) == 4
