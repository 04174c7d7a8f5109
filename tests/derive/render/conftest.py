"""Theorems are derived once for all renderers' tests."""

from functools import cache

import pytest

import derive


@pytest.fixture(scope="session")
def theorem():
    """Return the function that derives a theorem by name, once."""
    return cache(derive.theorem)
