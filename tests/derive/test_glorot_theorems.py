"""The theorems of Glorot & Bengio (2010), section 4.2.1: formulas typed again, and numbers without one.

The numbers come from moments carried layer by layer in plain Python: no product, no rule, no simulation.
"""

import os
import subprocess
import sys
from fractions import Fraction
from random import Random

import pytest
from planting import checked_theorem, derived
from sympy import Eq, Integer, Product, Rational, Sum, Symbol, sqrt

from derive.averages import Average, SharedVariance, Variance
from derive.layers import d, i
from derive.network import W, Width, b, cost_gradient, g, n, s, x, z
from derive.randomness import EVERYTHING
from derive.theorems import THEOREMS
from derive.theorems.product import X, Y

J, K, L, M = (Symbol(c, integer=True) for c in "jklm")
P = Symbol("i'", integer=True)
GLOROT = [
    "product-variance",
    "forward-variance",
    "backward-variance",
    "weight-gradient-variance",
    "glorot-condition",
    "layer-gradient-balance",
]


def V(quantity):
    return Variance(quantity, EVERYTHING)


def V_W(layer):
    return SharedVariance(W, layer)


FORWARD = Product(n(P) * V_W(P), (P, 0, i - 1))
BACKWARD = Product(n(P + 1) * V_W(P), (P, i + 1, d))


def test_the_theorems_are_there():
    assert THEOREMS.names()[:6] == GLOROT


def test_product_variance():
    """Var(XY) = Var(X)Var(Y) + E(X)^2 Var(Y) + E(Y)^2 Var(X), as the first question quotes it."""
    statement = derived("product-variance").statement
    over = statement.lhs.over
    vx, vy, ex, ey = Variance(X(), over), Variance(Y(), over), Average(X(), over), Average(Y(), over)
    assert statement.lhs == Variance(X() * Y(), over)
    assert statement.rhs == vx * vy + ex**2 * vy + ey**2 * vx


def test_forward_variance_is_equation_5():
    statement = derived("forward-variance").statement
    assert statement.lhs == V(z(i, K))
    assert statement.rhs == SharedVariance(x) * FORWARD


def test_one_layer_for_any_activation_function_with_biases():
    (part,) = derived("forward-variance").parts
    assert part.statement.lhs == V(s(i, K))
    assert part.result == n(i) * V_W(i) * Average(z(i, L) ** 2, EVERYTHING) + SharedVariance(b, i)
    assert "linear-regime" not in {h.key for h in part.assumptions}


def test_backward_variance_is_equation_6_with_the_range_from_i_plus_1():
    """The paper prints the product from i; the weights that the gradient passes through are those from i + 1 on."""
    statement = derived("backward-variance").statement
    assert statement.lhs == V(cost_gradient(s(i, K)))
    assert statement.rhs == SharedVariance(g) * BACKWARD


def test_weight_gradient_variance_is_equation_7_with_the_same_correction():
    statement = derived("weight-gradient-variance").statement
    assert statement.lhs == V(cost_gradient(W(i, L, K)))
    assert statement.rhs == SharedVariance(x) * FORWARD * SharedVariance(g) * BACKWARD


def test_at_the_last_layer_equation_6_is_an_identity():
    """At i = d the product is empty: Var[dCost/ds^d] is what it is."""
    rhs = derived("backward-variance").result
    assert rhs.subs(i, d).doit() == SharedVariance(g)
    assert derived("forward-variance").result.subs(i, 0).doit() == SharedVariance(x)


def test_glorot_condition():
    """Equations 10, 11, 12 and 16."""
    derivation = derived("glorot-condition")
    assert derivation.statement.lhs == V_W(i)
    assert derivation.result == 2 / (n(i) + n(i + 1))
    forward, backward, both, bound = derivation.parts
    assert forward.statement.lhs == Eq(V(z(i + 1, K)), V(z(i, J)))
    assert forward.result == Eq(n(i) * V_W(i), 1)
    assert backward.statement.lhs == Eq(V(cost_gradient(s(i, K))), V(cost_gradient(s(i + 1, J))))
    assert backward.result == Eq(n(i + 2) * V_W(i + 1), 1)
    assert {p.statement.relation for p in (forward, backward, both)} == {"<=>"}
    assert both.result.has(Eq(n(i), n(i + 1)))
    assert bound.result - sqrt(6) / sqrt(n(i) + n(i + 1)) == 0


