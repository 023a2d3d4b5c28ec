"""Each platform's file is right by the platform's own linter, schema or types where they can be
had, and by our rules where they cannot; broken ones are found."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.decode.cfn_yaml import loads as load_template

from tests.deploy.platforms.platforms import text
from tests.deploy.platforms.schemas import (
    azure_flaws,
    azure_type,
    google_annotations,
    google_flaws,
)
from tests.support import ROOT

BIN = Path(sys.executable).parent
ECS, EB = "deploy/aws/ecs.yaml", "deploy/aws/elastic-beanstalk.yaml"
RUN, JOB, GAE = "deploy/gcp/cloud-run.yaml", "deploy/gcp/migrate.yaml", "deploy/gcp/app.yaml"
ARM, COMPOSE = "deploy/azure/container-apps.json", "deploy/aws/elastic-beanstalk/docker-compose.yml"


def changed(file: str, right: str, wrong: str) -> str:
    """The shipped text with one place in it changed."""
    shipped = text(file, {})
    assert shipped.count(right) == 1, (file, right)
    return shipped.replace(right, wrong)


def linted(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "cfn-lint", path], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("file", [ECS, EB])
def test_templates_are_right(file: str) -> None:
    done = linted(ROOT / file)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        (ECS, "HealthCheckPath: /health/ready", "HealthPath: /health/ready"),
        (ECS, "Value: !GetAtt LoadBalancer.DNSName", "Value: !GetAtt Balancer.DNSName"),
        (ECS, 'Memory: "1024"', 'Memory: "100"'),
        (EB, "VersionLabel: !Ref Version\n", "VersionLabel: !Ref Versions\n"),
    ],
)
def test_a_broken_template_is_found(tmp_path: Path, file: str, right: str, wrong: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(changed(file, right, wrong))
    assert linted(path).returncode


def ecs_flaws(template: Any) -> list[str]:
    """The rules for what holds data or secrets that the template breaks."""
    parts = template["Resources"]
    database, cache = parts["Database"], parts["Valkey"]["Properties"]
    stored = database["Properties"]
    execution = parts["ExecutionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    networks = parts["Service"]["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    circuit = parts["Service"]["Properties"]["DeploymentConfiguration"]["DeploymentCircuitBreaker"]
    generated = [parts[each]["Properties"] for each in ("SecretKey", "JwtSecretKey")]
    opened = [
        rule
        for name in ("ServiceGroup", "DataGroup")
        for rule in parts[name]["Properties"]["SecurityGroupIngress"]
        if "CidrIp" in rule
    ]
    keep = {
        each["Key"]: each["Value"]
        for each in parts["LoadBalancer"]["Properties"]["LoadBalancerAttributes"]
    }
    rules = {
        "encrypted storage": stored["StorageEncrypted"] and cache["AtRestEncryptionEnabled"],
        "encrypted transport": cache["TransitEncryptionEnabled"]
        and parts["DatabaseParameters"]["Properties"]["Parameters"]["rds.force_ssl"] == "1",
        "backups": stored["BackupRetentionPeriod"] >= 7,
        "deletion": stored["DeletionProtection"]
        and {database["DeletionPolicy"], database["UpdateReplacePolicy"]} == {"Snapshot"},
        "public": not stored["PubliclyAccessible"]
        and not opened
        and networks["AssignPublicIp"] == "DISABLED",
        "secrets": all(each["GenerateSecretString"]["PasswordLength"] >= 32 for each in generated)
        and "{{resolve:secretsmanager:" in stored["MasterUserPassword"]["Fn::Sub"],
        "permissions": all("*" not in json.dumps(each["Resource"]) for each in execution)
        and "Policies" not in parts["TaskRole"]["Properties"],
        "circuit breaker": circuit["Enable"] and circuit["Rollback"],
        "keep-alive": int(keep["idle_timeout.timeout_seconds"]) < 75,
        "metrics": "/metrics" in json.dumps(parts["NoMetrics"]["Properties"]["Conditions"]),
    }
    return [name for name, holds in rules.items() if not holds]


def test_what_holds_data_is_kept_closed_and_encrypted() -> None:
    assert ecs_flaws(load_template(text(ECS, {}))) == []


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("StorageEncrypted: true", "StorageEncrypted: false", "encrypted storage"),
        ('rds.force_ssl: "1"', 'rds.force_ssl: "0"', "encrypted transport"),
        ("BackupRetentionPeriod: 14", "BackupRetentionPeriod: 1", "backups"),
        ("DeletionProtection: true", "DeletionProtection: false", "deletion"),
        ("    UpdateReplacePolicy: Snapshot", "    UpdateReplacePolicy: Delete", "deletion"),
        ("PubliclyAccessible: false", "PubliclyAccessible: true", "public"),
        ("AssignPublicIp: DISABLED", "AssignPublicIp: ENABLED", "public"),
        ("Rollback: true", "Rollback: false", "circuit breaker"),
        ('seconds, Value: "60"', 'seconds, Value: "90"', "keep-alive"),
        ("Values: [/metrics]", "Values: [/metric]", "metrics"),
    ],
)  # fmt: skip
def test_a_careless_template_is_found(right: str, wrong: str, rule: str) -> None:
    assert rule in ecs_flaws(load_template(changed(ECS, right, wrong)))


# Neither Heroku nor Render publishes a schema in a package: the names that their references list.
APP_JSON = {
    "": {"name", "description", "stack", "buildpacks", "addons", "formation", "env"},
    "env": {"description", "value", "generator", "required"},
}
BLUEPRINT = {
    "web": {
        *("type", "name", "runtime", "plan", "region", "numInstances", "buildCommand"),
        *("preDeployCommand", "startCommand", "healthCheckPath", "maxShutdownDelaySeconds"),
        *("autoDeployTrigger", "envVars"),
    },
    "keyvalue": {"type", "name", "plan", "region", "maxmemoryPolicy", "ipAllowList"},
    "database": {"name", "plan", "region", "postgresMajorVersion", "ipAllowList"},
}
VALUES = ({"value"}, {"generateValue"}, {"sync"}, {"fromDatabase"}, {"fromService"})


def app_json_flaws(shipped: str) -> list[str]:
    """Names that app.json does not have."""
    app = json.loads(shipped)
    found = [*(set(app) - APP_JSON[""])]
    for entry in app["env"].values():
        found += set(entry) - APP_JSON["env"]
    return found


def blueprint_flaws(shipped: str) -> list[str]:
    """Names that a blueprint does not have, references to nothing, and open stores."""
    blueprint = yaml.safe_load(shipped)
    databases = {each["name"]: each for each in blueprint["databases"]}
    services = {each["name"]: each for each in blueprint["services"]}
    found = [name for each in databases.values() for name in set(each) - BLUEPRINT["database"]]
    for service in services.values():
        found += set(service) - BLUEPRINT[service["type"]]
    for entry in blueprint["services"][0]["envVars"]:
        found += [] if set(entry) - {"key"} in VALUES else [entry["key"]]
        for kind, stores in (("fromDatabase", databases), ("fromService", services)):
            name = entry.get(kind, {}).get("name")
            if not name or stores.get(name, {}).get("ipAllowList") == []:
                continue
            found.append(f"{entry['key']} comes from nowhere, or from a store open to everybody")
    return found


def test_app_json_is_right() -> None:
    assert app_json_flaws(text("app.json", {})) == []
    assert app_json_flaws(changed("app.json", '"formation"', '"formations"')) == ["formations"]
    assert app_json_flaws(changed("app.json", '"required"', '"needed"')) == ["needed"]


def test_blueprint_is_right() -> None:
    assert blueprint_flaws(text("render.yaml", {})) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("preDeployCommand", "predeployCommand"),
        ("name: quartermaster-limits\n    plan", "name: limits\n    plan"),
        ("maxmemoryPolicy: volatile-ttl", "maxMemoryPolicy: volatile-ttl"),
        ('postgresMajorVersion: "17"\n    ipAllowList: []', 'postgresMajorVersion: "17"'),
        ("- key: PUBLIC_URL\n        sync: false", "- key: PUBLIC_URL"),
    ],
)
def test_a_broken_blueprint_is_found(right: str, wrong: str) -> None:
    assert blueprint_flaws(changed("render.yaml", right, wrong))


def composed(folder: Path, shipped: str) -> subprocess.CompletedProcess[str]:
    """What Compose says of the file, with the variables Elastic Beanstalk writes."""
    (folder / "docker-compose.yml").write_text(shipped)
    (folder / ".env").write_text("IMAGE=registry.example.com/quartermaster:1\n")
    return subprocess.run(
        [BIN / "docker-compose", "config", "--quiet"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_bundle_is_right(tmp_path: Path) -> None:
    done = composed(tmp_path, text(COMPOSE, {}))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("read_only: true\n    cap", "readonly: true\n    cap"),
        ("      migrate:\n        condition", "      migrated:\n        condition"),
        ('ports: ["80:5500"]', 'ports: ["80:http"]'),
    ],
)
def test_a_broken_bundle_is_found(tmp_path: Path, right: str, wrong: str) -> None:
    # This Compose says what is wrong, and exits with 0 all the same.
    assert composed(tmp_path, changed(COMPOSE, right, wrong)).stderr


def cloud_run_flaws(shipped: str) -> list[str]:
    """By Google's description of the API, annotations included."""
    parsed = yaml.safe_load(shipped)
    kind = parsed["kind"]
    found = google_flaws(parsed, {"$ref": kind}, "run.v1")
    known = google_annotations()
    inner = "Revision" if kind == "Service" else "Execution"
    for owner, holder in ((kind, parsed), (inner, parsed["spec"]["template"])):
        for name in holder.get("metadata", {}).get("annotations", {}):
            if owner not in known.get(name, set()):
                found.append(f"annotation {name}")
    return found


