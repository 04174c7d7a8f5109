"""Which relations a chain of steps may mix, and where inside an expression a step may use one."""

from dataclasses import dataclass, replace

import pytest
from planting import check
from sympy import Abs, And, Eq, Function, Gt, Integer, Not, Piecewise, Product, Sum, Symbol, exp, log, sqrt, symbols

from derive.averages import Average, Variance
from derive.errors import InputError
from derive.hypotheses import BIASES_SHARE_VARIANCE, WEIGHTS
from derive.layers import i
from derive.network import f, n, s, z
from derive.proof.derivation import Proof
from derive.proof.relations import RELATIONS, Remainder, chained, composed, require_leading
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.randomness import NETWORKS
from derive.rules.asymptotics import LAYER, LocalExpansion, U
from derive.rules.near_one import CollectPowers
from derive.rules.wide import GaussianLimit, Q, one_gaussian
from derive.rules.wide import U as GAUSSIAN
from derive.setting import Setting
from derive.theorems.forward import BEFORE_LAST
from derive.theorems.wide_networks import GAUSSIAN as WIDE

A, B, C = symbols("A B C", positive=True)
R = Symbol("r", real=True)
NONE = Setting(())


@dataclass(frozen=True)
class Claims(Rule):
    """A rule that replaces one thing by another, by the relation that it is given."""

    what: object
    by: object
    given: str = "="
    name = "claims"
    words = "It is claimed."
    evidence = Evidence.ASSUMED
    source = "nobody"

    @property
    def relation(self):
        return self.given

    def rewrite(self, node, setting):
        return Rewrite(self.by) if node == self.what else None


def claimed(start, relation, what=A, by=B):
    """What becomes of an expression when a relation is claimed of one node."""
    return Claims(what, by, relation).apply(start, NONE).after


RIGHT_CHAINS = {
    **{(r, r): r for r in RELATIONS},
    **{("=", r): r for r in RELATIONS},
    **{(r, "="): r for r in RELATIONS},
}
RIGHT_CHAINS |= {("<=>", "=>"): "=>", ("=>", "<=>"): "=>"}


@pytest.mark.parametrize("two", RELATIONS)
@pytest.mark.parametrize("one", RELATIONS)
def test_a_chain_of_two_relations_has_the_weaker_one_or_none(one, two):
    """What does not compose is refused while deriving, and by the check of a derivation that says so."""
    proof = Proof(NONE, A).by(Claims(A, B, one))
    if (one, two) in RIGHT_CHAINS:
        assert proof.by(Claims(B, C, two)).done("chain", "chain").statement.relation == RIGHT_CHAINS[one, two]
        return
    with pytest.raises(InputError, match="give no relation between the ends of a chain"):
        proof.by(Claims(B, C, two))
    honest = proof.done("chain", "chain")
    (first,) = honest.steps
    second = replace(first, id=2, before=B, after=C, relation=two, rule=Claims(B, C, two))
    for relation in (one, two):
        planted = replace(honest, steps=(first, second), statement=replace(honest.statement, relation=relation, rhs=C))
        assert any("give no relation" in failure for failure in check(planted).failures)


def test_composition_is_associative_where_it_is_defined():
    def value(*relations):
        try:
            return chained(relations)
        except InputError:
            return None

    for a in RELATIONS:
        for b in RELATIONS:
            for c in RELATIONS:
                left = value(value(a, b), c) if value(a, b) else None
                right = value(a, value(b, c)) if value(b, c) else None
                assert left == right == value(a, b, c)


def test_an_unknown_relation_is_refused():
    with pytest.raises(InputError, match=r"relation must be one of .*, got '>='"):
        composed("=", ">=")


