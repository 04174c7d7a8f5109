"""Kernels of results with layered quantities: against recursions and high precision typed in here, and errors."""

import ast
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from sympy import Eq, Function, Integer, Piecewise, Product, Sum, Symbol, atan, sqrt

import derive
from derive.averages import Average, SharedVariance, Variance
from derive.errors import InputError
from derive.layers import d, i
from derive.network import W, b, g, n, s, x, z
from derive.randomness import EVERYTHING
from numerics.kernels.layered import layered_kernel as kernel

INDEX = Symbol("i'", integer=True)
LAYER = n(INDEX) * SharedVariance(W, INDEX)
BACK = n(INDEX + 1) * SharedVariance(W, INDEX)

WIDTHS = (8, 14, 5, 18, 11, 6)
VARIANCES = (Fraction(1, 7), Fraction(3, 40), Fraction(2, 5), Fraction(1, 19), Fraction(5, 64))
VAR_X, VAR_G = Fraction(3, 2), Fraction(7, 5)
D = 4


def forward():
    """Var[z^i], layer by layer: each of n_i inputs brings Var[W^i] Var[z^i]."""
    found = [VAR_X]
    for width, variance in zip(WIDTHS, VARIANCES, strict=False):
        found.append(sum(variance * found[-1] for _ in range(width)))
    return found[: D + 1]


def backward():
    """Var[dCost/ds^i], from the last layer down: unit k of s^i feeds the n_{i+2} units of s^{i+1} through W^{i+1}."""
    found = {D: VAR_G}
    for layer in range(D - 1, -1, -1):
        found[layer] = sum(VARIANCES[layer + 1] * found[layer + 1] for _ in range(WIDTHS[layer + 2]))
    return [found[layer] for layer in range(D + 1)]


FLOATS = {
    "d": D,
    "n": WIDTHS,
    "var_W": [float(v) for v in VARIANCES],
    "var_x": float(VAR_X),
    "var_grad_s_d": float(VAR_G),
}


def evaluate(function, layers, **changes):
    arguments = FLOATS | changes | {"i": layers}
    return function(**{name: arguments[name] for name in function.signature.parameters})


