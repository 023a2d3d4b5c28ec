"""Where settings and secrets are, and that somebody reads them."""

import re
from collections.abc import Iterator

from service.config.reading import VARIABLES
from tests.deploy.kubernetes.policies.common import COMPONENT, every
from tests.deploy.kubernetes.rendered import Object, Rendered, env, label

# Variables that are no keys of the service's configuration.
NOT_KEYS = re.compile(r"FLASK_ENV|CREDENTIALS_DIRECTORY|OTEL_[A-Z_]+")
BACKUP_KEYS = frozenset(
    {"BACKUP_STORE", "BACKUP_AGE_RECIPIENT", "BACKUP_AGE_IDENTITY_FILE", "BACKUP_REPORT"}
    | {"BACKUP_KEEP_DAILY", "BACKUP_KEEP_WEEKLY", "BACKUP_KEEP_MONTHLY", "BACKUP_S3_ADDRESSING"}
    | {"CREDENTIALS_DIRECTORY", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_ENDPOINT_URL"}
)
SECRET_NAME = re.compile(r"SECRET|PASSWORD|TOKEN|CREDENTIAL|IDENTITY|DSN$|DATABASE_URL|STORAGE_URI")
URL_WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


def secrets_are_mounted_and_documented(rendered: Rendered) -> Iterator[str]:
    """Each path in a variable lies in a Secret's mount, and the example says what must be there."""
    for name, template in rendered.pods:
        for container in template["spec"]["containers"]:
            mounted = _secrets_by_path(template, container)
            for variable, value in env(container).items():
                if variable == "CREDENTIALS_DIRECTORY":
                    folder, key = value, ""
                elif variable.endswith("_FILE"):
                    folder, _, key = value.rpartition("/")
                else:
                    continue
                if folder not in mounted:
                    yield f"{name}: {variable} names a place where no Secret is mounted"
                elif key and key not in rendered.secrets.get(mounted[folder], frozenset()):
                    yield f"{name}: secret.example.yaml does not know {mounted[folder]}'s {key}"


def secrets_are_read_only(rendered: Rendered) -> Iterator[str]:
    """A Secret is mounted to be read, by the pod's own group and nobody else."""
    for name, template in rendered.pods:
        secret = {each["name"] for each in template["spec"]["volumes"] if "secret" in each}
        for each in every(template["spec"], "volumeMounts"):
            if each["name"] in secret and not each.get("readOnly"):
                yield f"{name} mounts a Secret to write to it"
        for each in template["spec"]["volumes"]:
            if "secret" in each and each["secret"].get("defaultMode") != 0o440:
                yield f"{name} shows a Secret to every user of the pod"


def _secrets_by_path(template: Object, container: Object) -> dict[str, str]:
    volumes = {
        each["name"]: each["secret"]["secretName"]
        for each in template["spec"].get("volumes", [])
        if "secret" in each
    }
    mounts = container.get("volumeMounts", [])
    return {each["mountPath"]: volumes[each["name"]] for each in mounts if each["name"] in volumes}


def nothing_secret_is_written_down(rendered: Rendered) -> Iterator[str]:
    """No Secret is rendered, and no value that should be in one is in a variable or a ConfigMap."""
    for each in rendered.of("Secret"):
        yield f"{label(each)} is in the build"
    for name, template in rendered.pods:
        for container in template["spec"]["containers"]:
            yield from _plain(name, env(container))
            if any("valueFrom" in each for each in container.get("env", [])):
                yield f"{name} has a Secret in its environment"
            if any("secretRef" in each for each in container.get("envFrom", [])):
                yield f"{name} has a whole Secret in its environment"
    for each in rendered.of("ConfigMap"):
        yield from _plain(label(each), each["data"])


def keys_are_known(rendered: Rendered) -> Iterator[str]:
    """A key nobody reads is a typing error. The service and the backup each have their own."""
    for name, template in rendered.pods:
        component = template["metadata"]["labels"][COMPONENT]
        for container in template["spec"]["containers"]:
            keys = set(env(container))
            for source in container.get("envFrom", []):
                config = source["configMapRef"]["name"]
                keys |= set(rendered.named("ConfigMap", config)["data"])
            for key in sorted(keys):
                plain = key.removesuffix("_FILE")
                known = key in BACKUP_KEYS if component == "backup" else plain in VARIABLES
                if not known and not NOT_KEYS.fullmatch(key):
                    yield f"{name}: nobody reads {key}"


def _plain(where: str, variables: dict[str, str]) -> Iterator[str]:
    for key, value in variables.items():
        is_path = key.endswith("_FILE") or key == "CREDENTIALS_DIRECTORY"
        if value and SECRET_NAME.search(key) and not is_path:
            yield f"{where} has the value of {key}"
        if URL_WITH_PASSWORD.search(value):
            yield f"{where} has a password in {key}"
