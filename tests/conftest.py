"""What all tests share."""

from __future__ import annotations

import gc

import pytest

# Expressions are many and stay: a collector that looks through them again and again takes a quarter of the time.
gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def no_width(monkeypatch):
    """Output is as wide as it likes, unless a test says otherwise: worker processes of pytest set COLUMNS."""
    monkeypatch.delenv("COLUMNS", raising=False)
