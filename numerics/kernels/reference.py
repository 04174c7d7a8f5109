"""`reference`: the value of a theorem's formula at a point in many digits, with a bound on its error.

The one door from a formula to numbers that a kernel is held against. A closed form is evaluated with more and more
digits until two evaluations agree; the Gaussian expectations of a definition are integrated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

import mpmath
from mpmath.calculus.quadrature import GaussLegendre
from sympy import Derivative, Expr, Integer, Rational, Symbol, sqrt

from derive.activations import Activation
from derive.expressions.stable import precise
from derive.gaussian import GaussianExpectation
from numerics.kernels.certificate import Answer
from numerics.kernels.printers import many_digits
from numerics.maps import NumericalMaps
from numerics.maps.functions import functions
from numerics.maps.mesh import edges_on, window

Point = Mapping[Symbol, Any]

_DIGITS = 30
_MOST_DIGITS = 700


def reference(expression: Expr, point: Point) -> Answer:
    """Return an expression's value, an mpmath number, and a bound on its error.

    Args:
        expression: in symbols, functions of `derive` and Gaussian expectations of one or two variables.
        point: the number of each symbol.

    Raises:
        ZeroDivisionError: where a closed form is 0/0.

    """
    nodes = _nodes(expression)
    if not nodes:
        return _closed(expression, point), 0.0
    with mpmath.workdps(_DIGITS):
        found = {node: _integral(node, point) for node in nodes}
        names = {node: Symbol(f"integral_{n}") for n, node in enumerate(found)}
        inside = expression.xreplace(names)

        def at(moved: Expr | None, by: float) -> Any:
            values = {names[node]: value + (by if node == moved else 0) for node, (value, _) in found.items()}
            return _evaluate(inside, {**point, **values})

        value = at(None, 0.0)
        bound = sum(abs(at(node, error) - value) for node, (_, error) in found.items() if error)
        return value, float(bound)


def words(expression: Expr) -> str:
    """What the reference of an expression is, in words."""
    nodes = _nodes(expression)
    if not nodes:
        return f"mpmath {mpmath.__version__}, the derived closed form, to 20 digits or more"
    if any(_is_plane(node) for node in nodes):
        return "numerics.maps, its own estimate of its error added"
    return f"mpmath {mpmath.__version__}, Gauss-Legendre quadrature of the definition with {_DIGITS} digits"


def _is_plane(node: Expr) -> bool:
    """Whether an integral is over two units that are neither independent nor one."""
    if not isinstance(node, GaussianExpectation):
        return bool(node.is_Add)
    return len(node.variables) == 2 and node.covariance[0][1] not in (0, node.covariance[0][0])


def _nodes(e: Expr) -> list[Expr]:
    """Integrals, outermost first; E[f^2] - E[f(x) f(y)] is one, that no digits are lost."""
    if isinstance(e, GaussianExpectation | Derivative):
        return [e]
    if _separation(e) is not None:
        return [e]
    return list(dict.fromkeys(node for a in e.args for node in _nodes(a)))


@lru_cache(maxsize=256)
def _compiled(expression: Expr, symbols: tuple[Symbol, ...]) -> Callable[..., Any]:
    return many_digits(symbols, [expression])


def _evaluate(expression: Expr, point: Point) -> Any:
    symbols = tuple(sorted(expression.free_symbols, key=str))
    return mpmath.re(_compiled(expression, symbols)(*(mpmath.mpf(point[s]) for s in symbols))[0])


def _closed(expression: Expr, point: Point) -> Any:
    if not expression.free_symbols:
        return _evaluate(expression, point)
    before, digits = None, 40
    while True:
        with mpmath.workdps(digits):
            value = _evaluate(expression, point)
            # Two that are 0 may agree on nothing but having too few digits.
            same = before is not None and value != 0 and abs(value - before) <= mpmath.mpf("1e-20") * abs(value)
            if same or digits > _MOST_DIGITS:
                return value
        before, digits = value, 2 * digits


def _integral(node: Expr, point: Point) -> Answer:
    """The value of an expectation, of a derivative of one in its variance, or of a difference of two."""
    if isinstance(node, Derivative):
        return _growth(node, point)
    if (pair := _separation(node)) is not None:
        maps, q, c = _pair(pair, point)
        found = maps.separation(float(q), float((q - c) / q))
        return mpmath.mpf(float(found.value)), float(found.error)
    if len(node.variables) == 1:
        return _integrated(node.integrand, node.variables[0], _evaluate(node.covariance[0][0], point)), 0.0
    if node.covariance[0][1] in (0, node.covariance[0][0]):
        # Both units independent, or one: for equal variances, which is what maps have here.
        g, x = _factor(node)
        q = _evaluate(node.covariance[0][0], point)
        return (_integrated(g, x, q) ** 2 if node.covariance[0][1] == 0 else _integrated(g**2, x, q)), 0.0
    maps, q, c = _pair(node, point)
    other = _evaluate(node.covariance[1][1], point)
    rho = float(c / mpmath.sqrt(q * other))
    found = maps.covariance(float(q), min(max(rho, -1.0), 1.0), float(other))
    return mpmath.mpf(float(found.value)), float(found.error)


def _factor(node: GaussianExpectation) -> tuple[Expr, Symbol]:
    """G of an integrand g(x) g(y), up to its sign."""
    x, y = node.variables
    whole = node.integrand
    g = whole.as_independent(y, as_Add=False)[0]
    if g * g.xreplace({x: y}) == whole:
        return g, x
    # SymPy joins exp(x) exp(y), so g is read off at a place where it is not 0.
    for place in (Integer(1), Rational(1, 3), Integer(-1), Rational(-1, 3), Integer(2)):
        square = whole.subs({x: place, y: place})
        if square.is_positive:
            return whole.subs(y, place) / sqrt(square), x
    raise NotImplementedError(f"no factors of {whole} are known")


def _pair(node: GaussianExpectation, point: Point) -> tuple[NumericalMaps, Any, Any]:
    """The numerical maps of the function whose values at two units are multiplied, the variance and the covariance."""
    g, x = _factor(node)
    q, c = (_evaluate(e, point) for e in node.covariance[0])
    return _maps(g, x), q, c


@lru_cache(maxsize=64)
def _maps(g: Expr, x: Symbol) -> NumericalMaps:
    return NumericalMaps(_as_activation(g, x))


@lru_cache(maxsize=256)
def _as_activation(g: Expr, x: Symbol) -> Activation:
    return Activation("g", g, symbol=x)


def _separation(e: Expr) -> GaussianExpectation | None:
    """The covariance of E[g(s)^2] - E[g(x) g(y)], or None."""
    if not (e.is_Add and len(e.args) == 2):
        return None
    first, second = e.args if e.args[0].func is GaussianExpectation else e.args[::-1]
    pair = -second
    if not (isinstance(first, GaussianExpectation) and isinstance(pair, GaussianExpectation)):
        return None
    if len(first.variables) != 1 or len(pair.variables) != 2 or first.covariance[0][0] != pair.covariance[0][0]:
        return None
    square = pair.integrand.subs(dict.fromkeys(pair.variables, first.variables[0]))
    return pair if square == first.integrand else None


def _growth(node: Derivative, point: Point) -> Answer:
    """d/dq E[g(s)] = E[(z^2 - 1) g(s)]/(2 q), the derivative of the density: for functions with jumps, too."""
    (inside,) = node.expr.atoms(GaussianExpectation)
    (variance,) = node.variables
    (x,) = inside.variables
    q = _evaluate(variance, point)
    value = _integrated(inside.integrand, x, q, lambda square: square - 1) / (2 * q)
    stand_in = Symbol("inside")
    return _evaluate(node.expr.xreplace({inside: stand_in}).diff(stand_in), point) * value, 0.0


def _integrated(g: Expr, x: Symbol, q: Any, factor: Callable[[Any], Any] | None = None) -> Any:
    """E[g(s) factor(z^2)], s = z sqrt(q), by a composite rule on panels that resolve g."""
    f = functions(_as_activation(g, x))
    low, high, _ = window(f, float(q), 50.0)
    edges = edges_on(f, float(q), low, high, 3.0).tolist()
    value, total = _precise(g, x), mpmath.mpf(0)
    for left, right in pairwise(edges):
        half = (mpmath.mpf(right) - mpmath.mpf(left)) / 2
        middle, part = left + half, mpmath.mpf(0)
        for node, weight in _rule():
            s = middle + half * node
            square = s * s / q
            density = weight * mpmath.exp(-square / 2)
            part += density * value(s) * (factor(square) if factor else 1)
        total += half * part
    return total / mpmath.sqrt(2 * mpmath.pi * q)


@lru_cache(maxsize=256)
def _precise(g: Expr, x: Symbol) -> Callable[[Any], Any]:
    return precise(g, x)


@lru_cache(maxsize=1)
def _rule() -> list[tuple[Any, Any]]:
    """24 nodes and weights on [-1, 1] with 40 digits."""
    with mpmath.workdps(40):
        nodes: list[tuple[Any, Any]] = GaussLegendre(mpmath.mp).get_nodes(-1, 1, 4, mpmath.mp.prec)
        return nodes
