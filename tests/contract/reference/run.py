"""What Gunicorn is given on the guide: `run:app`."""

from tests.contract.reference.app import create_app

app = create_app()
