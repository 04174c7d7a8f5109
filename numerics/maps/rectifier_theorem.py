"""The expressions that the sample-variance kernels are generated from: the results of the derivations, nothing else.

``STABLE`` is what the theorem `sample-variance-stable` arrives at, ``DEFINITION`` the difference of two nearly equal
terms that it starts from, with K in the closed form of `kernel-K`. Both are derived when they are first asked for.

Notation: mu ~ N(0, m^2) over networks, nu ~ N(0, v^2) over samples, y = mu + nu, leaky ReLU of slope a,
sigma_w2 = N Var[W] the gain, sigma_b2 the variance of the bias.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import sympy as sp

from derive.network import BIAS_VARIANCE as bias_variance  # noqa: N811
from derive.network import GAIN as gain  # noqa: N811
from derive.network import SLOPE as slope  # noqa: N811
from derive.rules.wide import M as m  # noqa: N811
from derive.rules.wide import V as v  # noqa: N811

THEOREM = "sample-variance-stable"
ORIGIN = f"""\
the derivation {THEOREM}. Sources:
  Kaiming initialization doesn't preserve neuron variance, if you compute the variance over inputs rather
    than weights (2020), steps 1-4
  Cho & Saul, Kernel methods for deep learning (2009), the arc-cosine kernel of order 1"""


class SampleVarianceExpressions(NamedTuple):
    """v'^2 and m'^2 as functions of m, v, the slope a, sigma_w2 and sigma_b2."""

    v2: sp.Expr
    m2: sp.Expr


@cache
def _derived() -> tuple[SampleVarianceExpressions, SampleVarianceExpressions]:
    """Return the stable form and the definition, read off the derivation."""
    from derive.rules import ByLemma
    from derive.rules.analysis import T_OF_M_V, T
    from numerics.derivations import derivation

    fluctuation = derivation(THEOREM)
    (mean,) = fluctuation.parts
    (kernel_k,) = fluctuation.steps[0].lemmas

    def written_out(e: sp.Expr) -> sp.Expr:
        return e.subs(T, T_OF_M_V).doit()

    stable = SampleVarianceExpressions(v2=written_out(fluctuation.result), m2=written_out(mean.result))
    definition = SampleVarianceExpressions(
        v2=fluctuation.steps[0].after,
        m2=ByLemma(kernel_k).apply(mean.statement.lhs, mean.setting).after,
    )
    return stable, definition


def __getattr__(name: str) -> Any:
    if name in ("STABLE", "DEFINITION"):
        return _derived()[name == "DEFINITION"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def formula(parameters: str) -> tuple[str, ...]:
    """The derived maps and what their symbols mean, as lines for the top of a file."""
    maps = (f"    {name}'^2 = {expression}" for name, expression in zip("vm", _derived()[0], strict=True))
    return (
        *maps,
        f"    {parameters}",
        "",
        "m2, v2: variances in [0, 2**1022]; NaN in gives NaN out. *_full also gives",
        "rho' = m'^2/(m'^2 + v'^2) and 1 - rho', both NaN where m'^2 = v'^2 = 0.",
    )


__all__ = ["ORIGIN", "THEOREM", "SampleVarianceExpressions", "bias_variance", "formula", "gain", "m", "slope", "v"]
