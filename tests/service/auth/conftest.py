"""What the tests of this folder share."""

from tests.service.shared import newcomer, start_shared

__all__ = ["newcomer", "start_shared"]
