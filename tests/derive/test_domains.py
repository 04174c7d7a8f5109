"""What a rule divides by is known not to be zero, and what it solves has one admissible solution, or it refuses."""

from dataclasses import dataclass, replace

import pytest
from planting import check
from sympy import Eq, Function, Gt, Integer, Product, Sum, Symbol, atan, cos, exp, log, sqrt, symbols

from derive.averages import SharedVariance
from derive.errors import InputError
from derive.hypotheses import NONDEGENERATE, RECTIFIER, Hypothesis, Kind, Property
from derive.layers import Facts, d, i
from derive.network import W, n, x
from derive.proof.derivation import Proof, Statement
from derive.proof.rule import RuleDoesNotApply
from derive.proof.verdict import Grade
from derive.rules import Cancel, CancelEquation, DivideEquations, Isolate, Solve
from derive.rules.analysis import DecayFunction, T
from derive.rules.asymptotics import LAYER, SMALL, Positive, U
from derive.rules.decay import DecayOfRecursion
from derive.rules.mean_field import GeometricDecay
from derive.setting import Setting, Undischarged
from derive.theorems.sample_variance import FUNCTION_DEFINED, sample_variance_stable
from derive.theorems.sample_variance_decay import local_map
from derive.words import Words

A, B, C, V = symbols("a b c v", positive=True)
R = Symbol("r", real=True)
P = Symbol("i'", integer=True)
V_W = SharedVariance(W, i)
HERE = Facts((i, d - i))


def given(equation, unknown):
    """The rule and the setting that solve an equation, which a hypothesis states."""
    return Solve(unknown, equation), Setting((Hypothesis("given", Words("Given: {}.", equation), ()),), HERE)


def test_an_equation_that_no_hypothesis_states_is_not_solved():
    rule, setting = given(Eq(A * V, B), V)
    for nothing in (setting.without("given"), given(Eq(A * V, 2 * B), V)[1]):
        with pytest.raises(Undischarged, match="no hypothesis states"):
            rule.apply(V, nothing)


@pytest.mark.parametrize(
    ("equation", "unknown", "solution"),
    [
        (Eq(A * V, B), V, B / A),
        (Eq(V**2, A), V, sqrt(A)),
        (Eq(V**2 / 3, A**2), V, sqrt(3) * A),
        (Eq(A / V, 1 + V * 0), V, None),
        (Eq((n(i) + n(i + 1)) * V_W, 2), V_W, 2 / (n(i) + n(i + 1))),
        (Eq((V - A) * (V + B), 0), V, A),
        (Eq(V**2 + A * V, 0, evaluate=False), V, 0),
    ],
    ids=str,
)
def test_the_one_admissible_solution_is_found(equation, unknown, solution):
    rule, setting = given(equation, unknown)
    if solution is None:
        with pytest.raises(InputError, match="is not a polynomial equation"):
            rule.apply(unknown, setting)
        return
    checked = check(Proof(setting, unknown).by(rule).done("planted", "Planted"))
    assert checked.derivation.result == solution
    assert checked.passed, checked.failures


@pytest.mark.parametrize(
    ("equation", "unknown", "words"),
    [
        (Eq((V - A) * (V - B), 0), V, "has 2 admissible solutions"),
        (Eq((V - A) * (V - R), 0), V, "has a solution for v whose sign is not known: r"),
        (Eq((V - A) * (V**2 + R), 0), V, "sign is not known"),
        (Eq((V + A) * (V + B), 0, evaluate=False), V, "has 0 admissible solutions"),
        (Eq(R * V, A), V, "nothing says that r is not zero"),
        (Eq((A - B) * V, A), V, "is not zero"),
        (Eq(V_W * V, A), V, "needed and not assumed of W|is not zero"),
        (Eq(A * R, B), R, "nothing says that r is not negative"),
        (Eq(exp(V), A), V, "is not a polynomial equation"),
        (Eq(cos(V), 0), V, "is not a polynomial equation"),
        (Eq(A * V, V * A + B - B * V * 0, evaluate=False), V, "is not a polynomial equation"),
        (Eq(V**5 - V - A, 0), V, "not all solutions"),
    ],
    ids=str,
)  # fmt: skip
def test_an_equation_with_more_solutions_or_an_unknown_divisor_is_refused(equation, unknown, words):
    rule, setting = given(equation, unknown)
    with pytest.raises(InputError, match=words):
        rule.apply(unknown, setting)


def test_a_solution_that_is_no_solution_fails():
    rule, setting = given(Eq(V**2, A), V)
    step = Proof(setting, V).by(rule).steps[0]
    for wrong in (A, -sqrt(A), 2 * sqrt(A), Integer(0)):
        derivation = replace(Proof(setting, V).by(rule).done("p", "P"), statement=Statement(V, "=", wrong))
        failed = check(replace(derivation, steps=(replace(step, after=wrong),)))
        assert failed.grade is Grade.FAILED


