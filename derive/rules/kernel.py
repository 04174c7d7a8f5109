"""Rules for a layer of real width, given the layers before: the covariance of its pre-activations is random."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Basic, Expr, Integer, Mul, Sum, Symbol, expand

from derive.averages import Average, SharedVariance
from derive.gaussian import GaussianExpectation
from derive.hypotheses import Kind
from derive.indices import K, L, fresh_index
from derive.network import W, b, n, s, z
from derive.notation import structure
from derive.proof.derivation import Step
from derive.proof.instances import alike
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.verdict import Verdict
from derive.randomness import Entry, Family
from derive.rules.fourth import variance_of
from derive.rules.logarithms import GAUSSIAN_KINDS, BeyondWorlds
from derive.rules.pairs import OnUnits, require_apart
from derive.rules.wide import FIRST, SECOND, Q, U, closed_form, closed_forms, holds_without_spread
from derive.setting import Setting, Undischarged
from derive.words import Words

KERNEL = Family(
    "K",
    meaning=Words("the variance of the pre-activations of a layer over its own weights and biases"),
    extents=lambda _: (),
    definition=lambda i: SharedVariance(W, i) * Sum(z(i, L) ** 2, (L, 1, n(i))) + SharedVariance(b, i),
)
"""K^i, a random number: it depends on the layers before."""


@dataclass(frozen=True)
class GivenLayersBefore(OnUnits, BeyondWorlds):
    """E[g(s_j) h(s_k) X] = E[E_u[g(u)] E_u[h(u)] X] with u ~ N(0, K), for two units of one layer

    And so for one unit, and for the pre-activations of two samples, which are then a Gaussian pair of the covariances
    K. K is Var[W] sum_l z_l^2 + Var[b], with z_tl z_ul for samples t and u, and X is of the layers before. Given
    those, weighted sums of Gaussians are Gaussian, those of different units independent.

    Obligation: the weights and biases are Gaussian with mean zero and one variance, independent of each other and of
    all the rest; the units differ.
    """

    kernel: Family = KERNEL
    signal: Family = s
    name = "given-layers-before"
    words = (
        "Given the layers before, the pre-activations of a layer are Gaussians, independent from unit to unit, of one "
        "covariance, which is random: average over them first."
    )
    evidence = Evidence.RESIDUAL

    def mean(self, node: Average, setting: Setting) -> Rewrite | None:
        """Average a product of functions of pre-activations of one layer over its own weights and biases."""
        scalars = self._scalars(node.inside[0])
        if not scalars:
            return None
        units = dict.fromkeys(sorted({e.units[-1] for e in scalars}, key=structure), Integer(1))
        layer, rest = scalars[0].layer, Integer(1)
        for factor in Mul.make_args(node.inside[0]):
            mine = {e.units[-1] for e in self._scalars(factor)}
            if len(mine) > 1:
                return None
            if mine:
                units[mine.pop()] *= factor
            else:
                rest *= factor
        if any(e.layer != layer for e in scalars):
            raise Undischarged(f"{node} is of pre-activations of several layers")
        require_apart(units, setting)
        # Units share what comes into them: their powers add up.
        powers = (f.as_base_exp()[1] for f in Mul.make_args(node.inside[0]))
        order = sum(int(power) for power in powers if power.is_Integer and power > 0)
        uses = self._drawn(node, setting) | setting.require(Kind.FINITE_MOMENTS, order=max(2, order + order % 2))
        for unit in units:
            drawn, values = self._parts(scalars[0].func(self.signal, layer, *scalars[0].units[:-1], unit), node)
            for e in drawn:
                uses |= setting.independent(e, values * rest)
        means = (self._over_layer(g, layer) for g in units.values())
        return Rewrite(Average(Mul(*means, rest), node.over), uses)

    def _scalars(self, e: Basic) -> list[Entry]:
        """Return the pre-activations in an expression."""
        return sorted((u for u in e.atoms(Entry) if u.family == self.signal), key=structure)

    def _parts(self, scalar: Entry, *taken: Basic) -> tuple[list[Entry], Expr]:
        """Return what is drawn for a pre-activation, and what it multiplies the weights with."""
        terms = Add.make_args(scalar.definition)
        (total,) = (e for e in terms if isinstance(e, Sum))
        term = total.function.xreplace({total.limits[0][0]: fresh_index(scalar, *taken)})
        (weight,) = (e for e in Mul.make_args(term) if isinstance(e, Entry) and e.family.source is not None)
        return [weight, *(e for e in terms if isinstance(e, Entry))], term / weight

    def _drawn(self, node: Average, setting: Setting) -> frozenset[str]:
        """Return the hypotheses by which a layer's own weights and biases are Gaussian, whatever came before."""
        drawn, values = self._parts(self._scalars(node.inside[0])[0])
        families = [e.family for e in drawn]
        if not {f.source for f in families} <= set(node.over.sources):
            raise Undischarged(f"{node.over} does not draw {' and '.join(f.name for f in families)}")
        inputs = {r.family for r in setting.reach(values)[0]}
        uses = setting.all_independent(*{*families, *inputs})
        for family in families:
            uses |= setting.of_one_law(family, node.over)
            for kind in GAUSSIAN_KINDS:
                uses |= setting.require(kind, family)
        return uses

    def _over_layer(self, g: Expr, layer: Expr) -> Expr:
        """Return the mean of a function of the pre-activations of one unit, of one sample or two, given K."""
        scalars = self._scalars(g)
        samples = [e.units[:-1] for e in scalars]
        if len(samples) > 2:
            raise Undischarged(f"{g} is about more than two samples")
        variables = (U,) if len(samples) == 1 else (FIRST, SECOND)
        rows = tuple(
            tuple(self.kernel(layer, *sorted(one + other, key=structure)) for other in samples) for one in samples
        )
        integrand = g.xreplace(dict(zip(scalars, variables, strict=True)))
        return GaussianExpectation.of(integrand, variables, (Integer(0),) * len(variables), rows)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Hold every mean against the definition of a pre-activation, multiplied out for a sum of three terms."""

        def unit_by_unit(node: Average) -> Expr:
            inside, total = node.inside[0], Integer(1)
            while scalars := self._scalars(inside):
                same = [e for e in scalars if e.units[-1] == scalars[0].units[-1]]
                inside, mine = inside.as_independent(*same, as_Add=False)
                total *= self._over_layer(mine, scalars[0].layer)
            return Average(inside * total, node.over)

        made = before.replace(lambda e: isinstance(e, Average) and self._scalars(e.inside[0]), unit_by_unit)
        kernels = after.atoms(Entry) - before.atoms(Entry)
        gaps = [self._unlike_three(k) ** 2 for k in kernels if k.family == self.kernel]
        return Integer(int(not alike(made, after) or not gaps)) + Add(*gaps)

    def _unlike_three(self, kernel: Entry) -> Expr:
        """Return a covariance of sum_l W_l z_l + b for three terms, multiplied out, less K."""
        half = len(kernel.units) // 2
        samples = (kernel.units[:half], kernel.units[half:])
        weights, bias = [Symbol(f"W_{k}") for k in range(3)], Symbol("b_0")
        sums, values, mean = [], {}, Integer(0)
        for sample in samples:
            drawn, value = self._parts(self.signal(kernel.layer, *sample, K))
            values[sample] = (value, [Symbol(f"z_{k}{sample}") for k in range(3)])
            sums.append(Add(*map(Mul, weights, values[sample][1]), *(bias for _ in drawn[1:])))
        product = expand(sums[0] * sums[1])
        for e, symbols in zip(drawn, (weights, [bias]), strict=False):
            mean += Add(*(product.coeff(u, 2) * variance_of(e) for u in symbols))

        def three(total: Sum) -> Expr:
            at = {values[t][0].xreplace({L: total.limits[0][0]}): values[t][1] for t in samples}
            return Add(*(total.function.xreplace({e: names[k] for e, names in at.items()}) for k in range(3)))

        made: Expr = self.kernel.defined(*kernel.indices)
        given = made.replace(lambda e: isinstance(e, Sum), three)
        return expand(mean - given)


@dataclass(frozen=True)
class MomentGivenKernel(Rule):
    """E_u[g(u)] in closed form for u ~ N(0, K), where K is random: for every value of it

    Obligation: the closed form holds for K = 0 too.
    """

    name = "moment-given-kernel"
    words = "A Gaussian mean in closed form, for every value of the variance."
    evidence = Evidence.LEMMA

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a Gaussian mean of a random variance by a function of that."""
        found = _of_kernel(node)
        if found is None:
            return None
        lemma = closed_form(node.xreplace({found: Q}))
        if not holds_without_spread(lemma):
            raise Undischarged(f"{lemma.result} may not hold where {found} is zero")
        return Rewrite(lemma.result.xreplace({Q: found}), lemmas=(lemma,))

    def by_second_path(self, step: Step) -> Verdict:
        """Put every random variance into the lemmas' two sides."""
        kernels = {k for e in step.before.atoms(GaussianExpectation) if (k := _of_kernel(e)) is not None}
        sides = [(lemma.statement.lhs, lemma.statement.rhs) for lemma in step.lemmas]
        pairs = {left.xreplace({Q: k}): right.xreplace({Q: k}) for left, right in sides for k in kernels}
        return closed_forms(step, pairs)


def _of_kernel(node: Basic) -> Entry | None:
    """Return the one random variance of a centred Gaussian mean of one variable; None for anything else."""
    if not isinstance(node, GaussianExpectation) or len(node.variables) != 1 or any(node.mean):
        return None
    (variance,) = node.covariance[0]
    return variance if isinstance(variance, Entry) else None
