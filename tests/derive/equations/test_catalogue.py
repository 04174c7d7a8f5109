"""The catalogue's lines of data: held against mpmath and SciPy, and beside a sibling that is wrong."""

from __future__ import annotations

from functools import cache

import mpmath
import numpy as np
import pytest
from scipy import special, stats
from sympy import Rational

import derive
from derive.claims import ROWS
from derive.claims.audit import audit
from derive.claims.printed_constants import CONSTANTS
from derive.claims.printed_equations import EQUATIONS
from derive.claims.printed_laws import LAWS
from derive.claims.printed_layers import LAYERS
from derive.claims.rows import Number
from derive.equations.constants import constant_claim
from derive.equations.row_claims import claim_of

FUNCTIONS = {
    "celu": lambda u: u if u > 0 else mpmath.expm1(u),
    "elu": lambda u: u if u > 0 else mpmath.expm1(u),
    "leaky_relu(u, 1/100)": lambda u: u if u > 0 else u / 100,
    "leaky_relu(u, 1/5)": lambda u: u if u > 0 else u / 5,
    "relu": lambda u: max(u, 0),
    "relu6": lambda u: min(max(u, 0), 6),
    "softsign": lambda u: u / (1 + abs(u)),
    "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
    "logsigmoid": lambda u: -mpmath.log1p(mpmath.exp(-u)),
    "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
    "silu": lambda u: u / (1 + mpmath.exp(-u)),
    "tanh": mpmath.tanh,
    "gelu": lambda u: u * mpmath.ncdf(u),
    "selu": lambda u: 1.0507009873554805 * (u if u > 0 else 1.6732632423543772 * mpmath.expm1(u)),
}
SHAPES = {"1/sqrt(Var[{}])": (-1, True), "1/sqrt(E[{}^2])": (-1, False), "sqrt(E[{}^2])": (1, False)}
"""The formulas of constants in use: a power of the root of a mean square, and whether the mean is taken off."""
N, M, A, S, V, P, Q, G, C, K, J, D, MU, T = 5.0, 3.0, 0.3, 0.7, 1.3, 0.8, 0.6, 2.0, 4.0, 3.0, 6.0, 7.0, 0.4, 9.0
POINT = dict(
    zip(
        ("n", "m", "a", "s", "v", "p", "q", "g", "c", "k", "j", "d", "μ", "T", "N", "α"),
        (N, M, A, S, V, P, Q, G, C, K, J, D, MU, T, N, A),
        strict=True,
    )
)
CUT = stats.truncnorm(-2, 2)
BY_SCIPY = {
    "torch-linear-default": (3 * 2 / 6 / N) ** 0.5,
    "torch-linear-is-he": stats.uniform(-(N**-0.5), 2 * N**-0.5).var(),
    "torch-kaiming-bound": stats.uniform(-1, 2).var() * 6 / (1 + A**2) / N,
    "torch-54055": stats.norm(0, 0.75 / N**0.5).var(),
    "torch-sparse": stats.norm(0, 0.01).var(),
    "jax-complex-uniform": 2 * stats.uniform(0, 1).mean(),
    "jax-truncated-doc": S * CUT.std(),
    "tf-1.3": (1.3 * C / N) ** 0.5 * CUT.std(),
    "tfjs-lecun-normal": CUT.var() / N,
    "theano-4x": 1 / stats.logistic.pdf(0),
    "xavier-average": (1 / N + 1 / M) / 2,
    "siren-first": 6 / 3 * stats.arcsine(-1, 2).var(),
    "siren-deep": 6 / 3 * stats.norm.expect(lambda u: mpmath.sin(u) ** 2),
    "siren-lemma": stats.norm.expect(lambda u: mpmath.sin(mpmath.pi * u / 2) ** 2),
    "siren-c6": N * stats.uniform(-6 / N**0.5, 12 / N**0.5).var() * stats.arcsine(-1, 2).var(),
    "deep-complex-paper": N * stats.rayleigh(0, N**-0.5).moment(2) / 2,
    "deep-complex-code": N * stats.rayleigh(0, 1 / N).moment(2) / 2,
    "complextorch-doc": stats.rayleigh(0, S).moment(4) - stats.rayleigh(0, S).moment(2) ** 2,
    "quaternion-modulus": stats.chi(4, 0, S).moment(2),
    "quaternion-real": stats.chi(4, 0, S).moment(2) * stats.arcsine(-1, 2).var(),
    "quaternion-imaginary": stats.chi(4, 0, S).moment(2) * stats.arcsine(-1, 2).var() / 3,
    "hyperfan": stats.norm(MU, V**0.5).moment(2) / V,
    "chrono-least": 1 / stats.logistic.sf(0),
    "chrono-most": 1 / stats.logistic.sf(float(mpmath.log(T - 1))),
    "convs2s-dropout": V * stats.bernoulli(P).moment(2) / P**2,
    "mlx-groups": stats.uniform(-((C * K) ** -0.5), 2 * (C * K) ** -0.5).var(),
    "xiong-lemma-1": D * stats.halfnorm(0, S).moment(2) / 2,
    "vaswani-dk": D * stats.norm.moment(2) ** 2,
    "vaswani-embedding": stats.norm.var() + stats.arcsine(-1, 2).var(),
    "t5-query": 1.0,
    "alpha-dropout-mean": 0.0,
    "alpha-dropout-variance": 1.0,
}
HOLD = {
    *("edm2-silu", "stylegan-selu", "truncated-normal-std", "alpha-dropout-negative", "arpit-2016-mean"),
    *("hendrycks-table-forward-tanh", "hendrycks-table-forward-gelu", "hendrycks-table-forward-elu"),
    *("he-2015-std-64", "he-2015-std-128", "he-2015-std-256", "he-2015-std-512", "he-2015-std-shrinks"),
    *("arpit-2016-std", "arpit-2016-jacobian", "maxout-c-2", "maxout-c-3", "maxout-c-4", "maxout-c-5"),
}


