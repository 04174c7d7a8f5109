"""The three methods agree in distribution, planted errors do not, and the cheapest is chosen."""

import math

import numpy as np
import pytest
from scipy import stats
from sympy import Piecewise

from derive.activations import Activation, activation, s
from derive.errors import InputError
from numerics.activations import slopes
from numerics.activations_in_place import value_into
from numerics.network import Network
from numerics.simulation import forward, simulate
from numerics.simulation.batch import Recorder
from numerics.simulation.costs import METHODS, choose
from numerics.simulation.forward import ForwardPass, pivoted_factor
from numerics.simulation.methods import Forward, ManySamples
from numerics.simulation.norm_law import NormLaw

NETWORKS = 40_000
# A right method fails one comparison in 10^5; with 40 000 networks a difference of 0.03 between two distribution
# functions fails it with a probability above 0.99 (Kolmogorov's limit law: 0.03 sqrt(20 000) = 4.2 against 2.5).
RARE = 1e-5


def network(name="leaky-relu(0.5)", **changes):
    """Narrow, of unequal widths, with a bias: nothing is near its wide limit."""
    given = {"widths": [5, 4, 6, 3, 5], "gain": [1.0, 2.0, 1.5, 2.0], "bias_variance": [0.0, 0.3, 0.0, 0.0]}
    return Network(**(given | {"activation": name} | changes))


def averages(method, seed, networks=NETWORKS):
    """Each network's mean square of s^i, by layer, over as many groups as it takes."""
    rng, parts, left = np.random.default_rng(seed), [], networks
    while left:
        count = min(left, method.group)
        batch = method.batch(rng.spawn(1)[0], count)
        parts.append(batch.features[0, -4:])
        left -= count
    return np.concatenate(parts, axis=1)


def forward_method(given, name, fixed=None):
    return Forward(ForwardPass(given, method=name, samples=1, fixed=fixed), Recorder())


def smallest_p_value(one, two):
    return min(stats.ks_2samp(a, b).pvalue for a, b in zip(one, two, strict=True))


# --- one input: all three ---


@pytest.mark.parametrize("name", ["relu", "leaky-relu(0.5)", "leaky-relu(3)", "abs", "linear"])
def test_three_methods_agree_in_distribution(name):
    """Kolmogorov-Smirnov on each network's mean square, at every layer, with random inputs."""
    given = network(name)
    brute, conditional = (averages(forward_method(given, method), 1 + k) for k, method in enumerate(METHODS[:2]))
    norm = averages(NormLaw(given, Recorder()), 3)
    assert smallest_p_value(brute, conditional) > RARE
    assert smallest_p_value(brute, norm) > RARE


class Planted(NormLaw):
    """The norm law with something wrong."""

    def __init__(self, given, fault):
        super().__init__(given, Recorder())
        self._fault = fault
        if fault == "slope not squared":
            self._down = math.sqrt(self._down)

    def _layer(self, i, n, q, rng):
        if self._fault == "binomial probability 0.55":
            rng = Crooked(rng, 0.55)
        elif self._fault == "half the units, always":
            rng = Crooked(rng, None)
        elif self._fault == "one degree of freedom too few":
            n -= 1
        return super()._layer(i, n, q, rng)