@pytest.mark.parametrize("file", [RUN, JOB])
def test_cloud_run_is_right(file: str) -> None:
    assert cloud_run_flaws(text(file, {})) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        (RUN, "containerConcurrency: 80", 'containerConcurrency: "80"'),
        (RUN, "startupProbe:", "startProbe:"),
        (
            RUN,
            "secretKeyRef: { name: quartermaster-secret-key, key: latest }",
            "secretRef: { name: x }",
        ),
        (RUN, "run.googleapis.com/ingress", "run.googleapis.com/ingres"),
        (RUN, "run.googleapis.com/cpu-throttling", "run.googleapis.com/minScale"),
        (JOB, "maxRetries: 0", "retries: 0"),
        (JOB, 'timeoutSeconds: "3600"', "timeoutSeconds: 3600"),
    ],
)
def test_a_broken_cloud_run_file_is_found(file: str, right: str, wrong: str) -> None:
    assert cloud_run_flaws(changed(file, right, wrong))


# app.yaml is the API's Version in another notation: these names differ by more than that.
NOTATION = {
    "checkIntervalSec": "checkInterval",
    "timeoutSec": "timeout",
    "initialDelaySec": "initialDelay",
    "appStartTimeoutSec": "appStartTimeout",
    "minNumInstances": "minTotalInstances",
    "maxNumInstances": "maxTotalInstances",
    "targetUtilization": "targetUtilization",
    "memoryGb": "memoryGb",
    "diskSizeGb": "diskGb",
}


