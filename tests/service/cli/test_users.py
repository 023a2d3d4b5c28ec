"""`quart users create-admin`: the first administrator, without the password in an argument."""

from uuid import uuid4

from tests.service.support import PASSWORD, Account, Service, log_in, quart


def test_administrator_can_log_in(admin: Account) -> None:
    assert admin.http.get("/api/v1/auth/me").json()["role"] == "admin"


def test_address_from_the_environment(service: Service) -> None:
    email = f"{uuid4().hex}@example.com"
    done = quart(
        service, "users", "create-admin", ADMIN_EMAIL=email.upper(), ADMIN_PASSWORD=PASSWORD
    )
    assert done.returncode == 0, done.stderr
    log_in(service.url, email).http.close()
    assert PASSWORD not in done.stdout + done.stderr


def test_refusals_say_why(service: Service, admin: Account) -> None:
    create = ("users", "create-admin", "--email")
    taken = quart(service, *create, admin.email, ADMIN_PASSWORD=PASSWORD)
    short = quart(service, *create, "a@example.com", ADMIN_PASSWORD="short")
    wrong = quart(service, *create, "not-an-address", ADMIN_PASSWORD=PASSWORD)
    away = quart(
        service,
        *create,
        "a@example.com",
        ADMIN_PASSWORD=PASSWORD,
        DATABASE_URL="postgresql://u@127.0.0.1:1/d",
    )
    for done, told in (
        (taken, "already in use"),
        (short, "password is not acceptable"),
        (wrong, "e-mail address is not acceptable"),
        (away, "connection refused"),
    ):
        assert done.returncode == 1
        assert told in done.stderr
        assert "Traceback" not in done.stderr