class Crooked:
    """A generator whose coins are not fair, or not thrown at all."""

    def __init__(self, rng, probability):
        self._rng, self._probability = rng, probability

    def __getattr__(self, name):
        return getattr(self._rng, name)

    def binomial(self, n, p, size):
        if self._probability is None:
            return np.full(size, n // 2)
        return self._rng.binomial(n, self._probability, size)


@pytest.mark.parametrize(
    "fault",
    ["binomial probability 0.55", "half the units, always", "slope not squared", "one degree of freedom too few"],
)
def test_planted_errors_in_the_norm_law_are_caught(fault):
    """Also one that leaves the mean as it is: a fixed number of positive units."""
    given = network(widths=[5, 4, 6, 4, 5])
    right, wrong = averages(NormLaw(given, Recorder()), 4), averages(Planted(given, fault), 5)
    assert smallest_p_value(right, wrong) < RARE
    if fault == "half the units, always":
        spread = math.sqrt((right[-1].var() + wrong[-1].var()) / NETWORKS)
        assert abs(right[-1].mean() - wrong[-1].mean()) < 4 * spread


def test_recorded_neurons_have_the_right_joint_law():
    """A recorded neuron's share of its layer's norm, and the next layer's norm given it, are brute force's."""
    given = Network(widths=[4, 3, 3, 2], gain=2.0, activation="relu")

    def shares(method):
        found = simulate(
            given, rng=6, networks=NETWORKS, method=method, quantities=["var_s"], record_layers=[1], record_units=3
        )
        neurons = found.recorded[1][:, 0]
        neurons = neurons[neurons.any(axis=1)]  # where a layer is dead there is no share
        return neurons[:, 0] / np.linalg.norm(neurons, axis=1), neurons[:, 0] * neurons[:, 2], neurons[:, 1]

    brute, conditional, norm = map(shares, ("brute", "conditional", "norm-law"))
    for a, b, c in zip(brute, conditional, norm, strict=True):
        assert stats.ks_2samp(a, b).pvalue > RARE
        assert stats.ks_2samp(a, c).pvalue > RARE


def test_recording_leaves_the_layers_law_alone():
    """With neurons recorded in every layer, the mean squares have the same law as without."""
    given = network("relu")
    recording = NormLaw(given, Recorder(range(4), 2))
    assert smallest_p_value(averages(NormLaw(given, Recorder()), 7), averages(recording, 8)) > RARE


def test_one_fixed_input():
    """All three start from |x|² and not from Var[x]; the first layer is chi-square."""
    x = np.array([3.0, 0.0, 0.0, -4.0, 0.0])
    given = network("relu", bias_variance=0.0)
    methods = [forward_method(given, "brute", x), forward_method(given, "conditional", x)]
    found = [averages(method, k) for k, method in enumerate([*methods, NormLaw(given, Recorder(), x)])]
    for one in found:
        # s^0 is normal with variance Var[W^0] |x|² = 25/5.
        assert stats.kstest(one[0] * 4 / 5, stats.chi2(4).cdf).pvalue > RARE
    assert smallest_p_value(found[0], found[1]) > RARE
    assert smallest_p_value(found[0], found[2]) > RARE


def test_other_activations_and_conditional():
    """tanh, and an activation of a user's own with f(0) != 0, by brute force and conditionally: means included."""
    for f in ("tanh", Activation("step", Piecewise((2, s > 1), (1, True)))):
        given = network(f)
        one, two = (
            simulate(given, rng=9 + k, networks=NETWORKS, method=method, quantities=["var_z", "var_s"])
            for k, method in enumerate(METHODS[:2])
        )
        for name in ("var_z", "var_s"):
            spread = np.hypot(one.standard_error[name], two.standard_error[name])
            assert (np.abs(one.estimate[name] - two.estimate[name]) < 4.5 * spread).all()
        assert smallest_p_value(*(averages(forward_method(given, m), 11, 10_000) for m in METHODS[:2])) > RARE


# --- many samples: brute force and conditional ---


def statistics(given, method, samples, seed, networks=5_000):
    """m2 and v2 of every layer, and what tells samples apart: products and differences of single neurons."""
    recorder = Recorder([given.d], 1)
    run = ManySamples(ForwardPass(given, method=method, samples=samples), recorder)
    rng, features, recorded = np.random.default_rng(seed), [], []
    for _ in range(-(-networks // run.group)):
        batch = run.batch(rng.spawn(1)[0], run.group)
        features.append(batch.features.reshape(-1, run.group))
        recorded.append(batch.recorded[given.d][:, :, 0])
    y = np.concatenate(recorded)
    pairs = [y[:, 0], y[:, -1], y[:, 0] * y[:, 1], y[:, 0] * y[:, -1], y[:, 0] - y[:, -1], y[:, 1] - y[:, -1]]
    return [*np.concatenate(features, axis=1), *pairs]


@pytest.mark.parametrize("samples", [2, 4, 7])
def test_conditional_samples_are_brute_forces_samples(samples):
    """Fewer samples than units, and more: the joint law of several inputs' pre-activations in one network."""
    given = Network(widths=[5, 4, 6, 3], gain=2.0, bias_variance=[0.0, 0.4, 0.0], activation="relu")
    assert smallest_p_value(statistics(given, "brute", samples, 1), statistics(given, "conditional", samples, 2)) > RARE


def test_a_bias_drawn_for_each_sample_is_caught(monkeypatch):
    """A bias belongs to the unit: one for each sample gives the right variance and the wrong covariance."""
    given = Network(widths=[5, 4, 6, 3], gain=2.0, bias_variance=[0.0, 0.4, 0.0], activation="relu")
    draw = ForwardPass._draw

    def wrong(self, i, z, s, rng):
        bias, network = self.network.bias_variance[i], self.network
        self.network = Network(**(network.to_dict() | {"bias_variance": 0.0}))
        draw(self, i, z, s, rng)
        self.network = network
        s += math.sqrt(bias) * rng.standard_normal(s.shape)

    right = statistics(given, "brute", 4, 3)
    monkeypatch.setattr(ForwardPass, "_draw", wrong)
    assert smallest_p_value(right, statistics(given, "conditional", 4, 4)) < RARE


def fluctuations(method, z, seed=5, units=4000):
    """Variance over samples, averaged over many units, of one layer that z enters."""
    given = Network(widths=[z.shape[1], units], gain=1.0)
    passing = ForwardPass(given, method=method, samples=len(z))
    s = np.empty((1, len(z), units))
    (passing._multiply if method == "brute" else passing._draw)(0, z[None], s, np.random.default_rng(seed))
    return s[0], s[0].var(axis=0, ddof=1)


@pytest.mark.parametrize("size", [1.0, 1e-4, 1e-9])
def test_fluctuations_far_below_the_mean_are_not_polluted(size, monkeypatch):
    """Down to v²/m² = 1e-18 the variance over samples is right; a jitter of 1e-12 of the Gram matrix is caught."""
    rng = np.random.default_rng(4)
    z = 1 + rng.random(50) + size * rng.standard_normal((6, 50))
    expected = z.var(axis=0, ddof=1).mean()

    def score():
        _, variances = fluctuations("conditional", z)
        return abs(variances.mean() - expected) / (variances.std() / math.sqrt(len(variances)))

    assert score() < 4
    exact = pivoted_factor
    monkeypatch.setattr(forward, "pivoted_factor", lambda gram: exact(gram + 1e-12 * (z[0] @ z[0]) * np.eye(len(gram))))
    assert bool(score() > 20) is (size < 1e-6)


def test_equal_samples_stay_equal():
    """Rank one and rank zero: no noise between equal inputs, beyond rounding of the fluctuations."""
    z = np.repeat([[1.0, -2.0, 0.5], [1.0, -2.0, 0.5 + 1e-6]], 3, axis=0)
    found, _ = fluctuations("conditional", z)
    assert np.ptp(found[:3], axis=0).max() < 1e-13
    assert np.ptp(found, axis=0).max() > 1e-8
    found, variances = fluctuations("conditional", z[:3])
    assert variances.max() < 1e-25
    assert found.std() > 0.5


@pytest.mark.parametrize("rank", [0, 1, 3, 6])
def test_pivoted_factor(rank):
    """L Lᵀ is the Gram matrix, of any rank, and has no more columns than that."""
    half = np.random.default_rng(rank).standard_normal((6, rank))
    factor = pivoted_factor(half @ half.T)
    np.testing.assert_allclose(factor @ factor.T, half @ half.T, atol=1e-13)
    assert factor.shape[1] == max(rank, 1) or rank == 0


# --- the choice ---


def chosen(given, **changes):
    asked = {"over": "network", "quantities": ("var_s",), "dtype": "float64", "networks": 100, "samples": 1}
    return choose(None, given, **(asked | changes))


def test_the_cheapest_method_that_can_do_it_is_chosen():
    """By law, activation, quantities and the number of samples against the width."""
    wide = Network(widths=[1024] * 5, gain=2.0, activation="relu")
    many = {"over": "both", "quantities": ("m2", "v2")}
    assert chosen(wide) == "norm-law"
    assert chosen(Network(widths=[1024] * 5, gain=2.0, activation="tanh")) == "conditional"
    assert chosen(Network(widths=[1024] * 5, gain=2.0, activation="relu", weight_law="uniform")) == "brute"
    assert chosen(wide, quantities=("var_s", "var_grad_s")) == "brute"
    assert chosen(wide, quantities=("var_z",)) == "conditional"
    assert chosen(wide, dtype="float32") == "brute"
    assert chosen(wide, samples=10, **many) == "conditional"
    assert chosen(wide, samples=2000, **many) == "brute"
    assert chosen(Network(widths=[16] * 5, gain=2.0), samples=10, **many) == "brute"
    assert simulate(wide, inputs="fixed", networks=10, rng=1).method == "norm-law"


def test_slopes_are_read_off_the_expression():
    """(c₊, c₋) for two straight lines through zero, a user's too; None for anything else."""
    expected = {"relu": (1, 0), "leaky-relu(0.2)": (1, 0.2), "abs": (1, -1), "linear": (1, 1), "tanh": None}
    assert {name: slopes(activation(name)) for name in expected} == expected
    assert slopes(Activation("own", Piecewise((-2 * s, s > 0), (3 * s, True)))) == (-2, 3)
    assert slopes(Activation("shifted", Piecewise((s, s > 1), (0, True)))) is None


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "f",
    ["relu", "leaky-relu(0.2)", "leaky-relu(3)", "abs", "linear", "tanh", Piecewise((-2 * s, s > 0), (3 * s, True))],
)
def test_values_in_place(f, dtype):
    """Two slopes are a maximum or a minimum, and the rest is SymPy's own; both types of float."""
    f = activation(f) if isinstance(f, str) else Activation("own", f)
    at = np.linspace(-2, 2, 9, dtype=dtype)
    out = np.empty_like(at)
    value_into(f)(at, out)
    expected = [float(f.expression.subs(s, float(value))) for value in at]
    np.testing.assert_allclose(out, expected, rtol=1e-6 if dtype == "float32" else 1e-15)


def test_float32_agrees_with_float64():
    """Brute force, forward and backward, and many samples: the same law, in half the memory."""
    given = network("relu")
    for options in ({"networks": 4000}, {"over": "both", "networks": 400, "samples": 10}):
        one, two = (simulate(given, rng=k, dtype=dtype, **options) for k, dtype in enumerate(("float64", "float32")))
        assert (two.method, two.dtype) == ("brute", "float32")
        for name in one.estimate:
            spread = np.hypot(one.standard_error[name], two.standard_error[name])
            assert (np.abs(one.estimate[name] - two.estimate[name]) <= 4.5 * spread).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "norm"}, "unknown method 'norm'; did you mean norm-law?"),
        (
            {"method": "conditional", "quantities": ["var_grad_s"]},
            "method 'conditional' runs forward only, and cannot give var_grad_s",
        ),
        (
            {"method": "norm-law", "over": "sample"},
            "method 'norm-law' follows one input through many networks (over='network'), got over='sample'",
        ),
        (
            {"method": "norm-law", "quantities": ["var_z", "var_s"]},
            "method 'norm-law' gives var_s only, and cannot give var_z",
        ),
        (
            {"method": "conditional", "dtype": "float32"},
            "method 'conditional' computes in float64 only, got dtype 'float32'",
        ),
        ({"dtype": "float16"}, "unknown dtype 'float16'; did you mean float64 or float32?"),
        ({"quantities": ["var_x"]}, "unknown quantity 'var_x'; did you mean"),
        ({"quantities": []}, "quantities must name at least one quantity, got none"),
        (
            {"quantities": ["var_z"], "over": "both"},
            "quantities can be chosen with over='network' only, got over='both'",
        ),
        ({"inputs": "zero"}, "inputs must be 'random', 'fixed' or an array, got 'zero'"),
        ({"inputs": [1.0, 2.0]}, "inputs must be one input of 5 finite numbers, got an array of shape (2,)"),
        ({"inputs": "fixed", "over": "sample"}, "inputs can be fixed with over='network' only, got over='sample'"),
        ({"inputs": "fixed", "quantities": ["var_z"]}, "quantities must be var_s alone for a fixed input, got var_z"),
        (
            {"over": "sample", "networks": 5},
            "networks must be 1 with over='sample', got 5; over='both' takes many of both",
        ),
        ({"over": "layer", "samples": 5}, "samples must be 1 with over='layer', got 5; over='both' takes many of both"),
        ({"over": "sample", "samples": 3}, "samples must be an integer of at least 4, got 3"),
        ({"over": "both", "samples": 1}, "samples must be an integer of at least 2, got 1"),
        ({"record_layers": [0, 4]}, "record_layers must be layers from 0 to 3, got 4"),
        ({"record_layers": [0], "record_units": 0}, "record_units must be an integer of at least 1, got 0"),
    ],
)
def test_bad_input_gets_one_clear_line(arguments, message):
    """The error names the argument, the rule and the value."""
    with pytest.raises(InputError) as caught:
        simulate(network("relu"), **arguments)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight_law": "uniform"}, "method 'norm-law' needs normal weights, got uniform"),
        (
            {"activation": "tanh"},
            "method 'norm-law' needs an activation made of two straight lines through 0, got tanh",
        ),
    ],
)
def test_a_method_says_why_it_cannot(changes, message):
    """The reason, with what was given."""
    with pytest.raises(InputError) as caught:
        simulate(network(**changes) if "activation" not in changes else network("tanh"), method="norm-law")
    assert str(caught.value) == message
