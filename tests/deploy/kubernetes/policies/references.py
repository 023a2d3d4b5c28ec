"""What names something else names something that is there."""

from collections.abc import Iterator

from tests.deploy.kubernetes.policies.common import every, selects
from tests.deploy.kubernetes.rendered import Object, Rendered, label, walk


def selectors_find_their_pods(rendered: Rendered) -> Iterator[str]:
    """Every selector matches pods that are there, and no others than those it is for."""
    templates = {name: each["metadata"]["labels"] for name, each in rendered.pods}
    for each in rendered.of("Deployment", "Service", "PodDisruptionBudget"):
        selector = each["spec"]["selector"]
        selector = {"matchLabels": selector} if each["kind"] == "Service" else selector
        found = _matched(selector, templates)
        if found != [f"Deployment {each['metadata']['name']}"]:
            yield f"{label(each)} selects {found or 'nothing'}"
    for each in rendered.of("HorizontalPodAutoscaler"):
        target = each["spec"]["scaleTargetRef"]
        if f"{target['kind']} {target['name']}" not in templates:
            yield f"{label(each)} scales nothing"
    for each in rendered.of("NetworkPolicy"):
        selector = each["spec"]["podSelector"]
        solver = "acme.cert-manager.io/http01-solver" in selector.get("matchLabels", {})
        if not solver and not _matched(selector, templates):
            yield f"{label(each)} is about nothing"


def monitors_find_their_services(rendered: Rendered) -> Iterator[str]:
    """A ServiceMonitor selects a Service, and scrapes a port it has."""
    for each in rendered.of("ServiceMonitor"):
        ports = {
            port["name"]
            for service in rendered.of("Service")
            if selects(each["spec"]["selector"], service["metadata"]["labels"])
            for port in service["spec"]["ports"]
        }
        if not ports >= {endpoint["port"] for endpoint in each["spec"]["endpoints"]}:
            yield f"{label(each)} scrapes nothing"


def services_lead_to_pods(rendered: Rendered) -> Iterator[str]:
    """The port of a Service, and of a NetworkPolicy, is one its pods name."""
    named = {
        port["name"]
        for _, template in rendered.pods
        for container in template["spec"]["containers"]
        for port in container.get("ports", [])
    }
    for each in rendered.of("Service", "NetworkPolicy"):
        for port in every(each, "ports"):
            target = port.get("targetPort", port["port"])
            if isinstance(target, str) and target not in named:
                yield f"{label(each)} leads to {target}, which no pod has"


def routes_lead_to_services(rendered: Rendered) -> Iterator[str]:
    """What a route or an ingress leads to is a port of a Service."""
    ports = {
        (service["metadata"]["name"], port[key])
        for service in rendered.of("Service")
        for port in service["spec"]["ports"]
        for key in ("name", "port")
    }
    for route in rendered.of("HTTPRoute"):
        for backend in every(route, "backendRefs"):
            if (backend["name"], backend["port"]) not in ports:
                yield f"{label(route)} leads to {backend['name']}:{backend['port']}"
    for ingress in rendered.of("Ingress"):
        for path in every(ingress, "paths"):
            backend = path["backend"]["service"]
            if (backend["name"], backend["port"]["name"]) not in ports:
                yield f"{label(ingress)} leads to {backend['name']}"


def references_exist(rendered: Rendered) -> Iterator[str]:
    """What pods refer to is rendered, or a Secret that the example documents."""
    configs = {each["metadata"]["name"] for each in rendered.of("ConfigMap")}
    accounts = {each["metadata"]["name"] for each in rendered.of("ServiceAccount")}
    for name, template in rendered.pods:
        if template["spec"]["serviceAccountName"] not in accounts:
            yield f"{name} has no ServiceAccount"
        for each in walk(template["spec"]):
            reference = each.get("configMapRef") or each.get("configMap")
            if reference and reference["name"] not in configs:
                yield f"{name} refers to a ConfigMap {reference['name']}, which is not there"
            if (secret := each.get("secretName")) and secret not in rendered.secrets:
                yield f"{name}: secret.example.yaml does not know {secret}"


def _matched(selector: Object, templates: dict[str, dict[str, str]]) -> list[str]:
    return [name for name, labels in templates.items() if selects(selector, labels)]
