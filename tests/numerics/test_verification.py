"""Verification: what it accepts, what it rejects, how often, and what it says."""

import json
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats
from wide_limit import WideLimit, wide_limit

from derive.errors import InputError
from numerics.curves import predict
from numerics.network import Network
from numerics.simulation import simulate
from numerics.verification import verify

ISSUE = (8, 14, 5, 18, 11, 6)


@dataclass(frozen=True)
class Prediction:
    """A prediction typed in by the test: the linear network's products, in plain Python."""

    network: Network
    columns: dict
    exact: dict

    def altered(self, name, layer, factor):
        values = np.array(self.columns[name], dtype=float)
        values[layer] *= factor
        return Prediction(self.network, self.columns | {name: values}, self.exact)


def linear_prediction(network):
    n, v = network.widths, network.weight_variance
    z = [network.input_variance * math.prod(n[j] * v[j] for j in range(i)) for i in range(network.d + 2)]
    grad = [
        network.gradient_variance * math.prod(n[j + 1] * v[j] for j in range(i + 1, network.d + 1))
        for i in range(network.d + 1)
    ]
    weight = [a * b for a, b in zip(z, grad, strict=False)]
    columns = {"var_z": z[:-1], "var_s": z[1:], "var_grad_s": grad, "var_grad_w": weight}
    return Prediction(network, columns, dict.fromkeys(columns, network.activation.is_linear))


def test_right_prediction_agrees():
    """All twenty rows, at the Bonferroni quantile of Student's t."""
    network = Network(widths=ISSUE, gain=1.0)
    found = verify(linear_prediction(network), simulate(network, rng=1, networks=2000))
    assert found.agrees
    assert found.verdict == "agrees"
    assert found.threshold == pytest.approx(stats.t.isf(0.01 / 20 / 2, 1999), rel=1e-10)
    assert all(row.exact for row in found.comparisons)
    for row in found.comparisons:
        relative_error = row.standard_error / row.estimate
        assert row.z == pytest.approx((row.estimate / row.predicted - 1) / relative_error, rel=1e-9)


@pytest.fixture(scope="module")
def long_run():
    return simulate(Network(widths=[64, 48, 64], gain=1.0), rng=2, networks=8000)


@pytest.mark.parametrize("name", ["var_z", "var_s", "var_grad_s", "var_grad_w"])
@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_three_per_cent_in_one_row_is_caught_when_the_table_says_so(long_run, name, factor):
    """The planted row differs, the others agree, and detectable had said that 3 % would be seen."""
    found = verify(linear_prediction(long_run.network).altered(name, 1, factor), long_run)
    (off,) = [row for row in found.comparisons if row.verdict == "differs"]
    assert (off.quantity, off.layer) == (name, 1)
    assert off.detectable < 0.03
    assert off.relative_difference == pytest.approx(1 / factor - 1, abs=0.01)
    assert not found.agrees


def test_what_a_prediction_states_to_be_off_by_counts():
    """An estimate differs where it is further away than the stated error, and what can be caught is the larger for it.

    A number of which nothing is known says nothing.
    """
    network = Network(widths=[64, 32, 32], gain=1.0)
    run = simulate(network, rng=6, networks=20_000)
    right = linear_prediction(network)

    def found(factor, stated):
        wrong = right.altered("var_s", 1, factor)
        object.__setattr__(wrong, "relative_error", {"var_s": np.array([0.0, stated])})
        return next(row for row in verify(wrong, run).comparisons if (row.quantity, row.layer) == ("var_s", 1))

    assert found(1.1, 0.0).verdict == "differs"
    assert found(1.1, 0.05).verdict == "differs"
    assert found(1.1, 0.11).verdict == "agrees"
    assert abs(found(1.1, 0.05).z) < abs(found(1.1, 0.0).z)
    assert found(1.1, 0.11).detectable == pytest.approx(0.11 + found(1.1, 0.0).detectable)
    assert found(1.0, np.inf).verdict == "inconclusive"


