"""Curves of wide layers for any activation: against quadrature written here, and against simulation."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy import special
from sympy import Integer, Sum

import numerics.curves.plans as plans
from derive.averages import Average, SharedVariance
from derive.blocks import Dense, Elementwise
from derive.blocks.lemmas import UNIT_INDEX, incoming
from derive.errors import InputError
from derive.network import BIAS_VARIANCE, GAIN, n
from derive.rules.wide import Q
from derive.theorems.wide_networks import length_map
from numerics.criticality import critical
from numerics.curves import COLUMNS, SAMPLE_COLUMNS, predict
from numerics.curves.expectations import Step
from numerics.network import Network
from numerics.simulation import simulate
from numerics.verification import verify

NODES, WEIGHTS = hermegauss(120)
WEIGHTS = WEIGHTS / WEIGHTS.sum()

SMOOTH = {
    "tanh": (np.tanh, lambda s: 1 / np.cosh(s) ** 2),
    "erf": (special.erf, lambda s: 2 / np.sqrt(np.pi) * np.exp(-(s**2))),
    "sin": (np.sin, np.cos),
    "gelu": (lambda s: s * special.ndtr(s), lambda s: special.ndtr(s) + s * np.exp(-s * s / 2) / np.sqrt(2 * np.pi)),
    "silu": (lambda s: s * special.expit(s), lambda s: special.expit(s) * (1 + s * special.expit(-s))),
    "x*Phi(1.702*x)": (
        lambda s: s * special.ndtr(1.702 * s),
        lambda s: special.ndtr(1.702 * s) + 1.702 * s * np.exp(-((1.702 * s) ** 2) / 2) / np.sqrt(2 * np.pi),
    ),
}


def recursion(f, slope, network):
    """All columns by Gauss-Hermite sums: Poole et al. 2016 forward, Schoenholz et al. 2017 backward, K nested."""
    n, W, b, d = network.widths, network.weight_variance, network.bias_variance, network.d
    q, m2, v2 = [n[0] * W[0] * network.input_variance + b[0]], [b[0]], [n[0] * W[0] * network.input_variance]
    var_z, second, slopes = [network.input_variance], [network.input_variance], []
    for i in range(1, d + 1):
        at = np.sqrt(q[-1]) * NODES
        second.append(WEIGHTS @ f(at) ** 2)
        var_z.append(second[-1] - (WEIGHTS @ f(at)) ** 2)
        slopes.append(WEIGHTS @ slope(at) ** 2)
        q.append(n[i] * W[i] * second[-1] + b[i])
        inner = f(np.sqrt(m2[-1]) * NODES[:, None] + np.sqrt(v2[-1]) * NODES)
        mean = inner @ WEIGHTS
        spread = (inner - mean[:, None]) ** 2 @ WEIGHTS
        m2.append(n[i] * W[i] * (WEIGHTS @ mean**2) + b[i])
        v2.append(n[i] * W[i] * (WEIGHTS @ spread))
    gradient = [network.gradient_variance]
    for i in range(d, 0, -1):
        gradient.insert(0, n[i + 1] * W[i] * slopes[i - 1] * gradient[0])
    weight = np.multiply(second, gradient)
    rho = np.divide(m2, np.add(m2, v2))
    return dict(
        zip(("var_z", "var_s", *SAMPLE_COLUMNS, *COLUMNS[2:]), (var_z, q, m2, v2, rho, gradient, weight), strict=True)
    )


@pytest.mark.parametrize("activation", SMOOTH)
def test_all_columns_agree_with_plain_quadrature(activation):
    """Unequal widths, gains and biases, so that a wrong index shows."""
    network = Network(
        widths=[40, 30, 50, 20, 60],
        gain=[1.1, 0.7, 1.3, 0.9],
        bias_variance=[0.1, 0.3, 0.2, 0.05],
        input_variance=0.6,
        gradient_variance=2.0,
        activation=activation,
    )
    prediction, expected = predict(network), recursion(*SMOOTH[activation], network)
    assert list(prediction.columns) == list(expected)
    for column, values in expected.items():
        assert prediction.columns[column] == pytest.approx(np.asarray(values), rel=1e-9), column
        assert prediction.expectation_error[column] == max(prediction.relative_error[column].tolist())
    assert not any(prediction.exact.values())
    assert all(0 < error < 1e-12 for error in prediction.expectation_error.values())


def test_relu_agrees_with_its_closed_forms():
    """Var[z] = q (1/2 - 1/(2 pi)), E[f^2] = q/2, E[f'^2] = 1/2: He et al. 2015 and the half-normal law."""
    network = Network(widths=[50, 40, 30, 20], gain=[2.0, 1.5, 1.0], bias_variance=0.1, activation="relu")
    columns = predict(network).columns
    q = [2.1]
    for gain in (1.5, 1.0):
        q.append(gain * q[-1] / 2 + 0.1)
    assert columns["var_s"] == pytest.approx(q, rel=1e-14)
    assert columns["var_z"][1:] == pytest.approx(np.multiply(q[:-1], 0.5 - 0.5 / np.pi), rel=1e-13)
    first = 20 * (1 / 30) * 0.5
    second = first * 30 * (1.5 / 40) * 0.5
    assert columns["var_grad_s"] == pytest.approx([second, first, 1.0], rel=1e-14)
    assert columns["var_grad_w"] == pytest.approx([second, first * q[0] / 2, q[1] / 2], rel=1e-13)


@pytest.mark.parametrize(
    "activation", ["tanh", "erf", "softsign", "sign", "x*exp(-abs(x))", "where(x>0, sqrt(x), -sqrt(-x))"]
)
def test_an_odd_activation_without_biases_has_no_mean_over_samples(activation):
    """E[f] = 0 by symmetry: m2 and rho are 0 exactly at every layer, and a bias brings them back."""
    columns = predict(Network(widths=[64] * 6, gain=1.3, activation=activation)).columns
    assert columns["m2"].tolist() == columns["rho"].tolist() == [0.0] * 5
    assert (columns["v2"] > 0).all()
    biased = predict(Network(widths=[64] * 6, gain=1.3, bias_variance=[0, 0, 0.1, 0, 0], activation=activation)).columns
    assert biased["m2"][:3] == pytest.approx([0, 0, 0.1], rel=1e-14, abs=0)
    assert (biased["rho"][2:] > 0.001).all()


def test_a_mean_that_is_not_zero_by_symmetry_stays():
    """At rho = 0 what is shared is E[f]^2: 1/4 for a step, exp(-1) for a cosine at q = 1, q/(2 pi) for ReLU's kin."""
    for activation, expected in (
        ("step", 0.25),
        ("cos", np.exp(-1)),
        ("softplus", (WEIGHTS @ np.logaddexp(0, NODES)) ** 2),
    ):
        columns = predict(Network(widths=[64] * 3, gain=1.0, activation=activation)).columns
        assert columns["m2"].tolist() == pytest.approx([0, expected], rel=1e-12, abs=0), activation


def test_linear_units_in_the_wide_theory():
    """The exact columns of the linear theory come out again, and m2 + v2 is the variance."""
    network = Network(widths=[8, 14, 5, 18], gain=[1.2, 0.8, 1.1], bias_variance=0.3)
    wide_columns, linear = predict(network, theory="wide").columns, predict(network).columns
    for name in COLUMNS:
        assert wide_columns[name] == pytest.approx(linear[name], rel=1e-13)
    assert wide_columns["m2"] + wide_columns["v2"] == pytest.approx(linear["var_s"], rel=1e-13)
    assert wide_columns["v2"] == pytest.approx(np.cumprod([1.2, 0.8, 1.1]), rel=1e-13)


def test_a_step_has_no_gradient_and_jumps_in_no_other_column():
    """Back-propagation sees the slope between the jumps: zero. E[step^2] = 1/2 and Var[step] = 1/4."""
    columns = predict(Network(widths=[30] * 4, gain=1.0, activation="step")).columns
    assert columns["var_grad_s"].tolist() == [0.0, 0.0, 1.0]
    assert columns["var_s"][1:] == pytest.approx([0.5, 0.5], rel=1e-13)
    assert columns["var_z"][1:] == pytest.approx([0.25, 0.25], rel=1e-12)


def test_the_curve_is_evaluated_from_the_lemmas(monkeypatch):
    """A lemma that has lost its bias, or doubled what two samples have in common, gives another curve."""
    network = Network(widths=[30] * 4, gain=1.5, bias_variance=0.2, activation="tanh")
    right, of = predict(network).columns, plans._lemmas

    def wrong(block, axes):
        lemmas, after = of(block, axes)
        return {name: changed(name, lemma) if block.word == "dense" else lemma for name, lemma in lemmas.items()}, after

    def changed(name, lemma):
        result = lemma.derivation.result
        biases = {v: Integer(0) for v in result.atoms(SharedVariance) if v.family.name == "b"}
        new = {"square": result.xreplace(biases), "product": 2 * result}.get(name, result)
        statement = replace(lemma.derivation.statement, rhs=new)
        return replace(lemma, derivation=replace(lemma.derivation, statement=statement))

    monkeypatch.setattr(plans, "_lemmas", wrong)
    found = predict(network).columns
    assert found["var_s"][0] == pytest.approx(right["var_s"][0] - 0.2)
    assert found["m2"][0] == pytest.approx(2 * right["m2"][0])


def test_the_lemmas_of_one_layer_are_the_theorems():
    """E[s^2] of a dense layer behind f, put together, is `length-map`: sigma_w^2 E[f(u)^2] + sigma_b^2."""
    dense, units = Dense(n(1), bias_variance=None).lemmas(incoming(0)), Elementwise().lemmas(incoming(0))
    outer, inner = (lemmas["square"].derivation.result for lemmas in (dense, units))
    (mean,), (law,) = outer.atoms(Average), inner.atoms(Average)
    (count,) = outer.atoms(Sum)
    whole = outer.xreplace({count: n(0) * inner.xreplace({law: Q})})
    weight, bias = sorted(whole.atoms(SharedVariance), key=lambda v: v.family.name)
    assert (weight.family.name, bias.family.name) == ("W", "b")
    assert whole.xreplace({weight: GAIN / n(0), bias: BIAS_VARIANCE}) == length_map().result
    assert mean.inside[0] == law.inside[0].subs(UNIT_INDEX, count.limits[0][0])


def test_a_result_that_depends_on_more_is_refused():
    """Nothing is silently left out of a formula."""
    with pytest.raises(ValueError, match="sigma_w2"):
        Step(length_map(), (BIAS_VARIANCE,))


@pytest.mark.parametrize("activation", ["tanh", "gelu", "relu", "cos"])
def test_weights_of_variance_zero(activation):
    """A layer without weights passes its bias on, or nothing; f(0) is what comes of nothing."""
    for bias in (0.0, 0.3):
        network = Network(widths=[20] * 4, weight_variance=[0.05, 0.0, 0.05], bias_variance=bias, activation=activation)
        prediction = predict(network)
        columns = prediction.columns
        assert max(prediction.expectation_error.values()) < 1e-12
        assert columns["var_s"][1] == pytest.approx(bias, abs=1e-300)
        assert columns["v2"][1:].tolist() == [0.0, 0.0]
        assert columns["var_grad_s"][0] == 0.0
        assert all(np.isfinite(values).all() for name, values in columns.items() if name != "rho")


def test_overflow_is_infinite_and_not_wrong():
    """exp takes three layers to leave float64; what is infinite or has no value is not a number that looks right."""
    columns = predict(Network(widths=[20] * 7, gain=1.5, activation="exp")).columns
    assert columns["var_s"][:2] == pytest.approx([1.5, 1.5 * np.exp(3.0)], rel=1e-12)
    assert columns["var_s"][-1] == np.inf
    assert not np.isfinite(columns["v2"][-1])


def test_deep_networks_settle():
    """A hundred layers of tanh end at the fixed point that `critical` finds, in about the time of a few."""
    edge = critical("tanh", bias_variance=0.05)
    network = Network(widths=[10] * 102, gain=0.4 * edge.sigma_w2, bias_variance=0.05, activation="tanh")
    columns = predict(network).columns
    assert columns["rho"][-1] == pytest.approx(1, rel=1e-12)
    assert columns["var_s"][-1] == pytest.approx(columns["m2"][-1], rel=1e-12)
    q = columns["var_s"][-1]
    assert q == pytest.approx(0.4 * edge.sigma_w2 * (WEIGHTS @ np.tanh(np.sqrt(q) * NODES) ** 2) + 0.05, rel=1e-11)


def test_what_is_no_network_is_refused():
    with pytest.raises(InputError, match="network must be a Network, got 3"):
        predict(3)


def test_an_activation_with_a_free_parameter_is_refused():
    from sympy import Symbol, tanh

    from derive.activations import Activation
    from derive.activations import s as symbol

    with pytest.raises(InputError, match="free"):
        predict(Network(widths=[3, 4, 5], gain=1.0, activation=Activation("beta", tanh(Symbol("beta") * symbol))))


# ---- against simulation

BIAS = 0.05
PHASES = {"below": 0.7, "at": 1.0, "above": 1.5}


def network_at(activation, phase, width):
    """A network below, at or above the edge of chaos; where no bias variance has one, at the critical point."""
    edge = critical(activation, bias_variance=BIAS)
    edge = edge if edge.sigma_w2 is not None else critical(activation)
    gain = PHASES[phase] * edge.sigma_w2
    return Network(widths=[width] * 6, gain=gain, bias_variance=edge.sigma_b2, activation=activation)


EIGHT = ("relu", "leaky-relu(0.2)", "tanh", "erf", "gelu", "silu", "selu", "sin")
# Each activation in one phase over networks and in another over both: that all columns are right in every phase is
# shown by quadrature.
ONCE = [(activation, tuple(PHASES)[number % 3]) for number, activation in enumerate(EIGHT)]
AGAIN = [(activation, tuple(PHASES)[(number + 1) % 3]) for number, activation in enumerate(EIGHT)]


@pytest.mark.parametrize(("activation", "phase"), ONCE)
def test_over_networks_forward_and_backward(activation, phase):
    """200 networks of width 256 with real weight matrices; an error of 20 % in any row would have been seen."""
    network = network_at(activation, phase, 256)
    found = verify(predict(network), simulate(network, rng=[7, 1], networks=200))
    assert {row.quantity for row in found.comparisons} == set(COLUMNS)
    assert found.agrees, found.text()
    assert max(row.detectable for row in found.comparisons) < 0.2


@pytest.mark.parametrize(("activation", "phase"), AGAIN)
def test_over_samples_and_networks(activation, phase):
    """150 networks of width 2048 with 16 inputs each; the bias of this width, about 2/2048 a layer, stays unseen."""
    network = network_at(activation, phase, 2048)
    found = verify(predict(network), simulate(network, rng=[7, 2], over="both", networks=150, samples=16))
    assert {row.quantity for row in found.comparisons} == {*SAMPLE_COLUMNS, "var_s"}
    assert found.agrees, found.text()
    assert max(row.detectable for row in found.comparisons if row.predicted > 0) < 0.25


@pytest.mark.parametrize("over", ["network", "both"])
def test_another_activation_or_gain_is_told_apart(over):
    """The same run against the curve of silu in place of gelu, and of weights with 10 % more variance."""
    network = network_at("gelu", "at", 256)
    options = {"samples": 16} if over == "both" else {}
    simulation = simulate(network, rng=[7, 3], over=over, networks=200, **options)
    for wrong in (replaced(network, activation="silu"), replaced(network, gain=1.1 * network.gain[0])):
        prediction = replace(predict(wrong), network=network)
        assert verify(prediction, simulation).verdict == "differs"


def replaced(network, *, activation="gelu", gain=None):
    gain = network.gain[0] if gain is None else gain
    return Network(widths=network.widths, gain=gain, bias_variance=network.bias_variance[0], activation=activation)


@pytest.mark.parametrize("over", ["sample", "layer"])
@pytest.mark.parametrize("activation", ["gelu", "sin"])
def test_one_network(activation, over):
    """Over the samples of one network, and over the units of its layers, with the error that one network has."""
    network = network_at(activation, "at", 512)
    found = verify(predict(network), simulate(network, rng=[7, 4], over=over))
    assert found.verdict != "differs", found.text()


# ---- leaky ReLU, exactly


def test_narrow_networks_agree_and_would_show_an_error():
    """20 000 networks of width 5, forward and backward: all exact columns agree; 17 % off would have been seen."""
    network = Network(widths=[6, 5, 4, 5], gain=1.5, activation="leaky-relu(0.3)", bias_variance=0.2)
    prediction = predict(network)
    assert [name for name, exact in prediction.exact.items() if exact] == ["var_s", "var_grad_s", "var_grad_w"]
    simulation = simulate(network, rng=3, networks=20_000, quantities=("var_s", "var_grad_s", "var_grad_w"))
    found = verify(prediction, simulation)
    assert found.agrees, found.text()
    assert max(row.detectable for row in found.comparisons) < 0.17


def test_a_network_without_biases_may_have_dead_layers():
    """Then the column does not claim to be exact: one unit of ReLU is dead half of the time."""
    assert not predict(Network(widths=[4, 4, 4], gain=2.0, activation="relu")).exact["var_grad_s"]
    assert predict(Network(widths=[4, 4, 4], gain=2.0, activation="relu", bias_variance=0.1)).exact["var_grad_s"]
    assert predict(Network(widths=[4, 4], gain=2.0, activation="relu")).exact["var_grad_s"]
    narrow = Network(widths=[1] * 4, gain=2.0, activation="relu")
    found = verify(predict(narrow), simulate(narrow, rng=4, networks=20_000, quantities=("var_grad_s",)))
    ratios = [row.estimate / row.predicted for row in found.comparisons]
    # After a dead unit the pre-activation is 0 and has slope 0: a slope that should be 1 half of the time is so in one
    # network of four.
    assert ratios == pytest.approx([1, 0.5, 1], abs=0.06)