def test_a_second_solution_is_named_in_the_words():
    """Nothing is left out silently: the reader is told why one of two solutions is taken."""
    rule, setting = given(Eq(V**2, A), V)
    assert rule.apply(V, setting).words.template == "Solve {} for {}, which is not negative."
    rule, setting = given(Eq(A * V, B), V)
    assert rule.apply(V, setting).words.template == "Solve {} for {}."


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        (Eq(R * V_W, 1), "nothing says that r is not zero"),
        (Eq(V_W**2, A), "is not linear in"),
        (Eq(V_W**3, 8), "is not linear in"),
        (Eq(exp(V_W), A), "is not a polynomial equation"),
        (Eq(V_W / R, 1), "nothing says that r is not zero"),
        (Eq(SharedVariance(x) * V_W, 1), "needed and not assumed of x"),
    ],
    ids=str,
)
def test_isolating_asks_for_a_linear_equation_and_a_factor_that_is_not_zero(equation, words):
    with pytest.raises(InputError, match=words):
        Isolate(V_W).apply(equation, Setting((), HERE))


def test_isolating_uses_what_says_that_the_factor_is_not_zero():
    made = Isolate(V_W).apply(Eq(SharedVariance(x) * V_W, A), Setting((NONDEGENERATE,), HERE))
    assert made.after == Eq(V_W, A / SharedVariance(x))
    assert made.uses == {"nondegenerate"}
    assert Isolate(V_W).apply(Eq(-2 * V_W, -A), Setting((), HERE)).after == Eq(V_W, A / 2)


PRODUCT = Product(n(P), (P, 0, i))


@pytest.mark.parametrize("rule", [Cancel(), CancelEquation()])
def test_what_is_cancelled_is_known_to_be_positive(rule):
    def start(factor):
        above, below = factor * PRODUCT, factor * Product(n(P), (P, 0, i - 1))
        return above / below * Product(n(P), (P, 1, i)) if isinstance(rule, Cancel) else Eq(above, below)

    assert rule.apply(start(A), Setting((), HERE))
    zero = Product(SharedVariance(W, P), (P, 0, i))
    with pytest.raises(Undischarged, match="needed and not assumed of W: it is not degenerate"):
        rule.apply(start(1) * zero if isinstance(rule, Cancel) else Eq(zero, zero * n(i)), Setting((), HERE))
    if isinstance(rule, CancelEquation):
        with pytest.raises(Undischarged, match="nothing says that r is positive"):
            rule.apply(start(R), Setting((), HERE))
        with pytest.raises(Undischarged, match=r"nothing says that (r - v|-v) *.*is positive"):
            rule.apply(Eq((R - V) * A, B), Setting((), HERE))


@pytest.mark.parametrize("rule", [Cancel(), CancelEquation()])
def test_a_product_whose_range_may_run_backwards_is_not_cancelled(rule):
    """From i + 2 to i - 1 there is an empty product for a reader, and a quotient for the canonical form."""
    backwards = Product(n(P), (P, i + 2, i - 1))
    with pytest.raises(Undischarged, match="nothing says that no product's range runs backwards"):
        rule.apply(backwards / n(i) if isinstance(rule, Cancel) else Eq(backwards, n(i)), Setting((), HERE))


def test_equations_are_divided_where_the_right_side_is_positive():
    both = Eq(n(i) * V_W, A) & Eq(n(i + 1) * V_W, A)
    assert DivideEquations().apply(both, Setting((), HERE)).after == Eq(n(i), n(i + 1)) & Eq(n(i) * V_W, A)
    with pytest.raises(Undischarged, match="nothing says that r is positive"):
        DivideEquations().apply(Eq(n(i) * V_W, R) & Eq(n(i + 1) * V_W, R), Setting((), HERE))


def test_the_decay_function_is_positive_for_a_positive_argument_only():
    defined, start = Setting((FUNCTION_DEFINED,)), Gt(A * DecayFunction(T), 0, evaluate=False)
    made = Positive().apply(start, defined)
    assert (made.after, made.uses) == (Gt(A, 0, evaluate=False), {"decay-function"})
    with pytest.raises(Undischarged, match="no hypothesis states"):
        Positive().apply(start, Setting(()))
    for argument in (R, -T):
        with pytest.raises(Undischarged, match="nothing says that"):
            Positive().apply(Gt(A * DecayFunction(argument), 0, evaluate=False), defined)
    # h(-1) = atan(-1) + (-1 - atan(-1)) is -1: the sign of the argument matters.
    assert DecayFunction(Integer(-1)).doit() == atan(-1) + (-1 - atan(-1)) == -1


GAP = Function("epsilon", positive=True)


