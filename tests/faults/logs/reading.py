"""What is in the logs of a service: each line once, and whole."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def content(files: Iterable[Path]) -> bytes:
    """Of all these, unpacked where logrotate has packed them."""
    texts = (each.read_bytes() for each in files)
    return b"".join(gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text for text in texts)


def parsed(text: bytes) -> tuple[list[dict[str, Any]], list[bytes]]:
    """The lines, and those that are not whole."""
    good: list[dict[str, Any]] = []
    torn: list[bytes] = []
    for line in text.splitlines():
        try:
            good.append(json.loads(line))
        except ValueError:
            torn.append(line)
    return good, torn


def named(lines: Iterable[dict[str, Any]], run: str) -> list[str]:
    """The request ids of that run, in the order of the lines."""
    ids = (line.get("request_id") or "" for line in lines)
    return [each for each in ids if each.startswith(run)]