X = Symbol("x", real=True)
PASSING = [
    ("<=", A + R),
    ("<=", 3 * A),
    ("<=", A * B),
    ("<=", A**2),
    ("<=", sqrt(A)),
    ("<=", exp(A) + log(A)),
    ("<=", Sum(A, (LAYER, 1, 3)) * 2),
    ("<=", Average(A, NETWORKS)),
    ("~", 2 * A),
    ("~", A**2 / C),
    ("~", 1 / A),
    ("~", A + C),
    ("~", -A - C),
    ("->", A - R),
    ("->", R * A),
    ("->", A**2 - A * R),
    ("->", 1 / A),
    ("->", exp(A) + Abs(A) + log(A)),
    ("->", Sum(A, (LAYER, 1, 3))),
    ("<=>", And(Gt(R, 0), Eq(A, 1))),
    ("=>", And(Gt(R, 0), Eq(A, 1))),
]
REFUSED = [
    ("<=", R - A, "passes no factor that may be negative"),
    ("<=", R * A, "passes no factor that may be negative"),
    ("<=", 1 / A, "passes powers above 0"),
    ("<=", exp(-A), "passes no factor that may be negative"),
    ("<=", Abs(A - R), "passes rising functions only"),
    ("<=", Function("g")(A), "passes rising functions only"),
    ("<=", Gt(A, 1), "passes rising functions only"),
    ("<=", Variance(A, NETWORKS), "passes rising functions only"),
    ("~", A - C, "may cancel against another term"),
    ("~", A - 1, "may cancel against another term"),
    ("~", A + R, "may cancel against another term"),
    ("~", C * (A - C) + 1, "may cancel against another term"),
    ("~", exp(A), "does not pass"),
    ("~", 2**A, "does not pass"),
    ("~", A**C, "passes constant powers only"),
    ("~", log(A), "does not pass"),
    ("~", Gt(A, 1), "does not pass"),
    ("->", Eq(A, R), "does not pass an equation or an inequality"),
    ("->", Gt(A, R), "does not pass an equation or an inequality"),
    ("->", Function("g")(A), "passes continuous functions only"),
    ("->", Piecewise((1, A > C), (0, True)), "does not pass an equation or an inequality"),
    ("->", Average(A, NETWORKS), "passes continuous functions only"),
    ("<=>", Piecewise((1, Eq(A, 1)), (0, True)), "is no part of a condition"),
    ("=>", Not(And(Eq(A, 1), Gt(R, 0)), evaluate=False), "does not pass"),
]


def _node(relation):
    return (Eq(A, 1), Eq(B, 1)) if "=>" in relation else (A, B)


@pytest.mark.parametrize(("relation", "start"), PASSING, ids=str)
def test_a_relation_passes_where_it_may(relation, start):
    what, by = _node(relation)
    assert claimed(start, relation, what, by) == start.xreplace({what: by})


@pytest.mark.parametrize(("relation", "start", "why"), REFUSED, ids=str)
def test_a_relation_is_refused_where_it_does_not_hold_around_the_node(relation, start, why):
    """The error names the rule, the claim and the position."""
    what, by = _node(relation)
    with pytest.raises(InputError, match=r"rule claims gives (A|Eq|And)") as error:
        claimed(start, relation, what, by)
    assert why in str(error.value)
    assert ", in " in str(error.value)
    # An equality may stand anywhere.
    assert claimed(start, "=", A, B) == start.xreplace({A: B})


def test_a_factor_that_turns_negative_is_no_product_of_bounds():
    start = Product(A, (LAYER, 1, 3))
    assert claimed(start, "<=") == Product(B, (LAYER, 1, 3))
    with pytest.raises(InputError, match="passes factors that are not negative only"):
        claimed(start, "<=", A, R)


def test_a_limit_may_not_be_divided_by_where_it_is_zero():
    with pytest.raises(InputError, match="may be divided by zero"):
        claimed(1 / A, "->", A, Integer(0))
    with pytest.raises(InputError, match="may be the logarithm of zero"):
        claimed(log(A), "->", A, Integer(0))
    assert claimed(A**2 + sqrt(A), "->", A, Integer(0)) == 0


def test_a_limit_of_zero_times_the_width_is_none():
    with pytest.raises(InputError, match="may vanish no faster than"):
        claimed(n(i) * A, "->", A, Integer(0))
    with pytest.raises(InputError, match="may vanish no faster than"):
        claimed(Sum(A, (LAYER, 1, n(i))), "->", A, Integer(0))


