"""Who comes in, by which way, and what goes out."""

import json
from collections.abc import Iterator
from ipaddress import ip_network

from tests.deploy.kubernetes.policies.common import every
from tests.deploy.kubernetes.rendered import Rendered, label, walk

ALL_THE_WORLD = "0.0.0.0/0"
# What these reach has no addresses of its own; by one port.
OUTWARD = frozenset({"backup-store", "sentry"})


def what_is_not_allowed_is_denied(rendered: Rendered) -> Iterator[str]:
    """A policy denies everything, and what the others let out says where to and by which port."""
    policies = {each["metadata"]["name"]: each["spec"] for each in rendered.of("NetworkPolicy")}
    denied = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    if policies.get("default-deny") != denied:
        yield "what no policy allows is not denied"
    for name, spec in policies.items():
        for rule in spec.get("egress", []):
            if not rule.get("ports") or not rule.get("to"):
                yield f"{name} lets anything out"
            if name not in OUTWARD and ALL_THE_WORLD in json.dumps(rule):
                yield f"{name} lets pods reach the whole world"


def only_those_who_must_come_in(rendered: Rendered) -> Iterator[str]:
    """Whoever comes in is a namespace by its name, or one of our own pods."""
    for policy in rendered.of("NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            named = [
                "kubernetes.io/metadata.name" in each["namespaceSelector"].get("matchLabels", {})
                if "namespaceSelector" in each
                else bool(each.get("podSelector", {}).get("matchLabels"))
                for each in rule.get("from", [])
            ]
            if not named or not all(named) or not rule.get("ports"):
                yield f"{label(policy)} lets anybody in"


def proxies_are_known(rendered: Rendered) -> Iterator[str]:
    """`X-Forwarded-*` is believed from the gateway's network, and from nowhere else."""
    trusted = rendered.config.get("FORWARDED_ALLOW_IPS", "")
    if not trusted or trusted == "127.0.0.1":
        yield "the gateway is not believed, so every client has its address"
    elif "*" in trusted or any(ip_network(each).prefixlen == 0 for each in trusted.split(",")):
        yield "everybody is believed"


def the_client_does_not_choose_its_host(rendered: Rendered) -> Iterator[str]:
    """A gateway passes X-Forwarded-Host on as it came; the service would build links with it."""
    for route in rendered.of("HTTPRoute"):
        for rule in route["spec"]["rules"]:
            removed = [
                header.lower()
                for each in every(rule, "filters")
                for header in each.get("requestHeaderModifier", {}).get("remove", [])
            ]
            if rule.get("backendRefs") and "x-forwarded-host" not in removed:
                yield f"{label(route)} passes on the client's X-Forwarded-Host"


def certificates_are_renewed(rendered: Rendered) -> Iterator[str]:
    """Every way in has a certificate, by cert-manager."""
    for each in rendered.of("Gateway", "Ingress"):
        if "cert-manager.io/cluster-issuer" not in each["metadata"].get("annotations", {}):
            yield f"nobody renews the certificate of {label(each)}"
    for gateway in rendered.of("Gateway"):
        for listener in gateway["spec"]["listeners"]:
            if listener["protocol"] != "HTTP" and not every(listener, "certificateRefs"):
                yield f"{label(gateway)} has no certificate"
    for ingress in rendered.of("Ingress"):
        secured = {host for each in ingress["spec"].get("tls", []) for host in each["hosts"]}
        if {each["host"] for each in ingress["spec"]["rules"]} != secured:
            yield f"{label(ingress)} has no certificate"


def plain_http_only_redirects(rendered: Rendered) -> Iterator[str]:
    """What listens without TLS leads to what listens with it, and nowhere else."""
    listeners = [each for gateway in rendered.of("Gateway") for each in every(gateway, "listeners")]
    plain = {each["name"] for each in listeners if each["protocol"] == "HTTP"}
    for route in rendered.of("HTTPRoute"):
        sections = {each.get("sectionName") for each in route["spec"]["parentRefs"]}
        if sections & {*plain, None} and every(route, "backendRefs"):
            yield f"{label(route)} serves over plain HTTP"
    for ingress in rendered.of("Ingress"):
        if ingress["metadata"]["annotations"].get("nginx.org/redirect-to-https") != "true":
            yield f"{label(ingress)} serves over plain HTTP"


def hosts_agree(rendered: Rendered) -> Iterator[str]:
    """The gateway, its routes and the probe are about the host of PUBLIC_URL."""
    public = rendered.config["PUBLIC_URL"]
    host = public.removeprefix("https://")
    found = {
        name
        for each in rendered.of("Gateway", "HTTPRoute", "Ingress")
        for part in walk(each["spec"])
        for name in [part.get("hostname"), part.get("host"), *part.get("hostnames", [])]
        if name
    }
    if found != {host}:
        yield f"PUBLIC_URL is about {host}, and what lets people in about {', '.join(found)}"
    for probe in rendered.of("Probe"):
        if probe["spec"]["targets"]["staticConfig"]["static"] != [f"{public}/health/live"]:
            yield "the probe looks at another host"
