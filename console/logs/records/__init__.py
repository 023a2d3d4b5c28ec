"""Log lines, understood without configuration: one by one, or the wanted fields of many."""

from console.logs.records.levels import LEVELS, rank
from console.logs.records.record import (
    Record,
    decode,
    decode_line,
    fields_of,
    pretty,
    value_of,
)

__all__ = [
    "LEVELS",
    "Record",
    "decode",
    "decode_line",
    "fields_of",
    "pretty",
    "rank",
    "value_of",
]
