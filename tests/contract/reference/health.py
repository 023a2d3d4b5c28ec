"""`/health`, as the guide has it, with its two repairs."""

from flask import Blueprint
from sqlalchemy import text

from tests.contract.reference.extensions import db

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> tuple[dict[str, str], int]:
    """Whether the database answers."""
    try:
        db.session.execute(text("SELECT 1"))
    except Exception as error:
        # The guide has str(error), which tells anybody the database's host and user.
        return {"status": "unhealthy", "error": type(error).__name__}, 503
    return {"status": "healthy", "database": "connected"}, 200
