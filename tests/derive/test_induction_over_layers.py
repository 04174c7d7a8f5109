"""Induction refuses a base that is not one, a step that is not one, and layers that neither reaches."""

from dataclasses import dataclass, replace

import pytest
from planting import check, failure
from scenario import FORWARD, HERE, LAST, E, V, chain, forward_induction
from sympy import Expr, Function, Integer, Sum, Symbol

from derive.averages import SharedVariance, Variance
from derive.errors import InputError
from derive.hypotheses import BACKWARD, INPUTS_SHARE_VARIANCE
from derive.layers import Facts, d, i
from derive.network import W, cost_gradient, n, s, x, z
from derive.proof.derivation import Proof
from derive.proof.rule import Rewrite, Rule
from derive.proof.verdict import Grade
from derive.rules import (
    ByLemma,
    Centred,
    Define,
    DrawnGradient,
    Induction,
    Linearity,
    LinearRegime,
    ProductLaw,
)
from derive.setting import Setting, Undischarged
from derive.theorems.backpropagation import gradient_recursion
from derive.theorems.backward import backward_step
from derive.theorems.forward import BEFORE_LAST, forward_step

J, K, L = (Symbol(c, integer=True) for c in "jkl")
SETTING = Setting(FORWARD, HERE)
RULE = forward_induction()


def with_rhs(derivation, rhs):
    """The derivation with another right-hand side: a step or a base that somebody got wrong."""
    last = replace(derivation.steps[-1], after=rhs)
    return replace(derivation, statement=replace(derivation.statement, rhs=rhs), steps=(*derivation.steps[:-1], last))


def test_it_computes_the_closed_form():
    assert RULE.apply(V(z(i, J)), SETTING).after == SharedVariance(x) * chain(0, i - 1)
    assert RULE.apply(V(z(0, 1)), Setting(FORWARD, LAST)).after == SharedVariance(x) * chain(0, Integer(-1))
    assert RULE.upwards


def test_it_says_what_it_rests_on():
    made = RULE.apply(V(z(i, K)), SETTING)
    assert [m.name for m in made.lemmas] == ["base", "forward-step"]
    assert made.uses == {h.key for h in FORWARD}


@pytest.mark.parametrize(
    ("rhs", "words"),
    [
        (SharedVariance(W, i) * Sum(V(z(i, L)) ** 2, (L, 1, n(i))), "not affine"),
        (Sum(V(z(i, L)) * L, (L, 1, n(i))), "not affine"),
        (Sum(V(z(i, L)), (L, 1, K)), "not affine"),
        (V(z(i, L)) * V(z(i, K)), "not affine"),
        (V(z(i, L)) + K, "not the same for every unit"),
        (V(z(i, K)) + V(z(i - 1, K)), "reaches back further than to its neighbour"),
        (V(z(i - 1, K)), "reaches back further than to its neighbour"),
        (Integer(2), "base gives"),
    ],
    ids=str,
)
def test_a_step_that_is_no_recursion_is_refused(rhs, words):
    with pytest.raises(InputError, match=words):
        replace(RULE, step=with_rhs(RULE.step, rhs)).closed_form()


def test_a_base_at_another_layer_is_refused():
    elsewhere = replace(RULE.base, statement=replace(RULE.base.statement, lhs=V(z(1, K))))
    with pytest.raises(InputError, match="not the base case"):
        replace(RULE, base=elsewhere).closed_form()
    with pytest.raises(InputError, match="not the base case"):
        replace(RULE, base=replace(RULE.base, statement=replace(RULE.base.statement, lhs=E(z(0, K))))).closed_form()


def test_a_base_that_depends_on_the_unit_is_refused():
    """Without a shared variance, Var[x_k] is another number for every k, and none of them may stand for all."""
    own = Proof(Setting(tuple(h for h in FORWARD if h != INPUTS_SHARE_VARIANCE), LAST), V(z(0, K))).by(Define(z))
    with pytest.raises(InputError, match="not the same for every unit: it depends on k"):
        replace(RULE, base=own.done("own", "own")).closed_form()


def test_a_step_that_holds_at_fewer_layers_is_refused():
    """From layer 1 on only: then nothing leads from layer 0 to layer 1."""
    narrower = Setting(FORWARD, Facts((i - 1, d - 1 - i)))
    with pytest.raises(InputError, match="holds only where i - 1 >= 0, which leaves out a layer"):
        replace(RULE, step=replace(RULE.step, setting=narrower)).closed_form()
    with pytest.raises(InputError, match="holds only where"):
        replace(RULE, base=replace(RULE.base, setting=Setting(FORWARD, Facts((d - 1,))))).closed_form()


def test_a_step_that_is_not_an_equality_is_refused():
    bounded = replace(RULE.step, statement=replace(RULE.step.statement, relation="<="))
    with pytest.raises(InputError, match="only equalities go into an induction, forward-step states <="):
        replace(RULE, step=bounded).closed_form()


def gradient_mean(setting, layer):
    """E[dCost/ds^i] = 0 by the weights alone, and the base at a layer of one's choice."""
    start = E(cost_gradient(s(layer, K)))
    proof = Proof(setting, start)
    return proof.by(ByLemma(gradient_recursion()), LinearRegime(), Linearity(), ProductLaw(), Centred())


