"""Networks of blocks simulated: against loops with the same draws, the chain's brute force, and closed forms."""

import tracemalloc

import numpy as np
import pytest

import numerics
from derive.errors import InputError
from numerics.laws import laws
from numerics.network import Network
from numerics.simulation import simulate
from numerics.simulation.brute import BruteForce
from numerics.simulation.of_blocks import OfBlocks, simulate_blocks
from numerics.simulation.streams import generator

RESIDUAL = {"layers": "dense(6), repeat(2, residual(relu, dense(6), scale=0.5)), dropout(0.25), dense(3)", "input": 4}
PIXELS = {
    "layers": "conv(3), relu, conv(4, stride=2, padding=circular), average-pool(2), flatten, dense(2)",
    "input": "2x4x8",
}


def simulated(network, networks=300, seed=1, **more):
    return simulate(network, networks=networks, seed=seed, **more)


# ---- the chain, by its own brute force


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid"])
def test_the_chain_by_its_definition_is_brute_force(activation):
    """The same weights, input, biases and gradient through both: the same averages of every network."""
    chain = Network(widths=[3, 5, 4, 2], activation=activation, gain=[1.5, 2, 0.7], bias_variance=0.2)
    brute = BruteForce(chain, 4)
    drawn = brute.draw(np.random.default_rng(3), 4)
    program = OfBlocks(chain)._program
    arrays = {}
    deviation = np.sqrt(chain.weight_variance)
    for (family, layer), shape in program.drawn.items():
        stem, _, number = family.name.partition("_")
        place = int(number or 1) - 1
        value = {"x": drawn.x, "W": drawn.weights[place] * deviation[place], "b": drawn.biases[place]}[stem]
        arrays[family, layer] = np.stack([value] * 2, 1) if stem == "x" else value
        assert arrays[family, layer].shape[1:] == shape
    run = program.run(arrays)
    rows = [run[row.signal.family] for row in chain.rows_of(2)]
    found = brute.averages(drawn)
    squares = found[0].reshape(4, 3, 4)
    for i in range(3):
        np.testing.assert_allclose((rows[2 * i + 1] ** 2).mean(axis=(1, 2)), squares[1, i], rtol=1e-12)
    gradients = run.gradients(np.stack([drawn.gradient] * 2, 1))
    for i in range(3):
        back = gradients[chain.rows_of(2)[2 * i + 1].signal.family]
        np.testing.assert_allclose((back**2).mean(axis=(1, 2)), squares[2, i], rtol=1e-12)


def test_the_chain_simulated_both_ways_agrees():
    chain = Network(depth=4, width=12, activation="tanh", gain=1.8, bias_variance=0.1)
    brute = simulate(chain, networks=4000, seed=1)
    generic = simulate_blocks(chain, networks=4000, rng=generator(2), workers=1, progress=False)
    for name, row, column in [("var_s", 1, "q"), ("var_grad_s", 1, "grad")]:
        ours, theirs = generic.estimate[column][row::2], brute.estimate[name]
        error = np.hypot(generic.standard_error[column][row::2], brute.standard_error[name])
        assert (np.abs(ours - theirs) < 4 * error).all()
        assert (error < 0.05 * theirs).all()


# ---- one network by loops, with the draws of the run


def one_by_hand(draws, layers):
    """RESIDUAL by NumPy, sample by sample; the values of all rows."""
    rows = []
    for t in range(2):
        x = draws["x"][t]
        now = [x, x @ draws["W"]]
        for name in ("W_2", "W_3"):
            now.append(now[-1] + 0.5 * np.maximum(now[-1], 0) @ draws[name])
        now.append(now[-1] * draws["D"][t])
        now.append(now[-1] @ draws["W_4"])
        rows.append(now)
    return [np.stack(values) for values in zip(*rows, strict=True)]


def test_averages_are_those_of_loops_with_the_same_draws():
    network = Network(**RESIDUAL, gain=2, input_correlation=0.3)
    method = OfBlocks(network)
    features = method.batch(np.random.default_rng(5), 7).features
    rng = np.random.default_rng(5)
    drawn = method._drawing.draw(rng, 7)
    gradient = rng.standard_normal((7, 2, 3))
    rows = len(network.rows)
    h = 1e-6
    for r in range(7):
        mine = {key[0].name: array[r] for key, array in drawn.items()}
        values = one_by_hand(mine, network)
        for row, z in enumerate(values):
            assert features[:, row, r].sum() == pytest.approx((z**2).mean(), rel=1e-12)
            assert features[0, row, r] == pytest.approx((z[0] * z[1]).mean(), rel=1e-12)
        back = np.zeros((2, 4))
        for place in np.ndindex(2, 4):
            nudge = np.zeros((2, 4))
            nudge[place] = h
            up, down = (one_by_hand(mine | {"x": mine["x"] + side * nudge}, network)[-1] for side in (1, -1))
            back[place] = ((up - down) * gradient[r]).sum() / (2 * h)
        assert features[1, rows, r] == pytest.approx((back**2).mean(), rel=1e-6)