def test_nothing_is_asymptotic_to_zero():
    with pytest.raises(InputError, match="nothing but zero is asymptotic to zero"):
        claimed(A, "~", A, Integer(0))


def test_a_step_where_its_relation_does_not_pass_fails_its_check():
    """Somebody made the step by hand: the rule is asked again."""
    rule = Claims(A, B, "~")
    honest = Proof(NONE, A).by(rule).done("claim", "claim")
    step = replace(honest.steps[0], before=A - C, after=B - C)
    statement = replace(honest.statement, lhs=A - C, rhs=B - C)
    failures = check(replace(honest, statement=statement, steps=(step,))).failures
    assert any("may cancel against another term" in failure for failure in failures)


def test_the_gaussian_limit_is_refused_in_an_equation_and_inside_a_mean():
    """Equal in the limit is not equal at any width."""
    setting = Setting((*WEIGHTS, BIASES_SHARE_VARIANCE, WIDE), BEFORE_LAST, NETWORKS)
    mean = Average(f(s(i, Symbol("k", integer=True))) ** 2, NETWORKS)
    assert GaussianLimit().apply(2 * mean, setting).after == 2 * one_gaussian(f(GAUSSIAN) ** 2)
    with pytest.raises(InputError, match="does not pass an equation"):
        GaussianLimit().apply(Eq(mean, Q), setting)
    with pytest.raises(InputError, match="passes continuous functions only"):
        GaussianLimit().apply(Variance(mean * z(0, 1), NETWORKS), setting)


class Expands(Claims):
    """An expansion in A, up to the order A^2."""

    def remainder(self):
        return Remainder(A, Integer(2))


def test_an_expansion_passes_sums_that_cancel_but_keeps_its_order():
    """What is left out is of the order stated, whatever is subtracted; a factor with the variable would change it."""
    what = exp(A)
    assert Expands(what, 1 + A, "~").apply(B * exp(A) - B, NONE).after.expand() == A * B
    with pytest.raises(InputError, match="passes sums and factors without A only"):
        Expands(what, 1 + A, "~").apply(exp(A) / A, NONE)
    with pytest.raises(InputError, match="passes sums and factors without A only"):
        Expands(what, 1 + A, "~").apply(sqrt(1 + exp(A)), NONE)


def test_an_expansion_of_which_nothing_is_left_is_no_result():
    """cos-like: the terms that are kept cancel, and what remains is of the orders left out."""
    start = exp(A) - 1 - A
    with pytest.raises(InputError, match="the leading terms in A cancel"):
        Proof(NONE, start).by(Expands(exp(A), 1 + A, "~")).done("none", "none")
    u = Symbol("u", positive=True)
    with pytest.raises(InputError, match="the leading terms in u cancel"):
        Proof(NONE, exp(u) - 1 - u).by(LocalExpansion(u, 2)).done("none", "none")
    with pytest.raises(InputError, match="cancel"):
        require_leading(3 * A**2, [Remainder(A, Integer(2))])
    kept = Proof(NONE, exp(A) - 1).by(Expands(exp(A), 1 + A, "~")).done("kept", "kept")
    assert kept.result == A
    nothing = replace(kept.steps[0], before=start, after=Integer(0))
    statement = replace(kept.statement, lhs=start, rhs=Integer(0))
    failures = check(replace(kept, statement=statement, steps=(nothing,))).failures
    assert any("the leading terms in A cancel" in failure for failure in failures)


def test_the_relation_of_a_decay_is_not_that_of_a_difference():
    rate = Claims(U(LAYER), 1 / LAYER, "~")
    assert rate.apply(2 * Q * U(LAYER) ** 2, NONE).after == 2 * Q / LAYER**2
    with pytest.raises(InputError, match="may cancel against another term"):
        rate.apply(U(LAYER) - 1 / LAYER, NONE)


def test_powers_are_collected_by_an_equality():
    assert CollectPowers(A).apply(A * B + A * C, NONE).after == A * (B + C)
