"""Audits of planted claims: fixed layers, theorems word for word, false premises, approximations, nearest float64."""

from dataclasses import replace

import pytest
from planting import derived
from sympy import Eq, Float, Function, Or, Product, Rational, Symbol, exp, false, sqrt

import derive
from derive.averages import SharedVariance, Variance
from derive.claims.audit import audit
from derive.claims.claim import Claim
from derive.hypotheses import FORWARD, HE_WEIGHTS, HOMOGENEOUS, RELU
from derive.layers import Facts, d, i
from derive.network import W, n, s, x, z
from derive.proof.derivation import Statement
from derive.randomness import EVERYTHING, NETWORKS
from derive.setting import Setting
from derive.theorems.forward import forward_variance
from derive.theorems.network_variance import NO_BIASES, closed_form, he_condition
from derive.theorems.product import BOTH_FACTORS, X, Y, product_variance

K = Symbol("k", integer=True)
P = Symbol("i'", integer=True)


def V_W(layer):
    return SharedVariance(W, layer)


def claim(printed, setting, *against, **more):
    return Claim("planted", "Planted", "a test", "here", printed, setting, against, **more)


# Fixed layers.

AT_TWO = n(0) * V_W(0) * n(1) * V_W(1) * SharedVariance(x)


@pytest.mark.parametrize(
    ("rhs", "verdict"),
    [
        (AT_TWO, "holds"),
        (SharedVariance(x) * Product(n(P) * V_W(P), (P, 0, 1)), "holds"),
        (2 * AT_TWO, "refuted"),
        (AT_TWO * n(1) / n(2), "holds-if"),
    ],
    ids=["spelled out", "a product", "twice", "another width"],
)
@pytest.mark.parametrize(
    ("layer", "facts"), [(2, Facts((d - 2,))), (i, Facts((i - 2, 2 - i, d - i)))], ids=["a number", "held by the facts"]
)
def test_a_claim_at_the_second_layer(layer, facts, rhs, verdict):
    """Var[z^2] = n_0 Var[W^0] n_1 Var[W^1] Var[x], and nothing else."""
    printed = Statement(Variance(z(layer, K), EVERYTHING), "=", rhs)
    found = audit(claim(printed, Setting(FORWARD, facts), forward_variance))
    assert found.verdict == verdict
    if verdict == "holds-if":
        assert found.suffices == (HOMOGENEOUS,)
        assert found.condition == Eq(n(1), n(2))


def test_a_condition_at_the_second_layer():
    """He's condition from layer 2 to layer 3."""
    statement = he_condition().statement
    at = {i: 2}
    printed = Statement(statement.lhs.subs(at), "<=>", statement.rhs.subs(at))
    setting = Setting(NO_BIASES, Facts((d - 3,)), NETWORKS)
    assert audit(claim(printed, setting, he_condition)).verdict == "holds"
    wrong = replace(printed, rhs=Eq(n(3) * V_W(3), 2))
    assert audit(claim(wrong, setting, closed_form)).verdict != "holds"


# A theorem, word for word.


@pytest.mark.parametrize("name", derive.theorems())
def test_a_theorem_s_own_statement_holds(name):
    """Whatever its relation; with another right side it does not."""
    theorem = derived(name)
    own = claim(theorem.statement, theorem.setting, lambda: theorem)
    assert audit(own).verdict == "holds"
    if theorem.statement.relation in ("~", "->", "<="):
        other = replace(theorem.statement, rhs=3 * theorem.statement.rhs)
        assert audit(replace(own, printed=other)).verdict in ("undecided", "refuted")


def test_a_stronger_relation_than_the_theorem_s_is_not_said_by_it():
    """What is so in the limit is not so before."""
    theorem = derived("sample-variance")
    printed = replace(theorem.statement, relation="=")
    assert audit(claim(printed, theorem.setting, lambda: theorem)).verdict != "holds"


# False premises.

_GOAL = Eq(Variance(s(i + 1, K), NETWORKS), 7 * Variance(s(i, K), NETWORKS))
_STEP = Facts((i, d - 1 - i))


@pytest.mark.parametrize(
    ("premise", "more"),
    [
        (false, ()),
        (Eq(n(i + 1) * V_W(i + 1), 0), ()),
        (Eq(n(i + 1) * V_W(i + 1), 3 * n(i + 1) * V_W(i + 1)), ()),
        (Eq(n(i + 1) * V_W(i + 1), 1), (RELU, HE_WEIGHTS)),
    ],
    ids=["false", "a variance that is zero", "one is three", "against a hypothesis"],
)
def test_a_false_premise_makes_a_claim_hold_vacuously(premise, more):
    setting = Setting((*more, *NO_BIASES), _STEP, NETWORKS)
    found = audit(claim(Statement(premise, "=>", _GOAL), setting, closed_form))
    assert found.verdict == "holds"
    assert "vacuously" in found.evidence


def test_a_true_premise_does_not():
    setting = Setting((RELU, HE_WEIGHTS, *NO_BIASES), _STEP, NETWORKS)
    found = audit(claim(Statement(Eq(n(i + 1) * V_W(i + 1), 2), "=>", _GOAL), setting, closed_form))
    assert found.verdict == "refuted"
    assert "vacuously" not in found.evidence


# What is missing, and how strong a condition is.


def test_the_hypotheses_of_the_theorem_are_searched():
    """The product rule without independence: no hypothesis of the catalogue is about its factors."""
    printed = product_variance().statement
    found = audit(claim(printed, Setting((), over=BOTH_FACTORS), product_variance))
    assert found.verdict == "holds-if"
    assert [h.key for h in found.suffices] == ["factors-independent"]
    wrong = replace(printed, rhs=Variance(X(), BOTH_FACTORS) * Variance(Y(), BOTH_FACTORS))
    assert audit(claim(wrong, Setting((), over=BOTH_FACTORS), product_variance)).verdict == "refuted"