def test_the_uniform_bound_gives_the_compromise_variance():
    """U(-a, a) has variance a^2/3; with a = sqrt(6/(n_i + n_{i+1})) that is 2/(n_i + n_{i+1})."""
    bound = derived("glorot-condition").parts[3].result
    assert bound**2 / 3 == derived("glorot-condition").result
    assert bound.subs({n(i): 300, n(i + 1): 300}) == Rational(1, 10)


def test_layer_gradient_balance():
    derivation = derived("layer-gradient-balance")
    assert derivation.statement.lhs == V(cost_gradient(W(i, L, K))) / V(cost_gradient(W(i + 1, J, M)))
    assert derivation.result == n(i + 2) * V_W(i + 1) / (n(i) * V_W(i))
    (exactly_when,) = derivation.parts
    assert exactly_when.result == Eq(n(i + 2) * V_W(i + 1), n(i) * V_W(i))


@pytest.mark.parametrize("name", GLOROT)
def test_every_assumption_has_words_and_a_number(name):
    keys = [h.key for h in derived(name).assumptions]
    assert len(set(keys)) == len(keys) > 0
    assert all(h.text.render(str).endswith(".") for h in derived(name).assumptions)


def test_what_each_theorem_assumes():
    """The biases matter forward and not backward; the output gradient backward and not forward."""
    forward = {h.key for h in derived("forward-variance").rests_on}
    backward = {h.key for h in derived("backward-variance").rests_on}
    weights = {"finite-moments", "weights-independent", "weights-zero-mean", "weights-shared-variance"}
    assert forward == {"linear-regime", *weights, "biases-zero", "inputs-zero-mean", "inputs-shared-variance"}
    assert backward == {
        "linear-regime",
        *weights,
        "output-gradient-independent",
        "output-gradient-zero-mean",
        "output-gradient-shared-variance",
    }
    assert {h.key for h in derived("weight-gradient-variance").rests_on} == forward | backward
    assert [h.key for h in derived("backward-variance").assumptions if not h.exact] == [
        "linear-regime",
        "output-gradient-independent",
    ]


# A network of unequal widths and variances, and its moments layer by layer.


def network(seed, depth, homogeneous=False):
    random = Random(seed)
    widths = [random.randint(2, 9) for _ in range(depth + 2)]
    variances = [Fraction(random.randint(1, 9), random.randint(1, 9)) for _ in range(depth + 1)]
    if homogeneous:
        widths, variances = [widths[0]] * (depth + 2), [variances[0]] * (depth + 1)
    return widths, variances, Fraction(random.randint(1, 9), 7), Fraction(random.randint(1, 9), 5)


def moments(widths, variances, var_x, var_g):
    """Variances of each unit, carried forward and backward: Var[sum_l W_lk z_l] = Var[W] sum_l Var[z_l]."""
    depth = len(variances) - 1
    var_z = [[var_x] * widths[0]]
    for layer in range(depth + 1):
        var_z.append([variances[layer] * sum(var_z[layer])] * widths[layer + 1])
    var_ds = {depth: [var_g] * widths[depth + 1]}
    for layer in reversed(range(depth)):
        var_ds[layer] = [variances[layer + 1] * sum(var_ds[layer + 1])] * widths[layer + 1]
    return [v[0] for v in var_z], [var_ds[layer][0] for layer in range(depth + 1)]


