"""Probabilities of half-spaces and their intersections under a Gaussian law.

One half-space: Φ(mean/sd). Two: Φ₂, which is asin at the mean (Sheppard 1899) and Owen's T when one
threshold is at the
mean or both are equal (Owen 1956). Three at the mean: three asin (Schläfli 1858). Independent groups factor.
"""

from derive.gaussian.closed import Closed, Surd
from derive.gaussian.law import Law
from derive.gaussian.normal_form import Factor
from derive.gaussian.parameters import Element, Parameters


class NoOrthant(Exception):
    """An intersection of half-spaces whose probability has no known closed form."""


def probability(law: Law, factors: tuple[Factor, ...], parameters: Parameters) -> Closed:
    """P(all a_j·z + c_j + τ_j Y_j > 0) for z ~ law and independent standard normal Y_j."""
    p = parameters
    levels, spreads = [], []
    kept: list[Factor] = []
    result = Closed.constant(p, p.one)
    for factor in factors:
        level, spread = p.reduce(law.level(factor)), p.reduce(law.spread(factor))
        if spread == 0:
            result = result * _certain(level, p)
            if not result.terms:
                return result
            continue
        p.declare_positive(spread)
        kept.append(factor)
        levels.append(level)
        spreads.append(spread)
    correlations = {
        (i, j): p.reduce(law.covariance_of(kept[i], kept[j])) for i in range(len(kept)) for j in range(i + 1, len(kept))
    }
    for group in _groups(len(kept), correlations):
        result = result * _dependent(group, levels, spreads, correlations, p)
    return result


def require_few(law: Law, factors: frozenset[Factor], parameters: Parameters) -> None:
    """Raise NoOrthant where the half-spaces are dependent in a way that no closed form is known for."""
    reduce = parameters.reduce
    kept = [f for f in factors if not f.delta and reduce(law.spread(f)) != 0]
    pairs = {(i, j): reduce(law.covariance_of(kept[i], kept[j])) for j in range(len(kept)) for i in range(j)}
    for group in _groups(len(kept), pairs):
        _require_few(len(group), all(reduce(law.level(kept[i])) == 0 for i in group))


def _require_few(number: int, centred: bool) -> None:
    if number > 3 or (number == 3 and not centred):
        kind = "at the mean" if centred else "away from the mean"
        raise NoOrthant(f"the probability of {number} dependent half-spaces {kind} has no closed form here")


def _groups(n: int, correlations: dict[tuple[int, int], Element]) -> list[list[int]]:
    """Connected components of the graph of non-zero correlations."""
    groups: list[list[int]] = []
    for i in range(n):
        linked = [g for g in groups if any(correlations[j, i] != 0 for j in g)]
        merged = sorted([i, *(j for g in linked for j in g)])
        groups = [g for g in groups if g not in linked] + [merged]
    return groups


def _dependent(
    group: list[int],
    levels: list[Element],
    spreads: list[Element],
    covariances: dict[tuple[int, int], Element],
    p: Parameters,
) -> Closed:
    def threshold(i: int) -> Surd:
        return _over_root(levels[i], spreads[i], p)

    def correlation(i: int, j: int) -> Surd:
        return _over_root(covariances[i, j], spreads[i] * spreads[j], p)

    if len(group) == 1:
        return _phi(threshold(group[0]), p)
    if len(group) == 2:
        i, j = group
        return _two(threshold(i), threshold(j), correlation(i, j), p)
    _require_few(len(group), all(levels[i] == 0 for i in group))
    i, j, k = group
    total = Closed.constant(p, p.one / 8)
    for pair in ((i, j), (i, k), (j, k)):
        total = total + _asin(correlation(*pair), p).scaled(p.one / 4) * Closed.monomial(p, p.one, pi_halves=-2)
    return total


def _certain(level: Element, p: Parameters) -> Closed:
    """P(level > 0) for a constant, 1/2 at 0."""
    if p.is_complex(level):
        raise NoOrthant("a step at a complex argument has no meaning")
    sign = p.sign(level)
    if sign is None:
        return Closed.special(p, "step", Surd(level, p.one))
    return Closed.constant(p, (p.one + sign) / 2)


def _over_root(x: Element, variance: Element, p: Parameters) -> Surd:
    """x/√variance in canonical form."""
    outside, radicand = p.root(1 / variance)
    value = p.reduce(x * outside)
    return Surd(value, radicand if value != 0 else p.one)


