"""`kernel`: any SymPy expression to a float64 function."""

from __future__ import annotations

import ctypes
import inspect
import math

import numpy as np
import pytest
import scipy.special
import sympy as sp

from derive.gaussian.functions import NormalDensity, OwensT, Phi
from numerics.kernels import UnsupportedExpressionError, kernel

x, y, z = sp.symbols("x y z")
EXPRESSIONS = [
    x + y,
    x - y - 1,
    -x - y,
    -x / y,
    1 / (x * y),
    x**2 * y**-3,
    (x + y) ** 7,
    sp.sqrt(x) / sp.sqrt(y),
    x ** sp.Rational(3, 2),
    x**y,
    sp.exp(-x) * sp.sin(y),
    sp.atan(x / y) + sp.asin(x / (x + y)) * sp.pi / 3,
    sp.erf(x) + sp.tanh(y) - sp.log(x),
    sp.Max(x, y, 1) - sp.Min(x, 2),
    sp.Abs(x - y),
    sp.E**2 * x + sp.Rational(1, 3) * y,
    (x + y) * sp.sqrt(x + y) + sp.cos((x + y) ** 2),
    sp.Integer(0) * x + y,
]


@pytest.fixture(params=["numpy", "numba"])
def backend(request):
    if request.param == "numba":
        pytest.importorskip("numba")
    return request.param


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_values_are_those_of_the_expression(expression, backend):
    """Against SymPy's own evaluation to 30 digits."""
    f = kernel(expression, [x, y], backend=backend)
    rng = np.random.default_rng(1)
    xs, ys = rng.uniform(0.1, 3, (2, 5))
    for got, a, b in zip(f(xs, ys), xs.tolist(), ys.tolist(), strict=True):
        want = expression.subs({x: sp.Float(a, 30), y: sp.Float(b, 30)}).evalf(30)
        assert got == pytest.approx(float(want), rel=1e-14, abs=1e-15)


def test_special_functions_come_from_scipy():
    f = kernel(sp.besselj(0, x))
    xs = np.linspace(0, 5, 7)
    np.testing.assert_allclose(f(xs), scipy.special.jv(0, xs), rtol=1e-15)


