"""Rules for fourth moments at work; see `scenario`."""

from scenario import V_W, E, J, K, L, Scenario
from sympy import Integer, KroneckerDelta, Rational, Sum

from derive.hypotheses import (
    BIASES_ZERO,
    FINITE_FOURTH_MOMENTS,
    NEVER_ZERO,
    OUTPUT_GRADIENT_INDEPENDENT,
    RECTIFIER,
    WEIGHTS_CENTRED,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_MESOKURTIC,
    WEIGHTS_OF_ONE_LAW,
    WEIGHTS_SHARE_VARIANCE,
    WEIGHTS_SYMMETRIC,
)
from derive.layers import i
from derive.network import SLOPE, W, cost_gradient, f, n, s, slope, z
from derive.randomness import NETWORKS
from derive.rules.algebra import FactorOut
from derive.rules.fourth import EvenPowers, FourthPowers, GradientPowers, MesokurticMoment
from derive.rules.pairs import EqualPairs, OneLaw, SplitDiagonal
from derive.theorems.forward import BEFORE_LAST
from derive.theorems.rectifier_gradient import FIXED_INPUT

DRAWN = (FINITE_FOURTH_MOMENTS, WEIGHTS_INDEPENDENT, WEIGHTS_CENTRED, WEIGHTS_SHARE_VARIANCE)
SIGNS = (RECTIFIER, FINITE_FOURTH_MOMENTS, WEIGHTS_INDEPENDENT, BIASES_ZERO, WEIGHTS_SYMMETRIC)
BACK = (
    RECTIFIER,
    FINITE_FOURTH_MOMENTS,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_SHARE_VARIANCE,
    WEIGHTS_SYMMETRIC,
    NEVER_ZERO,
    OUTPUT_GRADIENT_INDEPENDENT,
)
_FOURTH = (1 + SLOPE**4) * Rational(1, 2)
_SECOND = (1 + SLOPE**2) * Rational(1, 2)


def keys(hypotheses, *but):
    """The keys of hypotheses, but for some."""
    return tuple(h.key for h in hypotheses if h not in but)


def total(unit):
    """The weighted sum that goes into a unit."""
    return Sum(z(i, L) * W(i, L, unit), (L, 1, n(i)))


def coming(unit):
    """The weighted sum that comes back to a unit."""
    return Sum(W(i + 1, unit, L) * cost_gradient(s(i + 1, L)), (L, 1, n(i + 2)))


def apart(term, size):
    """The sum of a term over two units that differ."""
    return Sum((1 - KroneckerDelta(J, K, (Integer(1), size))) * term, (J, 1, size), (K, 1, size))


def norms(over=NETWORKS):
    """The mean of the squared norm of the layer before, squared."""
    return E(Sum(z(i, L) ** 2, (L, 1, n(i))) ** 2, over)


def gradient_norms():
    """The same for the gradient of the next layer."""
    return E(Sum(cost_gradient(s(i + 1, L)) ** 2, (L, 1, n(i + 2))) ** 2, FIXED_INPUT)


def excess(weight, value, limit, over=NETWORKS):
    """What the law of the weights adds to a fourth power."""
    return Sum((E(weight**4, over) - 3 * V_W(weight.layer) ** 2) * E(value**4, over), limit)


