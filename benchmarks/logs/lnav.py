"""lnav with a format for the contract's lines, which somebody has to write first, and without."""

import json

FORMATTED, BARE = "lnav, own format", "lnav, no format"
HELP = "A fancy log file viewer"

_HIDDEN = ("request_id", "route", "client", "instance", "logger", "user_id", "pid", "exception")
_KINDS = {
    "user_id": "integer",
    "pid": "integer",
    "status": "integer",
    "duration_ms": "float",
    "exception": "json",
}
_SHOWN = ("method", "path", "event", "status", "duration_ms")
_FORMAT = {
    "$schema": "https://lnav.org/schemas/format-v1.schema.json",
    "contract_log": {
        "title": "Contract",
        "description": "One JSON object a line",
        "json": True,
        "file-pattern": r"\.jsonl$",
        "timestamp-field": "timestamp",
        "level-field": "level",
        "body-field": "event",
        "opid-field": "request_id",
        "level": {name.lower(): name for name in ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")},
        "line-format": [
            {"field": "__timestamp__"},
            " ",
            {"field": "level", "min-width": 8},
            *(part for name in _SHOWN for part in (" ", {"field": name, "default-value": ""})),
        ],
        "value": {
            name: {"kind": _KINDS.get(name, "string"), "hidden": name in _HIDDEN}
            for name in (*_SHOWN, *_HIDDEN, "level")
        },
    },
}
HOME = {".config/lnav/formats/contract/format.json": json.dumps(_FORMAT).encode()}
"""What it finds in its home, by path."""
