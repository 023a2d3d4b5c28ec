"""Password hashes."""

import bcrypt
from werkzeug.security import generate_password_hash

from tests.contract.behaviour import better, same
from tests.contract.people import new_email, new_person, told, try_login
from tests.contract.support import AUTH, PASSWORD, Side


def login_with_hash(side: Side, password_hash: str) -> str:
    """What somebody with that hash in the table is answered, and with a wrong password."""
    person = new_person(side.pair, password_hash=password_hash)
    right, wrong = (try_login(side, person.email, each) for each in (PASSWORD, "wrong password"))
    return f"{right.status_code}, wrong {wrong.status_code}"


@same("scrypt, as Werkzeug writes it by default", "200, wrong 401")
def scrypt(side: Side) -> str:
    return login_with_hash(side, generate_password_hash(PASSWORD))


@same("pbkdf2:sha256, as Werkzeug wrote it before 3.0", "200, wrong 401")
def pbkdf2(side: Side) -> str:
    return login_with_hash(side, generate_password_hash(PASSWORD, "pbkdf2:sha256:260000"))


@same("pbkdf2:sha512", "200, wrong 401")
def pbkdf2_sha512(side: Side) -> str:
    return login_with_hash(side, generate_password_hash(PASSWORD, "pbkdf2:sha512:1000"))


@better(
    "bcrypt",
    flask="500, wrong 500",
    here="200, wrong 401",
    because="the guide's checklist names bcrypt, which Werkzeug does not verify",
)
def bcrypt_hash(side: Side) -> str:
    return login_with_hash(side, bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())


@better(
    "a hash nobody knows",
    flask="500, wrong 500",
    here="401, wrong 401",
    because="it is a hash that no password fits",
)
def unknown_hash(side: Side) -> str:
    return login_with_hash(side, "argon5$not$known")


@same("a hash written here, verified there", "200")
def written_here(side: Side) -> str:
    email = new_email()
    side.post(f"{AUTH}/register", json={"email": email, "password": PASSWORD})
    return str(try_login(side.other, email).status_code)


@same("a password changed here, verified there", "200")
def changed_here(side: Side) -> str:
    person = new_person(side.pair)
    access = try_login(side, person.email).json()["access_token"]
    sent = {"current_password": PASSWORD, "new_password": "another horse battery"}
    headers = {"Authorization": f"Bearer {access}"}
    assert told(side.post(f"{AUTH}/password", json=sent, headers=headers)) == "200 tokens"
    return str(try_login(side.other, person.email, "another horse battery").status_code)


@same("what is written", "scrypt:1024:8:1$<salt>$<hash>, as PASSWORD_SCHEME says")
def written(side: Side) -> str:
    email = new_email()
    side.post(f"{AUTH}/register", json={"email": email, "password": PASSWORD})
    [(stored,)] = side.pair.query("SELECT password_hash FROM users WHERE email = %s", email)
    method, salt, digest = stored.split("$")
    # Werkzeug's own: 16 characters of salt, 64 bytes in hexadecimal.
    assert (len(salt), len(bytes.fromhex(digest))) == (16, 64)
    return f"{method}$<salt>$<hash>, as PASSWORD_SCHEME says"


@better(
    "a weaker hash, after the next login",
    flask="as weak",
    here="scrypt:1024:8:1",
    because="nobody has to be asked for a new password when the cost is raised",
)
def rehashed(side: Side) -> str:
    weak = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
    person = new_person(side.pair, password_hash=weak)
    assert try_login(side, person.email).status_code == 200
    [(stored,)] = side.pair.query("SELECT password_hash FROM users WHERE id = %s", person.id)
    assert try_login(side.other, person.email).status_code == 200
    return "as weak" if stored == weak else str(stored.partition("$")[0])