def _phi(h: Surd, p: Parameters) -> Closed:
    return Closed.constant(p, p.one / 2) if h.outside == 0 else Closed.special(p, "Phi", h)


def _asin(rho: Surd, p: Parameters) -> Closed:
    """asin, odd, with its rational multiples of π at 0, ±1/2, ±√2/2, ±√3/2 and ±1."""
    if rho.outside == 0:
        return Closed(p)
    if rho.outside.numer.LC < 0:
        return _asin(Surd(-rho.outside, rho.radicand), p).scaled(-p.one)
    square = p.reduce(rho.outside**2 * rho.radicand)
    for value, twelfths in ((1, 6), (p.one / 4, 2), (p.one / 2, 3), (3 * p.one / 4, 4)):
        if square == value:
            return Closed.monomial(p, p.one * twelfths / 12, pi_halves=2)
    return Closed.special(p, "asin", rho)


def _two(h: Surd, k: Surd, rho: Surd, p: Parameters) -> Closed:
    """Φ₂(h, k; ρ) in its simplest form."""
    square = p.reduce(rho.outside**2 * rho.radicand)
    if square == 1:
        return _collinear(h, k, rho, p)
    for x in (h, k, rho):
        if p.is_complex(x.outside):
            raise NoOrthant("the bivariate normal CDF at a complex argument is not a known function")
    if h.outside == 0 and k.outside == 0:
        share = _asin(rho, p).scaled(p.one / 2) * Closed.monomial(p, p.one, pi_halves=-2)
        return Closed.constant(p, p.one / 4) + share
    if k.outside == 0 or h.outside == 0:
        # Φ₂(h, 0; ρ) = Φ(h)/2 + T(h, ρ/√(1 - ρ²))
        h = h if k.outside == 0 else k
        slope = _over_root(rho.outside, (1 - square) / rho.radicand, p)
        return _phi(h, p).scaled(p.one / 2) + _owen(h, slope, p)
    if h == k:
        # Φ₂(h, h; ρ) = Φ(h) - 2T(h, √((1 - ρ)/(1 + ρ)))
        if rho.radicand == 1:
            outside, radicand = p.root((1 - rho.outside) / (1 + rho.outside))
            return _phi(h, p) + _owen(h, Surd(outside, radicand), p).scaled(-2 * p.one)
        return _bivariate(h, k, rho, p)
    return _bivariate(h, k, rho, p)


def _bivariate(h: Surd, k: Surd, rho: Surd, p: Parameters) -> Closed:
    """Φ₂ with its thresholds in a canonical sign: Φ₂(-h, k; -ρ) = Φ(k) - Φ₂(h, k; ρ)."""
    if h.outside.numer.LC < 0:
        return _phi(k, p) + _two(_minus(h), k, _minus(rho), p).scaled(-p.one)
    if k.outside.numer.LC < 0:
        return _phi(h, p) + _two(h, _minus(k), _minus(rho), p).scaled(-p.one)
    h, k = sorted((h, k), key=repr)
    return Closed.special(p, "BivariateNormalCDF", h, k, rho)


def _minus(x: Surd) -> Surd:
    return Surd(-x.outside, x.radicand)


def _owen(h: Surd, a: Surd, p: Parameters) -> Closed:
    """T is even in h and odd in a."""
    if h.outside.numer.LC < 0:
        h = _minus(h)
    if a.outside == 0:
        return Closed(p)
    if a.outside.numer.LC < 0:
        return _owen(h, _minus(a), p).scaled(-p.one)
    return Closed.special(p, "OwensT", h, a)


def _collinear(h: Surd, k: Surd, rho: Surd, p: Parameters) -> Closed:
    """P(X <= h, ±X <= k): Φ(min(h, k)), or max(0, Φ(h) + Φ(k) - 1)."""
    if p.sign(rho.outside) == 1:
        gap = p.sign(h.outside - k.outside) if h.radicand == k.radicand else None
        if gap is not None:
            return _phi(h if gap < 0 else k, p)
        return Closed.special(p, "Phi of the smaller", h, k)
    gap = p.sign(h.outside + k.outside) if h.radicand == k.radicand else None
    if gap is not None:
        both = _phi(h, p) + _phi(k, p) + Closed.constant(p, -p.one)
        return both if gap > 0 else Closed(p)
    return Closed.special(p, "overlap", h, k)
