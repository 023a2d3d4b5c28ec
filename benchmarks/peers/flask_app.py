"""The Flask reference of `tests/contract`, with what the other servers have and it has not: a route
that asks no database, one whose query takes its time, and the rest of the headers."""

from flask import Flask, Response
from sqlalchemy import text

from benchmarks.cases import PAUSE
from benchmarks.peers.headers import SECURITY_HEADERS
from tests.contract.reference.app import create_app
from tests.contract.reference.extensions import db

# On every answer already: see `tests/contract/reference/lifecycle.py`.
ITS_OWN = {
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
    "Strict-Transport-Security",
}
MISSING = {name: value for name, value in SECURITY_HEADERS.items() if name not in ITS_OWN}
# Flask-CORS says so only to browsers, or else names an origin to everybody.
MISSING["Vary"] = "Origin"


def make() -> Flask:
    """The reference and those."""
    app = create_app()

    @app.get("/health/live")
    def live() -> dict[str, str]:
        """A constant."""
        return {"status": "alive"}

    @app.get("/benchmark/slow")
    def slow() -> dict[str, str]:
        """One query of `PAUSE` seconds."""
        db.session.execute(text("SELECT pg_sleep(:pause)"), {"pause": PAUSE})
        return {"status": "done"}

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in MISSING.items():
            response.headers[name] = value
        return response

    return app


app = make()