EXPECTED = {
    "forward-variance": forward(),
    "backward-variance": backward(),
    "weight-gradient-variance": [u * v for u, v in zip(forward(), backward(), strict=True)],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_agrees_with_the_recursion(name):
    """Whole curves at unequal widths, against exact fractions."""
    function = kernel(derive.theorem(name))
    found = evaluate(function, np.arange(D + 1))
    assert found == pytest.approx([float(v) for v in EXPECTED[name]], rel=1e-15)


PLANTED = {
    "backward range begins a layer early": SharedVariance(g) * Product(BACK, (INDEX, i, d)),
    "backward range ends a layer early": SharedVariance(g) * Product(BACK, (INDEX, i + 1, d - 1)),
    "backward uses the fan-in": SharedVariance(g) * Product(LAYER, (INDEX, i + 1, d)),
    "backward lost the widths": SharedVariance(g) * Product(SharedVariance(W, INDEX), (INDEX, i + 1, d)),
    "backward lost the gradient": Product(BACK, (INDEX, i + 1, d)),
    "backward squares a variance": SharedVariance(g) * Product(BACK * SharedVariance(W, INDEX), (INDEX, i + 1, d)),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_wrong_formula_is_seen(planted):
    """The comparison above rejects every planted error, at some layer by more than a per cent."""
    found = evaluate(kernel(PLANTED[planted]), np.arange(D + 1))
    off = [abs(u / float(v) - 1) for u, v in zip(found, backward(), strict=True)]
    assert max(off) > 0.01


def test_signature_names_the_symbols():
    """Layers first, then sizes, then what has layers, then numbers."""
    function = kernel(derive.theorem("backward-variance"))
    assert list(function.signature.parameters) == ["i", "d", "n", "var_W", "var_grad_s_d"]
    assert list(kernel(derive.theorem("forward-variance")).signature.parameters) == ["i", "n", "var_W", "var_x"]
    (one_layer,) = derive.theorem("forward-variance").parts
    assert list(kernel(one_layer).signature.parameters) == ["i", "n", "mean_square_z", "var_W", "var_b"]
    assert list(kernel(derive.theorem("product-variance")).signature.parameters) == [
        "mean_X",
        "mean_Y",
        "var_X",
        "var_Y",
    ]


def test_docstring_shows_formula_and_arguments():
    """The formula stands in the papers' notation, and every argument is explained."""
    function = kernel(derive.theorem("forward-variance"))
    assert "Var[x]" in function.__doc__
    assert "∏" in function.__doc__
    for name in function.signature.parameters:
        assert f"\n{name}: " in function.__doc__
    assert function.source.startswith("def forward_variance(i, n, var_W, var_x):")


def test_one_layer_at_a_time_is_the_same():
    """An integer layer gives a number, an array of layers an array of its shape."""
    function = kernel(derive.theorem("weight-gradient-variance"))
    together = evaluate(function, np.arange(D + 1))
    assert [evaluate(function, layer) for layer in range(D + 1)] == together.tolist()
    assert np.ndim(evaluate(function, 2)) == 0
    grid = np.array([[0, 4], [2, 2], [1, 3]])
    assert np.array_equal(evaluate(function, grid), together[grid])


def test_many_networks_at_once():
    """Leading axes are networks: they broadcast, and go before the axes of the layers."""
    rng = np.random.default_rng(1)
    widths = rng.integers(1, 50, (3, 1, D + 2))
    variances = rng.random((7, D + 1))
    inputs = rng.random((3, 7))
    function = kernel(derive.theorem("weight-gradient-variance"))
    layers = np.arange(D + 1)
    together = function(layers, D, widths, variances, 2.0, inputs)
    assert together.shape == (3, 7, D + 1)
    for row in range(3):
        for column in range(7):
            alone = function(layers, D, widths[row, 0], variances[column], 2.0, inputs[row, column])
            assert np.array_equal(together[row, column], alone)


@pytest.mark.parametrize("spread", [1e-3, 1.0, 30.0])
def test_deep_products_lose_no_digits(spread):
    """20 000 layers: at most 4 units in the last place from a product in 60 digits, which itself is not near 1."""
    depth = 20_000
    rng = np.random.default_rng(2)
    widths = rng.integers(1, 2000, depth + 2)
    variances = np.exp(rng.normal(0, spread, depth + 1)) / widths[:-1]
    layers = np.array([1, 2, 1000, 1023, 1024, 1025, 12_345, depth])
    found = kernel(derive.theorem("forward-variance"))(layers, widths, variances, 1.0)
    with mpmath.workdps(60):
        exact, product = {}, mpmath.mpf(1)
        for layer in range(depth):
            product *= int(widths[layer]) * mpmath.mpf(float(variances[layer]))
            exact[layer + 1] = product
        for layer, value in zip(layers, found, strict=True):
            if 1e-300 < abs(exact[layer]) < 1e300:
                ulps = abs(mpmath.mpf(float(value)) - exact[layer]) / mpmath.mpf(math.ulp(float(exact[layer])))
                assert ulps <= 4
            else:
                assert value == (np.inf if exact[layer] > 1 else 0.0) or abs(value / exact[layer] - 1) < 1e-14


def test_overflow_on_the_way_does_not_matter():
    """Products pass through 1e600 and 1e-600, and Var[x] brings them back; what really overflows is infinite."""
    up, down = [1e200] * 3 + [1e-200] * 3 + [1.0], [1e-200] * 3 + [1e200] * 3 + [1.0]
    function = kernel(derive.theorem("forward-variance"))
    assert function(6, [1] * 8, up, 1.0) == pytest.approx(1.0, rel=1e-15)
    assert function([2, 3, 6], [1] * 8, down, 1.0) == pytest.approx([0.0, 0.0, 1.0], rel=1e-15, abs=0)
    assert function([1, 2], [1] * 4, [1e200] * 3, 1e-200) == pytest.approx([1.0, 1e200], rel=1e-15)
    assert np.array_equal(function([1, 2], [1] * 4, [1e200] * 3, 1e200), [np.inf, np.inf])
    assert function(1, [1] * 4, [1e-160] * 3, 1e-160) == pytest.approx(1e-320, rel=1e-3)


def test_variance_zero_is_exact():
    """A layer with zero variance makes zeros beyond it, and only there, in both directions."""
    variances = [0.5, 0.0, 2.0, 0.25, 1.0]
    up = evaluate(kernel(derive.theorem("forward-variance")), np.arange(D + 1), var_W=variances)
    assert np.array_equal(up != 0, [True, True, False, False, False])
    down = evaluate(kernel(derive.theorem("backward-variance")), np.arange(D + 1), var_W=variances)
    assert np.array_equal(down != 0, [False, True, True, True, True])
    assert np.array_equal(evaluate(kernel(derive.theorem("forward-variance")), [0, 3], var_x=0.0), [0.0, 0.0])


def test_other_expressions():
    """Roots, elementary functions, powers and quotients of products, a constant in a product, a bare number."""
    a = Symbol("a", positive=True)
    sizes, variances = [2, 3, 4, 5], [0.5, 0.25, 2.0]
    bound = kernel(derive.theorem("glorot-condition").parts[-1])
    assert bound([0, 1], sizes) == pytest.approx([math.sqrt(6 / 5), math.sqrt(6 / 7)], rel=1e-15)
    assert kernel(atan(sqrt(a) * n(i)))(1, sizes, 2.0) == pytest.approx(math.atan(math.sqrt(2) * 3), rel=1e-15)
    product = Product(n(INDEX), (INDEX, 0, i))
    assert kernel(product**2 / Product(n(INDEX), (INDEX, 1, i)))(2, sizes) == pytest.approx(24 * 2, rel=1e-15)
    assert kernel(Product(3 * n(INDEX), (INDEX, 0, i)))(2, sizes) == pytest.approx(24 * 27, rel=1e-15)
    scaled = kernel(Product(a * SharedVariance(W, INDEX) + 1, (INDEX, 0, d)))
    assert scaled(d=2, var_W=variances, a=2.0) == pytest.approx(2.0 * 1.5 * 5.0, rel=1e-15)
    assert scaled(d=2, var_W=variances, a=[2.0, 4.0]) == pytest.approx([15.0, 3 * 2 * 9.0], rel=1e-15)
    assert kernel(Integer(2))() == 2.0
    assert kernel(product + SharedVariance(x))([0, 1], sizes, 0.5) == pytest.approx([2.5, 6.5])
    branches = kernel(Piecewise((SharedVariance(x), SharedVariance(x) > 1), (0, True)))
    assert np.array_equal(branches([0.5, 2.0]), [0.0, 2.0])


def test_averages_are_inputs():
    """E[z], E[z^2], Var[z] and the variance of a gradient are arguments with layers."""
    k = Symbol("k", integer=True)
    moment = Average(z(i, k) ** 2, EVERYTHING) - Average(z(i, k), EVERYTHING) ** 2 + Variance(s(i, k), EVERYTHING)
    function = kernel(moment)
    assert list(function.signature.parameters) == ["i", "mean_square_z", "mean_z", "var_s"]
    assert function(1, [0.0, 5.0], [0.0, -2.0], [0.0, 1.0]) == 2.0


ARGUMENTS = {"i": [0, 2], "d": 2, "n": [3, 4, 2, 5], "var_W": [0.3, 0.5, 0.1], "var_grad_s_d": 2.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"i": 3}, "d, i must satisfy d - i >= 0, got d = 2, i = 3"),
        ({"i": [0, -1]}, "i must satisfy i >= 0, got i = -1"),
        ({"i": 0.5}, "i must be an integer or an array of integers, got 0.5"),
        ({"i": True}, "i must be an integer or an array of integers, got True"),
        ({"d": [2]}, "d must be one integer, got an array of shape (1,)"),
        ({"d": 3}, "n must have 5 values (layers 0..4) to go with d = 3, got 4"),
        ({"n": [3, 4, 2]}, "n must have 4 values (layers 0..3) to go with d = 2, got 3"),
        ({"n": [3, 0, 2, 5]}, "n must be finite and positive, got 0.0 at layer 1"),
        ({"n": 3}, "n must be an array with layers on its last axis, got 3"),
        ({"var_W": [0.1, 0.2]}, "var_W must have 3 values (layers 0..2) to go with d = 2, got 2"),
        ({"var_W": [0.1, 0.2, -1]}, "var_W must be finite and not negative, got -1.0 at layer 2"),
        ({"var_W": [0.1, math.nan, 1]}, "var_W must be finite and not negative, got nan at layer 1"),
        ({"var_W": [[1, 1, 1], [1, 1, math.inf]]}, "got inf at layer 2 of network (1,)"),
        ({"var_grad_s_d": -1}, "var_grad_s_d must be finite and not negative, got -1.0"),
        ({"var_grad_s_d": "two"}, "var_grad_s_d must be numbers, got 'two'"),
        ({"n": np.ones((2, 4)), "var_W": np.ones((3, 3))}, "the axes before the layers must broadcast, got n (2,)"),
    ],
)
def test_bad_argument_is_named(change, message):
    """Argument, rule and value, in one line."""
    function = kernel(derive.theorem("backward-variance"))
    assert np.isfinite(function(**ARGUMENTS)).all()
    with pytest.raises(InputError) as error:
        function(**ARGUMENTS | change)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_wrong_number_of_arguments():
    """A missing or unknown argument is named, with the signature."""
    function = kernel(derive.theorem("forward-variance"))
    with pytest.raises(InputError, match=r"forward_variance\(i, n, var_W, var_x\): missing .*'n'"):
        function(1)
    with pytest.raises(InputError, match="'var_w'"):
        function(0, [1, 1], [1.0], 1.0, var_w=[1.0])


