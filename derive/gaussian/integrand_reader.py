"""From a SymPy expression to the normal form; what lies outside the class is named in a `NoClosedForm`."""

from collections.abc import Callable, Sequence

from sympy import (
    Abs,
    DiracDelta,
    Expr,
    Heaviside,
    I,
    Integer,
    Max,
    Min,
    Piecewise,
    Rational,
    S,
    Symbol,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    factor_list,
    log,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
)

from derive.gaussian.conditions import indicator
from derive.gaussian.functions import NormalDensity, Phi
from derive.gaussian.no_closed_form import NoClosedForm
from derive.gaussian.normal_form import Factor, NormalForm, Polynomial, Powers, TooLarge
from derive.gaussian.parameters import Element, Parameters, integer_square_root

HIGHEST_POWER = 40


class Reader:
    """Reads integrands in `variables` over the field `parameters`."""

    def __init__(self, parameters: Parameters, variables: Sequence[Symbol]) -> None:
        self.parameters = parameters
        self.variables = tuple(variables)
        self.empty = NormalForm(parameters, len(self.variables))
        self._functions: dict[type, Callable[[Expr], NormalForm]] = {
            exp: self._exp,
            sin: lambda e: self._trigonometric(e, -parameters.i),
            cos: lambda e: self._trigonometric(e, parameters.one),
            sinh: lambda e: self.read(e.rewrite(exp)),
            cosh: lambda e: self.read(e.rewrite(exp)),
            erf: lambda e: self._erf(e),
            erfc: lambda e: self.empty.constant(1) - self._erf(e),
            Phi: lambda e: self._phi(e, 1),
            NormalDensity: self._density,
            Heaviside: lambda e: self.step_of(e.args[0]),
            sign: lambda e: self.step_of(e.args[0]).scaled(2) - self.empty.constant(1),
            Abs: lambda e: self.read(e.args[0]).split(lambda u: u * self._sign(u, e)),
            Max: lambda e: self._extreme(e, 1),
            Min: lambda e: self._extreme(e, -1),
            DiracDelta: self._delta,
        }

    def read(self, e: Expr) -> NormalForm:
        """The normal form of `e`, or NoClosedForm naming the part that is outside the class."""
        try:
            return self._read(e)
        except TooLarge:
            raise NoClosedForm("the normal form has too many terms", e) from None

    def _read(self, e: Expr) -> NormalForm:
        if e in self.variables:
            powers = tuple(int(v == e) for v in self.variables)
            return self.empty.single(self.empty.blank()._replace(powers=powers))
        if not e.free_symbols & set(self.variables):
            return self._constant(e)
        if e.is_Add:
            result = self.empty
            for x in e.args:
                result = result + self._read(x)
            return result
        if e.is_Mul:
            result = self.empty.constant(1)
            for x in e.args:
                result = result * self._read(x)
            return result
        if e.is_Pow:
            return self._power(e)
        if isinstance(e, Piecewise):
            return self._piecewise(e)
        if e.func in self._functions:
            return self._functions[e.func](e)
        name = getattr(e.func, "__name__", str(e.func))
        raise NoClosedForm(f"{name} is outside the class of integrands with a known Gaussian expectation", e)

    # ---- constants and powers
    # -------------------------------------------------------------------------------------

    def _constant(self, e: Expr) -> NormalForm:
        """A constant; numeric roots and powers of √π become the scale of the shape."""
        if e is S.ComplexInfinity or e.has(S.NaN, S.Infinity, S.NegativeInfinity, I):
            raise NoClosedForm("the integrand is not finite and real", e)
        if e.is_Add and any(x.has(pi) or _has_root(x) for x in e.args):
            result = self.empty
            for x in e.args:
                result = result + self._constant(x)
            return result
        value, scale = self.parameters.one, (0, 1)
        waves: list[NormalForm] = []
        for x in e.args if e.is_Mul else (e,):
            base, power = x.as_base_exp() if not x.is_Rational else (x, S.One)
            if base is pi and (2 * power).is_Integer:
                scale = (scale[0] + int(2 * power), scale[1])
            elif base.is_Rational and power.is_Rational and power.q == 2:
                whole = Rational(base) ** int(power - Rational(1, 2))
                outside, inside = integer_square_root(base.p * base.q * scale[1])
                value = value * self.parameters.element(whole * outside / base.q)
                scale = (scale[0], inside)
            elif isinstance(x, cos | sin | exp) and not self.parameters.knows(x):
                waves.append(self._functions[x.func](x))
            elif x is S.Exp1 and not self.parameters.knows(x):
                # exp(u + 1) exp(-u) is e, which no part of the integrand was
                waves.append(self._exp(exp(1, evaluate=False)))
            else:
                value = value * self.parameters.element(x)
        if waves:
            result = self.empty.single(self.empty.blank()._replace(scale=scale), value)
            for wave in waves:
                result = result * wave
            return result
        return self.empty.single(self.empty.blank()._replace(scale=scale), value) if value != 0 else self.empty

    def _power(self, e: Expr) -> NormalForm:
        base, exponent = e.base, e.exp
        if exponent.is_Integer and exponent > 0:
            if exponent > HIGHEST_POWER:
                raise NoClosedForm(f"powers above {HIGHEST_POWER} are not attempted", e)
            return self.read(base).power(int(exponent))
        if base.is_positive and not base.free_symbols & set(self.variables):
            return self._exp(exp(exponent * log(base), evaluate=False))
        if exponent == Rational(1, 2) and base.is_Pow and base.exp == 2:
            return self._read(Abs(base.base))
        if exponent.is_Integer:
            u = self.read(base)
            if len(u.terms) == 1:
                (shape, value), *_ = u.terms.items()
                if not any(shape.powers) and not shape.phase and not shape.factors and shape.scale == (0, 1):
                    growth = tuple((m, x * int(exponent)) for m, x in shape.growth)
                    return u.single(shape._replace(growth=growth), value ** int(exponent))
            raise NoClosedForm("a quotient is outside the class", e)
        raise NoClosedForm("a power that is not a positive integer is outside the class", e)

    # ---- smooth functions
    # -----------------------------------------------------------------------------------------

    def _exp(self, e: Expr) -> NormalForm:
        def build(u: NormalForm) -> NormalForm:
            return u.single(u.blank()._replace(growth=self._polynomial(u, e, 2)))

        return self.read(e.args[0]).split(build)

    def _trigonometric(self, e: Expr, coefficient: Element) -> NormalForm:
        """Cos l = Re e^{il}, sin l = Re(-i e^{il})."""

        def build(u: NormalForm) -> NormalForm:
            phase, value = u.orient(self._polynomial(u, e, 1), coefficient)
            return u.single(u.blank()._replace(phase=phase), value) if value != 0 else u.new()

        return self.read(e.args[0]).split(build)

    def _erf(self, e: Expr) -> NormalForm:
        """erf(l) = 2H(l, 1/2) - 1."""
        return self._phi(e, Rational(1, 2)).scaled(2) - self.empty.constant(1)

    def _phi(self, e: Expr, tau2: Rational) -> NormalForm:
        def build(u: NormalForm) -> NormalForm:
            scale, u = u.common_scale()
            a, c = self._affine(u, e)
            width = self.parameters.element(tau2) / self._square(scale)
            return u.single(u.blank()._replace(factors=frozenset({Factor(a, c, width)})))

        return self.read(e.args[0]).split(build)

    def _density(self, e: Expr) -> NormalForm:
        """φ(l) = exp(-l²/2)/√(2π)."""
        return self._read(exp(-(e.args[0] ** 2) / 2) / sqrt(2 * pi))

    def _square(self, scale: tuple[int, int]) -> Element:
        pi_halves, n = scale
        return self.parameters.element(pi**pi_halves * Integer(n))

    # ---- steps
    # ----------------------------------------------------------------------------------------------------

    def step_of(self, e: Expr, at_zero: Rational = S.Half) -> NormalForm:
        """[e > 0], with `at_zero` where e vanishes in a whole region."""
        return self.read(e).split(lambda u: self._step(u, e, at_zero))

    def _step(self, u: NormalForm, e: Expr, at_zero: Rational = S.Half) -> NormalForm:
        """The step [u > 0] as a half-space factor; the value on the breakpoint has probability 0.

        `at_zero` is the value where u vanishes in a whole region, as relu does.
        """
        if not u.terms:
            return u.constant(self.parameters.element(at_zero))
        _, u = u.common_scale()
        u = self._without_positive_factor(u)
        form = u.polynomial()
        if form is None:
            raise NoClosedForm("a breakpoint must come from an affine argument", e)
        if any(sum(powers) > 1 for powers in form):
            return (self._sign_of_product(form, e) + u.constant(1)).scaled(self.parameters.one / 2)
        a, c = self._affine(u, e)
        lead = next((x for x in a if x != 0), None)
        if lead is None:
            side = self.parameters.sign(c)
            if side is not None:
                return u.constant((side + 1) * self.parameters.one / 2)
        elif self.parameters.sign(lead) is not None:
            size = lead * (self.parameters.sign(lead) or 1)
            a, c = tuple(x / size for x in a), c / size
        return u.single(u.blank()._replace(factors=frozenset({Factor(a, c, self.parameters.zero)})))

    def _without_positive_factor(self, u: NormalForm) -> NormalForm:
        """A form of the same sign: a common exponential is dropped, c(e^p - e^q) becomes c(p - q)."""
        growths = {shape.growth for shape in u.terms}
        if len(growths) == 1:
            return u.new({shape._replace(growth=()): value for shape, value in u.terms.items()})
        if len(u.terms) == 2:
            (s, v), (t, w) = u.terms.items()
            bare = all(shape._replace(growth=()) == u.blank() for shape in (s, t))
            if bare and v == -w and self.parameters.sign(v) is not None:
                gap: dict[Powers, Element] = dict(s.growth)
                for powers, value in t.growth:
                    gap[powers] = gap.get(powers, self.parameters.zero) - value
                shapes = {u.blank()._replace(powers=m): x * v for m, x in gap.items() if x != 0}
                return u.new(shapes)
        return u

    def _sign(self, u: NormalForm, e: Expr) -> NormalForm:
        return self._step(u, e).scaled(2) - u.constant(1) if u.terms else u

    def _sign_of_product(self, form: dict[Powers, Element], e: Expr) -> NormalForm:
        """The sign of a polynomial that factors into affine forms and squares."""
        total = S.Zero
        for powers, value in form.items():
            term = self.parameters.expression(value)
            for v, k in zip(self.variables, powers, strict=True):
                term *= v**k
            total += term
        content, factors = factor_list(total, *self.variables)
        result = self.read(content)
        side = self.parameters.sign(self.parameters.element(content))
        result = self._sign(result, e) if side is None else self.empty.constant(side)
        for factor, multiplicity in factors:
            if multiplicity % 2 == 0:
                continue
            u = self.read(factor)
            if any(sum(s.powers) > 1 for s in u.terms):
                if factor.is_positive or factor.is_negative:
                    result = result.scaled(1 if factor.is_positive else -1)
                    continue
                raise NoClosedForm("a breakpoint must come from an affine argument", e)
            result = result * self._sign(u, e)
        return result

    def _extreme(self, e: Expr, direction: int) -> NormalForm:
        """Max(u, v) = u + (v - u)[v - u > 0], Min(u, v) = u - (u - v)[u - v > 0]."""
        constants = [a for a in e.args if not a.free_symbols & set(self.variables)]
        rest = [a for a in e.args if a not in constants]
        forms = [self.read(a) for a in [*([e.func(*constants)] if constants else []), *rest]]
        forms.sort(key=lambda u: -len(u.steps()))
        result = forms[0]
        for other in forms[1:]:
            gap = (other - result).scaled(direction)
            result = result + gap.split(lambda w: w * self._step(w, e) if w.terms else w).scaled(direction)
        return result

    def _delta(self, e: Expr) -> NormalForm:
        """δ(l), the derivative of a step."""
        if len(e.args) > 1:
            raise NoClosedForm("derivatives of a delta are outside the class", e)
        u = self.read(e.args[0])
        a, c = self._affine(u, e)
        if not any(a):
            raise NoClosedForm("a delta must depend on a variable", e)
        factor = Factor(a, c, self.parameters.zero, True)
        return u.single(u.blank()._replace(factors=frozenset({factor})))

    # ---- conditions
    # -----------------------------------------------------------------------------------------------

    def _piecewise(self, e: Piecewise) -> NormalForm:
        result, remaining = self.empty, self.empty.constant(1)
        for value, condition in e.args:
            here = remaining * indicator(self, condition)
            result = result + here * self.read(value)
            remaining = remaining * indicator(self, condition).complement()
        if remaining.terms:
            raise NoClosedForm("a Piecewise must cover the whole line", e)
        return result

    # ---- polynomials
    # ----------------------------------------------------------------------------------------------

    def _polynomial(self, u: NormalForm, e: Expr, degree: int) -> Polynomial:
        form = u.polynomial()
        if form is None or any(sum(powers) > degree for powers in form):
            kind = "affine" if degree == 1 else "at most quadratic"
            raise NoClosedForm(f"the argument must be {kind}", e)
        return tuple(sorted(form.items(), key=lambda item: item[0]))

    def _affine(self, u: NormalForm, e: Expr) -> tuple[tuple[Element, ...], Element]:
        form = dict(self._polynomial(u, e, 1))
        n = len(self.variables)
        units = [tuple(int(i == j) for j in range(n)) for i in range(n)]
        zero = self.parameters.zero
        return tuple(form.get(unit, zero) for unit in units), form.get((0,) * n, zero)


def _has_root(e: Expr) -> bool:
    return any(p.base.is_Rational and not p.exp.is_Integer for p in e.atoms(type(sqrt(2))))