def _each_layer(following, sequence=GAP, for_all=(LAYER,), properties=()):
    """The setting in which a sequence is followed by something, one layer on."""
    recursion = Eq(sequence(LAYER + 1), following, evaluate=False)
    return Setting((Hypothesis("each-layer", Words("Each layer: {}.", recursion), properties, for_all=for_all),))


def test_a_geometric_decay_starts_where_it_says_and_has_a_positive_factor():
    """A factor in front passes the step and fails the start."""
    setting = _each_layer(A * GAP(LAYER))
    rule = GeometricDecay(A, LAYER)
    made = rule.apply(GAP(LAYER), setting).after
    assert rule.residual(GAP(LAYER), made, setting) == 0
    for wrong in (2 * made, made + GAP(0) * A**LAYER, made.subs(GAP(0), GAP(1)), Integer(0)):
        assert rule.residual(GAP(LAYER), wrong, setting) != 0
    assert rule.residual(GAP(LAYER), made * A**LAYER, setting) != 0
    for factor in (R, -A):
        with pytest.raises(Undischarged, match="is positive, so that it has a logarithm"):
            GeometricDecay(factor, LAYER).apply(GAP(LAYER), _each_layer(factor * GAP(LAYER)))


def test_a_geometric_decay_needs_its_recursion_at_every_layer():
    rule = GeometricDecay(A, LAYER)
    for setting, words in (
        (Setting(()), "no hypothesis states"),
        (_each_layer(B * GAP(LAYER)), "no hypothesis states"),
        (_each_layer(A * GAP(LAYER), for_all=()), "is stated for one layer l, not for all of them"),
    ):
        with pytest.raises(Undischarged, match=words):
            rule.apply(GAP(LAYER), setting)


@dataclass(frozen=True)
class _Map:
    """A lemma that states a map near zero."""

    lhs: object
    rhs: object
    relation: str = "="

    def derivation(self):
        stable = local_map(sample_variance_stable())
        return replace(stable, statement=Statement(self.lhs, self.relation, self.rhs), steps=(), setting=Setting(()))


IMAGE = Function("image")
SHRINKING = SMALL - A * SMALL**2
ATTRACTED = (Property(Kind.ATTRACTED),)
FOLLOWS_IMAGE = _each_layer(IMAGE(U(LAYER)), U, properties=ATTRACTED)


def _decay(image, rhs, setting):
    return DecayOfRecursion(_Map(image, rhs).derivation()).apply(U(LAYER), setting)


def test_a_decay_needs_a_map_of_its_variable_that_shrinks_it():
    good = DecayOfRecursion(_Map(IMAGE(SMALL), SHRINKING).derivation())
    made = good.apply(U(LAYER), FOLLOWS_IMAGE).after
    assert (made * LAYER * A).subs(log(LAYER), 0) == 1
    with pytest.raises(InputError, match="is no map of u"):
        _decay(A, SHRINKING, _each_layer(A, U, properties=ATTRACTED))
    with pytest.raises(InputError, match="does not shrink u: it subtracts -a"):
        _decay(IMAGE(SMALL), SMALL + A * SMALL**2, FOLLOWS_IMAGE)
    with pytest.raises(InputError, match="is not u less higher orders"):
        _decay(IMAGE(SMALL), 2 * SMALL - A * SMALL**2, FOLLOWS_IMAGE)
    for wrong in (2 * made, made * LAYER, 1 / LAYER, made + A * log(LAYER) / LAYER):
        assert good.residual(U(LAYER), wrong, FOLLOWS_IMAGE) != 0


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (Setting(()), "starts in the range of the expansion"),
        (_each_layer(IMAGE(U(LAYER)), U), "starts in the range of the expansion"),
        (_each_layer(2 * IMAGE(U(LAYER)), U, properties=ATTRACTED), "no hypothesis states"),
        (_each_layer(IMAGE(U(LAYER)), U, for_all=(), properties=ATTRACTED), "stated for one layer l, not for all"),
    ],
)
def test_a_decay_needs_that_the_sequence_follows_the_map_and_starts_near_0(setting, words):
    with pytest.raises(Undischarged, match=words):
        _decay(IMAGE(SMALL), SHRINKING, setting)


def test_only_a_map_by_an_equality_or_an_expansion_decays():
    lemma = _Map(IMAGE(SMALL), SHRINKING, "<=").derivation()
    derivation = Proof(FOLLOWS_IMAGE, U(LAYER)).by(DecayOfRecursion(lemma)).done("planted", "Planted")
    failures = check(derivation).failures
    assert any("it states a relation <=" in failure for failure in failures), failures


def test_nothing_is_solved_or_cancelled_where_there_is_nothing():
    with pytest.raises(RuleDoesNotApply):
        Isolate(V_W).apply(Eq(A, B), Setting((RECTIFIER,), HERE))
    with pytest.raises(RuleDoesNotApply):
        Cancel().apply(A * Sum(n(P), (P, 0, i)), Setting((), HERE))
