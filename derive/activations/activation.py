"""An activation: one expression, and all that is computed from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from sympy import (
    Add,
    DiracDelta,
    Expr,
    Function,
    Max,
    Min,
    Pow,
    Rational,
    S,
    Symbol,
    atan,
    cos,
    cosh,
    erf,
    exp,
    sign,
    simplify,
    sin,
    sinh,
    tanh,
)

from derive.activations.pieces import jumps, pieces, stand_ins
from derive.decimals import decimal
from derive.gaussian.functions import Phi

s = Symbol("s", real=True)
"""The pre-activation, the argument of every activation's expression."""

# Points at which a symmetry is refuted before it is proved: no zeros, no breakpoints of anything usual.
_PROBES = (Rational(3, 7), Rational(17, 11), Rational(47, 13))
_ANALYTIC = (exp, sin, cos, sinh, cosh, tanh, atan, erf, Phi)


@dataclass(frozen=True, repr=False)
class Activation:
    """An activation function f(s): ``z^{i+1} = f(s^i)``.

    ``expression`` is f in the symbol ``symbol``; ``parameters`` are the numbers (or expressions) it was made with,
    which stand in the expression already; ``tails`` are its asymptotes at minus and plus infinity, affine in s, None
    where there is none or it is not known. At a kink ``derivative`` takes the value that PyTorch gives it
    (0 for relu and abs, the slope of the left branch for leaky relu); with a continuous law this has probability
    zero and changes no average.

    >>> from derive.activations import activation
    >>> activation("tanh").derivative
    1 - tanh(s)**2
    >>> activation("hard-tanh").kinks
    (-1, 1)
    """

    name: str
    expression: Expr
    parameters: tuple[tuple[str, Expr], ...] = ()
    symbol: Symbol = s
    summary: str = field(default="", compare=False)
    source: str = field(default="", compare=False)
    tails: tuple[Expr | None, Expr | None] = field(default=(None, None), compare=False)

    def __repr__(self) -> str:
        return f"<Activation {self}: {self.expression}>"

    @cached_property
    def derivative(self) -> Expr:
        """f'(s) as automatic differentiation computes it: a jump of f contributes nothing."""
        return _pointwise(self.expression.diff(self.symbol))

    @cached_property
    def squared_derivative(self) -> Expr:
        """f'(s)² but at single points: sign(u)² is 1 where an analytic u, which is not affine, is not 0.

        >>> from derive.activations import activation
        >>> activation("abs(sin(x))").squared_derivative
        cos(s)**2
        """
        return (self.derivative**2).replace(
            lambda e: e.is_Pow and isinstance(e.base, sign) and e.exp.is_even and _has_few_zeros(e.base.args[0]),
            lambda e: S.One,
        )

    @cached_property
    def second_derivative(self) -> Expr:
        """f''(s) away from kinks and jumps."""
        return _pointwise(self.derivative.diff(self.symbol))

    @cached_property
    def distributional_derivative(self) -> Expr:
        """The derivative as a distribution: ``derivative`` and a delta at every jump of f.

        >>> from derive.activations import activation
        >>> activation("step").distributional_derivative
        DiracDelta(s)
        """
        deltas = [height * DiracDelta(self.symbol - p) for p, height in self.jumps.items()]
        return Add(self.derivative, *deltas)

    @cached_property
    def distributional_second_derivative(self) -> Expr:
        """The second derivative as a distribution: a delta at every kink of f, the derivative of a delta at every jump.

        >>> from derive.activations import activation
        >>> activation("relu").distributional_second_derivative
        DiracDelta(s)
        """
        deltas = [height * DiracDelta(self.symbol - p) for p, height in self._slope_jumps.items()]
        more = [height * DiracDelta(self.symbol - p, 1) for p, height in self.jumps.items()]
        return Add(self.second_derivative, *deltas, *more)

    @cached_property
    def breakpoints(self) -> tuple[Expr, ...]:
        """Where one formula gives way to another, in increasing order: quadrature splits here."""
        return pieces(self.expression, self.symbol)[0]

    @cached_property
    def kinks(self) -> tuple[Expr, ...]:
        """Where f is not differentiable: its slope or f itself jumps."""
        return tuple(p for p in self.breakpoints if p in self._slope_jumps or p in self.jumps)

    @cached_property
    def jumps(self) -> dict[Expr, Expr]:
        """The height f(p+) - f(p-) at every point p where f is discontinuous."""
        return jumps(self.expression, self.symbol)

    @cached_property
    def _slope_jumps(self) -> dict[Expr, Expr]:
        return jumps(self.expression, self.symbol, 1)

    @cached_property
    def is_linear(self) -> bool:
        """Whether f(s) = c s for a number c, so that the linear regime holds exactly."""
        constant_slope = self.symbol not in self.derivative.free_symbols
        return constant_slope and not self.breakpoints and self.expression.subs(self.symbol, 0) == 0

    @cached_property
    def is_odd(self) -> bool:
        """Whether f(-s) = -f(s) could be shown; then E[f(s)] = 0 for symmetric s."""
        return self._mirrored(-1)

    @cached_property
    def is_even(self) -> bool:
        """Whether f(-s) = f(s) could be shown; then f and f' are uncorrelated for symmetric s."""
        return self._mirrored(1)

    @property
    def parity(self) -> str:
        """``"odd"``, ``"even"`` or ``"none"``."""
        return "odd" if self.is_odd else "even" if self.is_even else "none"

    def _mirrored(self, side: int) -> bool:
        """Whether f(-s) = side * f(s): refuted by numbers, or else proved on every piece."""
        at = stand_ins(self.expression, self.symbol)
        difference = self.expression.subs(self.symbol, -self.symbol) - side * self.expression
        if any(abs(difference.xreplace({**at, self.symbol: x}).evalf(30)) > 1e-20 for x in _PROBES):
            return False
        return all(simplify(formula) == 0 for formula in pieces(difference, self.symbol)[1])

    @cached_property
    def homogeneity(self) -> Expr | None:
        """The degree k if f(c s) = c^k f(s) for every c > 0, else None.

        >>> from derive.activations import activation
        >>> [activation(name).homogeneity for name in ("relu", "squared-relu", "sign", "tanh")]
        [1, 2, 0, None]
        """
        points, formulas = pieces(self.expression, self.symbol)
        if any(p != 0 for p in points):
            return None
        # Each piece must be c s^k, with the same k; so s f' = k f (Euler).
        ratios = [self.symbol * f.diff(self.symbol) / f for f in formulas if f != 0]
        at = stand_ins(self.expression, self.symbol)
        for ratio in ratios:
            first, second = (ratio.xreplace({**at, self.symbol: x}).evalf(30) for x in _PROBES[:2])
            if not abs(first - second) < 1e-20:
                return None
        degrees = {simplify(ratio) for ratio in ratios}
        if len(degrees) != 1 or (degree := degrees.pop()).free_symbols:
            return None
        return S(degree)

    @property
    def free_parameters(self) -> tuple[Symbol, ...]:
        """The symbols in the expression besides the pre-activation, by name."""
        return tuple(sorted(self.expression.free_symbols - {self.symbol}, key=str))

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(decimal(value) for _, value in self.parameters)})"


def _has_few_zeros(u: Expr) -> bool:
    """Whether u, not affine, is surely analytic on the whole line and not 0 throughout: its zeros are points."""
    own = u.free_symbols
    if len(own) != 1 or (u.is_polynomial(*own) and u.diff(*own, 2).expand() == 0):
        return False
    entire = all(isinstance(f, _ANALYTIC) for f in u.atoms(Function))
    whole = all(p.exp.is_Integer and p.exp > 0 for p in u.atoms(Pow) if p.base.has(*own))
    return (
        entire
        and whole
        and not u.has(Max, Min)
        and any(abs(u.subs(next(iter(own)), p).evalf(30)) > 1e-9 for p in _PROBES)
    )


def _pointwise(e: Expr) -> Expr:
    """A function without the deltas that SymPy's derivative of a step or sign puts at the jump."""
    return e.replace(DiracDelta, lambda *_: S.Zero)