def test_layer_beyond_the_arrays():
    """An expression without a theorem's range is guarded by its arrays: NumPy would wrap around."""
    function = kernel(n(i - 1))
    assert function([1, 2], [3, 4, 5]).tolist() == [3.0, 4.0]
    with pytest.raises(InputError, match=r"n has layers 0..2, and layer -1 is needed"):
        function(0, [3, 4, 5])
    wide = kernel(Product(SharedVariance(W, INDEX), (INDEX, 0, i + 1)))
    with pytest.raises(InputError, match=r"var_W has layers 0..1, and layer 2 is needed"):
        wide(1, [1.0, 2.0])


def test_zero_in_a_denominator_is_refused():
    """The balance divides by n_i Var[W^i]."""
    with pytest.raises(InputError, match=r"var_W must be finite and positive, got 0\.0 at layer 0"):
        kernel(derive.theorem("layer-gradient-balance"))(0, [1, 2, 3], [0.0, 1.0])


K = Symbol("k", integer=True)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (Eq(n(i), 1), "a kernel needs an expression with a value, got the condition"),
        (x(K), "a kernel cannot evaluate x_k"),
        (n(i) * b(i, K), "a kernel cannot evaluate b^i_k"),
        (Sum(SharedVariance(W, K), (K, 0, i)), "a kernel cannot evaluate Sum"),
        (Function("foo")(n(i)), "a kernel cannot evaluate"),
        (Average(x(K) ** 3, EVERYTHING), "a kernel cannot take the quantity"),
        (Product(n(INDEX) * SharedVariance(W, i), (INDEX, 0, i)), "inside a product"),
        (Symbol("n") * n(i), "arguments need different names, got n"),
        (Symbol("__import__('os').system('true')"), "must be named by letters, digits and underscores"),
        (Symbol("lambda"), "must be named by letters, digits and underscores"),
        ("n_i", "a kernel is made of a Derivation or a SymPy expression, got 'n_i'"),
    ],
)
def test_expression_without_a_value_is_refused(expression, message):
    """Conditions, random scalars, sums, unknown functions, and names that would not be names in code."""
    with pytest.raises(InputError) as error:
        kernel(expression)
    assert message in str(error.value)


def test_source_calls_nothing_but_its_own_helpers():
    """The compiled text holds arguments, own variables, five helpers and NumPy; no other name, no attribute else."""
    for name in (*EXPECTED, "product-variance", "glorot-condition", "layer-gradient-balance"):
        tree = ast.parse(kernel(derive.theorem(name)).source)
        (function,) = tree.body
        known = {a.arg for a in function.args.args} | {"at", "beside", "layer_range", "layer_product", "times", "numpy"}
        known |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert used <= known
        assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree))