def fourth_scenarios():
    """Pairs of units, even powers, weighted sums to the fourth, forward and back."""
    pair = z(i, J) ** 2 * z(i, K)
    squares = f(s(i, J)) ** 2 * f(s(i, K)) ** 2
    into = total(J) ** 2 * total(K) ** 2
    here = excess(W(i, L, K), z(i, L), (L, 1, n(i)))
    two_back = slope(s(i, J)) ** 2 * coming(J) ** 2 * slope(s(i, K)) ** 2 * coming(K) ** 2
    gradient = cost_gradient(s(i + 1, L))
    there = excess(W(i + 1, K, L), gradient, (L, 1, n(i + 2)), FIXED_INPUT)
    back = _FOURTH * (3 * V_W(i + 1) ** 2 * gradient_norms() + there)
    return (
        Scenario(
            SplitDiagonal(),
            Sum(pair, (J, 1, n(i)), (K, 1, n(i))),
            Sum(z(i, K) ** 3, (K, 1, n(i))) + apart(pair, n(i)),
            (apart(pair, n(i)), Sum(z(i, K) ** 3, (K, 1, n(i))) + Sum(pair, (J, 1, n(i)), (K, 1, n(i)))),
        ),
        Scenario(
            EqualPairs(),
            apart(n(i + 1), n(i)),
            n(i) * (n(i) - 1) * n(i + 1),
            (n(i) ** 2 * n(i + 1), n(i) * (n(i) + 1) * n(i + 1), (n(i) - 1) * n(i + 1)),
        ),
        Scenario(
            OneLaw(),
            E(W(i, L, K) ** 3, NETWORKS),
            E(W(i, 1, 1) ** 3, NETWORKS),
            (E(W(0, 1, 1) ** 3, NETWORKS), E(W(i, 1, 1) ** 2, NETWORKS)),
            (WEIGHTS_OF_ONE_LAW,),
            over=NETWORKS,
            needs=(WEIGHTS_OF_ONE_LAW.key,),
        ),
        Scenario(
            MesokurticMoment(),
            E(W(i, L, K) ** 4, NETWORKS),
            3 * V_W(i) ** 2,
            (V_W(i) ** 2, 2 * V_W(i) ** 2, 3 * V_W(i)),
            (FINITE_FOURTH_MOMENTS, WEIGHTS_SHARE_VARIANCE, WEIGHTS_MESOKURTIC),
            over=NETWORKS,
            needs=keys((FINITE_FOURTH_MOMENTS, WEIGHTS_SHARE_VARIANCE, WEIGHTS_MESOKURTIC)),
        ),
        Scenario(
            EvenPowers(),
            E(f(s(i, K)) ** 4, NETWORKS),
            _FOURTH * E(s(i, K) ** 4, NETWORKS),
            (_SECOND * E(s(i, K) ** 4, NETWORKS), _SECOND**2 * E(s(i, K) ** 4, NETWORKS)),
            SIGNS,
            over=NETWORKS,
            needs=keys(SIGNS, BIASES_ZERO),
        ),
        Scenario(
            EvenPowers(),
            apart(E(squares, NETWORKS), n(i + 1)),
            apart(_SECOND**2 * E(s(i, J) ** 2 * s(i, K) ** 2, NETWORKS), n(i + 1)),
            (
                apart(_FOURTH * E(s(i, J) ** 2 * s(i, K) ** 2, NETWORKS), n(i + 1)),
                apart(_SECOND * E(s(i, J) ** 2 * s(i, K) ** 2, NETWORKS), n(i + 1)),
            ),
            SIGNS,
            over=NETWORKS,
            needs=keys(SIGNS, BIASES_ZERO),
        ),
        Scenario(
            FourthPowers(),
            E(total(K) ** 4, NETWORKS),
            3 * V_W(i) ** 2 * norms() + here,
            (
                3 * V_W(i) ** 2 * norms(),
                V_W(i) ** 2 * norms() + here,
                3 * V_W(i) ** 2 * norms() + here / 3,
                3 * V_W(i) * norms() + here,
            ),
            DRAWN,
            over=NETWORKS,
            needs=keys(DRAWN),
        ),
        Scenario(
            FourthPowers(),
            apart(E(into, NETWORKS), n(i + 1)),
            apart(V_W(i) ** 2 * norms(), n(i + 1)),
            (apart(3 * V_W(i) ** 2 * norms(), n(i + 1)), apart(V_W(i) * norms(), n(i + 1))),
            DRAWN,
            over=NETWORKS,
            needs=keys(DRAWN),
        ),
        Scenario(
            GradientPowers(),
            E(slope(s(i, K)) ** 4 * coming(K) ** 4, FIXED_INPUT),
            back,
            (
                _SECOND**2 * back / _FOURTH,
                _FOURTH * 3 * V_W(i + 1) ** 2 * gradient_norms(),
                _FOURTH * (V_W(i + 1) ** 2 * gradient_norms() + there),
            ),
            BACK,
            BEFORE_LAST,
            over=FIXED_INPUT,
            needs=keys(BACK),
        ),
        Scenario(
            GradientPowers(),
            apart(E(two_back, FIXED_INPUT), n(i + 1)),
            apart(_SECOND**2 * V_W(i + 1) ** 2 * gradient_norms(), n(i + 1)),
            (
                apart(_FOURTH * V_W(i + 1) ** 2 * gradient_norms(), n(i + 1)),
                apart(3 * _SECOND**2 * V_W(i + 1) ** 2 * gradient_norms(), n(i + 1)),
            ),
            BACK,
            BEFORE_LAST,
            over=FIXED_INPUT,
            needs=keys(BACK),
        ),
        Scenario(
            GradientPowers(),
            E(slope(s(i, K)) ** 2 * coming(K) ** 2, FIXED_INPUT),
            _SECOND * V_W(i + 1) * Sum(E(gradient**2, FIXED_INPUT), (L, 1, n(i + 2))),
            (
                SLOPE**2 * V_W(i + 1) * Sum(E(gradient**2, FIXED_INPUT), (L, 1, n(i + 2))),
                _SECOND * V_W(i + 1) * E(gradient**2, FIXED_INPUT),
            ),
            tuple(h for h in BACK if h != FINITE_FOURTH_MOMENTS),
            BEFORE_LAST,
            over=FIXED_INPUT,
            needs=keys(BACK, FINITE_FOURTH_MOMENTS),
        ),
        Scenario(
            FactorOut(n(i), (1 / n(i),)),
            n(i) ** 2 + 3 * n(i) + n(i + 1),
            n(i) * (n(i) + 3 + n(i + 1) / n(i)),
            (n(i) * (n(i) + 3 + n(i + 1)), n(i) * (n(i) + 3), n(i) + 3 + n(i + 1) / n(i)),
        ),
    )
