"""The public reaches the service's API and its documentation, and neither its metrics nor what its
readiness says about the database."""

from pathlib import Path

import pytest

from service.app import create_app
from tests.deploy.kubernetes.rendered import Rendered, copy_of_the_tree, render, replace, walk
from tests.deploy.kubernetes.variants import change, variant

PRIVATE = frozenset({"/health", "/health/ready", "/metrics"})
# Other ways to ask for the same.
DISGUISED = (
    "/metrics/",
    "//metrics",
    "/%6detrics",
    "/api/../metrics",
    "/health/ready/",
    "/health/",
)


def opened(rendered: Rendered, path: str) -> bool:
    """Whether the gateway, or the ingress, leads that path to the service."""
    return any(
        path == value or (kind in {"PathPrefix", "Prefix"} and _begins(path, value))
        for kind, value in _rules(rendered)
    )


def _rules(rendered: Rendered) -> list[tuple[str, str]]:
    routes = [each for each in rendered.of("HTTPRoute") if "to-https" not in str(each["metadata"])]
    found = [
        (each["path"]["type"], each["path"]["value"])
        for route in routes
        for each in walk(route)
        if isinstance(each.get("path"), dict)
    ]
    return found + [
        (each["pathType"], each["path"])
        for ingress in rendered.of("Ingress")
        for each in walk(ingress)
        if "pathType" in each
    ]


def _begins(path: str, value: str) -> bool:
    """By whole elements, as both define it."""
    return path == value or path.startswith(value.rstrip("/") + "/")


def paths() -> set[str]:
    """One path for each route of the service."""
    app = create_app({"DATABASE_URL": "", "ENVIRONMENT": "testing"})
    return {
        "/".join("1" if "<" in part else part for part in rule.rule.split("/"))
        for rule in app.url_map.iter_rules()
    }


def disagreements(rendered: Rendered) -> list[str]:
    """What is open and should not be, and the reverse."""
    wrong = [path for path in sorted(paths()) if opened(rendered, path) == (path in PRIVATE)]
    return wrong + [path for path in DISGUISED if opened(rendered, path) and "api" not in path]


@pytest.mark.parametrize("name", ["staging", "production", "ingress"])
def test_what_is_public_is_open_and_nothing_else(name: str) -> None:
    assert paths() > PRIVATE
    assert disagreements(variant(name)) == []


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    [
        ("production", "gateway/httproute.yaml", "value: /nowhere", "value: /"),
        (
            "production",
            "gateway/httproute.yaml",
            "Exact, value: /health/live",
            "PathPrefix, value: /health",
        ),
        ("production", "gateway/httproute.yaml", "value: /api/v1", "value: /api/v2"),
        ("ingress", "ingress/ingress.yaml", "path: /nowhere", "path: /metrics"),
        ("ingress", "ingress/ingress.yaml", "path: /docs", "path: /documentation"),
    ],
)
def test_a_door_too_many_or_too_few_is_found(
    name: str, file: str, old: str, new: str, tmp_path: Path
) -> None:
    tree = copy_of_the_tree(tmp_path)
    replace(tree / "components" / file, old, new)
    assert disagreements(render(change(tree, name)))