def test_detectable_is_caught_with_99_per_cent_power():
    """Over 400 seeds: an error of `detectable` is nearly always caught, half of it mostly is not."""
    network = Network(widths=[16, 3], gain=1.0)
    right, rng = linear_prediction(network), np.random.default_rng(3)
    caught = {1.0: 0, 0.5: 0}
    runs = [simulate(network, rng=rng, networks=200) for _ in range(400)]
    detectable = np.mean([verify(right, run).comparisons[0].detectable for run in runs])
    for part in caught:
        wrong = right.altered("var_z", 0, 1 / (1 + part * detectable))
        caught[part] = sum(verify(wrong, run).comparisons[0].verdict == "differs" for run in runs)
    assert caught[1.0] >= 0.97 * 400
    assert caught[0.5] < 0.5 * 400


def test_false_alarms_are_as_rare_as_alpha_says():
    """1000 right predictions at alpha = 0.02, 50 networks each, where the usual score rings too often."""
    network, rng = Network(widths=ISSUE, gain=1.0), np.random.default_rng(4)
    right = linear_prediction(network)
    alarms = plain = 0
    for _ in range(1000):
        run = simulate(network, rng=rng, networks=50)
        found = verify(right, run, alpha=0.02)
        alarms += found.verdict == "differs"
        plain += any(
            (np.abs(run.estimate[name] - right.columns[name]) > found.threshold * run.standard_error[name]).any()
            for name in right.columns
        )
    # 0.02 and three binomial standard errors.
    assert alarms <= 1000 * 0.02 + 3 * math.sqrt(1000 * 0.02 * 0.98)
    assert plain > 3 * alarms


@pytest.mark.parametrize(
    ("network", "samples", "conclusive"),
    [
        (Network(widths=[4] * 21, gain=1.0), None, False),
        (Network(widths=[10] * 11, gain=1.0), None, False),
        (Network(widths=[4] * 21, gain=2.0, bias_variance=0.1, activation="relu"), None, False),
        (Network(widths=[4] * 21, gain=2.0, bias_variance=0.1, activation="relu"), 4, False),
        (Network(widths=[16] * 5, gain=1.0), None, True),
    ],
)
def test_narrow_deep_networks_raise_no_false_alarm(network, samples, conclusive):
    """At 300 networks and 150 seeds: a mean that rests on networks that the run has not met is called inconclusive."""
    run = {"networks": 300, **({"over": "both", "samples": samples} if samples else {})}
    prediction, verdicts = predict(network, theory="wide" if samples else None), []
    for seed in range(150):
        simulation = simulate(network, rng=seed, **run)
        # Columns that hold at any width only.
        kept = [name for name in simulation.estimate if prediction.exact.get(name)]
        exact = replace(prediction, columns={name: prediction.columns[name] for name in kept})
        verdicts.append(verify(exact, simulation).verdict)
    assert verdicts.count("differs") <= 150 * 0.01 + 3 * math.sqrt(150 * 0.01 * 0.99)
    assert (verdicts.count("agrees") > 140) is conclusive


def test_a_tail_that_the_run_has_not_met_is_known_from_the_roots():
    """Twenty layers of width 4: the relative variance is 1.5^20 - 1 = 3324; the sample's is a tenth of it or less."""
    run = simulate(Network(widths=[4] * 21, gain=1.0), rng=1, networks=1000, quantities=["var_s"])
    sampled = run.standard_error["var_s"][-1] / run.estimate["var_s"][-1]
    exact = math.sqrt((1.5**20 - 1) / 1000)
    assert sampled < exact / 3
    assert exact < run.tail_error["var_s"][-1] < 20 * exact
    # Wide layers, where the tail is short: the run's own error is right, to the 6 % that 1000 networks leave.
    wide = simulate(Network(widths=[256] * 4, gain=1.0), rng=1, networks=1000, quantities=["var_s"])
    exact = np.sqrt(((1 + 2 / 256) ** np.arange(2, 5) - 1) / 1000)
    np.testing.assert_allclose(wide.standard_error["var_s"] / wide.estimate["var_s"], exact, rtol=0.06)
    np.testing.assert_allclose(wide.tail_skewness["var_s"], 3 * exact, rtol=0.2)
    assert not wide.tail_error["var_s"].any()


