"""Theorems are derived, and rendered, once for all tests of a process."""

from functools import cache

import pytest
from planting import derived


@pytest.fixture(scope="session")
def theorem():
    """Return the function that derives a theorem by name, once."""
    return derived


@pytest.fixture(scope="session")
def rendered():
    """Return the function that renders a theorem in a format, with its options, once."""

    @cache
    def render(name, how, **options):
        return getattr(derived(name), how)(**options)

    return render
