"""Where the formulas of a function end: affine forms, of whose signs the function is written.

A condition on one variable that is not affine ends at points that are solved for: exp(x) > 2 where x - log(2) > 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import sympy as sp
from sympy.core.relational import Relational

from derive.gaussian.evaluate import switches
from derive.gaussian.inversion import sign_changes


def split_deltas(g: sp.Expr) -> tuple[sp.Expr, list[tuple[sp.Expr, sp.Expr]]]:
    """A function as smooth + Σ weight · δ(form): the smooth part and the pairs of form and weight.

    The weights may hold further deltas. Raises ValueError for a power of a delta.
    """
    found = []
    while deltas := sorted(g.atoms(sp.DiracDelta), key=str):
        marker = sp.Dummy("delta", real=True)
        marked = g.xreplace({deltas[0]: marker})
        weight = sp.expand(marked.diff(marker))
        if weight.has(marker):
            raise ValueError("a power of a delta")
        found.append((sp.expand(deltas[0].args[0]), weight))
        g = marked.xreplace({marker: sp.S.Zero})
    return g, found


def affine_forms(outputs: Sequence[sp.Expr], variables: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """The forms that the switches come down to, each once, with the coefficient 1 of their first variable."""
    found = [_forms(u, variables) for g in outputs for u in switches(g, set(variables))]
    return list(dict.fromkeys(f for made in found if made is not None for f in made[1]))


def _forms(u: sp.Expr, variables: Sequence[sp.Symbol]) -> tuple[int, list[sp.Expr]] | None:
    """A sign and the forms, sign(u) = ± Π sign(form); None where that is not known exactly."""
    own = [v for v in variables if v in u.free_symbols]
    if not own:
        return None
    expanded = sp.expand(u)
    if expanded.is_polynomial(*own) and sp.Poly(expanded, *own).total_degree() == 1:
        leading = next(a for v in own if (a := expanded.coeff(v)) != 0)
        return 1 if leading > 0 else -1, [sp.expand(expanded / leading)]
    if len(own) > 1:
        return None
    found = sign_changes(expanded, own[0]) or sign_changes(u, own[0])
    if found is None or found.needs:
        return None
    return found.side, [own[0] - r for r in found.roots]


def with_signs(g: sp.Expr, variables: Sequence[sp.Symbol], known: Mapping[sp.Expr, sp.Expr]) -> sp.Expr:
    """The function written with the signs of its forms: symbols, or what else is known of them."""

    def sign_of(u: sp.Expr) -> sp.Expr | None:
        found = _forms(u, variables)
        if found is None or not all(f in known for f in found[1]):
            return None
        return sp.Mul(found[0], *(known[f] for f in found[1]))

    return _rewritten(g, sign_of)


def _rewritten(e: sp.Expr, sign_of: Callable[[sp.Expr], sp.Expr | None]) -> sp.Expr:
    if not e.args:
        return e
    parts = [_rewritten(a, sign_of) for a in e.args]
    if isinstance(e, sp.Abs | sp.sign | sp.Heaviside) and (s := sign_of(e.args[0])) is not None:
        return s * parts[0] if isinstance(e, sp.Abs) else s if isinstance(e, sp.sign) else sp.Heaviside(s)
    if isinstance(e, Relational) and (s := sign_of(e.lhs - e.rhs)) is not None:
        # Equality holds on a set without weight.
        return sp.S.false if e.rel_op == "==" else sp.S.true if e.rel_op == "!=" else _positive(e.func, s)
    if isinstance(e, sp.Max | sp.Min):
        return _chosen(e, sign_of) or e.func(*parts)
    return e.func(*parts)


def _positive(relation: Callable[..., sp.Basic], s: sp.Expr) -> sp.Basic:
    """A sign beside 0; that of one form as the form itself."""
    side, form = s.as_coeff_Mul()
    return relation(side * form.args[0] if isinstance(form, sp.sign) else s, 0)


def _chosen(e: sp.Expr, sign_of: Callable[[sp.Expr], sp.Expr | None]) -> sp.Expr | None:
    """A maximum or minimum by cases; one inside it is decided first."""
    inner = next((a for a in e.args if isinstance(a, sp.Max | sp.Min)), None)
    if inner is not None:
        rest = [a for a in e.args if a is not inner]
        return _by_cases(inner, sign_of, lambda a: _rewritten(e.func(*rest, a), sign_of))
    return _by_cases(e, sign_of, lambda a: _rewritten(a, sign_of))


def _by_cases(
    e: sp.Expr, sign_of: Callable[[sp.Expr], sp.Expr | None], made: Callable[[sp.Expr], sp.Expr]
) -> sp.Expr | None:
    """What is made of the argument that e takes; None where the order of two of them is not the sign of a form."""
    inner = next((a for a in e.args if isinstance(a, sp.Max | sp.Min)), None)
    if inner is not None:
        rest = [a for a in e.args if a is not inner]

        def deeper(a: sp.Expr) -> sp.Expr:
            left = e.func(*rest, a)
            return (_by_cases(left, sign_of, made) or made(left)) if isinstance(left, sp.Max | sp.Min) else made(left)

        return _by_cases(inner, sign_of, deeper)
    side = 1 if isinstance(e, sp.Max) else -1
    cases = []
    for a in e.args:
        lead = [sign_of(side * (a - b)) for b in e.args if b is not a]
        known = [_positive(sp.StrictGreaterThan, s) for s in lead if s is not None]
        if len(known) < len(lead):
            return None
        cases.append((made(a), sp.And(*known)))
    return sp.Piecewise(*cases[:-1], (cases[-1][0], True))