@pytest.mark.parametrize("gain", [1e-300, 1e-160, 1e150])
@pytest.mark.parametrize("over", ["network", "both", "sample", "layer"])
@pytest.mark.parametrize("activation", ["linear", "tanh", "relu"])
def test_the_ends_of_float64_never_differ(gain, over, activation):
    """Three layers: what underflows or overflows on both sides is no difference."""
    network = Network(widths=[64] * 4, gain=gain, activation=activation)
    prediction = predict(network, theory="wide")
    if activation == "tanh" and gain > 1:
        # Its slope is 0 in float64 but for one unit in 1e75.
        prediction = replace(prediction, columns={k: v for k, v in prediction.columns.items() if "grad" not in k})
    found = verify(prediction, simulate(network, over=over, rng=1))
    assert found.verdict != "differs", found.text()


def test_two_networks_decide_nothing():
    """|z| <= 763 is no agreement: an error of any size could pass."""
    network = Network(widths=[8] * 5, gain=1.0)
    found = verify(linear_prediction(network), simulate(network, rng=1, networks=2))
    assert found.verdict == "inconclusive"
    assert {row.verdict for row in found.comparisons} == {"inconclusive"}
    assert "16 rows say little" in found.summary()


def test_an_error_of_100_per_cent_that_could_pass_is_no_agreement():
    """Over few networks some rows could catch an error of their own size, and some could not: only those agree."""
    network = Network(widths=[24] * 4, gain=1.0)
    rows = [
        row
        for networks in (8, 10, 12, 16, 24, 60)
        for row in verify(linear_prediction(network), simulate(network, rng=1, networks=networks)).comparisons
    ]
    assert {row.verdict for row in rows if row.detectable <= 1} == {"agrees"}
    useless = [row for row in rows if 1 < row.detectable < math.inf]
    assert len(useless) > 3
    assert {row.verdict for row in useless} == {"inconclusive"}


def test_a_prediction_of_zero_is_held_against_the_size_of_the_layer():
    """m2 = 0 of an odd activation: the noise about it agrees, and a mean of a tenth of the variance is seen."""
    network = Network(widths=[64] * 5, gain=1.0, activation="tanh")
    run = simulate(network, over="both", rng=2, networks=60, samples=20)
    found = verify(predict(network), run)
    rows = [row for row in found.comparisons if row.quantity in ("m2", "rho")]
    assert found.agrees, found.text()
    assert all(row.predicted == 0 and abs(row.z) < found.threshold for row in rows)
    columns = predict(network).columns
    wrong = Prediction(network, {"m2": 0.1 * columns["v2"], "v2": 0.9 * columns["v2"]}, {})
    assert {row.quantity for row in verify(wrong, run).comparisons if row.verdict == "differs"} >= {"m2", "v2", "rho"}
    # An estimate far above a tiny prediction is noise as well, and the run cannot see so small a mean.
    tiny = Prediction(network, {"m2": 1e-30 * columns["v2"], "v2": columns["v2"]}, {})
    assert {row.verdict for row in verify(tiny, run).comparisons if row.quantity == "m2"} == {"inconclusive"}


def test_equation_6_as_printed_is_caught():
    """Glorot & Bengio (2010), equation 6, has one factor too many: the product starts at W^{i+1}, not W^i."""
    network = Network(widths=ISSUE, gain=0.8)
    n, v = network.widths, network.weight_variance
    right = linear_prediction(network)
    printed = [math.prod(n[j + 1] * v[j] for j in range(i, network.d + 1)) for i in range(network.d + 1)]
    found = verify(
        Prediction(network, right.columns | {"var_grad_s": printed}, right.exact),
        simulate(network, rng=5, networks=5000),
    )
    assert {row.quantity for row in found.comparisons if row.verdict == "differs"} == {"var_grad_s"}
    assert sum(row.verdict == "differs" for row in found.comparisons) >= 4


