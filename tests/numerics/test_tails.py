"""Activations of a user keep their digits in the tails: values and two derivatives against mpmath, over all sizes."""

import ctypes
from random import Random

import mpmath
import numpy as np
import pytest
from mpmath import mp
from sympy import DiracDelta, Rational, S, Symbol, lambdify

from derive.activations import activation
from derive.errors import InputError
from derive.expressions import require_real_almost_everywhere
from derive.gaussian.numeric import mp_phi
from numerics.activations import fast_value, numpy_function
from numerics.programs.printers import c_constants, c_lines
from numerics.programs.straight_line import from_expressions

EXPRESSIONS = (
    "log(Phi(x))",
    "exp(-x**2/2)/Phi(x)",
    "phi(x)/Phi(x)",
    "log(1-tanh(x)**2)",
    "Phi(-x)*exp(x**2/2)",
    "1-erf(x)",
    "1-Phi(x)",
    "1-sigmoid(x)",
    "softplus(x)",
    "x*Phi(x)",
    "tanh(x)-1",
    "sqrt(x**2+1)-x",
    "log(cosh(x))",
    "log(sigmoid(x))",
    "1-cos(x)",
    "exp(x)/(1+exp(x))",
    "log(1+x**2)",
    "Phi(2*x)/Phi(x)",
    "2-erfc(x)",
    "1-2*Phi(x)",
    "exp(x)-1-x",
    "gelu_tanh(x)-gelu(x)",
    "sqrt(1+x**2)-1",
)
TOLERANCE = 2e-11
"""From where values are made of many digits: `numerics.true_values.LOST`."""


def true_values(e, symbol, points):
    """Values on which two precisions agree; no value that is below the floats."""
    modules = [{"Phi": mp_phi, "NormalDensity": mpmath.npdf}, "mpmath"]
    exact = lambdify(symbol, e.replace(DiracDelta, lambda *_: S.Zero), modules)
    for point in points:
        found = []
        for digits in (60, 900):
            with mp.workdps(digits):
                try:
                    found.append(mp.mpf(exact(mp.mpf(float(point)))))
                except (ZeroDivisionError, ValueError):
                    found.append(mp.nan)
        few, many = found
        yield many if abs(few - many) <= abs(many) * mp.mpf("1e-25") or digits_suffice(many) else None


def digits_suffice(value):
    """Whether 900 digits are enough: a value that is not a number of noise."""
    return mp.isfinite(value) and abs(value) > mp.mpf(10) ** -400


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_tails_of_expressions(text, order):
    """Relative to |g| + |x g'|, at sizes from 1e-12 to 1e8, wherever the true value is a float."""
    random = Random(f"{text} {order}")
    points = np.array([s * 10 ** random.uniform(-12, 2.2) for s in (-1, 1) for _ in range(20)] + [-30.0, -1e8, 3e7])
    f = activation(text)
    e, slope = (f.expression.diff(f.symbol, k) if k else f.expression for k in (order, order + 1))
    got = numpy_function(f, order)(points)
    compared = 0
    with mp.workdps(60):
        exact = zip(points, got, true_values(e, f.symbol, points), true_values(slope, f.symbol, points), strict=True)
        for x, found, true, steep in exact:
            if true is None or abs(true) > 1e307:
                continue
            compared += 1
            scale = abs(true) + (abs(mp.mpf(float(x)) * steep) if steep is not None else 0)
            assert abs(mp.mpf(float(found)) - true) <= TOLERANCE * scale + 1e-300, (text, order, x)
    assert compared > 25


@pytest.mark.parametrize(
    ("text", "x", "roundings"),
    [
        ("log(Phi(x))", -1e150, 4),
        ("log(Phi(x))", 8.0, 100),
        ("exp(-x**2/2)/Phi(x)", -1e10, 8),
        ("exp(-x**2/2)/Phi(x)", -37.0, 8),
        ("log(1-tanh(x)**2)", 400.0, 4),
        ("log(1-tanh(x)**2)", 1e-9, 8),
        ("Phi(-x)*exp(x**2/2)", 1e8, 8),
        ("1-erf(x)", 5.0, 100),
        ("1-Phi(x)", 30.0, 2000),
        ("1-sigmoid(x)", 700.0, 8),
        ("tanh(x)-1", 300.0, 8),
        ("sqrt(x**2+1)-x", 1e10, 8),
        ("exp(x)/(1+exp(x))", 1000.0, 4),
        ("1-cos(x)", 1e-9, 8),
    ],
)
def test_a_few_roundings(text, x, roundings):
    """Where the form is rewritten, a few units in the last place, times x² where the value itself moves so."""
    f = activation(text)
    (true,) = true_values(f.expression, f.symbol, [x])
    (got,) = numpy_function(f)([x])
    assert abs(mp.mpf(float(got)) - true) <= roundings * 2.0**-52 * abs(true)


@pytest.mark.parametrize("text", ["log(Phi(x))", "exp(-x**2/2)/Phi(x)", "log(1-tanh(x)**2)", "log(1-tanh(x**3)**2)"])
def test_real_for_every_x_is_decided_on_true_values(text):
    """Underflow is no pole; what is not real stays refused."""
    f = activation(text)
    require_real_almost_everywhere(f.expression, f.symbol, text, what="EXPR")
    for bad in ("log(tanh(x)-1)", "sqrt(1-2/(1+exp(-x)))", "log(max(x, 0))"):
        with pytest.raises(InputError, match="must be real"):
            activation(bad)


def test_large_integers_in_generated_code():
    """Beyond 2^63, in both precisions."""
    f = activation("where(x>0,x,1e20*x)")
    assert numpy_function(f)([-2.0, 3.0]).tolist() == [-2e20, 3.0]
    assert fast_value(f)(np.array([-2.0, 3.0], dtype=np.float32)).dtype == np.float32


def test_large_integers_in_kernels(load_c, tmp_path):
    """A kernel's C has no integer that C cannot hold, and the number is right."""
    x = Symbol("x")
    program = from_expressions([10**20 * x + Rational(10**30 + 1, 3) * x**2 / 7], [x])
    (line,) = c_lines(program)
    source = tmp_path / "large.c"
    head = "\n".join(["#include <math.h>", *c_constants(program), "double large(double x_);\n"])
    source.write_text(f"{head}double large(double x_) {{ {line} return result_0; }}\n")
    large = load_c(source).large
    large.restype, large.argtypes = ctypes.c_double, [ctypes.c_double]
    assert large(-2.0) == pytest.approx(float(-2 * 10**20 + Rational(4 * (10**30 + 1), 21)), rel=1e-15)
