"""A command writes its own part of a page, and nothing else."""

import re

import pytest

from tools.pages import filled, table

PAGE = """\
<!-- remark: this is not a block -->
Before.
<!-- capacity: costs -->
old
lines
<!-- end of costs -->
Between.
<!-- table: python -m tests.faults --document -->
kept
<!-- end of the table -->
After.
"""


def test_only_the_named_block_is_written() -> None:
    # What would be a reference to a group in a replacement is text here.
    assert filled(PAGE, {"capacity: costs": "\\1 new\n"}) == PAGE.replace("old\nlines", "\\1 new")
    both = {"capacity: costs": "", "table: python -m tests.faults --document": "other\n"}
    assert filled(PAGE, both) == PAGE.replace("old\nlines\n", "").replace("kept", "other")


@pytest.mark.parametrize("page", ["", PAGE.replace("costs -->", "cost -->"), PAGE * 2])
def test_block_that_is_not_there_once_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match=re.escape("not on the page once: capacity: costs")):
        filled(page, {"capacity: costs": "new\n"})


def test_numbers_of_a_table_are_to_the_right() -> None:
    assert table(["a", "b", "c"], [["x", "1", "2"]]) == (
        "| a | b | c |\n| --- | --: | --: |\n| x | 1 | 2 |\n"
    )