def test_where_the_linear_regime_of_tanh_stops():
    """Small weights agree; large ones are flagged, with how far off they are."""
    for gain, input_variance, agrees in ((0.04, 0.01, True), (1.5, 1.0, False)):
        network = Network(widths=ISSUE, gain=gain, input_variance=input_variance, activation="tanh")
        found = verify(linear_prediction(network), simulate(network, rng=6, networks=4000))
        assert found.agrees is agrees
        assert not any(row.exact for row in found.comparisons)
    last = next(row for row in found.comparisons if (row.quantity, row.layer) == ("var_z", 4))
    # tanh is bounded by 1, so its variance is; the linear regime says 1.5^4.
    assert last.predicted == pytest.approx(1.5**4)
    assert last.verdict == "differs"
    assert -0.97 < last.relative_difference < -0.8
    assert "Var[z^4]" in found.text() or "differs" in found.summary()


def test_no_spread_means_equal_up_to_rounding():
    """A Rademacher input: a right prediction agrees, one that is off by 1e-9 does not."""
    network = Network(widths=[7, 5, 3], gain=1.0, input_law="rademacher", input_variance=0.3)
    right, simulation = linear_prediction(network), simulate(network, rng=7, networks=500)
    row = verify(right, simulation).comparisons[0]
    assert (row.verdict, row.z) == ("agrees", 0.0)
    assert row.detectable < 1e-12
    # It cannot ring falsely, and takes no share of alpha.
    assert verify(right, simulation).threshold == pytest.approx(stats.t.isf(0.01 / 7 / 2, 499), rel=1e-10)
    row = verify(right.altered("var_z", 0, 1 + 1e-9), simulation).comparisons[0]
    assert (row.verdict, row.z) == ("differs", -math.inf)


def test_zero_variances():
    """Dead weights: zero agrees with zero and with nothing else; a zero prediction of something differs."""
    dead = Network(widths=[4, 3, 2], weight_variance=0.0)
    right, simulation = linear_prediction(dead), simulate(dead, rng=8)
    assert verify(right, simulation).agrees
    wrong = Prediction(dead, right.columns | {"var_s": [0.0, 1e-5]}, right.exact)
    assert [row.layer for row in verify(wrong, simulation).comparisons if row.verdict == "differs"] == [1]
    alive = Network(widths=[4, 3, 2], gain=1.0)
    wrong = linear_prediction(alive).altered("var_s", 0, 0.0)
    found = verify(wrong, simulate(alive, rng=8))
    (off,) = [row for row in found.comparisons if row.verdict == "differs"]
    assert off.relative_difference == math.inf
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_run_that_can_catch_nothing_says_so():
    """Forty narrow layers over 20 networks: no row may claim that the run supports it."""
    network = Network(widths=[3] * 41, gain=1.0)
    found = verify(linear_prediction(network), simulate(network, rng=9, networks=20))
    assert not any(row.verdict == "differs" for row in found.comparisons)
    assert max(row.detectable for row in found.comparisons) > 1
    assert "say little" in found.summary()


def test_untrusted_standard_errors_make_a_row_inconclusive():
    """A tenfold error with a relative standard error above 20 % is neither agreement nor proof."""
    network = Network(widths=[2, 2, 2, 2], gain=1.0)
    simulation = simulate(network, rng=10, networks=60)
    right = linear_prediction(network)
    layer = max(
        range(3),
        key=lambda i: simulation.standard_error["var_grad_w"][i] / simulation.estimate["var_grad_w"][i],
    )
    assert simulation.standard_error["var_grad_w"][layer] > 0.2 * simulation.estimate["var_grad_w"][layer]
    found = verify(right.altered("var_grad_w", layer, 0.1), simulation)
    assert found.verdict == "inconclusive"
    assert not found.agrees
    assert "inconclusive: 12 of 12 rows" in found.summary()
    row = next(row for row in found.comparisons if (row.quantity, row.layer) == ("var_grad_w", layer))
    assert abs(row.z) > found.threshold