def evaluate(expression, layer, widths, variances, var_x, var_g):
    """The value of a right-hand side, by substituting numbers."""
    depth = len(variances) - 1
    number = {SharedVariance(x): var_x, SharedVariance(g): var_g}
    e = expression.subs({i: layer, d: depth}).doit()
    e = e.replace(Width, lambda m: Integer(widths[int(m)]))
    for shared in e.atoms(SharedVariance):
        value = number[shared] if shared in number else variances[int(shared.layer[0])]
        e = e.xreplace({shared: Rational(value.numerator, value.denominator)})
    return Fraction(int(e.p), int(e.q))


@pytest.mark.parametrize(("seed", "depth", "homogeneous"), [(1, 4, False), (2, 3, False), (3, 0, False), (4, 4, True)])
def test_numbers_agree_with_moments_carried_layer_by_layer(seed, depth, homogeneous):
    data = network(seed, depth, homogeneous)
    var_z, var_ds = moments(*data)
    for layer in range(depth + 1):
        assert evaluate(derived("forward-variance").result, layer, *data) == var_z[layer]
        assert evaluate(derived("backward-variance").result, layer, *data) == var_ds[layer]
        assert evaluate(derived("weight-gradient-variance").result, layer, *data) == var_z[layer] * var_ds[layer]
    for layer in range(depth):
        here, there = (var_z[m] * var_ds[m] for m in (layer, layer + 1))
        assert evaluate(derived("layer-gradient-balance").result, layer, *data) == here / there


def test_the_homogeneous_network_has_powers():
    """With equal widths n and variances v: (n v)^i forward, (n v)^(d - i) backward, (n v)^d for the weights."""
    widths, variances, var_x, var_g = data = network(5, 4, homogeneous=True)
    factor = widths[0] * variances[0]
    for layer in range(5):
        assert evaluate(derived("forward-variance").result, layer, *data) == var_x * factor**layer
        assert evaluate(derived("backward-variance").result, layer, *data) == var_g * factor ** (4 - layer)
        assert evaluate(derived("weight-gradient-variance").result, layer, *data) == var_x * var_g * factor**4


def test_an_off_by_one_in_a_range_would_show_in_the_numbers():
    """The printed equation 6, from i, is another number in the same network: the comparison above can fail."""
    data = network(1, 4)
    printed = SharedVariance(g) * Product(n(P + 1) * V_W(P), (P, i, d))
    assert evaluate(printed, 2, *data) != moments(*data)[1][2]


@pytest.fixture(scope="module")
def checked():
    return [checked_theorem(name) for name in GLOROT]


def test_all_six_pass_their_check_and_are_exact(checked):
    assert [r.derivation.name for r in checked] == GLOROT
    assert [(r.failures, str(r.grade)) for r in checked] == [((), "exact")] * 6


def test_every_step_is_seen_by_something_besides_its_rule(checked):
    """A tiny world, a residual, or the lemma found by a second way."""
    unseen, seen = [], 0

    def walk(derivation):
        nonlocal seen
        for step in derivation.steps:
            evidence = step.verdict.evidence
            seen += 1
            if "tiny worlds (" not in evidence and "reduced to 0" not in evidence:
                unseen.append((derivation.name, step.id))
            for lemma in step.lemmas:
                walk(lemma)
        for part in derivation.parts:
            walk(part)

    for result in checked:
        walk(result.derivation)
    assert unseen == []
    assert seen > 80


def test_a_sum_is_not_left_in_a_result():
    assert not any(derived(name).result.atoms(Sum) for name in GLOROT)


def test_derivations_and_counterexamples_are_the_same_in_every_process():
    """Nothing hangs on the order of a set: the steps and the counterexamples do not change with the hash seed."""
    program = (
        "import derive\n"
        "for name in derive.theorems()[:6]:\n"
        "    for step in derive.theorem(name).steps:\n"
        "        print(step.after, sorted(step.uses))\n"
        "print(derive.claim('question-1-chain-rule').audit().counterexample.to_dict())\n"
        "print(derive.claim('glorot-2010-eq-7').audit().counterexample.to_dict())\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert b"W[0, 1, 1]" in runs.pop()
