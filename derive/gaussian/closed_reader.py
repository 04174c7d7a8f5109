"""From a SymPy expression of known functions back to the exact sum of terms, so that like terms meet."""

from sympy import Abs, Expr, Heaviside, asin, atan, erf, exp, pi

from derive.errors import InputError
from derive.gaussian.closed import Closed, Surd
from derive.gaussian.functions import BivariateNormalCDF, OwensT, Phi
from derive.gaussian.parameters import Parameters

_NAMES = {Phi: "Phi", asin: "asin", atan: "atan", OwensT: "OwensT", BivariateNormalCDF: "BivariateNormalCDF"}


def read_closed(e: Expr, p: Parameters) -> Closed:
    """The sum of coefficient · kernel that `e` is; what is not recognised stays as one opaque factor."""
    if e.is_Rational:
        return Closed.constant(p, p.element(e))
    if e is pi:
        return Closed.monomial(p, p.one, pi_halves=2)
    if e.is_Add:
        total = Closed(p)
        for x in e.args:
            total = total + read_closed(x, p)
        return total
    if e.is_Mul:
        result = Closed.constant(p, p.one)
        for x in e.args:
            result = result * read_closed(x, p)
        return result
    if e.is_Pow and e.exp.is_Rational:
        return _power(e, p)
    try:
        return _function(e, p)
    except InputError:
        return Closed.opaque(p, e)


def _power(e: Expr, p: Parameters) -> Closed:
    if e.base is pi and (2 * e.exp).is_Integer:
        return Closed.monomial(p, p.one, pi_halves=int(2 * e.exp))
    try:
        if isinstance(e.base, Abs) and e.exp.is_Integer:
            return Closed.monomial(p, p.one, under_root=p.element(e.base.args[0]) ** int(2 * e.exp))
        if e.exp.is_Integer:
            return Closed.constant(p, p.element(e))
        if (2 * e.exp).is_Integer:
            return Closed.monomial(p, p.one, under_root=p.element(e.base) ** int(2 * e.exp))
    except InputError:
        pass
    if e.exp.is_Integer and e.exp > 0:
        inner, result = read_closed(e.base, p), Closed.constant(p, p.one)
        for _ in range(int(e.exp)):
            result = result * inner
        return result
    return Closed.opaque(p, e)


def _function(e: Expr, p: Parameters) -> Closed:
    if isinstance(e, Abs):
        return Closed.monomial(p, p.one, under_root=p.element(e.args[0]) ** 2)
    if isinstance(e, exp):
        return Closed.monomial(p, p.one, exponent=p.element(e.args[0]))
    if isinstance(e, erf):
        h = surd(e.args[0], p)
        outside, radicand = p.root(2 * h.radicand)
        twice = Closed.special(p, "Phi", Surd(p.reduce(h.outside * outside), radicand)).scaled(2 * p.one)
        return twice + Closed.constant(p, -p.one)
    if isinstance(e, Heaviside):
        return Closed.special(p, "step", Surd(p.element(e.args[0]), p.one))
    if e.func in _NAMES:
        return Closed.special(p, _NAMES[e.func], *(surd(x, p) for x in e.args))
    return Closed.constant(p, p.element(e))


def surd(e: Expr, p: Parameters) -> Surd:
    """Outside · √radicand of an argument."""
    outside, under = p.one, p.one
    for x in e.args if e.is_Mul else (e,):
        if x.is_Pow and x.exp.is_Rational and x.exp.q == 2:
            under = under * p.element(x.base) ** int(2 * x.exp)
        elif isinstance(x.as_base_exp()[0], Abs) and x.as_base_exp()[1].is_Integer:
            base, power = x.as_base_exp()
            under = under * p.element(base.args[0]) ** int(2 * power)
        else:
            outside = outside * p.element(x)
    root, radicand = p.root(under)
    value = p.reduce(outside * root)
    return Surd(value, radicand if value != 0 else p.one)
