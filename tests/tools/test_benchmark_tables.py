"""benchmarks/README.md says what was measured last."""

import pytest

from tools.benchmarks import BLOCKS, PAGE, page
from tools.pages import BLOCK


def test_tables_are_those_of_the_last_run() -> None:
    assert PAGE.read_text() == page(), "run python -m tools.benchmarks"


@pytest.mark.parametrize("name", list(BLOCKS))
def test_every_table_is_on_the_page_once(name: str) -> None:
    assert [each for _, each, _ in BLOCK.findall(PAGE.read_text())].count(name) == 1
