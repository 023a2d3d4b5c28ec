"""A line of the contract means the same whether it is taken for one or for any other line."""

import msgspec
import pytest
from hypothesis import example, given

from console.lines import Line
from console.logs.records import decode
from console.logs.records.contract import contract_line
from console.logs.records.objects import cleaned
from console.logs.records.record import _of_any, _of_contract
from tests.console.logs.records.strategies import LINES

LINE = (
    b'{"timestamp":"2026-01-15T10:30:00.123Z","level":"INFO","event":"request","request_id":"abc123",'
    b'"method":"POST","path":"/api/v1/users","status":201,"duration_ms":45.2,"user_id":42}'
)


@given(LINES)
@example(LINE)
@example(b'{"request_id":"","trace_id":"x"}')
@example(b'{"duration_ms":' + b"9" * 400 + b"}")
@example(b'{"duration_ms":5,"status":1000,"user_id":-0}')
def test_both_ways_agree(line: bytes) -> None:
    raw = cleaned(line)
    assert repr(decode(Line(line, len(line)))) == repr(_of_any(raw, len(line)))


def test_a_line_of_the_contract_is_taken_for_one() -> None:
    assert _of_contract(contract_line(LINE), LINE, len(LINE)).duration == 45.2


def test_a_line_with_another_name_is_not() -> None:
    with pytest.raises(msgspec.DecodeError):
        contract_line(LINE[:-1] + b',"severity":"ERROR"}')
