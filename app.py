"""Where `quart`, `hypercorn app:app` and `gunicorn app:app` find the application."""

from service.app import create_app

app = create_app()