@cache
def _mean(name, power, pieces=1):
    """E[f(u)^power K Φ(u)^(K − 1)] by mpmath's quadrature."""
    f = FUNCTIONS[name]
    with mpmath.workdps(20):
        return mpmath.quad(
            lambda u: f(u) ** power * pieces * mpmath.ncdf(u) ** (pieces - 1) * mpmath.npdf(u),
            [-12, -6, -2, 0, 2, 6, 12],
        )


def _true(row):
    """What a formula of the usual shapes is, by mpmath; None for the rest."""
    for shape, (power, centred) in SHAPES.items():
        before, after = shape.split("{}")
        function = row.formula.removeprefix(before).removesuffix(after)
        function = function if function in FUNCTIONS else function.removesuffix("(u)")
        if row.formula == shape.format(function) or row.formula == shape.format(f"{function}(u)"):
            function = function if function in FUNCTIONS else function.partition("(")[0]
            square = _mean(function, 2) - (_mean(function, 1) ** 2 if centred else 0)
            return mpmath.sqrt(square) ** power
    return None


@cache
def _audit(id):
    return derive.claim(id).audit()


@pytest.mark.parametrize("id", CONSTANTS)
def test_a_constant_is_what_mpmath_says(id):
    """The number that a formula stands for, and the verdict that follows."""
    found, true = _audit(id), _true(CONSTANTS[id])
    assert found.verdict == ("holds" if id in HOLD else "refuted")
    if true is not None:
        assert abs(mpmath.mpf(str(found.derived.evalf(20))) / true - 1) < 1e-13


def test_most_constants_have_a_shape_that_mpmath_computes():
    assert sum(_true(row) is not None for row in CONSTANTS.values()) > 25


@pytest.mark.parametrize("pieces", [3, 4, 5])
def test_gains_of_maxout(pieces):
    """The mean square of the largest of K normals, by their density."""
    by_density = mpmath.quad(lambda u: u**2 * pieces * mpmath.ncdf(u) ** (pieces - 1) * mpmath.npdf(u), [-9, 0, 9])
    assert abs(float(_audit(f"maxout-c-{pieces}").derived) * by_density - 1) < 1e-12


@pytest.mark.parametrize("name", ["tanh", "gelu", "elu"])
def test_slopes_of_a_table(name):
    """E f'² by mpmath's own derivative."""
    f = FUNCTIONS[name]
    with mpmath.workdps(20):
        true = mpmath.quad(lambda u: mpmath.diff(f, u) ** 2 * mpmath.npdf(u), [-9, -2, -1e-12, 1e-12, 2, 9])
    assert abs(float(_audit(f"hendrycks-table-backward-{name}").derived) / true - 1) < 1e-9


@pytest.mark.parametrize("id", LAWS)
def test_a_law_is_what_scipy_says(id):
    """What is derived and what is printed, at a point; a print that holds is the truth there, any other is not."""
    found, true = _audit(id), float(BY_SCIPY[id])
    derived, printed = (_at_point(e) for e in (found.derived, found.claim.printed.rhs))
    assert derived == pytest.approx(true, rel=1e-9, abs=1e-12)
    assert (printed == pytest.approx(true, rel=1e-9, abs=1e-12)) == (found.verdict == "holds")


def _at_point(e):
    return float(e.subs({s: Rational(str(POINT[s.name])) for s in e.free_symbols}).evalf(20))


VERDICTS = {
    **dict.fromkeys(EQUATIONS, "holds"),
    "d2l-forward": "holds-if",
    "timm-fan-out-groups": "undecided",
    **dict.fromkeys(
        (
            *("hendrycks-dropout-backward", "torch-fan-in-conv", "keras-depthwise"),
            *("torch-fan-out-conv-stride", "torch-fan-out-conv-groups"),
        ),
        "refuted",
    ),
}


