"""Theorems are derived once for all tests of a process."""

import pytest
from planting import derived


@pytest.fixture(scope="session")
def theorem():
    """Return the function that derives a theorem by name, once."""
    return derived
