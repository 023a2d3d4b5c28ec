"""Lines that the running service's answers decide, straight and through its proxy."""

from __future__ import annotations

import json
import re
from uuid import uuid4

from service.checks.line import Outcome, Unknowable, failed, passed
from service.checks.scene import Scene
from service.checks.web import LIVE, NOWHERE, Answer
from service.config import Config, ProductionConfig

# So many times more processes than (2 × cores) + 1 only wait for each other.
DISPROPORTION = 4
PROMETHEUS = re.compile(rb"^# TYPE \w+ \w+$", re.MULTILINE)


async def csrf(scene: Scene) -> Outcome:
    """`SESSION_COOKIE_SAMESITE` is `Lax` or `Strict`; tokens in cookies need their CSRF header
    (`JWT_COOKIE_CSRF_PROTECT`); the running service refuses what a form of another site can send.

    Set `SESSION_COOKIE_SAMESITE=Lax`; leave `JWT_COOKIE_CSRF_PROTECT` on.
    """
    if flaw := _flaw_of_cookies(scene.settings):
        return flaw
    if not scene.deployed:
        return passed(f"SameSite={scene.settings.SESSION_COOKIE_SAMESITE}")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await scene.straight.ask("POST", "/api/v1/auth/register", form, b"email=a")
    if answer.status == 429:
        raise Unknowable("a form cannot be tried: too many registrations", "try again in a minute")
    if answer.status != 415:
        return failed(
            f"a form sent to /api/v1/auth/register is answered {answer.status}, not 415",
            "read bodies with read_json, which takes JSON only",
        )
    return passed(f"SameSite={scene.settings.SESSION_COOKIE_SAMESITE}; forms are refused")


async def cors(scene: Scene) -> Outcome:
    """`CORS_ORIGINS` names https origins, no `*`; the running service lets the first of them read
    its answers, and no other origin.

    Set `CORS_ORIGINS` to the frontend's origins, like `https://app.example.com`, and restart.
    """
    origins = scene.settings.CORS_ORIGINS
    said = ", ".join(origins) or "no origin is allowed"
    if not scene.deployed:
        return passed(said)
    stranger = f"https://{uuid4().hex}.example"
    if answered := (await _from_origin(scene, stranger)).values("access-control-allow-origin"):
        return failed(
            f"an unknown origin is allowed: Access-Control-Allow-Origin: {answered[0]}",
            "restart the service with this CORS_ORIGINS, and let the proxy add no CORS header",
        )
    if origins:
        answered = (await _from_origin(scene, origins[0])).values("access-control-allow-origin")
        if answered != [origins[0]]:
            return failed(
                f"{origins[0]} is not allowed by the running service",
                "restart the service with this CORS_ORIGINS, and let the proxy add no CORS header",
            )
    return passed(said)


async def health_check(scene: Scene) -> Outcome:
    """`/health` and `/health/ready` answer in their documented shape, on the port the service
    listens on. When they say that the database or the schema is at fault, that is another line's.

    Start the service; `curl localhost:$PORT/health` shows what it says.
    """
    site = scene.straight
    remedy = f"start the service on {site.url}; its log says why it is not there"
    try:
        answers = [await site.get(path) for path in ("/health", "/health/ready")]
        health, ready = [json.loads(answer.body) for answer in answers]
        statuses = health["status"], ready["status"]
        draining = not ready["checks"]["draining"]["ok"]
    except Unknowable as error:
        return failed(error.found, remedy)
    except (ValueError, TypeError, KeyError):
        return failed(f"{site.url}/health is not this service's", remedy)
    if draining:
        return failed("the service is shutting down", "wait for the new one, or start it")
    if statuses != ("healthy", "ready") or [each.status for each in answers] != [200, 200]:
        raise Unknowable(
            f"{statuses[0]}, {statuses[1]}", "see the lines database-url and migrations"
        )
    return passed(f"healthy and ready at {site.url}")


async def monitoring(scene: Scene) -> Outcome:
    """`/metrics` answers Prometheus on the service's own port, for all processes together, and not
    through the proxy: it tells strangers what is used, and how much.

    Scrape `http://<machine>:$PORT/metrics`; set `PROMETHEUS_MULTIPROC_DIR` to an empty folder; in
    nginx, `location = /metrics { return 404; }`.
    """
    several = scene.settings.WEB_CONCURRENCY > 1
    if several and not scene.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return failed(
            "each process counts by itself: a scrape sees one of them, by chance",
            "set PROMETHEUS_MULTIPROC_DIR to a folder of its own: Gunicorn empties it at its start",
        )
    answer = await scene.straight.get("/metrics")
    families = len(PROMETHEUS.findall(answer.body))
    if answer.status != 200 or not families:
        return failed(
            f"{scene.straight.url}/metrics answers {answer.status} without metrics",
            "let it through to Prometheus on the service's own port",
        )
    outside = await scene.public.ask_anybody("GET", "/metrics")
    if outside.status == 200 and PROMETHEUS.search(outside.body):
        return failed(
            f"{scene.public.url}/metrics is open to everybody",
            "in nginx: location = /metrics { return 404; }",
        )
    return passed(f"{families} metrics for Prometheus, none for the public")


async def server(scene: Scene) -> Outcome:
    """What answers on the port is no development server (`flask run`, `quart run`), which names
    itself in `Server`; no error shows a traceback; `WEB_CONCURRENCY` is in proportion.

    Run `gunicorn -c deploy/gunicorn.conf.py`, or `python -m service` for one process.
    """
    command = "run gunicorn -c deploy/gunicorn.conf.py, or python -m service for one process"
    for path in (LIVE, NOWHERE):
        answer = await scene.straight.get(path)
        if banner := answer.value("server"):
            return failed(f"{scene.straight.url} is served by {banner}", command)
        if b"Traceback" in answer.body or b'"exception":' in answer.body:
            return failed(f"{scene.straight.url}{path} shows a traceback", command)
    processes, usual = scene.settings.WEB_CONCURRENCY, ProductionConfig.WEB_CONCURRENCY
    if processes > DISPROPORTION * usual:
        return failed(
            f"WEB_CONCURRENCY is {processes}; (2 × cores) + 1 is {usual} here",
            f"set WEB_CONCURRENCY={usual}",
        )
    return passed(f"no development server; {processes} processes")


async def _from_origin(scene: Scene, origin: str) -> Answer:
    """The answer a browser would get, through the proxy where it is known."""
    try:
        site = scene.public
    except Unknowable:
        site = scene.straight
    return await site.ask("GET", LIVE, {"Origin": origin})


def _flaw_of_cookies(settings: Config) -> Outcome | None:
    if settings.SESSION_COOKIE_SAMESITE not in {"Lax", "Strict"}:
        found = f"SESSION_COOKIE_SAMESITE is {settings.SESSION_COOKIE_SAMESITE or 'empty'}"
        return failed(found, "set SESSION_COOKIE_SAMESITE=Lax")
    if "cookies" in settings.JWT_TOKEN_LOCATION:
        if not settings.JWT_COOKIE_CSRF_PROTECT:
            return failed("JWT_COOKIE_CSRF_PROTECT is off", "set JWT_COOKIE_CSRF_PROTECT=1")
        missing = {"POST", "PUT", "PATCH", "DELETE"} - set(settings.JWT_CSRF_METHODS)
        if missing:
            named = " and ".join(sorted(missing))
            return failed(f"JWT_CSRF_METHODS lacks {named}", "unset JWT_CSRF_METHODS")
    return None
