"""Lines about the headers of every answer, straight and through the proxy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

from service.checks.line import Outcome, failed, passed
from service.checks.scene import Scene
from service.checks.web import LIVE, NOWHERE, Answer, Site

YEAR = 31_536_000
EXPECTED: Mapping[str, Callable[[str], bool]] = {
    "x-content-type-options": lambda value: value == "nosniff",
    "x-frame-options": lambda value: value in {"SAMEORIGIN", "DENY"},
    "x-xss-protection": lambda value: value in {"1; mode=block", "0"},
    "strict-transport-security": lambda value: max_age(value) >= YEAR,
    "referrer-policy": lambda value: value not in {"", "unsafe-url"},
    "permissions-policy": bool,
    "cross-origin-opener-policy": lambda value: value.startswith("same-origin"),
    "cross-origin-resource-policy": lambda value: value in {"same-origin", "same-site"},
}
# Headers that may come in several lines (RFC 9110, 5.3); any other that does is read differently by
# different clients.
LISTS = frozenset(
    {
        "accept-ranges",
        "allow",
        "alt-svc",
        "cache-control",
        "connection",
        "link",
        "server-timing",
        "set-cookie",
        "vary",
        "via",
        "www-authenticate",
    }
)
UNSAFE_SOURCES = ("'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:", "data:")


async def security_headers(scene: Scene) -> Outcome:
    """Every security header of the guide, Referrer-Policy, Permissions-Policy, COOP and CORP are
    on an answer and on an error, straight and through the proxy, with a value that protects.

    Take out what removes or replaces it: in nginx, `proxy_hide_header` and `add_header`.
    """
    for site in scene.sites():
        for path in (LIVE, NOWHERE):
            answer = await site.get(path)
            for name, is_good in EXPECTED.items():
                values = answer.values(name)
                remedy = f"let the service's own {name} through at {site.url}"
                if not values:
                    return failed(f"{site.url}{path} has no {name}", remedy)
                if not all(map(is_good, values)):
                    return failed(f"{site.url}{path} has {name}: {', '.join(values)}", remedy)
    return passed(f"{len(EXPECTED)} headers on answers and errors, straight and through the proxy")


async def header_duplication(scene: Scene) -> Outcome:
    """No header that must be there once comes twice, on an answer, an error or a preflight,
    straight and through the proxy: nginx's `add_header` beside the service's own does that.

    Take the `add_header` out of the proxy's configuration: the service sets these headers.
    """
    for site in scene.sites():
        answers = [await site.get(LIVE), await site.get(NOWHERE), await _preflight(scene, site)]
        for answer in answers:
            counts = Counter(name for name, _ in answer.headers if name not in LISTS)
            twice = sorted(name for name, count in counts.items() if count > 1)
            if twice:
                return failed(
                    f"{site.url} answers with {' and '.join(twice)} more than once",
                    f"remove add_header {twice[0]} from the proxy's configuration",
                )
    return passed("each header once, straight and through the proxy")


async def xss(scene: Scene) -> Outcome:
    """The error for a path with markup in it is JSON, not a page that could repeat it, and the
    Content-Security-Policy of every answer lets no inline or foreign script run, straight and
    through the proxy.

    Let the service's Content-Security-Policy through; answer with JSON, or escape in templates.
    """
    for site in scene.sites():
        error = await site.get(NOWHERE)
        kind = error.value("content-type") or "nothing"
        if not re.match(r"application/([\w.+-]+\+)?json\b", kind):
            return failed(f"an error at {site.url} is {kind}", "answer errors with JSON")
        for path in (LIVE, NOWHERE, "/docs"):
            policies = (await site.get(path)).values("content-security-policy")
            if flaw := flaw_of_policy(policies):
                return failed(
                    f"{site.url}{path}: {flaw}",
                    "let the service's own Content-Security-Policy through",
                )
    return passed("errors are JSON; no inline or foreign script may run")


async def _preflight(scene: Scene, site: Site) -> Answer:
    """What a browser asks before it lets another origin's script post."""
    origin = next(iter(scene.settings.CORS_ORIGINS), "https://nobody.example")
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return await site.ask("OPTIONS", "/api/v1/users", headers)


def flaw_of_policy(policies: list[str]) -> str | None:
    """What makes the Content-Security-Policy let scripts in that are not the service's own."""
    if not policies:
        return "no Content-Security-Policy"
    for policy in policies:  # several hold all at once, so one that is strict is enough
        directives = {
            words[0].lower(): words[1:] for each in policy.split(";") if (words := each.split())
        }
        sources = directives.get("script-src", directives.get("default-src"))
        if sources is not None and not any(each in UNSAFE_SOURCES for each in sources):
            return None
    return "its Content-Security-Policy lets inline or foreign scripts run"


def max_age(value: str) -> int:
    """The seconds a Strict-Transport-Security holds for."""
    found = re.search(r"max-age=\"?(\d+)", value, re.IGNORECASE)
    return int(found[1]) if found else 0