# ---- closed forms


def held(found, name, expected, sigmas=4.5):
    """Estimates lie within their standard errors of what is expected, and these are small enough to tell."""
    estimate, error = found.estimate[name], found.standard_error[name]
    np.testing.assert_array_less(np.abs(estimate - expected), sigmas * error + 1e-12)
    assert (error <= 0.1 * np.abs(estimate).max()).all()


def test_a_linear_stream_has_its_closed_forms():
    """h' = h + a W h: q grows by 1 + a^2 gain, and so does the gradient backward; rho stays what it was."""
    gain, a, c = 1.7, 0.4, 0.25
    network = Network(
        layers=f"repeat(5, residual(dense(20), scale={a}))",
        input=20,
        gain=gain,
        input_correlation=c,
        input_variance=2,
        gradient_variance=3,
    )
    found = simulated(network, 1000)
    growth = (1 + a * a * gain) ** np.arange(6)
    held(found, "q", 2 * growth)
    held(found, "m2", 2 * c * growth)
    held(found, "v2", 2 * (1 - c) * growth)
    held(found, "rho", np.full(6, c))
    held(found, "grad", 3 * growth[::-1])


def test_dropout_makes_two_samples_less_alike():
    """y = D z: E[D^2] = 1/(1 - p), and two samples have two masks."""
    found = simulated(Network(layers="dropout(0.2), dense(30)", input=30, gain=1, input_correlation=0.5), 1000)
    held(found, "q", np.array([1, 1.25, 1.25]))
    held(found, "m2", np.full(3, 0.5))
    held(found, "grad", np.array([1.25, 1, 1]))


@pytest.mark.parametrize("padding", ["zeros", "circular"])
def test_a_convolution_sums_what_lies_inside(padding):
    """q at a position is the gain times the share of the kernel that lies inside."""
    found = simulated(Network(layers=f"conv(8, padding={padding})", input="2x4x5", gain=1.8, bias_variance=0.1), 2000)
    inside = [np.array([2 / 3, *[1.0] * (size - 2), 2 / 3]) for size in (4, 5)]
    expected = 0.1 + 1.8 * (np.outer(*inside) if padding == "zeros" else np.ones((4, 5)))
    assert (np.abs(found.position_q[1] - expected) < 4.5 * found.position_q_error[1]).all()
    assert (found.position_q_error[1] < 0.05).all()
    assert found.estimate["q"][1] == pytest.approx(found.position_q[1].mean(), rel=1e-12)
    assert found.estimate["q_min"][1] == found.position_q[1].min()
    assert found.estimate["q_max"][1] == found.position_q[1].max()


def test_the_input_has_its_mean_variance_and_correlation():
    for law in laws():
        for c in (-0.5, 0.0, 0.75, 1.0):
            network = Network(
                layers="scale(1)",
                input=200,
                input_mean=0.5,
                input_variance=2,
                input_correlation=c,
                input_law=law,
            )
            found = simulated(network, 200)
            held(found, "q", np.full(2, 2.25))
            held(found, "m2", np.full(2, 0.25 + 2 * c))


@pytest.mark.parametrize("law", ["uniform", "rademacher"])
def test_correlated_samples_keep_their_law(law):
    network = Network(layers="scale(1)", input=50, input_correlation=0.6, input_law=law)
    method = OfBlocks(network)
    x = next(iter(method._drawing.draw(np.random.default_rng(1), 100).values()))
    bound = {"uniform": np.sqrt(3), "rademacher": 1.0}[law]
    assert np.abs(x).max() <= bound
    assert (np.abs(x) == 1).all() == (law == "rademacher")


def test_weights_have_their_law():
    network = Network(layers="dense(4, gain=1, law=rademacher), dense(2)", input=3, gain=4, weight_law="uniform")
    method = OfBlocks(network)
    drawn = {key[0].name: array for key, array in method._drawing.draw(np.random.default_rng(1), 50).items()}
    np.testing.assert_allclose(np.abs(drawn["W"]), np.sqrt(1 / 3), rtol=1e-12)
    assert np.abs(drawn["W_2"]).max() <= np.sqrt(3)
    assert drawn["W_2"].var() == pytest.approx(1, rel=0.1)


