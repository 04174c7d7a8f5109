"""`Maps`: everything mean-field theory asks of an activation, each a derivation or a stated reason why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from sympy import Derivative, Expr, Integer, Lambda, Mul, Subs, Symbol, factorial, hermite_prob, sqrt

from derive.activations import Activation, activation
from derive.errors import InputError, unknown_name
from derive.gaussian import GaussianExpectation, NoClosedForm
from derive.maps.map_rules import (
    Differentiate,
    EvenPart,
    OneVariable,
    PriceInCorrelation,
    PriceInVariance,
    ScaleInVariance,
    SetValue,
    Shorten,
)
from derive.maps.symbols import c, fan_in, fan_out, m, q, q_1, q_2, rho, sigma_b2, sigma_w2, v, x, y
from derive.network import f
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import RuleDoesNotApply
from derive.provided import provided
from derive.results import Result
from derive.rules.replicas import HalfSquaredDifference
from derive.rules.wide import ByClosedForm, closed_form
from derive.setting import Setting

HIGHEST_ORDER = 40

MAPS = {
    "mean": "E[f(s)] for s ~ N(0, q)",
    "second_moment": "E[f(s)^2] for s ~ N(0, q)",
    "length_map": "the variance of the next pre-activation, q' = sigma_w2 E[f^2] + sigma_b2",
    "covariance_map": "the next covariance of two inputs, whose pre-activations have variances q_1, q_2, covariance c",
    "correlation_map": "the next correlation of two inputs, whose pre-activations have variance q, correlation rho",
    "chi_perp": "sigma_w2 E[f'^2], the factor of a small difference between inputs, and of the gradient's variance",
    "chi_par": "the slope of the length map",
    "slope_at_zero": "the slope of the correlation map at correlation 0",
    "slope_at_one": "the slope of the correlation map at correlation 1, chi_perp q/q'",
    "K": "K(m, v), the second moment over networks of the mean over samples of f",
    "mean_square_map": "m'^2 = sigma_w2 K(m, v) + sigma_b2, what all samples share, the bias included",
    "sample_variance_map": "v'^2 = sigma_w2 (E[f^2] - K(m, v)), the variance over samples",
    "backward_factor": "by how much a layer multiplies the variance of the gradient, n_out/n_in chi_perp",
}
"""Every map by its name, with what it is."""


class Maps(Result):
    """The maps of one activation, for weights of variance sigma_w2/fan-in and biases of variance sigma_b2.

    Every name in `MAPS` is an attribute: the `Derivation` of the closed form, made when it is first asked for. Where
    there is none, asking raises `NoClosedForm` with the reason; `find` returns that answer instead of raising it.
    Expectations are those of infinitely wide layers: the pre-activations are Gaussian with mean 0.

    Sources: Poole et al. 2016 (length and correlation maps), Schoenholz et al. 2017 (chi, the backward recursion),
    Daniely et al. 2016 (the dual activation), Roberts, Yaida & Hanin 2022 (chi_par and chi_perp).

    >>> maps = Maps("relu")
    >>> maps.length_map.result
    q*sigma_w2/2 + sigma_b2
    >>> maps.chi_perp.result, maps.chi_par.result
    (sigma_w2/2, sigma_w2/2)
    >>> Maps("tanh").find("length_map").reason
    'tanh is outside the class of integrands with a known Gaussian expectation'
    """

    mean: Derivation
    second_moment: Derivation
    length_map: Derivation
    covariance_map: Derivation
    correlation_map: Derivation
    chi_perp: Derivation
    chi_par: Derivation
    slope_at_zero: Derivation
    slope_at_one: Derivation
    K: Derivation
    mean_square_map: Derivation
    sample_variance_map: Derivation
    backward_factor: Derivation

    def __init__(self, of: Activation | str) -> None:
        self.activation = activation(of) if isinstance(of, str) else of
        clash = {s.name for s in self.activation.free_parameters} & {s.name for s in _SYMBOLS}
        if clash:
            raise InputError(f"free parameters of an activation must not be named {', '.join(sorted(clash))}")
        self._found: dict[tuple[str, int], Derivation | NoClosedForm] = {}
        self._expected: dict[str, Expr] = {}

    def __getattr__(self, name: str) -> Derivation:
        if name not in MAPS:
            raise AttributeError(f"{type(self).__name__} has no map {name!r}")
        return self._get(name)

    def find(self, name: str) -> Derivation | NoClosedForm:
        """Return a map by name, or why it has no closed form; raise `InputError` for an unknown name."""
        if name not in MAPS:
            raise unknown_name("map", name, MAPS)
        return self._find(name)

    def definition(self, name: str) -> Expr:
        """Return what a map is by definition, in Gaussian expectations; slopes in rho by Price's theorem.

        Every activation has it. Raises `InputError` for an unknown name and `NoClosedForm` where E[f'^2] is infinite.

        >>> Maps("tanh").definition("length_map")
        sigma_b2 + sigma_w2*E[tanh(s)**2; s ~ N(0, q)]
        """
        if name not in MAPS:
            raise unknown_name("map", name, MAPS)
        return _DEFINITIONS[name](self)

    def expectations(self, name: str) -> Expr:
        """Return a map as Gaussian expectations from which nothing cancels: what quadrature computes.

        Derivatives are carried out inside the expectations (deltas stand for jumps), and a variance over samples is
        half the mean square of a difference. Raises `InputError` for an unknown name, and `NoClosedForm` where E[f'^2]
        is infinite because f jumps.
        """
        if name not in _EXPECTATIONS:
            raise unknown_name("map", name, _EXPECTATIONS)
        if name not in self._expected:
            self._expected[name] = _EXPECTATIONS[name](self)
        return self._expected[name]

    def hermite_coefficient(self, order: int) -> Derivation:
        """Return a_k = E[f(s) He_k(s/sqrt q)]/sqrt(k!), s ~ N(0, q).

        The covariance map is sigma_w2 sum_k a_k^2 rho^k + sigma_b2 (Daniely, Frostig & Singer 2016, section 4).
        Raises `InputError` for an order outside 0..40 and `NoClosedForm`.
        """
        if not 0 <= order <= HIGHEST_ORDER:
            raise InputError(f"order must be from 0 to {HIGHEST_ORDER}, got {order}")
        return self._get("hermite_coefficient", order)

    def dual_coefficient(self, order: int) -> Expr:
        """Return a_k^2, the coefficient of rho^k in E[f(x) f(y)]."""
        return self.hermite_coefficient(order).result ** 2

    def chi_par_by_price(self) -> Derivation:
        """Return chi_par by the other route, sigma_w2 E[f'^2 + f f''], with f'' a distribution."""
        return self._get("chi_par_by_price")

    # ---- making them

    def _get(self, name: str, order: int = 0) -> Derivation:
        found = self._find(name, order)
        if isinstance(found, NoClosedForm):
            raise found
        return found

    def _find(self, name: str, order: int = 0) -> Derivation | NoClosedForm:
        if (name, order) not in self._found:
            try:
                made: Derivation | NoClosedForm = self._made(name, order)
            except NoClosedForm as why:
                # Without its traceback, which would keep every frame alive.
                made = why.with_traceback(None)
            self._found[name, order] = made
        return self._found[name, order]

    def _made(self, name: str, order: int = 0) -> Derivation:
        proof = _ROUTES[name](self) if name != "hermite_coefficient" else self._hermite(order)
        if not proof.steps:
            raise NoClosedForm("the definition is its own value", proof.now)
        title = f"{name.replace('_', ' ')} of {self.activation}"
        return replace(proof.done(name, title), rebuild=partial(self._made, name, order))

    @property
    def _f(self) -> Expr:
        return self.activation.expression

    def _one(self, g: Expr, variance: Expr = q) -> Expr:
        """E[g(s)] for s ~ N(0, variance), not evaluated."""
        return GaussianExpectation.of(g, (self.activation.symbol,), (Integer(0),), ((variance,),))

    def _two(self, first: Expr, second: Expr, shared: Expr) -> Expr:
        """E[f(x) f(y)] for variances and a covariance, not evaluated."""
        s = self.activation.symbol
        product = self._f.xreplace({s: x}) * self._f.xreplace({s: y})
        return GaussianExpectation.of(product, (x, y), (Integer(0), Integer(0)), ((first, shared), (shared, second)))

    def _mean(self) -> Proof:
        return self._single(self._f)

    def _single(self, g: Expr) -> Proof:
        """E[g(s)] by the engine, or else by symmetry."""
        proof = Proof(_SETTING, self._one(g))
        try:
            return _by_closed_form(proof)
        except NoClosedForm as why:
            try:
                proof.by(EvenPart())
            except RuleDoesNotApply:
                raise why from None
        return _by_closed_form(proof) if proof.now.has(GaussianExpectation) else proof

    def _second_moment(self) -> Proof:
        return _by_closed_form(Proof(_SETTING, self._square()))

    def _square(self, variance: Expr = q) -> Expr:
        return self._one(self._f**2, variance)

    def _length(self) -> Expr:
        return sigma_w2 * self._square() + sigma_b2

    def _length_map(self) -> Proof:
        return _closed(self._length())

    def _covariance_map(self) -> Proof:
        return _closed(self._covariance())

    def _covariance(self) -> Expr:
        return sigma_w2 * self._two(q_1, q_2, c) + sigma_b2

    def _correlation(self) -> Expr:
        return (sigma_w2 * self._two(q, q, rho * q) + sigma_b2) / self._length()

    def _correlation_map(self) -> Proof:
        return _closed(self._correlation())

    def _slope_square(self) -> Expr:
        """E[f'(s)^2], not evaluated; infinite where f jumps."""
        if self.activation.jumps:
            at = ", ".join(map(str, self.activation.jumps))
            raise NoClosedForm(f"E[f'^2] is infinite, since f jumps at {at}", self._f)
        return self._one(self.activation.squared_derivative)

    def _chi_perp(self) -> Proof:
        return _closed(self._stretch())

    def _stretch(self) -> Expr:
        return sigma_w2 * self._slope_square()

    def _growth(self) -> Expr:
        return Derivative(self._length(), q)

    def _chi_par(self) -> Proof:
        return _tidy(_by_closed_form(Proof(_SETTING, self._growth())).by(Differentiate()))

    def _scaled(self, of_q: Expr) -> Expr:
        """The slope in q by s f f', not evaluated."""
        return Proof(_SETTING, Derivative(of_q, q)).by(ScaleInVariance()).now

    def _by_price(self, of_q: Expr) -> Proof:
        """The slope in q by f'^2 + f f'', not evaluated."""
        if self.activation.jumps:
            raise NoClosedForm("f f'' has no meaning where f jumps", self._f)
        return Proof(_SETTING, Derivative(of_q, q)).by(PriceInVariance())

    def _chi_par_by_price(self) -> Proof:
        return _closed_from(self._by_price(self._length()))

    def _slope(self, at: int) -> Proof:
        if at == 1:
            self._slope_square()
        proof = Proof(_SETTING, Subs(Derivative(self._correlation(), rho), rho, Integer(at)))
        return proof.by(PriceInCorrelation(), SetValue(), OneVariable(self.activation.symbol))

    def _slope_at_zero(self) -> Proof:
        return _closed_from(self._slope(0))

    def _slope_at_one(self) -> Proof:
        return _closed_from(self._slope(1))

    def _kernel(self) -> Expr:
        return self._two(m**2 + v**2, m**2 + v**2, m**2)

    def _k(self) -> Proof:
        return _by_closed_form(Proof(_SETTING, self._kernel()))

    def _mean_square_map(self) -> Proof:
        return _closed(self._common())

    def _common(self) -> Expr:
        return sigma_w2 * self._kernel() + sigma_b2

    def _sample_variance_map(self) -> Proof:
        return _closed(self._fluctuation())

    def _fluctuation(self) -> Expr:
        return sigma_w2 * (self._square(m**2 + v**2) - self._kernel())

    def _separation(self, variance: Expr, shared: Expr) -> Expr:
        """E_mu[Var_nu f(mu + nu)] as half the mean square of a difference, not evaluated."""

        def over_own(power: int) -> Expr:
            return GaussianExpectation.of(f(x + y) ** power, (y,), (Integer(0),), ((variance - shared,),))

        def over_shared(inside: Expr) -> Expr:
            return GaussianExpectation.of(inside, (x,), (Integer(0),), ((shared,),))

        apart = Proof(_SETTING, over_shared(over_own(2)) - over_shared(over_own(1) ** 2)).by(HalfSquaredDifference())
        return apart.now.replace(type(f(x)), Lambda(self.activation.symbol, self._f))

    def _backward_factor(self) -> Proof:
        return _closed(self._backward())

    def _backward(self) -> Expr:
        return Mul(fan_out, 1 / fan_in, sigma_w2) * self._slope_square()

    def _hermite(self, order: int) -> Proof:
        polynomial = hermite_prob(order, self.activation.symbol / sqrt(q)).expand()
        return self._single(self._f * polynomial / sqrt(factorial(order)))

    # ---- output

    @property
    @provided
    def headline(self) -> str:
        """The activation."""
        raise NotImplementedError

    @provided
    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each map: its closed form as text, or the reason why there is none."""
        raise NotImplementedError

    @provided
    def to_dict(self) -> dict[str, Any]:
        """Return all maps as plain data: closed forms as LaTeX and text, or the reason why there is none."""
        raise NotImplementedError

    @provided
    def text(self) -> str:
        """Return all maps as lines of text."""
        raise NotImplementedError

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *MAPS})

    def __repr__(self) -> str:
        return f"Maps({str(self.activation)!r})"


def _closed(start: Expr) -> Proof:
    return _closed_from(Proof(_SETTING, start))


def _closed_from(proof: Proof) -> Proof:
    return _tidy(_by_closed_form(proof) if proof.now.has(GaussianExpectation) else proof)


def _by_closed_form(proof: Proof) -> Proof:
    """Put the closed forms in, under the hypotheses by which they hold: laws that are some, finite expectations."""
    lemmas = map(closed_form, sorted(proof.now.atoms(GaussianExpectation), key=str))
    needed = {h: None for lemma in lemmas for h in lemma.needs}
    if needed:
        proof = Proof(Setting((*needed,)), proof.start).by(*(step.rule for step in proof.steps))
    return proof.by(ByClosedForm())


def _tidy(proof: Proof) -> Proof:
    try:
        return proof.by(Shorten())
    except RuleDoesNotApply:
        return proof


_SETTING = Setting(())
_SYMBOLS: tuple[Symbol, ...] = (q, q_1, q_2, rho, c, m, v, sigma_w2, sigma_b2, fan_in, fan_out, x, y)
_ROUTES: dict[str, Callable[[Maps], Proof]] = {
    "mean": Maps._mean,
    "second_moment": Maps._second_moment,
    "length_map": Maps._length_map,
    "covariance_map": Maps._covariance_map,
    "correlation_map": Maps._correlation_map,
    "chi_perp": Maps._chi_perp,
    "chi_par": Maps._chi_par,
    "chi_par_by_price": Maps._chi_par_by_price,
    "slope_at_zero": Maps._slope_at_zero,
    "slope_at_one": Maps._slope_at_one,
    "K": Maps._k,
    "mean_square_map": Maps._mean_square_map,
    "sample_variance_map": Maps._sample_variance_map,
    "backward_factor": Maps._backward_factor,
}
_DEFINITIONS: dict[str, Callable[[Maps], Expr]] = {
    "mean": lambda maps: maps._one(maps._f),
    "second_moment": Maps._square,
    "length_map": Maps._length,
    "covariance_map": Maps._covariance,
    "correlation_map": Maps._correlation,
    "chi_perp": Maps._stretch,
    "chi_par": Maps._growth,
    "slope_at_zero": lambda maps: maps._slope(0).now,
    "slope_at_one": lambda maps: maps._slope(1).now,
    "K": Maps._kernel,
    "mean_square_map": Maps._common,
    "sample_variance_map": Maps._fluctuation,
    "backward_factor": Maps._backward,
}
_EXPECTATIONS: dict[str, Callable[[Maps], Expr]] = {
    **_DEFINITIONS,
    "slope_second_moment": Maps._slope_square,
    "second_moment_slope": lambda maps: maps._scaled(maps._square()),
    "second_moment_slope_by_price": lambda maps: maps._by_price(maps._square()).now,
    "covariance": lambda maps: maps._two(q_1, q_2, rho * sqrt(q_1) * sqrt(q_2)),
    "separation": lambda maps: maps._separation(q, rho * q),
    "covariance_map": lambda maps: sigma_w2 * maps._two(q_1, q_2, rho * sqrt(q_1) * sqrt(q_2)) + sigma_b2,
    "gap_map": lambda maps: sigma_w2 * maps._separation(q, rho * q) / maps._length(),
    "chi_par": lambda maps: maps._scaled(maps._length()),
    "chi_par_by_price": lambda maps: maps._by_price(maps._length()).now,
    "sample_variance_map": lambda maps: sigma_w2 * maps._separation(m**2 + v**2, m**2),
}
