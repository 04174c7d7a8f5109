"""Shared symbols of the Gaussian tests."""

from types import SimpleNamespace

import pytest
from sympy import symbols

from derive.gaussian import api


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Each test derives for itself, the more so when it plants an error."""
    api.outcome.cache_clear()
    api.general_form.cache_clear()


@pytest.fixture(scope="session")
def v() -> SimpleNamespace:
    """Variables x, y; standard deviations s, t; means m, n; correlation r; variances p, q; covariance c."""
    x, y, m, n, r, a, b, c = symbols("x y m n r a b c", real=True)
    s, t, p, q = symbols("s t p q", positive=True)
    return SimpleNamespace(
        x=x,
        y=y,
        m=m,
        n=n,
        r=r,
        a=a,
        b=b,
        c=c,
        s=s,
        t=t,
        p=p,
        q=q,
        plane=[[s**2, r * s * t], [r * s * t, t**2]],
    )
