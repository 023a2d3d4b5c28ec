"""What ships the log reads it as the service writes it: held to lines of a real service, for Loki,
Alloy, Filebeat and Elasticsearch themselves cannot run here."""

import json
import re
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.deploy.monitoring.alloy import AlloyError, Block, Reference, read
from tests.deploy.monitoring.metrics import DASHBOARD
from tests.deploy.monitoring.promtool import MONITORING
from tests.service.support import start_service

Line = dict[str, Any]

ALLOY = MONITORING / "alloy" / "config.alloy"
LOKI = MONITORING / "loki" / "loki.yml"
ELK = MONITORING / "elk"
SHIPPED = "/var/log/service/*.jsonl"
TRACE = "0af7651916cd43dd8448eb211c80319c"
# Values that are few whatever clients do; each label makes streams of its own.
BOUNDED = {"level", "instance", "job"}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    """Every line of a service that started without a database, answered, failed and stopped."""
    folder = tmp_path_factory.mktemp("shipping")
    file = folder / "service.jsonl"
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    service = start_service(folder / "stdout", DATABASE_URL=nowhere, LOG_FILE=str(file))
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-Request-ID": "shipped"}
    httpx.get(f"{service.url}/health", headers=headers, timeout=10)
    httpx.get(f"{service.url}/nowhere", headers=headers, timeout=10)
    assert service.stop(signal.SIGTERM) == 0
    return [json.loads(line) for line in file.read_text().splitlines()]


def request(lines: list[Line]) -> Line:
    """The line of a request that came with a trace."""
    return next(line for line in lines if line["event"] == "request" and line.get("trace_id"))


def stages(block: Block) -> dict[str, dict[str, Any]]:
    """The attributes of each stage of a pipeline."""
    return {each.name: each.attributes for each in block.blocks}


def pipeline() -> dict[str, dict[str, Any]]:
    return stages(read(ALLOY.read_text()).block("loki.process"))


def test_alloy_components_are_connected() -> None:
    file = read(ALLOY.read_text())
    components = {f"{each.name}.{each.label}": each for each in file.blocks if each.label}
    exports = {"local.file_match": "targets", "loki.process": "receiver", "loki.write": "receiver"}
    known = {
        f"{name}.{exports[each.name]}" for name, each in components.items() if each.name in exports
    }
    referred = set()
    for each in components.values():
        for value in each.attributes.values():
            referred |= {
                one.name
                for one in (value if isinstance(value, list) else [value])
                if isinstance(one, Reference)
            }
    assert referred == known


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  stage.timestamp {\n", "  stage.timestamp\n"),
        ('    source = "timestamp"', '    source = timestamp"'),
        ('format = "RFC3339Nano"', 'format : "RFC3339Nano"'),
        ('= "trace_id",\n    }', '= "trace_id",'),
    ],
)
def test_broken_alloy_is_noticed(old: str, new: str) -> None:
    text = ALLOY.read_text()
    assert old in text
    with pytest.raises(AlloyError):
        read(text.replace(old, new))


def test_alloy_reads_what_the_service_writes(lines: list[Line]) -> None:
    extracted = pipeline()["stage.json"]["expressions"]
    line = request(lines)
    assert set(extracted.values()) <= set(line)
    moment = pipeline()["stage.timestamp"]
    assert moment == {"source": "timestamp", "format": "RFC3339Nano"}
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d+Z", line[extracted["timestamp"]])


def test_alloy_labels_are_bounded() -> None:
    found = pipeline()
    extracted = set(found["stage.json"]["expressions"])
    labels = set(found["stage.labels"]["values"].values())
    metadata = set(found["stage.structured_metadata"]["values"].values())
    assert labels <= extracted & BOUNDED
    assert metadata <= extracted
    assert {"request_id", "trace_id"} <= metadata
    assert not labels & metadata
    target = read(ALLOY.read_text()).block("local.file_match").attributes["path_targets"][0]
    assert set(target) - {"__path__"} <= BOUNDED
    assert target["__path__"] == SHIPPED