def test_outside_float64():
    """Overflow and underflow are inconclusive; a prediction that is not a number differs."""
    for gain, layer in ((1e60, 10), (1e-61, 5)):
        network = Network(widths=[4] * 12, gain=gain)
        with np.errstate(over="ignore"):
            prediction = Prediction(network, {"var_z": np.float64(gain) ** np.arange(11)}, {})
        found = verify(prediction, simulate(network, rng=1, networks=1000))
        assert [row.verdict for row in found.comparisons][:3] == ["agrees"] * 3
        assert found.comparisons[layer].verdict == "inconclusive"
        json.dumps(found.to_dict(), allow_nan=False)
        found.text()
    network = Network(widths=[4, 3], gain=1.0)
    found = verify(Prediction(network, {"var_z": [math.nan]}, {}), simulate(network, rng=1))
    assert found.verdict == "differs"
    found.text()


def test_output_is_stable():
    """The table has a line for each row and names what it compares; the data is JSON."""
    network = Network(widths=[8, 6], gain=1.0)
    found = verify(linear_prediction(network), simulate(network, rng=1))
    lines = found.text().splitlines()
    assert lines[0].split("  ")[0] == "layer"
    assert [line.split()[1] for line in lines[1:5]] == [
        "Var[z^0]",
        "Var[s^0]",
        "Var[∂Cost/∂s^0]",
        "Var[∂Cost/∂w^0]",
    ]
    assert str(found) == found.text()
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(data) == {
        "verdict",
        "agrees",
        "alpha",
        "threshold",
        "networks",
        "averaged",
        "summary",
        "columns",
        "rows",
    }
    assert set(data["rows"][0]) == {
        *("layer", "quantity", "predicted", "estimate", "standard_error", "z"),
        *("relative_difference", "detectable", "exact", "verdict", "width_bias", "skewness", "block", "stated_error"),
    }


def test_bad_input_gets_one_clear_line():
    """Other networks, missing or short columns, an alpha that is no probability."""
    network = Network(widths=[4, 3], gain=1.0)
    right, simulation = linear_prediction(network), simulate(network, rng=1)
    other = linear_prediction(Network(widths=[4, 3], gain=2.0))
    for prediction, alpha, message in (
        (right, 0.0, "alpha must lie between 0 and 1, got 0.0"),
        (right, 1.5, "alpha must lie between 0 and 1, got 1.5"),
        (other, 0.01, "the prediction and the simulation must be of the same network"),
        (
            Prediction(network, {"m2": [1.0]}, {}),
            0.01,
            "the prediction has none of the columns var_z, var_s, var_grad_s, var_grad_w",
        ),
        (
            Prediction(network, {"var_z": [1.0, 2.0]}, {}),
            0.01,
            "column var_z must hold one value for each of 1 layers, got shape (2,)",
        ),
    ):
        with pytest.raises(InputError) as caught:
            verify(prediction, simulation, alpha=alpha)
        assert str(caught.value) == message


# --- the decomposition m² + v² ---


def relu(width, depth=4, **options):
    return Network(**({"widths": [width] * (depth + 1), "activation": "relu", "gain": 2.0} | options))


@pytest.fixture(scope="module")
def decomposed():
    return simulate(relu(256), over="both", networks=300, samples=8, rng=11)