def test_data_are_the_samples():
    """q and m2 of the data are exact; through a dense layer they are gain times those."""
    data = np.random.default_rng(1).standard_normal((3, 10)) + 1
    found = simulated(Network(layers="dense(20)", inputs=data, gain=1.5), 2000)
    pairs = np.mean([data[a] @ data[b] / 10 for a, b in ((0, 1), (0, 2), (1, 2))])
    assert found.samples == 3
    assert found.estimate["q"][0] == pytest.approx((data**2).mean(), rel=1e-12)
    assert found.estimate["m2"][0] == pytest.approx(pairs, rel=1e-12)
    assert found.standard_error["q"][0] == pytest.approx(0, abs=1e-12)
    held(found, "q", np.array([1, 1.5]) * (data**2).mean())
    held(found, "m2", np.array([1, 1.5]) * pairs)


def test_one_sample_has_no_product():
    found = simulated(Network(layers="dense(5)", inputs=[[1.0, 2.0]], gain=1), 10)
    assert found.rows()[0]["m2"] is None
    assert found.rows()[0]["q"] == 2.5


# ---- streams, rows, memory


@pytest.mark.parametrize("form", [RESIDUAL, PIXELS])
def test_the_same_seed_gives_the_same_numbers_whatever_the_workers(form):
    network = Network(**form, gain=2)
    one, two = (simulated(network, 100, workers=workers) for workers in (1, 2))
    again = simulate(network, networks=100, rng=one.seed.generator())
    for name in one.estimate:
        np.testing.assert_array_equal(one.estimate[name], two.estimate[name])
        np.testing.assert_array_equal(one.standard_error[name], again.standard_error[name])
    assert not np.array_equal(one.estimate["q"], simulated(network, 100, seed=2).estimate["q"])


def test_standard_errors_are_those_of_many_runs():
    network = Network(**RESIDUAL, gain=2, input_correlation=0.5)
    runs = [simulated(network, 40, seed=seed) for seed in range(200)]
    for name in ("q", "m2", "v2", "grad"):
        spread = np.std([run.estimate[name] for run in runs], axis=0, ddof=1)
        stated = np.sqrt(np.mean([run.standard_error[name] ** 2 for run in runs], axis=0))
        np.testing.assert_allclose(stated, spread, rtol=0.3)


def test_rows_say_their_names():
    found = simulated(Network(**PIXELS, gain=2), 10)
    rows = found.rows()
    assert [row["name"] for row in rows] == ["input", "conv", "relu", "conv", "average-pool", "flatten", "dense"]
    assert [row["layer"] for row in rows] == list(range(7))
    assert list(rows[0])[:4] == ["layer", "name", "q", "q_standard_error"]
    assert [row["q_min"] is None for row in rows] == [False] * 5 + [True] * 2
    assert found.to_csv().split("\n")[6].endswith(",,,,")
    assert found.to_dict()["columns"] == list(rows[0])
    assert Network(**found.to_dict()["network"]) == found.network
    plain = simulated(Network(**RESIDUAL, gain=2), 10)
    assert list(plain.estimate) == ["q", "m2", "v2", "rho", "grad"]
    assert "over 2 samples and 10 networks" in plain.averaged


def test_memory_does_not_grow_with_networks():
    network = Network(layers="dense(50), relu, dense(50)", input=50, gain=2)
    peaks = []
    for networks in (400, 4000):
        tracemalloc.start()
        simulated(network, networks)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_overflow_is_infinite_and_says_so():
    found = simulated(Network(layers="repeat(5, scale(1e90))", input=3, gain=1), 10)
    assert found.estimate["q"][-1] == np.inf
    assert found.overflows["q"] == (2, 3, 4, 5)


@pytest.mark.parametrize(
    "more",
    [
        {"over": "sample"},
        {"method": "brute"},
        {"samples": 5},
        {"quantities": ["var_s"]},
        {"inputs": "fixed"},
        {"dtype": "float32"},
        {"record_layers": [1]},
        {"record_units": 2},
    ],
)
def test_what_goes_with_widths_is_refused(more):
    with pytest.raises(InputError, match=f"{next(iter(more))} goes with a network of widths"):
        simulate(Network(**RESIDUAL, gain=2), **more)


def test_too_few_and_too_large_are_refused():
    with pytest.raises(InputError, match="networks must be an integer of at least 2, got 1"):
        simulate(Network(**RESIDUAL, gain=2), networks=1)
    with pytest.raises(InputError, match=r"layers: one network takes .* GiB, and may take 4"):
        simulate(Network(layers="dense(100000), dense(100000)", input=10, gain=2))


def test_the_package_has_it():
    assert numerics.simulate is simulate