def test_dashboard_asks_for_labels_there_are() -> None:
    found = pipeline()
    target = read(ALLOY.read_text()).block("local.file_match").attributes["path_targets"][0]
    labels = set(found["stage.labels"]["values"]) | set(target)
    (asked,) = (
        each["expr"]
        for panel in DASHBOARD["panels"]
        for each in panel.get("targets", [])
        if each["datasource"]["type"] == "loki"
    )
    assert set(re.findall(r"(\w+)=", asked)) <= labels


def test_loki_keeps_what_alloy_sends_for_a_while() -> None:
    loki = yaml.safe_load(LOKI.read_text())
    assert loki["limits_config"]["allow_structured_metadata"] is True
    assert loki["limits_config"]["retention_period"] == "720h"
    assert loki["compactor"]["retention_enabled"] is True
    (schema,) = loki["schema_config"]["configs"]
    # Structured metadata and retention both need these.
    assert (schema["store"], schema["schema"], schema["index"]["period"]) == ("tsdb", "v13", "24h")
    assert loki["compactor"]["delete_request_store"] == schema["object_store"]
    url = read(ALLOY.read_text()).block("loki.write").block("endpoint").attributes["url"]
    assert url == f"http://loki:{loki['server']['http_listen_port']}/loki/api/v1/push"


def template() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ELK / "index-template.json").read_text())
    return found


def test_elasticsearch_knows_every_key_of_the_log(lines: list[Line]) -> None:
    mapped = set(template()["template"]["mappings"]["properties"])
    # Filebeat makes @timestamp of the one, and error of a line that is no JSON.
    assert set().union(*lines) - {"timestamp"} <= mapped
    assert mapped - {"@timestamp", "error"} - {"reason", "logger", "exception"} <= set(
        request(lines)
    )


def test_elasticsearch_can_hold_what_is_logged(lines: list[Line]) -> None:
    properties = template()["template"]["mappings"]["properties"]
    holds = {
        "keyword": (str, int),
        "text": (str,),
        "short": (int,),
        "integer": (int,),
        "float": (int, float),
        "ip": (str,),
    }
    for line in lines:
        for key, value in line.items():
            if value is not None and key not in {"timestamp", "exception"}:
                assert isinstance(value, holds[properties[key]["type"]]), (key, value)


def test_filebeat_reads_what_the_service_writes(lines: list[Line]) -> None:
    filebeat = yaml.safe_load((ELK / "filebeat.yml").read_text())
    (source,) = filebeat["filebeat.inputs"]
    assert source["paths"] == [SHIPPED]
    moment = filebeat["processors"][0]["timestamp"]
    # Go's layouts are written as one moment: the same digits and marks at the same places.
    for written in (*moment["test"], request(lines)[moment["field"]]):
        assert re.sub(r"\d", "0", written) == re.sub(r"\d", "0", moment["layouts"][0])
        datetime.fromisoformat(written)
    output = filebeat["output.elasticsearch"]
    (pattern,) = template()["index_patterns"]
    assert re.fullmatch(pattern.replace("*", ".*"), output["index"])
    assert output["api_key"] == "${ELASTICSEARCH_API_KEY}"
    # With its own template or policy Filebeat would write to an index of its own naming.
    assert filebeat["setup.template.enabled"] is False
    assert filebeat["setup.ilm.enabled"] is False


def test_elasticsearch_forgets_after_a_month() -> None:
    phases = json.loads((ELK / "ilm-policy.json").read_text())["policy"]["phases"]
    assert phases["delete"] == {"min_age": "30d", "actions": {"delete": {}}}
    assert "data_stream" in template()


@pytest.mark.parametrize("path", sorted(Path(MONITORING).rglob("*.y*ml")), ids=lambda at: at.name)
def test_nothing_secret_is_in_a_file(path: Path) -> None:
    assert not re.search(r"(?i)(password|secret|token): *[^$\s{/]", path.read_text())
