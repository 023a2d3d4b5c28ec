"""How pods come and go without a request noticing."""

from collections.abc import Iterator

from service.server import SHUTDOWN_LIMIT, STARTUP_LIMIT
from tests.deploy.kubernetes.policies.common import service_container
from tests.deploy.kubernetes.rendered import Object, Rendered, walk

# The contract: /health answers within this many seconds whatever the database does.
HEALTH_LIMIT = 2


def probes_ask_the_right_questions(rendered: Rendered) -> Iterator[str]:
    """Liveness never depends on the database, readiness does, and each has time enough."""
    container = service_container(rendered)
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    if ports.get("http") != int(rendered.config.get("PORT", 0)):
        yield "the container's port is not the one PORT sets"
    paths = {"startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready"}
    for kind, path in paths.items():
        probe = container.get(f"{kind}Probe")
        if not probe or "httpGet" not in probe:
            yield f"there is no {kind} probe"
            continue
        if probe["httpGet"] != {"path": path, "port": "http"}:
            yield f"the {kind} probe does not ask for {path} at the service's port"
        patience = probe["periodSeconds"] * probe["failureThreshold"]
        if kind == "startup" and patience <= STARTUP_LIMIT:
            yield f"the startup probe gives up after {patience} s; a start may take {STARTUP_LIMIT}"
        if kind == "liveness" and patience < 30:
            yield f"the liveness probe kills a busy process after {patience} s"
        if kind == "readiness" and probe["timeoutSeconds"] <= HEALTH_LIMIT:
            yield "the readiness probe gives up before the service says why it is not ready"


def a_stop_has_time_to_drain(rendered: Rendered) -> Iterator[str]:
    """The kubelet's grace covers the preStop pause, the drain and the closing of the pools."""
    spec = rendered.service["spec"]["template"]["spec"]
    pause = _pre_stop(rendered)
    needed = pause + float(rendered.config["GRACEFUL_TIMEOUT"]) + SHUTDOWN_LIMIT
    if pause < 5:
        yield "SIGTERM comes before the proxies have heard that the pod is going"
    if spec["terminationGracePeriodSeconds"] <= needed:
        yield f"the pod is killed before {needed:g} s, when its requests may not be finished"


def a_roll_out_keeps_capacity(rendered: Rendered) -> Iterator[str]:
    """New pods come before old ones go, and wait for the migration as long as it may take."""
    spec = rendered.service["spec"]
    rolling = spec.get("strategy", {}).get("rollingUpdate", {})
    if rolling.get("maxUnavailable") != 0 or rolling.get("maxSurge") != 1:
        yield "a roll-out takes a pod away before its successor is ready, or adds several"
    if "replicas" in spec:
        yield "an apply sets back the number of pods the autoscaler chose"
    longest = max((each["spec"]["activeDeadlineSeconds"] for each in rendered.of("Job")), default=0)
    if spec.get("progressDeadlineSeconds", 600) <= longest:
        yield f"the roll-out is called failed while a migration may still run, {longest} s"


def nodes_can_be_drained(rendered: Rendered) -> Iterator[str]:
    """Of every Deployment, one pod may always be evicted, and one always stays."""
    least = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]["minReplicas"]
        for each in rendered.of("HorizontalPodAutoscaler")
    }
    budgets = {
        each["metadata"]["name"]: each["spec"] for each in rendered.of("PodDisruptionBudget")
    }
    for deployment in rendered.of("Deployment"):
        name = deployment["metadata"]["name"]
        spec = budgets.get(name, {})
        if (
            not 1
            <= spec.get("maxUnavailable", 0)
            < least.get(name, deployment["spec"].get("replicas", 1))
        ):
            yield f"of {name}, nobody may go, or everybody"
        if spec.get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield f"a broken pod of {name} keeps its node from being drained"


def the_autoscaler_is_calm(rendered: Rendered) -> Iterator[str]:
    """At least two pods, room above them, CPU against a request, and slowly down."""
    for scaler in rendered.of("HorizontalPodAutoscaler"):
        spec = scaler["spec"]
        if not 2 <= spec["minReplicas"] < spec["maxReplicas"]:
            yield "there is one pod at quiet times, or no room above"
        if [each["resource"]["name"] for each in spec["metrics"]] != ["cpu"]:
            yield "the autoscaler does not go by CPU"
        down = spec.get("behavior", {}).get("scaleDown", {})
        if down.get("stabilizationWindowSeconds", 0) < 300:
            yield "pods go as soon as the load does"
        if [each["type"] for each in down.get("policies", [])] != ["Pods"]:
            yield "many pods may go at once"


def each_release_has_its_migration(rendered: Rendered) -> Iterator[str]:
    """A Job cannot be changed: its name ends in the tag, and nothing else in it changes; it comes
    before the Deployment."""
    tag = service_container(rendered)["image"].rpartition(":")[2]
    jobs = rendered.of("Job")
    if [each["metadata"]["name"] for each in jobs] != [f"migrate-{tag}"]:
        yield "the migration is not one of this release alone"
    for job in jobs:
        if any("configMapRef" in each or "configMap" in each for each in walk(job)):
            yield "a changed value in a ConfigMap would change a Job, which cannot be"
        if job["spec"]["template"]["spec"]["containers"][0]["command"][-2:] != ["upgrade", "head"]:
            yield "the migration does not bring the schema to its head"
        if _wave(job) >= _wave(rendered.service):
            yield "Argo CD rolls out before it migrates"


def _pre_stop(rendered: Rendered) -> float:
    hook = service_container(rendered).get("lifecycle", {}).get("preStop", {})
    return float(hook.get("sleep", {}).get("seconds", 0))


def _wave(each: Object) -> int:
    wave = each["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", "0")
    return int(wave)
