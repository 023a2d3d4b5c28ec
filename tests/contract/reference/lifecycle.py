"""Around every request: its id, the guide's security headers, and the guide's log line."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from time import perf_counter
from uuid import uuid4

from flask import Flask, Response, g, request

WELL_FORMED = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")

log = logging.getLogger("requests")
log.setLevel(logging.INFO)
log.propagate = False
log.addHandler(logging.StreamHandler(sys.stdout))


def init_app(app: Flask) -> None:
    """Goes first: Flask runs `after_request` functions backwards, and these must see the end."""

    @app.before_request
    def begin() -> None:
        g.started = perf_counter()
        g.user_id = None
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if WELL_FORMED.fullmatch(given) else uuid4().hex

    @app.after_request
    def add_security_headers(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        response.headers["X-XSS-Protection"] = "1; mode=block"
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
        response.headers["X-Request-ID"] = g.request_id
        return response

    @app.after_request
    def log_request(response: Response) -> Response:
        line = {
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "level": "ERROR" if response.status_code >= 500 else "INFO",
            "request_id": g.request_id,
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "duration_ms": round((perf_counter() - g.started) * 1000, 1),
            "user_id": g.user_id,
        }
        log.info(json.dumps(line))
        return response
