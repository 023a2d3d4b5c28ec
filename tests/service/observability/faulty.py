"""The service with routes that fail, for `python -m tests.service.observability.faulty`."""

import sys

import sqlalchemy as sa
from quart import request

from service import server
from service.app import create_app as create_service
from service.http.application import Application, application
from service.http.caller import current_caller
from service.http.operation import operation

PASSWORD = "hunter2-in-a-local-variable"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJlLW9mLWEtdG9rZW4"
DATABASE = "postgresql://service:s3cr3t-of-the-database@db.internal/app"
ROW = "somebody-private@example.com"


def create_app() -> Application:
    """The service, and `/faulty/…`."""
    app = create_service()

    @app.post("/faulty/<int:number>")
    @operation(returns={200: str})
    async def fail(number: int) -> str:
        await current_caller()
        password = PASSWORD
        body = await request.get_data(as_text=True)
        raise RuntimeError(
            f"{number}: cannot reach {DATABASE} as Bearer {TOKEN}, password={len(password + body)}"
            f"\nDETAIL: {ROW}"
        )

    @app.get("/faulty/sql")
    @operation(returns={200: str}, credential="none")
    async def fail_in_sql() -> str:
        async with application().database.reading() as reader:
            statement = sa.text("SELECT CAST(:private AS text)::int")
            await reader.execute(statement, {"private": ROW})
        return "never"

    return app


if __name__ == "__main__":
    sys.exit(server.main("tests.service.observability.faulty:create_app"))
