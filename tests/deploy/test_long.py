"""What `make test` leaves out is there to be left out."""

import pytest

from tests.deploy.conftest import HERE, LONG


@pytest.mark.parametrize("name", sorted(LONG))
def test_long_test_exists(name: str) -> None:
    file, _, test = name.partition("::")
    assert f"def {test}" in (HERE / file).read_text()