@pytest.mark.parametrize("id", EQUATIONS)
def test_verdicts_on_equations(id):
    """As the theorems that they are held against say; d2l's is right for inputs of mean zero only."""
    found = _audit(id)
    assert found.verdict == VERDICTS[id]
    assert (found.counterexample is not None) == (found.verdict in ("refuted", "holds-if"))
    if found.verdict == "holds-if":
        assert [h.key for h in found.suffices] == ["inputs-zero-mean"]


def _sibling(row):
    """A number that is wrong where the printed one is right, and the formula itself where it is wrong."""
    if row.printed == "0":
        return "1"
    if "." in row.printed and row.printed.replace(".", "").removeprefix("-").isdigit():
        at = max(k for k, digit in enumerate(row.printed[:8]) if digit.isdigit())
        digit = int(row.printed[at])
        return f"{row.printed[:at]}{digit - 3 if digit > 4 else digit + 3}{row.printed[at + 1 :]}"
    return f"2 ({row.printed})"


@pytest.mark.parametrize("id", [id for id, row in ROWS.items() if isinstance(row, Number)])
def test_a_sibling_of_a_number_comes_out_otherwise(id):
    """A wrong factor or digit is refuted where the print holds; where it does not, the formula itself holds."""
    row = ROWS[id]
    if _audit(id).verdict == "holds":
        assert audit(constant_claim(_sibling(row), row.formula, "", row.positive, row.real)).verdict == "refuted"
    else:
        assert audit(constant_claim(row.formula, row.formula, "", row.positive, row.real)).verdict == "holds"


SIBLINGS = {
    "d2l-forward": ("n_0 Var[W^0]", "n_1 Var[W^0]"),
    "hendrycks-dropout-forward": ("/(1 − p_drop)", "/(1 − p_drop)²"),
    "hendrycks-dropout-backward": ("Var[g] (1 − p_drop)", "Var[g]/(1 − p_drop)"),
    "schoenholz-dropout": ("/(1 − p_drop)", "(1 − p_drop)"),
    "schoenholz-dropout-correlation": ("⇔ p_drop > 0", "⇔ p_drop > 1/2"),
    "de-smith-residual": ("2^L", "3^L"),
    "stable-resnet": ("exp(c²)", "exp(c)"),
    "gpt2-residual": ("exp(c²)", "exp(c²/2)"),
    "torch-fan-in-conv": ("(2 w + 1)", "(Min(2 w + 1, T - p + w + 1) - Max(1, w + 2 - p) + 1)"),
    "torch-fan-in-conv-circular": ("n_0 (2 w + 1)", "2 n_0 (2 w + 1)"),
    "torch-fan-out-conv": ("n_1 (2 w + 1)", "n_1 (2 w + 1)^2"),
    "keras-depthwise": ("2 n_0", "n_0"),
}
"""What stands in an equation, and what would come out otherwise; the two with groups are each other's siblings."""


@pytest.mark.parametrize("id", SIBLINGS)
def test_a_sibling_of_an_equation_comes_out_otherwise(id, monkeypatch):
    """An index, a power or a factor changes the verdict."""
    here, there = SIBLINGS[id]
    row = EQUATIONS[id]
    assert here in row.equation
    monkeypatch.setitem(ROWS, id, row._replace(equation=row.equation.replace(here, there)))
    found = claim_of(id).audit()
    assert (found.verdict, found.suffices) != (VERDICTS[id], _audit(id).suffices)


def test_rows_about_layers():
    """Attention, maxout and orthogonal weights, held against SciPy; the transposed convolution is counted."""
    values = {name: derive.claim(name).derived() for name in LAYERS}
    weight = stats.norm(0, 2**0.5).expect(lambda u: special.expit(u) ** 2 + special.expit(-u) ** 2)
    assert float(values["attention-values"]) == pytest.approx(weight, rel=1e-8)
    for name, pieces in (("maxout-gradient", 2), ("maxout-gradient-3", 3)):
        largest = stats.norm.expect(lambda u, k=pieces: k * u**2 * special.ndtr(u) ** (k - 1))
        assert float(values[name]) == pytest.approx(1 / largest, rel=1e-8)
    for outputs, inputs in ((3, 5), (5, 3)):
        square = stats.ortho_group.rvs(5, random_state=1)[:outputs, :inputs]
        found = float(_at(values["torch-orthogonal"], n=inputs, m=outputs))
        assert found == pytest.approx(inputs * (square**2).mean(), rel=1e-12)
    # A row of ones, two apart, that a kernel of four ones runs over, in both directions and for two channels a group.
    seen = int(np.convolve([1, 0] * 8, [1] * 4)[8]) ** 2 * 2
    assert 1 / _at(values["torch-transposed-default"], g=3, s=2, j=6, k=4) == seen


def _at(value, **numbers):
    return value.xreplace({symbol: Rational(numbers[symbol.name]) for symbol in value.free_symbols})
