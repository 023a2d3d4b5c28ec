"""What several policies look things up by."""

from tests.deploy.kubernetes.rendered import Object, Rendered, walk

COMPONENT = "app.kubernetes.io/component"


def service_container(rendered: Rendered) -> Object:
    container: Object = rendered.service["spec"]["template"]["spec"]["containers"][0]
    return container


def selects(selector: Object, labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {})
    listed = selector.get("matchExpressions", [])
    return wanted.items() <= labels.items() and all(
        each["operator"] == "In" and labels.get(each["key"]) in each["values"] for each in listed
    )


def every(value: Object, key: str) -> list[Object]:
    """Every item of every list of that name, at any depth."""
    return [item for each in walk(value) for item in each.get(key, []) or []]
