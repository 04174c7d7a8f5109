"""What all tests share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_width(monkeypatch):
    """Output is as wide as it likes, unless a test says otherwise: worker processes of pytest set COLUMNS."""
    monkeypatch.delenv("COLUMNS", raising=False)