def test_more_than_two_missing_hypotheses_are_found():
    """Five of them, of the theorem's."""
    kept = tuple(h for h in FORWARD if h.key in ("weights-shared-variance", "inputs-shared-variance", "linear-regime"))
    printed = forward_variance().statement
    found = audit(claim(printed, Setting(kept, Facts((i, d - i))), forward_variance))
    assert found.verdict == "holds-if"
    missing = {h.key for h in forward_variance().rests_on} - {h.key for h in kept} - {"finite-moments"}
    assert {h.key for h in found.suffices} == missing
    assert len(missing) > 2


@pytest.mark.parametrize(
    ("name", "is_exact"),
    [
        ("glorot-2010-eq-6", True),
        ("answer-2-equivalence", True),
        ("answer-2-balance", False),
        ("dropout-variance", True),
        ("glorot-2010-eq-5", None),
    ],
)
def test_a_condition_says_whether_it_is_exact(name, is_exact):
    """An implication is also right where its premise fails."""
    found = derive.claim(name).audit()
    assert found.condition_exact is is_exact
    assert found.to_dict()["condition_is"] == {True: "exact", False: "sufficient", None: None}[is_exact]
    assert ("and only then" in found.text()) == (is_exact is True)
    assert ("where its premise fails" in " ".join(found.text().split())) == (is_exact is False)


def test_a_factor_that_may_vanish_elsewhere_makes_a_condition_sufficient_only():
    """m (exp(m) - 2) vanishes where m is 0, and at another m that is not looked for."""
    m = Symbol("m", real=True)
    found = audit(claim(Statement(Symbol("y"), "=", m * exp(m)), Setting(()), analytic=lambda: 2 * m))
    assert (found.verdict, found.condition, found.condition_exact) == ("holds-if", Eq(m, 0), False)


def test_roots_that_a_name_may_be_are_the_condition():
    """m (m - 1) vanishes where m is 0 or 1, and of these a positive number may be 1 only; m² + 1 nowhere."""
    for m, condition in (
        (Symbol("m", real=True), Or(Eq(Symbol("m", real=True), 0), Eq(Symbol("m", real=True), 1))),
        (Symbol("m", positive=True), Eq(Symbol("m", positive=True), 1)),
    ):
        found = audit(claim(Statement(Symbol("y"), "=", m**2), Setting(()), analytic=lambda m=m: m))
        assert (found.verdict, found.condition, found.condition_exact) == ("holds-if", condition, True)
        found = audit(claim(Statement(Symbol("y"), "=", m**2 + m), Setting(()), analytic=lambda m=m: m - 1))
        assert (found.verdict, found.condition) == ("refuted", None)


def test_a_function_rests_on_what_its_theorem_rests_on():
    """Step 3 of the post: the wide limit. With it, it holds."""
    step = derive.claim("post-3-step-3")
    found = step.audit()
    assert [h.key for h in found.suffices] == ["wide"]
    assert "more than the source states" in found.evidence
    assert audit(replace(step, setting=step.setting.assuming(*found.suffices))).verdict == "holds"


# Numbers.

TRUE = sqrt(2) / 3
"""0.47140452079103168293..., of which the nearest float64 is 0.47140452079103167815..."""


@pytest.mark.parametrize(
    ("decimal", "verdict", "how"),
    [
        ("0.4714", "holds", "rounds"),
        ("0.4715", "refuted", ""),
        ("0.47140452079103168", "holds", "rounds"),
        ("0.47140452079103167815", "holds", "float64"),
        ("0.47140452079103167816", "refuted", ""),
        ("0.47140452079103173", "refuted", ""),
    ],
)
def test_a_decimal_is_rounded_or_the_nearest_float64(decimal, verdict, how):
    printed = Statement(Symbol("y"), "=", Float(decimal, 25))
    found = audit(claim(printed, Setting(()), analytic=lambda: TRUE, decimal=decimal))
    assert found.verdict == verdict
    assert how in found.evidence
    assert abs(found.error - (Rational(decimal) - TRUE) / TRUE) <= abs(found.error) / 10


# Approximations.

N = Symbol("N", positive=True)
LEFT, RIGHT = Function("F")(N), Function("G")(N)


@pytest.mark.parametrize(
    ("off", "verdict"),
    [(3 / sqrt(N), "holds"), (1 / (N + 1), "holds"), (Rational(1, 7) * N**0, "refuted"), (N, "refuted")],
)
def test_an_approximation_is_judged_by_its_order(off, verdict):
    found = audit(claim(Statement(LEFT, "≈", RIGHT), Setting(()), off=lambda: (off, N)))
    assert (found.verdict, found.error) == (verdict, off)


def test_an_approximation_of_which_nothing_is_known_is_undecided():
    found = audit(claim(Statement(LEFT, "≈", RIGHT), Setting(())))
    assert found.verdict == "undecided"
    assert "≈" in found.text()


def test_step_1_is_off_by_the_root_of_the_width():
    """sqrt(2 <lambda^2>)/(sqrt(N) <lambda>): a chi-square of N degrees has the relative deviation sqrt(2/N)."""
    found = derive.claim("post-3-step-1").audit()
    assert found.verdict == "holds"
    at = {s.name: s for s in found.error.free_symbols}
    values = {at["N"]: 50, at["lambda_mean"]: 3, at["lambda_square"]: 9}
    assert found.error.subs(values) == sqrt(Rational(2, 50))