def app_engine_flaws(shipped: str) -> list[str]:
    def spelt(value: Any, name: str = "") -> Any:
        if name in {"betaSettings", "envVariables"} or not isinstance(value, dict):
            return (
                f"{value}s"
                if name in {"checkInterval", "timeout", "initialDelay", "appStartTimeout"}
                else value
            )
        names = {each: re.sub(r"_(\w)", lambda m: m[1].upper(), each) for each in value}
        names = {each: NOTATION.get(camel, camel) for each, camel in names.items()}
        return {names[each]: spelt(inner, names[each]) for each, inner in value.items()}

    return google_flaws(spelt(yaml.safe_load(shipped)), {"$ref": "Version"}, "appengine.v1")


def test_app_engine_is_right() -> None:
    assert app_engine_flaws(text(GAE, {})) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("readiness_check:", "ready_check:"),
        ("max_num_instances: 6", "max_instances: 6"),
        ("memory_gb: 1", "memory_gb: much"),
        ('GRACEFUL_TIMEOUT: "20"', "GRACEFUL_TIMEOUT: 20"),
    ],
)
def test_a_broken_app_engine_file_is_found(right: str, wrong: str) -> None:
    assert app_engine_flaws(changed(GAE, right, wrong))


def arm_flaws(shipped: str) -> list[str]:
    """By the types of Azure's own package; and names in expressions that are declared nowhere."""
    template = json.loads(shipped)
    types = {"Microsoft.App/containerApps": "ContainerApp", "Microsoft.App/jobs": "Job"}
    found = []
    for resource in template["resources"]:
        body = {name: value for name, value in resource.items() if name != "apiVersion"}
        found += azure_flaws(body, azure_type(types[resource["type"]]), resource["name"])
        known = {each["name"] for each in resource["properties"]["configuration"]["secrets"]}
        for container in resource["properties"]["template"]["containers"]:
            used = {each["secretRef"] for each in container["env"] if "secretRef" in each}
            found += [f"secret {each}" for each in used ^ known]
    used = set(re.findall(r"parameters\('(\w+)'\)", shipped))
    return found + [f"parameter {each}" for each in used ^ (set(template["parameters"]))]


def test_container_apps_are_right() -> None:
    assert arm_flaws(text(ARM, {})) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"targetPort": 5500', '"targetPort": "5500"'),
        ('"terminationGracePeriodSeconds"', '"terminationGraceSeconds"'),
        ('"transport": "http"', '"transport": "https"'),
        ('"type": "Startup"', '"type": "Start"'),
        ('"secretRef": "rate-limits"', '"secretRef": "rate-limit"'),
        ("[parameters('corsOrigins')]", "[parameters('origins')]"),
        ('"replicaTimeout": 3600,', ""),
    ],
)
def test_a_broken_container_app_is_found(right: str, wrong: str) -> None:
    assert arm_flaws(changed(ARM, right, wrong))