def test_a_base_at_the_wrong_end_leaves_out_the_other_end():
    """E[dCost/ds^i] = 0 for i < d whatever the gradient at the output: base at 0 and step reach all layers but d."""
    poorer = tuple(h for h in BACKWARD if h.key != "output-gradient-zero-mean")
    base = gradient_mean(Setting(poorer, Facts((d - 1,))), Integer(0)).done("base", "base")
    step = gradient_mean(Setting(poorer, BEFORE_LAST), i).done("step", "step")
    assert base.result == step.result == 0
    with pytest.raises(InputError, match="leaves out a layer"):
        Induction(base, step).closed_form()
    right_end = Proof(Setting(BACKWARD, LAST), E(cost_gradient(s(d, K)))).by(DrawnGradient(), Centred())
    rule = Induction(right_end.done("base", "base"), step)
    assert rule.closed_form() == 0
    assert not rule.upwards
    with pytest.raises(Undischarged):
        rule.apply(E(cost_gradient(s(i, K))), Setting(poorer, HERE))


def test_it_reaches_the_layers_of_the_network_and_no_others():
    with pytest.raises(InputError, match=r"reaches the layers 0\.\.d only"):
        RULE.apply(V(z(i, K)), Setting(FORWARD, Facts((i,))))
    with pytest.raises(InputError, match=r"reaches the layers 0\.\.d only"):
        RULE.apply(V(z(i - 1, K)), SETTING)


def test_a_wrong_step_makes_all_that_rests_on_it_fail():
    """The rule itself is content with a step that doubles: worlds refute the step and the closed form."""
    doubled = with_rhs(forward_step(), 2 * forward_step().result)
    rule = replace(RULE, step=doubled)
    proof = Proof(SETTING, V(z(i, K))).by(rule)
    planted = proof.done("planted", "planted")
    assert planted.result.has(2)
    assert failure(planted).counterexample is not None
    assert any("forward-step, step 6" in f for f in check(planted).failures)


def test_backwards_it_counts_down_from_the_output():
    base = Proof(Setting(BACKWARD, LAST), V(cost_gradient(s(d, K)))).by(DrawnGradient())
    with pytest.raises(InputError, match="depends on k"):
        Induction(base.done("base", "base"), backward_step()).closed_form()


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_what_every_layer_adds_is_summed_with_the_factors_that_it_has_passed(up):
    """Against the recursion unrolled by hand, and against another sum and another product."""
    a, c = Function("a"), Function("c")
    lhs, far = (V(z(i + 1, K)), V(z(i, K))) if up else (V(z(i, K)), V(z(i + 1, K)))
    rule = Induction(
        stated("base", V(z(0 if up else d, K)), SharedVariance(x), LAST),
        stated("step", lhs, a(i) * far + c(i), Facts((i, d - 1 - i))),
    )
    closed = rule.closed_form()
    value = SharedVariance(x)
    layers = range(4) if up else range(3, -1, -1)
    for layer in layers:
        assert (closed.subs({d: 4, i: layer if up else layer + 1}).doit() - value).expand() == 0
        value = a(layer) * value + c(layer)
    assert (closed.subs({d: 4, i: 4 if up else 0}).doit() - value).expand() == 0


def test_a_constant_that_every_layer_adds_is_counted():
    q, c = Symbol("q", positive=True), Symbol("c", positive=True)
    rule = Induction(stated("base", V(z(0, K)), q, LAST), stated("step", V(z(i + 1, K)), V(z(i, K)) + c, BEFORE_LAST))
    assert rule.closed_form() == q + i * c


def test_a_closed_form_is_unrolled_by_a_second_path():
    """A sum with one term too many, and one whose products begin too early, are refuted."""
    a, c = Symbol("a", positive=True), Symbol("c", positive=True)
    rule = Induction(
        stated("base", V(z(0, K)), Integer(1), LAST),
        stated("step", V(z(i + 1, K)), a * V(z(i, K)) + c, BEFORE_LAST),
    )
    proof = Proof(Setting((), HERE), V(z(i, K))).by(rule)
    step = proof.done("affine", "An affine recursion").steps[-1]
    assert rule.by_second_path(step).grade is Grade.EXACT
    j = Symbol("j'", integer=True)
    for wrong in (a**i + Sum(c * a ** (i - j), (j, 0, i - 1)), a**i + Sum(c * a ** (i - j - 1), (j, 0, i))):
        assert rule.by_second_path(replace(step, after=wrong)).grade is Grade.FAILED


@dataclass(frozen=True)
class Stated(Rule):
    """What somebody states, whatever it rests on."""

    rhs: Expr
    name = "stated"
    words = "So it is said."

    def rewrite(self, node, setting):
        return Rewrite(self.rhs) if isinstance(node, Variance) else None


def stated(name, lhs, rhs, facts):
    """A part of an induction that somebody states."""
    return Proof(Setting((), facts), lhs).by(Stated(rhs)).done(name, name)
