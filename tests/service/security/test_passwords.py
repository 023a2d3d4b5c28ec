"""Password hashes both sides read, made without holding up the event loop."""

import asyncio
from collections.abc import Iterator

import bcrypt
import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.security import check_password_hash, generate_password_hash

from service.config import Config
from service.security.passwords import Passwords, strength

CHEAP = "scrypt:1024:8:1"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Passwords hashed at little cost."""
    made = Passwords(CHEAP)
    yield made
    made.close()


async def test_hash_is_werkzeugs_own(passwords: Passwords) -> None:
    stored = await passwords.hash("päßword")
    assert stored.startswith(f"{CHEAP}$")
    assert check_password_hash(stored, "päßword")
    assert await passwords.verify(stored, "päßword")
    assert not await passwords.verify(stored, "password")


async def test_default_cost_is_owasps() -> None:
    assert Config.PASSWORD_SCHEME == "scrypt:32768:8:3"
    stored = await Passwords(Config.PASSWORD_SCHEME).hash("x")
    assert stored.startswith("scrypt:32768:8:3$")


@pytest.mark.parametrize("scheme", ["scrypt:2048:8:1", "pbkdf2:sha256:1000", "pbkdf2:sha512:1000"])
async def test_werkzeugs_other_schemes_verify(passwords: Passwords, scheme: str) -> None:
    stored = generate_password_hash("x", scheme)
    assert await passwords.verify(stored, "x")
    assert not await passwords.verify(stored, "y")


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
@pytest.mark.parametrize("password", ["x", "päßword", "x" * 72, "ä" * 36, ""])
async def test_bcrypt_hashes_verify(passwords: Passwords, prefix: str, password: str) -> None:
    stored = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    stored = stored.replace("$2b$", prefix, 1)
    assert await passwords.verify(stored, password)
    assert not await passwords.verify(stored, password[:-1] + "?")


async def test_bcrypt_reads_72_bytes_as_it_always_did(passwords: Passwords) -> None:
    # Libraries before bcrypt 5 cut a longer password without a word, in the middle of a character.
    for password in ("x" * 100, "ä" * 50, "x" + "ä" * 50):
        stored = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
        assert await passwords.verify(stored, password)
        assert await passwords.verify(stored, password + "more")
        assert not await passwords.verify(stored, "y" + password[1:])


@pytest.mark.parametrize("kind", Type)
async def test_argon2_hashes_verify(passwords: Passwords, kind: Type) -> None:
    stored = PasswordHasher(1, 64, 1, type=kind).hash("päßword")
    assert await passwords.verify(stored, "päßword")
    assert not await passwords.verify(stored, "password")


async def test_argon2id_is_the_scheme_for_after_the_cut_over() -> None:
    passwords = Passwords("argon2id")
    stored = await passwords.hash("x")
    # RFC 9106's second recommendation.
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert len(stored) <= 255
    assert await passwords.verify(stored, "x")
    assert not passwords.outdated(stored)
    for weaker in (
        PasswordHasher(1, 64, 1).hash("x"),
        PasswordHasher(type=Type.I).hash("x"),
        generate_password_hash("x", "scrypt:32768:8:3"),
    ):
        assert passwords.outdated(weaker)
    passwords.close()


BY_STRENGTH = [
    "pbkdf2:sha256:1000$salt$hash",
    "pbkdf2:sha256:600000$salt$hash",
    "$2b$04$",
    "$2y$12$",
    "scrypt:1024:8:1$salt$hash",
    "scrypt:32768:8:1$salt$hash",
    "scrypt:32768:8:3$salt$hash",
    "$argon2id$v=19$m=65536,t=3,p=4$",
]


def test_strengths_are_in_order() -> None:
    measured = [strength(stored) for stored in BY_STRENGTH]
    assert measured == sorted(measured)
    assert len(set(measured)) == len(measured)


@pytest.mark.parametrize("scheme", ["pbkdf2:sha256:2000", "scrypt:1024:8:1", "scrypt:2048:8:1"])
def test_nothing_is_replaced_by_something_weaker(scheme: str) -> None:
    passwords = Passwords(scheme)
    mine = strength(generate_password_hash("x", scheme))
    for stored in BY_STRENGTH:
        assert passwords.outdated(stored) == (strength(stored) < mine)
    passwords.close()


GARBAGE = [
    None,
    "",
    "x",
    "$$",
    "$$$",
    "md5$salt$00",
    "plain$x$y",
    "pbkdf2:sha256:0$salt$00",
    "pbkdf2:sha256:-1$salt$00",
    "pbkdf2:sha256:99999999999999999999$salt$00",
    "pbkdf2:nothing:1$salt$00",
    "pbkdf2:sha256:1:1$salt$00",
    "scrypt:x:y:z$salt$00",
    "scrypt:0:0:0$salt$00",
    "scrypt:3:8:1$salt$00",
    "scrypt:1024:8$salt$00",
    "scrypt:²:8:1$salt$00",
    "scrypt:99999999999999999999999:8:1$salt$00",
    "scrypt:1152921504606846976:8:1$salt$00",
    "scrypt:1024:8:1$sält$00",
    "$2b$",
    "$2b$04$",
    "$2b$99$" + "." * 53,
    "$2b$04$" + "ä" * 53,
    "$2x$04$" + "." * 53,
    "$argon2id$",
    "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$",
    "$argon2id$v=19$m=65536,t=3,p=4$ä$ä",
    "$argon2x$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAA",
]


@pytest.mark.parametrize("stored", GARBAGE)
async def test_what_is_no_hash_fits_nothing(passwords: Passwords, stored: str | None) -> None:
    for password in ("", "nobody", "x" * 256, "ä\x00"):
        assert not await passwords.verify(stored, password)


beginnings = st.sampled_from(
    ["", "scrypt", "scrypt:", "pbkdf2:sha256", "pbkdf2:", "$2b$", "$2a$04$", "$argon2id$v=19$"]
)
rests = st.text(st.one_of(st.sampled_from("$:,=.0123456789"), st.characters()), max_size=40)


@given(beginnings, rests, st.text(max_size=80))
def test_nothing_in_the_column_breaks_a_login(beginning: str, rest: str, password: str) -> None:
    # A cost that is real would take as long as it says.
    rest = "".join(each for each in rest if not each.isdigit() or each == "0")
    assert not asyncio.run(CHECKED.verify(beginning + rest, password))


CHECKED = Passwords(CHEAP)


async def test_loop_runs_while_passwords_are_hashed() -> None:
    passwords = Passwords(Config.PASSWORD_SCHEME)
    hashing = asyncio.gather(*(passwords.hash(str(number)) for number in range(4)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
    assert len(set(await hashing)) == 4
