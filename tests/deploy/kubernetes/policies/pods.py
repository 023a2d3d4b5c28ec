"""What a pod may do, what it is made of, and where it runs."""

from collections.abc import Iterator

from tests.deploy.kubernetes.policies.common import COMPONENT, selects
from tests.deploy.kubernetes.rendered import Rendered, label

# The user each image has, by what its pods are.
USERS = {"service": 10001, "migration": 10001, "backup": 10001, "pgbouncer": 70}


def pods_are_restricted(rendered: Rendered) -> Iterator[str]:
    """Pod Security's `restricted`, and beyond it a read-only root and no token of the API."""
    for name, template in rendered.pods:
        spec = template["spec"]
        security = spec.get("securityContext", {})
        if security.get("runAsNonRoot") is not True:
            yield f"{name} may run as root"
        user = USERS[template["metadata"]["labels"][COMPONENT]]
        if (security.get("runAsUser"), security.get("runAsGroup")) != (user, user):
            yield f"{name} does not run as its image's user, {user}"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name} has no seccomp profile"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{name} is given a token of the API"
        if spec.get("enableServiceLinks") is not False:
            yield f"{name} gets a variable for every Service in the namespace"
        if host := [key for key in spec if key.startswith("host")]:
            yield f"{name} has {', '.join(host)}"


def containers_are_restricted(rendered: Rendered) -> Iterator[str]:
    """The same, for what is said container by container."""
    for name, template in rendered.pods:
        for container in template["spec"]["containers"]:
            own = container.get("securityContext", {})
            if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
                yield f"{name} may gain privileges"
            if own.get("readOnlyRootFilesystem") is not True:
                yield f"{name} may write to its image"
            if own.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{name} has capabilities"


def volumes_are_bounded(rendered: Rendered) -> Iterator[str]:
    """/tmp is an emptyDir with a limit, and nothing of the node is mounted."""
    for name, template in rendered.pods:
        spec = template["spec"]
        for volume in spec.get("volumes", []):
            kind = next(key for key in volume if key != "name")
            if kind not in {"emptyDir", "secret", "configMap"}:
                yield f"{name} mounts a {kind}"
            if kind == "emptyDir" and "sizeLimit" not in volume["emptyDir"]:
                yield f"{name} can fill the node's disk"
        for container in spec["containers"]:
            mounts = {each["mountPath"]: each["name"] for each in container.get("volumeMounts", [])}
            volumes = {each["name"]: each for each in spec.get("volumes", [])}
            if "emptyDir" not in volumes.get(mounts.get("/tmp", ""), {}):
                yield f"{name} has no /tmp to write to"


def namespace_enforces_restricted(rendered: Rendered) -> Iterator[str]:
    """Nothing less than `restricted` can be applied there later."""
    for namespace in rendered.of("Namespace"):
        labels = namespace["metadata"].get("labels", {})
        if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{label(namespace)} does not enforce `restricted`"
    names = {each["metadata"]["name"] for each in rendered.of("Namespace")}
    for each in rendered.objects:
        if each["kind"] != "Namespace" and each["metadata"].get("namespace") not in names:
            yield f"{label(each)} is in another namespace"


def images_are_pinned(rendered: Rendered) -> Iterator[str]:
    """Each image has a tag that says what it is, and those of one release have the same."""
    tags = set()
    for name, template in rendered.pods:
        for container in template["spec"]["containers"]:
            _, colon, tag = container["image"].rpartition("/")[2].partition(":")
            if not colon or tag in {"", "latest"}:
                yield f"{name}: {container['image']} can be another image tomorrow"
            if "quartermaster" in container["image"]:
                tags.add(tag)
    if len(tags) > 1:
        yield f"the release is of several versions: {', '.join(sorted(tags))}"


def resources_are_said(rendered: Rendered) -> Iterator[str]:
    """Requests for both, a limit of memory, none of CPU: a throttled event loop stalls everyone."""
    for name, template in rendered.pods:
        for container in template["spec"]["containers"]:
            resources = container.get("resources", {})
            requests, limits = resources.get("requests", {}), resources.get("limits", {})
            if not {"cpu", "memory"} <= set(requests):
                yield f"{name} does not say what it needs"
            if "memory" not in limits:
                yield f"{name} may take the node's memory"
            if "cpu" in limits:
                yield f"{name} is throttled"


def pods_are_spread(rendered: Rendered) -> Iterator[str]:
    """Over zones and nodes, each revision by itself, and never so that none can start."""
    template = rendered.service["spec"]["template"]
    constraints = template["spec"].get("topologySpreadConstraints", [])
    keys = {each["topologyKey"] for each in constraints}
    for missing in {"topology.kubernetes.io/zone", "kubernetes.io/hostname"} - keys:
        yield f"the pods are not spread by {missing}"
    for each in constraints:
        if not selects(each["labelSelector"], template["metadata"]["labels"]):
            yield f"{each['topologyKey']} counts other pods than the service's"
        if each.get("matchLabelKeys") != ["pod-template-hash"]:
            yield f"{each['topologyKey']} counts the pods of the last revision"
        if each["whenUnsatisfiable"] != "ScheduleAnyway":
            yield f"{each['topologyKey']} leaves pods pending when a zone or a node is down"
