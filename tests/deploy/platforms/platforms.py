"""What each shipped file gives the service: its variables, its commands, and the platform's limits.

A file may be given changed, as text, in the place of the shipped one.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from cfnlint.decode.cfn_yaml import loads as load_template

from tests.support import ROOT

REFERENCE = "(a secret by reference)"
PARAMETER = "(a parameter)"


@dataclass
class Platform:
    """`variables`: plain values; secrets by reference are `REFERENCE`. `generations`: how many
    releases run at once during a deployment. `connections`: what the database allows. `stop`: how
    long the platform waits after SIGTERM. `chain`: what X-Forwarded-For holds after what a client
    wrote, `peer`: who is connected, both as the platform has them."""

    variables: dict[str, str]
    command: str
    instances: int
    connections: int
    stop: float
    health: str | None
    chain: tuple[str, ...]
    peer: str
    generations: int = 2
    migration: str = "alembic upgrade head"


CLIENT = "203.0.113.7"
"""Whom the tests take for the client."""


def text(file: str, files: Mapping[str, str]) -> str:
    """The file's text, or what is given in its place."""
    return files.get(file) or (ROOT / file).read_text()


def procfile(files: Mapping[str, str]) -> dict[str, str]:
    """The processes by name."""
    return dict(re.findall(r"^(\w+): (.+)$", text("Procfile", files), re.MULTILINE))


def heroku(files: Mapping[str, str]) -> Platform:
    app = json.loads(text("app.json", files))
    plans = {"heroku-postgresql:essential-0": 20}
    (database,) = [each["plan"] for each in app["addons"] if each["as"] == "DATABASE"]
    variables = {"DATABASE_URL": REFERENCE, "RATELIMIT_STORAGE_URI": REFERENCE}
    for name, entry in app["env"].items():
        made = REFERENCE if entry.get("generator") == "secret" else PARAMETER
        variables[name] = entry.get("value", made)
    processes = procfile(files)
    return Platform(
        variables=variables,
        command=processes["web"],
        migration=processes.get("release", ""),
        instances=app["formation"]["web"]["quantity"],
        # Without preboot, which these dynos do not have.
        generations=1,
        connections=plans[database],
        stop=30,
        health=None,
        chain=(CLIENT,),
        peer="10.1.2.3",
    )


def render(files: Mapping[str, str]) -> Platform:
    blueprint = yaml.safe_load(text("render.yaml", files))
    web = blueprint["services"][0]
    plans = {"basic-1gb": 100}
    variables = {}
    for entry in web["envVars"]:
        plain = entry.get("value", PARAMETER if entry.get("sync") is False else REFERENCE)
        variables[entry["key"]] = plain
    return Platform(
        variables=variables,
        command=web["startCommand"],
        migration=web.get("preDeployCommand", ""),
        instances=web["numInstances"],
        connections=plans[blueprint["databases"][0]["plan"]],
        stop=web["maxShutdownDelaySeconds"],
        health=web["healthCheckPath"],
        chain=(CLIENT, "172.68.10.10", "10.1.2.3"),
        peer="10.4.5.6",
    )


def ecs(files: Mapping[str, str]) -> Platform:
    template = load_template(text("deploy/aws/ecs.yaml", files))
    parts = template["Resources"]
    (container,) = parts["Task"]["Properties"]["ContainerDefinitions"]
    (migration,) = parts["Migration"]["Properties"]["ContainerDefinitions"]
    variables = {each["Name"]: _plain(each["Value"]) for each in container["Environment"]}
    variables["FORWARDED_ALLOW_IPS"] = "10.0.0.0/16"
    allowed = parts["DatabaseParameters"]["Properties"]["Parameters"]["max_connections"]
    deployment = parts["Service"]["Properties"]["DeploymentConfiguration"]
    return Platform(
        variables=variables | {each["Name"]: REFERENCE for each in container["Secrets"]},
        command=" ".join(container["Command"]),
        migration=" ".join(migration["Command"]),
        instances=template["Parameters"]["MaxTasks"]["MaxValue"],
        generations=deployment["MaximumPercent"] // 100,
        connections=int(allowed),
        stop=container["StopTimeout"],
        health=parts["Targets"]["Properties"]["HealthCheckPath"],
        chain=(CLIENT,),
        peer="10.0.3.4",
    )