def test_decomposition_agrees(decomposed):
    """m², v², ρ = m²/(m² + v²) and their sum, from a prediction of m² and v² alone; m² = 0 at layer 0 too."""
    found = verify(wide_limit(decomposed.network), decomposed)
    assert found.agrees, found.text()
    assert {row.name for row in found.comparisons if row.layer == 1} == {"m²[s^1]", "v²[s^1]", "ρ[s^1]", "Var[s^1]"}
    zero = next(row for row in found.comparisons if row.name == "m²[s^0]")
    assert (zero.predicted, math.isnan(zero.detectable)) == (0, True)
    assert "an error of" in found.summary()
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(("name", "factor"), [("m2", 1.25), ("v2", 1.15), ("v2", 0.85)])
def test_a_wrong_decomposition_is_caught(decomposed, name, factor):
    """The altered column differs at that layer; so does ρ, which is computed from it."""
    found = verify(wide_limit(decomposed.network).altered(name, 3, factor), decomposed)
    assert {(name, 3), ("rho", 3)} <= {
        (row.quantity, row.layer) for row in found.comparisons if row.verdict == "differs"
    }


def test_a_recursion_with_a_planted_error_is_caught(decomposed):
    """The variance over networks taken for that over samples: no decay, m² = 0."""
    network = decomposed.network
    wrong = WideLimit(network, {"m2": np.zeros(4), "v2": np.full(4, 2.0)}, {})
    differing = {(row.quantity, row.layer) for row in verify(wrong, decomposed).comparisons if row.verdict == "differs"}
    assert differing == {(name, layer) for name in ("m2", "v2", "rho") for layer in (1, 2, 3)}


def test_one_network_is_judged_with_its_distance_from_the_others():
    """Over 60 networks, over samples and over layers: hardly an alarm, though most are off by many sample errors."""
    network, rng = relu(48, 5), np.random.default_rng(12)
    right, naive = wide_limit(network), 0
    for over in ("sample", "layer"):
        alarms = 0
        for _ in range(60):
            run = simulate(network, over=over, rng=rng, **({"samples": 200} if over == "sample" else {}))
            found = verify(right, run)
            alarms += found.verdict == "differs"
            if over == "sample":
                naive += abs(run.estimate["v2"][-1] - right.columns["v2"][-1]) > 4 * run.standard_error["v2"][-1]
        assert alarms <= 3
    assert naive > 15


def test_one_network_says_when_it_decides_nothing():
    """Ten layers of width 16: an error of 100 % could pass, and the summary says what to do."""
    network = relu(16, 10)
    found = verify(wide_limit(network), simulate(network, over="sample", rng=13))
    assert "one network cannot tell, over='both' can" in found.summary()


def test_one_wide_network_still_catches_a_wrong_prediction():
    """N = 1024, layers 0 to 2: variance that does not decay is refused by one network."""
    network = relu(1024, 3)
    run = simulate(network, over="sample", samples=200, rng=14)
    assert verify(wide_limit(network), run).agrees
    assert verify(WideLimit(network, {"m2": np.zeros(3), "v2": np.full(3, 2.0)}, {}), run).verdict == "differs"


def test_a_fixed_input_needs_a_prediction_for_its_mean_square():
    """|x|²/n_0 takes the place of Var[x]; the error says so."""
    network = Network(widths=[4, 6, 5], gain=2.0, activation="linear")
    run = simulate(network, inputs=[1.0, 2.0, 3.0, 4.0], rng=15, networks=3000)
    assert run.predicted_network.input_variance == 7.5
    assert verify(linear_prediction(run.predicted_network), run).agrees
    with pytest.raises(InputError, match=r"for an input_variance of 7.5, the mean square of the fixed input, got 1.0"):
        verify(linear_prediction(network), run)


def test_scores_beyond_reading_are_powers_of_ten():
    """A score of a prediction that is off by many orders does not tear the table apart."""
    network = Network(widths=[8, 8], gain=1e-30)
    found = verify(predict(network), simulate(network, rng=1, networks=50))
    row = replace(found.comparisons[0], z=1.8868e130)
    line = replace(found, comparisons=(row, *found.comparisons[1:])).text().splitlines()[1]
    assert "+1.9e+130" in line
    assert len(line) < 150