def test_signature_names_the_symbols():
    """Default order is by name; keywords work; odd symbol names become identifiers."""
    f = kernel(z - x)
    assert list(inspect.signature(f).parameters) == ["x", "z", "out"]
    assert f(1.0, z=3.0) == 2.0
    g = kernel(sp.Symbol("sigma_w^2") * sp.Symbol("lambda") + sp.Symbol("1a"))
    assert g.arguments == ("lambda_", "sigma_w_2", "x1a")
    with pytest.raises(TypeError, match="missing a required argument: 'z'"):
        f(1.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'w'"):
        f(1.0, 2.0, w=1.0)


def test_scalars_give_floats_and_arrays_broadcast(backend):
    f = kernel(x * y + 1, backend=backend)
    assert type(f(2, np.float64(3.0))) is float
    assert f(np.ones((2, 1)), np.arange(3)).shape == (2, 3)
    assert f(np.ones(0), 1.0).shape == (0,)


def test_many_blocks_equal_one(monkeypatch):
    from numerics.programs import _runtime

    f = kernel((sp.sin(x + y) + x) / (1 + (x + y) ** 2))
    xs = np.linspace(0, 1, 1001)
    whole = f(xs, 0.5)
    monkeypatch.setattr(_runtime, "BLOCK", 64)
    np.testing.assert_array_equal(f(xs, 0.5), whole)


def test_tuple_of_expressions_shares_subexpressions():
    """Two outputs, one square root; an output may be an argument, a constant, or repeat another output."""
    root = sp.sqrt(x + y)
    f = kernel((root + 1, root * 2, x, sp.Integer(3), root + 1), [x, y])
    assert f.source.count("sqrt(") == 1
    a, b, c, d, e = f(np.array([1.0, 4.0]), np.array([3.0, 5.0]))
    for got, want in ((a, [3, 4]), (b, [4, 6]), (c, [1, 4]), (d, [3, 3]), (e, [3, 4])):
        np.testing.assert_array_equal(got, want)


def test_out(backend):
    """One array for one expression; it may be an input."""
    f = kernel(x + 2 * y, backend=backend)
    xs = np.arange(4.0)
    result = f(xs, 1.0, out=xs)
    assert result is xs
    np.testing.assert_array_equal(xs, [2, 3, 4, 5])
    with pytest.raises(ValueError, match="out must hold 1 arrays, got 2"):
        f(xs, 1.0, out=(xs, xs))


def test_nan_and_division_by_zero_follow_ieee(backend):
    """No exception, no warning."""
    f = kernel(sp.log(x) / y, backend=backend)
    assert math.isnan(f(math.nan, 1.0))
    assert f(2.0, 0.0) == math.inf
    assert math.isnan(kernel(sp.Max(x, 1), backend=backend)(math.nan))


def test_a_derivation_is_taken_by_its_result():
    class Result:
        result = x**2

    assert kernel(Result())(3.0) == 9.0


def test_indexed_arguments():
    """Quantities with an index are arguments like any other."""
    n = sp.IndexedBase("n")
    f = kernel(n[0] * n[1] + x, [n[0], n[1], x])
    assert f.arguments == ("n_0", "n_1", "x")
    assert f(2.0, 3.0, 1.0) == 7.0


def test_no_argument_at_all():
    assert kernel(sp.pi, [])() == math.pi


def test_text_is_refused():
    """Strings would be run by SymPy's parser."""
    with pytest.raises(TypeError, match="expression must be a SymPy expression or a derivation, got str"):
        kernel("x + 1")


def test_errors_name_the_rule():
    with pytest.raises(ValueError, match=r"must depend on its arguments \(x\) alone, got also y, z"):
        kernel(x + y + z, [x])
    with pytest.raises(ValueError, match="arguments a-b and a_b would both be called 'a_b'"):
        kernel(sp.Symbol("a_b") + sp.Symbol("a-b"))
    with pytest.raises(ValueError, match="must hold at least one expression"):
        kernel(())
    with pytest.raises(UnsupportedExpressionError, match="got Sum in Sum"):
        kernel(sp.Sum(x ** sp.Symbol("k"), (sp.Symbol("k"), 1, y)), [x, y])
    with pytest.raises(UnsupportedExpressionError, match="got g in g"):
        kernel(sp.Function("g")(x))
    with pytest.raises(TypeError, match="x must be made of real numbers"):
        kernel(x)("1")


def test_symbol_names_do_not_clash_with_generated_ones():
    """Arguments may be called like the registers, outputs and functions of the generated code."""
    names = ["w0", "out0", "multiply", "block", "t_0", "out0_", "i", "k_2_0", "np"]
    symbols = sp.symbols(" ".join(names))
    expression = sum(2 * s**2 for s in symbols) + sp.sqrt(sum(symbols)) + sp.sin(sp.sqrt(sum(symbols)))
    values = [float(k) for k in range(1, len(names) + 1)]
    want = float(expression.subs(dict(zip(symbols, values, strict=True))))
    assert kernel(expression, symbols)(*values) == pytest.approx(want, rel=1e-15)


def test_the_normal_law_keeps_its_tails():
    """Phi and its density are SciPy's, to the last digits at -30 too, where (1 + erf)/2 is 0; Owen's T likewise."""
    f = kernel(Phi(x) + 0 * y, [x, y])
    for point in (-30.0, -8.0, -1.0, 0.5, 6.0):
        assert f(point, 0.0) == pytest.approx(float(Phi(sp.Float(point, 40)).evalf(30)), rel=1e-13)
    assert kernel(NormalDensity(x))(-3.0) == pytest.approx(float(NormalDensity(sp.Integer(-3)).evalf(30)), rel=1e-15)
    assert kernel(OwensT(x, y), [x, y])(0.7, 2.0) == pytest.approx(
        float(OwensT(sp.Rational(7, 10), 2).evalf(30)), rel=1e-14
    )


def test_numbers_take_a_path_of_their_own():
    """Floats by `math`, and where that raises or gives a complex number, what arrays give."""
    f = kernel(sp.exp(x) + x ** sp.Rational(1, 3) + sp.log(y) / y, [x, y])
    assert f(0.5, 2.0) == pytest.approx(float(f(np.array([0.5]), 2.0)[0]), rel=1e-15)
    assert math.isnan(f(-8.0, 2.0))
    assert f(1000.0, 2.0) == math.inf
    assert f(1.0, 0.0) == -math.inf
    assert kernel(Phi(x))(-30.0) == pytest.approx(float(Phi(sp.Integer(-30)).evalf(30)), rel=1e-12)


def test_any_formula_can_be_written_to_a_file(tmp_path, load_c):
    """The same numbers from the Python module and from C; what has no reference has no certificate."""
    f = kernel((sp.atan(x / y) + sp.pi * sp.Max(x, y), sp.sqrt(x * y)), [x, y])
    namespace = {}
    exec(compile(f.export(tmp_path / "k.py").read_text(), "k", "exec"), namespace)
    xs, ys = np.linspace(0.1, 3, 7), np.linspace(2, 0.2, 7)
    np.testing.assert_array_equal(namespace["kernel"](xs, ys), f(xs, ys))
    loaded = load_c(f.export(tmp_path / "k.c"))
    outs = np.zeros(7), np.zeros(7)
    pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (xs, ys, *outs)]
    assert loaded.kernel(ctypes.c_size_t(7), *pointers) == 0
    np.testing.assert_allclose(outs, f(xs, ys), rtol=4e-16)
    with pytest.raises(ValueError, match="must have a reference to be certified"):
        f.certificate  # noqa: B018