def elastic_beanstalk(files: Mapping[str, str]) -> Platform:
    template = load_template(text("deploy/aws/elastic-beanstalk.yaml", files))
    compose = yaml.safe_load(text("deploy/aws/elastic-beanstalk/docker-compose.yml", files))
    options: dict[str, dict[str, Any]] = {}
    for each in template["Resources"]["Environment"]["Properties"]["OptionSettings"]:
        options.setdefault(each["Namespace"].rpartition("aws:")[2], {})[each["OptionName"]] = (
            _plain(each["Value"])
        )
    service = compose["services"]["service"]
    secrets = dict.fromkeys(options["elasticbeanstalk:application:environmentsecrets"], REFERENCE)
    variables = options["elasticbeanstalk:application:environment"] | secrets
    del variables["IMAGE"]
    variables["FORWARDED_ALLOW_IPS"] = "10.0.0.0/16"
    first = service["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    return Platform(
        variables=variables | service["environment"],
        command=" ".join(service["command"]),
        migration=" ".join(compose["services"]["migrate"]["command"]) if first else "",
        instances=int(options["autoscaling:asg"]["MaxSize"]),
        connections=200,
        stop=float(service["stop_grace_period"].removesuffix("s")),
        health=options["elasticbeanstalk:environment:process:default"]["HealthCheckPath"],
        chain=(CLIENT,),
        peer="10.0.3.4",
    )


def cloud_run(files: Mapping[str, str]) -> Platform:
    service = yaml.safe_load(text("deploy/gcp/cloud-run.yaml", files))
    job = yaml.safe_load(text("deploy/gcp/migrate.yaml", files))
    template = service["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (migration,) = job["spec"]["template"]["spec"]["template"]["spec"]["containers"]
    return Platform(
        variables=_variables(container["env"], "valueFrom"),
        command=" ".join(container["command"]),
        migration=" ".join(migration["command"]),
        instances=int(template["metadata"]["annotations"]["autoscaling.knative.dev/maxScale"]),
        connections=200,
        stop=10,
        health=container["startupProbe"]["httpGet"]["path"],
        chain=(CLIENT,),
        peer="169.254.169.126",
    )


def app_engine(files: Mapping[str, str]) -> Platform:
    app = yaml.safe_load(text("deploy/gcp/app.yaml", files))
    variables = {}
    for name, value in app["env_variables"].items():
        secret = name.endswith("_FILE")
        variables[name.removesuffix("_FILE")] = REFERENCE if secret else value
    return Platform(
        variables=variables,
        command="python -m service",
        instances=app["automatic_scaling"]["max_num_instances"],
        connections=200,
        stop=30,
        health=app["readiness_check"]["path"],
        chain=(CLIENT, "35.191.10.10"),
        peer="172.17.0.1",
    )


def container_apps(files: Mapping[str, str]) -> Platform:
    template = json.loads(text("deploy/azure/container-apps.json", files))
    app, job = template["resources"]
    (container,) = app["properties"]["template"]["containers"]
    (migration,) = job["properties"]["template"]["containers"]
    probes = {each["type"]: each["httpGet"]["path"] for each in container["probes"]}
    return Platform(
        variables=_variables(container["env"], "secretRef"),
        command=" ".join(container["command"]),
        migration=" ".join(migration["command"]),
        instances=template["parameters"]["maxReplicas"]["maxValue"],
        connections=200,
        stop=app["properties"]["template"]["terminationGracePeriodSeconds"],
        health=probes["Readiness"],
        chain=(CLIENT,),
        peer="100.100.0.5",
    )


def app_service(files: Mapping[str, str]) -> Platform:
    entries = json.loads(text("deploy/azure/app-service.json", files))
    variables = {}
    for each in entries:
        secret = each["value"].startswith("@Microsoft.KeyVault(")
        variables[each["name"]] = REFERENCE if secret else each["value"]
    assert variables.pop("WEBSITES_PORT") == variables["PORT"]
    return Platform(
        stop=float(variables.pop("WEBSITES_CONTAINER_STOP_TIME_LIMIT")),
        variables=variables,
        command="python -m service",
        instances=6,
        connections=200,
        health=None,
        chain=(f"{CLIENT}:51234",),
        peer="169.254.130.1",
    )


def _variables(entries: list[dict[str, Any]], secret: str) -> dict[str, str]:
    return {
        each["name"]: REFERENCE if secret in each else _plain(each["value"]) for each in entries
    }


def _plain(value: Any) -> str:
    """A value, or that it comes from a parameter of CloudFormation's or Resource Manager's."""
    return value if isinstance(value, str) and not value.startswith("[") else PARAMETER


PLATFORMS: Mapping[str, Callable[[Mapping[str, str]], Platform]] = {
    "heroku": heroku,
    "render": render,
    "ecs": ecs,
    "elastic-beanstalk": elastic_beanstalk,
    "cloud-run": cloud_run,
    "app-engine": app_engine,
    "container-apps": container_apps,
    "app-service": app_service,
}
