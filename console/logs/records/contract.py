"""The line of the contract, which is the one most often read: its keys, these types, no others.

A line with any other key may tell the same thing by another name, so it is not one of these.
"""

from typing import Any

import msgspec

__all__ = ["ContractLine", "contract_line"]


class ContractLine(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The fields as they are written; in the order in which they are, which is the quickest."""

    timestamp: str | None = None
    level: str | None = None
    event: str | None = None
    request_id: str | None = ""
    method: str | None = None
    path: str | None = None
    status: int | None = None
    duration_ms: float | None = None
    user_id: int | str | None = None
    logger: str | None = None
    route: str | None = None
    client: str | None = None
    instance: Any = None
    pid: Any = None
    trace_id: str | None = None
    exception: Any = None


contract_line = msgspec.json.Decoder(ContractLine).decode
"""Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError for any other line."""
