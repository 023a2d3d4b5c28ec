"""Writes dashboards/service.json: `python -m deploy.monitoring.grafana.dashboard`."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "dashboards" / "service.json"
WIDTH = 24

Json = dict[str, Any]

PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
LOKI = {"type": "loki", "uid": "loki"}

# What the two variables choose. The orchestrators' own polls are no traffic.
INSTANCE = 'job="service", instance=~"$instance"'
TRAFFIC = f'{INSTANCE}, route=~"$route", route!~"/health(/.*)?|/metrics"'
RATE = "[$__rate_interval]"


def query(expression: str, legend: str = "", **more: Any) -> Json:
    """A PromQL query; `legend` names its series."""
    return {"datasource": PROMETHEUS, "expr": expression, "legendFormat": legend, **more}


def quantile(at: float, by: str = "le") -> str:
    """A quantile of how long the chosen requests took, over all processes."""
    rate = f"sum by ({by}) (rate(http_request_duration_seconds_bucket{{{TRAFFIC}}}{RATE}))"
    return f"histogram_quantile({at}, {rate})"


def panel(kind: str, title: str, unit: str, *targets: Json, **more: Any) -> Json:
    """A panel without its place; `thresholds` are `(colour, from)`, the first from the start."""
    steps = [
        {"color": colour, "value": value}
        for colour, value in more.pop("thresholds", [("green", None)])
    ]
    defaults: Json = {
        "unit": unit,
        "thresholds": {"mode": "absolute", "steps": steps},
        **{name: more.pop(name) for name in ("min", "max", "mappings") if name in more},
    }
    return {
        "type": kind,
        "title": title,
        "description": more.pop("description", ""),
        "datasource": more.pop("datasource", PROMETHEUS),
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": more.pop("options", {}),
        "targets": [{"refId": chr(ord("A") + index), **each} for index, each in enumerate(targets)],
        **more,
    }


def stat(title: str, unit: str, expression: str, **more: Any) -> Json:
    """One number."""
    options = {"colorMode": "value", "reduceOptions": {"calcs": ["lastNotNull"]}}
    return panel("stat", title, unit, query(expression, instant=True), options=options, **more)


def graph(title: str, unit: str, *targets: Json, **more: Any) -> Json:
    """Lines over time."""
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel("timeseries", title, unit, *targets, options=options, **({"min": 0} | more))


OK_OR_NOT = [
    {
        "type": "value",
        "options": {"0": {"text": "no", "color": "red"}, "1": {"text": "yes", "color": "green"}},
    }
]
FEW_ARE_BAD = [("green", None), ("red", 1)]
SHARE_OF_BUDGET = [("red", None), ("orange", 0.1), ("green", 0.5)]

# Rows of panels; those of a row share its width and have its height.
ROWS: list[tuple[str, int, list[Json]]] = [
    (
        "At a glance",
        4,
        [
            stat("Requests", "reqps", f"sum(rate(http_requests_total{{{TRAFFIC}}}{RATE}))"),
            stat(
                "Errors (5xx)",
                "percentunit",
                f'sum(rate(http_requests_total{{{TRAFFIC}, status=~"5.."}}{RATE}))'
                f' / sum(rate(http_requests_total{{{TRAFFIC}, status!~"4.."}}{RATE}))',
                thresholds=[("green", None), ("red", 0.001)],
            ),
            stat("p99", "s", quantile(0.99), thresholds=[("green", None), ("red", 0.5)]),
            stat("Instances up", "short", 'sum(up{job="service"})'),
            stat("Database", "short", 'min(database_up{job="service"})', mappings=OK_OR_NOT),
            stat(
                "Migrations pending",
                "short",
                'max(database_migrations_pending{job="service"})',
                thresholds=FEW_ARE_BAD,
            ),
        ],
    ),
    (
        "",
        4,
        [
            stat(
                "Availability budget left, 30 days",
                "percentunit",
                'slo:availability:budget_left_30d{job="service"}',
                description="Of the 0.1 % of requests that may fail.",
                thresholds=SHARE_OF_BUDGET,
            ),
            stat(
                "Latency budget left, 30 days",
                "percentunit",
                'slo:latency:budget_left_30d{job="service"}',
                description="Of the 1 % of requests that may take longer than 0.5 s.",
                thresholds=SHARE_OF_BUDGET,
            ),
            stat(
                "Verified backup, age",
                "s",
                'time() - max(backup_verified_timestamp_seconds{job="service"})',
                thresholds=[("green", None), ("red", 93600)],
            ),
            stat(
                "Certificate ends in",
                "s",
                'min(probe_ssl_earliest_cert_expiry{job="blackbox"}) - time()',
                thresholds=[("red", None), ("orange", 604800), ("green", 1814400)],
            ),
            stat(
                "Reached from outside",
                "short",
                'min(probe_success{job="blackbox"})',
                mappings=OK_OR_NOT,
            ),
            stat(
                "Store of rate limits",
                "short",
                'min(rate_limit_store_up{job="service"})',
                mappings=OK_OR_NOT,
            ),
        ],
    ),
    (
        "Traffic",
        8,
        [
            graph(
                "Requests by route",
                "reqps",
                query(
                    f"sum by (method, route) (rate(http_requests_total{{{TRAFFIC}}}{RATE}))",
                    "{{method}} {{route}}",
                ),
            ),
            graph(
                "Answers by status",
                "reqps",
                query(
                    f"sum by (status) (rate(http_requests_total{{{TRAFFIC}}}{RATE}))", "{{status}}"
                ),
            ),
            graph(
                "Errors by route",
                "percentunit",
                query(
                    "sum by (method, route)"
                    f' (rate(http_requests_total{{{TRAFFIC}, status=~"5.."}}{RATE}))'
                    " / sum by (method, route)"
                    f' (rate(http_requests_total{{{TRAFFIC}, status!~"4.."}}{RATE}))',
                    "{{method}} {{route}}",
                ),
                description="5xx of all answers but 4xx.",
            ),
        ],
    ),
    (
        "Latency",
        8,
        [
            graph(
                "Quantiles",
                "s",
                *(query(quantile(at), f"p{at * 100:g}") for at in (0.5, 0.95, 0.99)),
            ),
            graph(
                "p99 by route",
                "s",
                query(quantile(0.99, "method, route, le"), "{{method}} {{route}}"),
            ),
            panel(
                "heatmap",
                "How long requests took",
                "reqps",
                query(
                    f"sum by (le) (rate(http_request_duration_seconds_bucket{{{TRAFFIC}}}{RATE}))",
                    "{{le}}",
                    format="heatmap",
                ),
                options={
                    "calculate": False,
                    "yAxis": {"unit": "s"},
                    "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
                    "tooltip": {"mode": "single", "yHistogram": False},
                },
            ),
        ],
    ),
    (
        "Error budgets",
        8,
        [
            graph(
                f"{title}, share that is bad",
                "percentunit",
                *(
                    query(f'slo:{name}_bad:ratio_rate{window}{{job="service"}}', window)
                    for window in ("5m", "30m", "1h", "6h", "3d")
                ),
                thresholds=[("green", None), ("red", objective)],
            )
            for title, name, objective in (
                ("Availability", "availability", 0.001),
                ("Latency", "latency", 0.01),
            )
        ],
    ),
    (
        "Database",
        8,
        [
            graph(
                "Connections",
                "short",
                query(
                    f"sum by (state) (database_pool_connections{{{INSTANCE}}})",
                    "{{state}}",
                ),
                query(f"sum(database_pool_max_connections{{{INSTANCE}}})", "most there may be"),
            ),
            graph(
                "Pool in use",
                "percentunit",
                query(
                    f"instance:database_pool_in_use:ratio{{{INSTANCE}}}",
                    "{{instance}}",
                ),
                max=1,
            ),
            graph(
                "Waiting, and given up",
                "short",
                query(f"sum(database_pool_waiting{{{INSTANCE}}})", "waiting"),
                query(
                    f"sum(increase(database_pool_timeouts_total{{{INSTANCE}}}{RATE}))", "given up"
                ),
            ),
        ],
    ),
    (
        "Processes",
        8,
        [
            graph(
                "Event loop lag, p99",
                "s",
                query(
                    "histogram_quantile(0.99, sum by (instance, le)"
                    f" (rate(event_loop_lag_seconds_bucket{{{INSTANCE}}}{RATE})))",
                    "{{instance}}",
                ),
            ),
            graph(
                "Requests in progress",
                "short",
                query(
                    f"sum by (instance) (http_requests_in_progress{{{INSTANCE}}})", "{{instance}}"
                ),
            ),
            graph(
                "Processes",
                "short",
                query(f"sum by (instance) (service_processes{{{INSTANCE}}})", "{{instance}}"),
            ),
            panel(
                "table",
                "Versions",
                "short",
                query(
                    "count by (version, commit, python)"
                    f" (max by (instance, version, commit, python)"
                    f" (service_build_info{{{INSTANCE}}}))",
                    format="table",
                    instant=True,
                ),
                transformations=[
                    {
                        "id": "organize",
                        "options": {
                            "excludeByName": {"Time": True},
                            "renameByName": {"Value": "instances"},
                        },
                    }
                ],
            ),
        ],
    ),
    (
        "Limits and logins",
        8,
        [
            graph(
                "Over their rate limit (429)",
                "reqps",
                query(
                    "sum by (method, route)"
                    f' (rate(http_requests_total{{{TRAFFIC}, status="429"}}{RATE}))',
                    "{{method}} {{route}}",
                ),
            ),
            graph(
                "Limits that could not be counted",
                "short",
                query(
                    f"sum(increase(rate_limit_store_failures_total{{{INSTANCE}}}{RATE}))",
                    "failures",
                ),
            ),
            graph(
                "Logins",
                "reqps",
                query(
                    "sum by (status) (rate(http_requests_total"
                    f'{{{INSTANCE}, route="/api/v1/auth/login"}}{RATE}))',
                    "{{status}}",
                ),
            ),
        ],
    ),
    (
        "Backups and the way in",
        8,
        [
            graph(
                "Backups, age",
                "s",
                query('time() - max(backup_verified_timestamp_seconds{job="service"})', "verified"),
                query('time() - max(backup_attempted_timestamp_seconds{job="service"})', "tried"),
            ),
            graph(
                "Backups, size",
                "bytes",
                query('max(backup_size_bytes{job="service"})', "size"),
            ),
            graph(
                "Probe from outside",
                "s",
                query('probe_duration_seconds{job="blackbox"}', "{{instance}}"),
            ),
        ],
    ),
    (
        "Logs",
        10,
        [
            panel(
                "logs",
                "Errors",
                "short",
                {
                    "datasource": LOKI,
                    "expr": '{job="service", level=~"ERROR|CRITICAL"}',
                    "queryType": "range",
                },
                datasource=LOKI,
                description="Lines of every instance: the log's names are hosts, not addresses.",
                options={
                    "showTime": True,
                    "wrapLogMessage": True,
                    "enableLogDetails": True,
                    "sortOrder": "Descending",
                },
            )
        ],
    ),
]


def variable(name: str, expression: str) -> Json:
    """Something to choose above the dashboard, all of it at first."""
    return {
        "type": "query",
        "name": name,
        "label": name.capitalize(),
        "datasource": PROMETHEUS,
        "query": {"query": expression, "refId": name},
        "definition": expression,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "options": [],
    }


def placed() -> list[Json]:
    """Every panel with its id and place."""
    panels: list[Json] = []
    y = 0
    for title, height, row in ROWS:
        if title:
            place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
            heading: Json = {"type": "row", "title": title, "collapsed": False, "panels": []}
            panels.append({"id": len(panels) + 1, "gridPos": place} | heading)
            y += 1
        width = WIDTH // len(row)
        for index, each in enumerate(row):
            place = {"x": index * width, "y": y, "w": width, "h": height}
            panels.append({"id": len(panels) + 1, "gridPos": place} | each)
        y += height
    return panels


def dashboard() -> Json:
    """The dashboard, as Grafana provisions it."""
    return {
        "uid": "quartermaster-service",
        "title": "Service",
        "tags": ["quartermaster"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                variable("instance", 'label_values(up{job="service"}, instance)'),
                variable("route", 'label_values(http_requests_total{job="service"}, route)'),
            ]
        },
        "annotations": {
            "list": [
                {
                    "name": "Alerts",
                    "datasource": PROMETHEUS,
                    "enable": True,
                    "iconColor": "red",
                    "expr": 'ALERTS{alertstate="firing", severity="page"}',
                    "titleFormat": "{{alertname}}",
                }
            ]
        },
        "panels": placed(),
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
