"""Breakpoints that are no affine condition: u(x) > 0 is solved for x, so that steps in x - r are left."""

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Abs, Add, And, Basic, Expr, Heaviside, Max, Min, Mul, Not, Or, Piecewise, S, Symbol, sign
from sympy.core.relational import Relational

from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.gaussian_setting import GaussianSetting
from derive.gaussian.inversion import sign_changes
from derive.gaussian.rules import GaussianRule
from derive.proof.rule import Rewrite


@dataclass(frozen=True)
class SolveBreakpoints(GaussianRule):
    """sign(u(x)) = ± Π_r sign(x - r) over the points r where u changes sign; |u| = u sign(u), max(u, v) = v + (u -
    v)[u > v]

    The points are roots of polynomials, or found by inverting increasing functions: exp(x) > k where x > log(k).
    Obligation: k is in the range of the function.
    """

    name = "solve-breakpoints"
    words = "Solve the conditions for the variable: each becomes steps at the points where it changes."

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Rewrite every condition that is not affine."""
        solver = _Solver(node.variables)
        after = solver.visit(node.integrand)
        if after == node.integrand:
            return None
        uses: set[str] = set()
        for condition in solver.needs:
            uses |= setting.require_positive(condition)
        made = GaussianExpectation.of(after, node.variables, node.mean, node.covariance)
        return Rewrite(made, frozenset(uses))

    @staticmethod
    def needs(node: GaussianExpectation) -> tuple[Expr, ...]:
        """What must be positive for the breakpoints to be where they are."""
        solver = _Solver(node.variables)
        solver.visit(node.integrand)
        return tuple(dict.fromkeys(solver.needs))


class _Solver:
    def __init__(self, variables: Sequence[Symbol]) -> None:
        self.variables = set(variables)
        self.needs: list[Expr] = []

    def visit(self, e: Basic) -> Basic:
        """The expression with its conditions solved."""
        if not e.args or not e.free_symbols & self.variables:
            return e
        if isinstance(e, Piecewise):
            return self._piecewise(e)
        args = tuple(self.visit(a) for a in e.args)
        if isinstance(e, Max | Min):
            return self._extreme(e, args)
        if isinstance(e, Abs | sign | Heaviside):
            solved = self._sign(args[0])
            if solved is not None:
                return args[0] * solved if isinstance(e, Abs) else solved if isinstance(e, sign) else (1 + solved) / 2
        return e.func(*args) if args != e.args else e

    def _extreme(self, e: Expr, args: tuple[Expr, ...]) -> Expr:
        """max(v, u) = v + (u - v)[u > v], where one of the differences is not affine."""
        direction = 1 if isinstance(e, Max) else -1
        result = args[0]
        for other in args[1:]:
            solved = self._sign(other - result)
            if solved is None:
                return e.func(*args)
            result = result + (other - result) * (1 + direction * solved) / 2
        return result

    def _piecewise(self, e: Piecewise) -> Expr:
        values = [self.visit(value) for value, _ in e.args]
        indicators = [self._indicator(condition) for _, condition in e.args]
        terms, rest = [], S.One
        for value, indicator in zip(values, indicators, strict=True):
            if indicator is None:
                return Piecewise(*((v, c) for v, (_, c) in zip(values, e.args, strict=True)))
            terms.append(value * rest * indicator)
            rest = rest * (1 - indicator)
        return Add(*terms)

    def _indicator(self, c: Basic) -> Expr | None:
        """The indicator of a condition, where one in it is not affine: (1 + sign(u))/2 for u > 0."""
        if c in (S.true, S.false):
            return S.One if c is S.true else S.Zero
        if isinstance(c, And | Or | Not):
            found = [self._indicator(a) for a in c.args]
            parts = [p for p in found if p is not None]
            if len(parts) < len(found):
                return None
            if isinstance(c, Not):
                return 1 - parts[0]
            return Mul(*parts) if isinstance(c, And) else 1 - Mul(*(1 - p for p in parts))
        if isinstance(c, Relational) and hasattr(c, "gts"):
            solved = self._sign(c.gts - c.lts, affine=True)
            return None if solved is None else (1 + solved) / 2
        return None

    def _sign(self, u: Expr, affine: bool = False) -> Expr | None:
        """sign(u) as a product of signs of x - r; None for an affine u unless it is asked for."""
        free = u.free_symbols & self.variables
        if len(free) != 1:
            return None
        (x,) = free
        if not affine and u.is_polynomial(x) and u.diff(x, 2).expand() == 0:
            return None
        found = sign_changes(u.expand(), x) or sign_changes(u, x)
        if found is None:
            return None
        self.needs += [n for n in found.needs if n not in self.needs]
        return found.expression(x)
