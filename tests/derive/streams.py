"""Networks that are not the papers' chain, defined here as a newcomer would, with what they depend on by hand."""

from sympy import Integer, Rational, Sum, Symbol, sympify

from derive.cost import CostFunction
from derive.dependence import Reach
from derive.layers import d
from derive.network import W, f, n, x
from derive.randomness import OUTPUT_GRADIENT, WEIGHTS, Family, Source

MASKS = Source("masks")
HALF = Rational(1, 2)
L = Symbol("l", integer=True)


def square(name, source=WEIGHTS):
    """Weights from units of layer 0 to as many."""
    return Family(name, meaning=f"the weights {name}", extents=lambda _: (n(0), n(0)), source=source)


def units(name, definition, start=None, layered=True):
    """A family of as many scalars in each layer as the input has."""
    return Family(
        name,
        meaning=f"the stream {name}",
        extents=lambda _: (n(0),),
        definition=definition,
        start=start,
        layered=layered,
    )


def total(term):
    """The sum over the units of layer 0."""
    return Sum(term(L), (L, 1, n(0)))


def residual():
    """h^0 = x;  h^i_k = h^{i-1}_k + sum_l f(h^{i-1}_l) V^{i-1}_{lk} / 2."""
    v = square("V")

    def up(i, k):
        return h(i - 1, k) + total(lambda j: HALF * f(h(i - 1, j)) * v(i - 1, j, k))

    h = units("h", up, lambda k: x(k))
    return h, v


def two_streams():
    """h^0 = x, r^0 = y;  h^i_k = h^{i-1}_k + sum_l r^{i-1}_l V^{i-1}_{lk};  r^i_k = r^{i-1}_k + f(h^i_k)."""
    v = square("V")
    y = Family("y", meaning="another input", extents=lambda _: (n(0),), layered=False, source=Source("other input"))

    def first(i, k):
        return h(i - 1, k) + total(lambda j: r(i - 1, j) * v(i - 1, j, k))

    def second(i, k):
        return r(i - 1, k) + f(h(i, k))

    h, r = units("h", first, lambda k: x(k)), units("r", second, lambda k: y(k))
    return h, r, v, y


def dropout():
    """t^i_k = sum_l y^i_l W^i_{lk};  y^i_k = m^i_k a^i_k;  a^i = f(t^{i-1}), a^0 = x; m is a mask."""
    m = Family("m", meaning="the masks", extents=lambda i: (n(i),), source=MASKS)

    def sums(i, k):
        return Sum(y(i, L) * W(i, L, k), (L, 1, n(i)))

    a = Family("a", meaning="", extents=lambda i: (n(i),), definition=lambda i, k: f(t(i - 1, k)), start=lambda k: x(k))
    y = Family("y", meaning="", extents=lambda i: (n(i),), definition=lambda i, k: m(i, k) * a(i, k))
    t = Family("t", meaning="", extents=lambda i: (n(i + 1),), definition=sums)
    return t, y, a, m


def two_branches():
    """h^0 = x;  h^i = h^{i-1} + u^{i-1} + v^{i-1};  u^i_k = sum_l f(h^i_l) A^i_{lk};  v^i_k = sum_l h^i_l B^i_{lk}."""
    one, other = square("A"), square("B")
    h = units("h", lambda i, k: h(i - 1, k) + u(i - 1, k) + v(i - 1, k), lambda k: x(k))
    u = units("u", lambda i, k: total(lambda j: f(h(i, j)) * one(i, j, k)))
    v = units("v", lambda i, k: total(lambda j: h(i, j) * other(i, j, k)))
    return h, u, v, one, other


def fork():
    """h^0 = x;  h^i = u^{i-1} + v^{i-1};  u^i = f(h^i);  v^i_k = sum_l h^i_l B^i_{lk}: no way around the branches."""
    other = square("B")
    h = units("h", lambda i, k: u(i - 1, k) + v(i - 1, k), lambda k: x(k))
    u = units("u", lambda i, k: f(h(i, k)))
    v = units("v", lambda i, k: total(lambda j: h(i, j) * other(i, j, k)))
    return h, u, v, other


def cost_of(output):
    """A cost that depends on the last layer of a family of as many scalars as the input has."""
    gradient = Family("q", meaning="", extents=lambda _: (n(0),), layered=False, source=OUTPUT_GRADIENT)
    return CostFunction("Cost", output=output, last=d, gradient=gradient)


def everything(family, first=0, last=0):
    """All scalars of a family in some layers."""
    return Reach(family, sympify(first), sympify(last), (None,) * len(family.extents(Integer(0))))
