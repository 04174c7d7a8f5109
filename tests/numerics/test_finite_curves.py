"""Theory finite: two samples in networks of real widths; against closed forms, and against sampling under a tilted law.

The oracle of deep layers draws under the law that weights a network by (A + B)/2, the mean square of its two samples:
E v² is then a mean of numbers between 0 and 2, where under the networks' own law a few of them hold most of it.
"""

import math

import numpy as np
import pytest
from mpmath import mp, mpf

import derive
from derive.errors import InputError
from derive.theorems.angle_process import N
from numerics.angle import decay_edge, fluctuating_share, fluctuating_spread, operators
from numerics.angle.layers import drawn_layers, layer_means, unit_moments
from numerics.angle.products import products
from numerics.curves import predict
from numerics.curves.gradient_spread import gradient_spread
from numerics.network import Network
from numerics.power_series import mean_of_units
from numerics.simulation import simulate
from numerics.verification import verify


def relu(width, depth, **options):
    return Network(**({"widths": [width] * (depth + 2), "activation": "relu", "gain": 2.0} | options))


# --- moments of a layer ---


def arc_cosine(order, t):
    """π-normalised kernels of Cho & Saul 2009: J_0, J_1, J_2."""
    s, c = mp.sin(t), mp.cos(t)
    return [mp.pi - t, s + (mp.pi - t) * c, 3 * s * c + (mp.pi - t) * (1 + 2 * c * c)][order]


@pytest.mark.parametrize("t", [1e-3, 0.4, 1.5, 2.9])
def test_first_moments_are_the_arc_cosine_kernels(t):
    """ReLU: E f f' = J_1/2π and E f² f'² = J_2/2π, from the means and second moments of the three products."""
    raw = 2 * unit_moments(0.0, np.array([t]), 2)[..., 0]
    with mp.workdps(30):
        distance = 1 - arc_cosine(1, mpf(t)) / mp.pi
    assert abs(raw[1, 0, 0] - 1) < 1e-9
    assert abs(raw[0, 1, 0]) < 1e-9
    assert abs(raw[0, 0, 1] / distance - 1) < 1e-7
    # The difference of the two squares is alpha beta, of one unit 4 f² f'².
    assert abs(2 * (raw[2, 0, 0] - raw[0, 2, 0]) - 2 * arc_cosine(2, mpf(t)) / mp.pi) < 1e-8


def test_moments_of_several_units_are_those_of_drawn_layers():
    """Leaky ReLU, N = 3: mixed moments of all orders to 4, within their sampling errors."""
    rng, t, slope = np.random.default_rng(1), 0.8, 0.3
    s, w = rng.standard_normal((2, 400_000, 3))
    u = math.cos(t) * s + math.sin(t) * w
    f, g = (np.where(x > 0, x, slope * x) for x in (s, u))
    v = np.stack([(f * f + g * g) / 2, (f * f - g * g) / 2, (f - g) ** 2 / 2]).mean(axis=2)
    centre, scale = v.mean(axis=1, keepdims=True), v.std(axis=1, keepdims=True)
    found = mean_of_units(unit_moments(slope, np.array([t]), 4), 3, centre, scale)[..., 0]
    x = (v - centre) / scale
    for power in np.ndindex(5, 5, 5):
        if 0 < sum(power) <= 4:
            values = np.prod(x ** np.array(power)[:, None], axis=0)
            error = values.std() / math.sqrt(values.size)
            assert abs(values.mean() - found[power]) < 5 * error


def roots(units):
    """E sqrt(χ²_N/N)."""
    return mp.sqrt(mpf(2) / units) * mp.gamma(mpf(units + 1) / 2) / mp.gamma(mpf(units) / 2)


@pytest.mark.parametrize(("units", "tolerance"), [(4, 2e-3), (16, 1e-4), (64, 2e-6), (128, 1e-7), (1024, 1e-9)])
def test_a_mean_that_is_known(units, tolerance):
    """|.| at right angles: alpha and beta are independent, E[sqrt(alpha beta) (1 - cos t')] = (E sqrt alpha)² - 2/π.

    Drawn layers have that mean, by their weights.
    """
    exact = float(roots(units) ** 2 - 2 / mp.pi)
    values = []
    for batch in range(4):
        layers = drawn_layers(-1.0, units, np.array([math.pi / 2]), batch, 1 << 12, 6)
        length = np.sqrt(np.maximum(layers.v[0] ** 2 - layers.v[1] ** 2, 0))
        values.append((layers.weights * (length + layers.v[2] - layers.v[0])).sum())
    assert abs(np.mean(values) / exact - 1) < tolerance


@pytest.mark.parametrize("slope", [0.0, 0.3, -1.0])
def test_one_pass_over_the_units_has_the_means_at_every_angle(slope):
    """By the values of each unit, at angles of both ends; what is small keeps its digits."""
    near, far = np.random.default_rng(2).standard_normal((2, 3, 9))
    angles = np.array([math.pi, 0.7, 1e-4, 2.0])
    found = layer_means(near, far, slope, angles)
    for k, t in enumerate(angles):
        x, y = (math.cos(t / 2) * near + sign * math.sin(t / 2) * far for sign in (1, -1))
        f, g = (np.where(side > 0, side, slope * side) for side in (x, y))
        v = np.stack([f * f + g * g, f * f - g * g, (f - g) ** 2]).mean(axis=2) / 2
        np.testing.assert_allclose(found[:, k], v, rtol=1e-7, atol=1e-14)


def test_products_have_the_weights_of_the_theorem():
    """Of C, C² and C (A + B)/2: sqrt(AB), AB and sqrt(AB) (A + B)/2. At A = 3, B = 2 and C = 1, with what is lost."""
    length, v = math.sqrt(6), (2.5, 0.5, 1.5)
    for product, weight, lost, angle in zip(
        products(), (1, length, 2.5), (2.5 - 1, (9 + 4) / 2 - 1, (9 + 4) / 2 - 2.5), (1, 1.6, 1), strict=True
    ):
        assert float(product.per_length(*v, length)) == pytest.approx(weight, rel=1e-14)
        assert sum(c * math.prod(np.power(v, e)) for e, c in product.loss.items()) == pytest.approx(lost, rel=1e-14)
        assert float(product.start(0.4)) == pytest.approx(angle, rel=1e-14)  # (1 - 0.6²)/0.4 for C²


# --- the operator ---


def after(slope, units, layers, batch=0):
    """v_l² for A = B = 1 and C = 0 before the first layer."""
    of = operators(slope, units, batch)[0]
    r, out = of.start, [1.0]
    for _ in range(layers):
        r = of.layer(r)
        out.append((of.read(np.array([math.pi / 2])) @ r).item())
    return np.array(out)


def test_exact_draws_of_issue_values():
    """ReLU, He's gain, v_0² = 1 and m_0² = 0: exact draws of the Gram matrix, with their errors."""
    assert abs(after(0.0, 1024, 49)[49] - 0.01997) < 2.6 * 0.00025
    assert abs(after(0.0, 256, 49)[49] / 0.0405 - 1) < 0.02
    assert abs(after(0.0, 64, 9)[9] - 0.1882) < 2.6 * 0.001
    assert abs(after(0.0, 64, 19)[19] / 0.129 - 1) < 0.03


@pytest.mark.parametrize("slope", [0.0, -0.4])
def test_first_layer_is_exact_at_any_width(slope):
    """Given a unit's weights its two pre-activations are independent: E m² is (E f)² of E f², whatever the widths."""
    for widths in ([3, 200], [50, 200], [1, 4]):
        found = fluctuating_share(slope, widths)
        exact = 1 - (1 - slope) ** 2 / (math.pi * (1 + slope**2))
        assert abs(found.value[1] - exact) < 1e-5
        assert found.value[0] == 1
        assert found.error[0] == 0


@pytest.mark.parametrize("slope", [0.3])
def test_layers_of_one_unit_are_exact(slope):
    """Two samples have the same sign from then on, or opposite ones: E C keeps its first part, the other goes down.

    Before, given the weights, two pre-activations are independent: E |s s'| = 2/π, a quarter for each pair of signs.
    A pair of opposite signs takes on a factor of a/E f² in each later layer.
    """
    found = fluctuating_share(slope, [4, 1, 1, 1, 1])
    factor = 2 * slope / (1 + slope**2)
    exact = 1 - (1 - factor ** np.arange(1, 5)) / math.pi
    assert (np.abs(found.value[1:] - exact) <= found.error[1:] + 1e-6).all()
    assert (found.error < 0.01).all()


def tilted(slope, widths, count, seed):
    """v²/(m² + v²) after each of the widths n_1, n_2, ..., and its standard error, for inputs of n_0 normal numbers.

    The network's weight (A + B)/2 is half A's and half B's; weighted with A a path is drawn by drawing, in each layer,
    one unit of the first sample by f(s)² times its density: χ_3 in size, and positive with chance 1/(1 + slope²).
    """
    rng, h = np.random.default_rng(seed), (1 + slope**2) / 2

    def heavy(shape, positive):
        return np.sqrt(rng.chisquare(3, shape)) * np.where(rng.random(shape) < positive, 1, -1)

    x = rng.standard_normal((2, count, widths[0]))
    x[0, :, 0] = heavy(count, 0.5)
    A, B, C = (x[0] ** 2).mean(1), (x[1] ** 2).mean(1), (x[0] * x[1]).mean(1)
    means, errors = [], []
    for n in widths[1:]:
        a, b = rng.standard_normal((2, count, n))
        a[:, 0] = heavy(count, 1 / (1 + slope**2))
        along = C / np.sqrt(A)
        s, u = np.sqrt(A)[:, None] * a, along[:, None] * a + np.sqrt(np.maximum(B - along**2, 0))[:, None] * b
        f, g = (np.where(y > 0, y, slope * y) for y in (s, u))
        A, B, C, D = ((y * z).mean(1) / h for y, z in ((f, f), (g, g), (f, g), (f - g, f - g)))
        size = (A + B) / 2
        A, B, C, D = A / size, B / size, C / size, D / size
        means.append(D.mean() / 2)
        errors.append(D.std() / 2 / math.sqrt(count))
    return np.array(means), np.array(errors)


@pytest.mark.parametrize(
    ("slope", "widths", "count"),
    [
        (0.0, [16] * 17, 60_000),
        (0.0, [5] * 8, 100_000),
        (-0.5, [24] * 10, 40_000),
        (-1.0, [20] * 8, 60_000),
        (0.0, [64] * 25, 10_000),
        (0.2, [150] * 30, 3000),
        (0.0, [10, 30, 140, 10], 60_000),
    ],
)
def test_shares_are_those_of_sampling_under_a_tilted_law(slope, widths, count):
    """Narrow and wide, deep as they are wide, slopes of both signs, unequal widths of either kind of points."""
    found = fluctuating_share(slope, widths)
    mean, error = tilted(slope, widths, count, 5)
    assert (np.abs(found.value[1:] - mean) < 4.5 * error + found.error[1:]).all()
    assert (error < 0.015 * mean).all()
    assert (found.error < 0.005 * found.value).all()


def distance_squares(slope, width, depth, count, seed):
    """E v² and E D², D the distance (A + B)/2 - C, of drawn layers: with D² and D for weights, and drawn anew by them.

    A mean over networks is then a product over layers of means of ratios that hardly vary.
    """
    rng, h, out = np.random.default_rng(seed), (1 + slope**2) / 2, []
    x = rng.standard_normal((2, count, width))
    for power in (1, 2):
        A, B, C = (x[0] ** 2).mean(1), (x[1] ** 2).mean(1), (x[0] * x[1]).mean(1)
        total, ratio, D = 1.0, ((A + B) / 2 - C) ** power, (A + B) / 2 - C
        for _ in range(depth):
            total *= ratio.mean()
            kept = rng.choice(count, count, p=ratio / ratio.sum())
            A, B, C = (e[kept] / D[kept] for e in (A, B, C))
            a, b = rng.standard_normal((2, count, width))
            along = C / np.sqrt(A)
            s, u = np.sqrt(A)[:, None] * a, along[:, None] * a + np.sqrt(np.maximum(B - along**2, 0))[:, None] * b
            f, g = (np.where(y > 0, y, slope * y) for y in (s, u))
            A, B, C = (np.maximum((y * z).mean(1) / h, 1e-300) for y, z in ((f, f), (g, g), (f, g)))
            D = ((f - g) ** 2).mean(1) / (2 * h)
            ratio = D**power
        out.append(total * ratio.mean())
    return out


@pytest.mark.parametrize(("slope", "width", "depth"), [(0.2, 24, 8), (0.0, 16, 16)])
def test_fluctuation_of_the_distance_is_that_of_drawn_layers(slope, width, depth):
    """sd_v2 within 3 %, and v2, at widths that another test has made."""
    runs = np.array([distance_squares(slope, width, depth, 6000, seed) for seed in range(6)])
    (first, second), (_, error) = runs.mean(axis=0), runs.std(axis=0, ddof=1) / math.sqrt(len(runs))
    found = fluctuating_spread(slope, [width] * (depth + 1))
    drawn = math.sqrt(second - first**2)
    assert abs(found.value[-1] / drawn - 1) < 4 * error / (2 * drawn**2) + 0.005
    assert 4 * error / (2 * drawn**2) < 0.05
    assert found.error[-1] < 0.003 * found.value[-1]


def test_fluctuation_of_a_distance_of_linear_units_is_a_product():
    """A difference of inputs is one vector: chi-square factors, as of one length; and that of inputs is 2/n."""
    found = fluctuating_spread(1.0, [4, 8, 5])
    np.testing.assert_allclose(found.value**2 + 1, [1.5, 1.5 * 1.25, 1.5 * 1.25 * 1.4], rtol=1e-14)
    assert fluctuating_spread(0.0, [16]).value == pytest.approx([math.sqrt(2 / 16)], rel=1e-12)


def test_very_wide_layers_have_the_wide_limit():
    """10^7 units, 60 layers: the certified recursion of the wide limit, which another part of the code computes."""
    network = relu(10**7, 60)
    wide, finite = (predict(network, theory=name).columns for name in ("wide", "finite"))
    for name in ("m2", "v2", "rho"):
        np.testing.assert_allclose(finite[name], wide[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_the_decay_beyond_the_width_is_at_the_edge_of_the_spectrum(slope):
    """Levels of a random walk in a box, edge + c k²: two of them give the edge; t^1 or t^2 would be 12 % off."""
    of, *_ = operators(slope, 200)
    first, second = np.sort(1 - np.abs(np.linalg.eigvals(of.passing)))[:2]
    assert first < second
    assert (first - (second - first) / 3) / (1 - decay_edge(slope, 200)) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(("slope", "units"), [(0.0, 3), (0.0, 20), (-1.0, 4)])
def test_edge_is_the_least_growth_of_a_small_power_of_a_small_angle(slope, units):
    """Drawn layers in the limit of small t: E[sqrt(alpha beta) (t'/t)^(3/2)]."""
    rng = np.random.default_rng(9)
    s, w = rng.standard_normal((2, 200_000, units))
    f, across = ((np.where(s > 0, x, slope * x)) for x in (s, w))
    f2, along = (f * f).sum(1), (f * across).sum(1)
    alive = f2 > 0
    rest = (across * across).sum(1)[alive] - along[alive] ** 2 / f2[alive]
    values = np.zeros(len(s))
    values[alive] = f2[alive] ** 0.25 * np.maximum(rest, 0) ** 0.75 / (units * (1 + slope**2) / 2)
    assert abs(values.mean() - decay_edge(slope, units)) < 4 * values.std() / math.sqrt(len(s)) < 0.02


# --- the prediction ---


def test_columns_at_any_gain_and_which_side_is_which():
    """A gain multiplies m² and v² alike; slopes (1, -2), (-2, 1) and (2, -1) are one activation up to a factor."""
    from sympy import Piecewise

    from derive.activations import Activation, s

    one, other = (predict(relu(20, 5, gain=g), theory="finite") for g in (2.0, [1.0, 3.0, 0.5, 2.0, 2.0, 7.0]))
    np.testing.assert_allclose(one.columns["rho"], other.columns["rho"], rtol=1e-14)
    np.testing.assert_allclose(other.columns["m2"] + other.columns["v2"], other.columns["var_s"], rtol=1e-14)
    assert other.columns["var_s"][3] == pytest.approx(1.0 * 1.5 * 0.25 * 1.0)
    shares = [
        predict(relu(20, 5, activation=Activation("own", Piecewise((a * s, s > 0), (b * s, True)))), theory="finite")
        for a, b in ((1, -2), (-2, 1), (2, -1), (-1, 2))
    ]
    for share in shares[1:]:
        np.testing.assert_allclose(share.columns["rho"], shares[0].columns["rho"], rtol=1e-12)


def test_linear_units_keep_the_fluctuation_at_any_width():
    """E s s' over networks and independent inputs stays 0: exact, without an error."""
    found = predict(relu(3, 6, activation="linear", gain=1.0), theory="finite")
    np.testing.assert_array_equal(found.columns["m2"], 0)
    np.testing.assert_allclose(found.columns["v2"], 1, rtol=1e-14)
    assert found.expectation_error["v2"] == 0
    assert found.exact["m2"]


def test_real_networks_agree_with_finite_and_differ_from_wide():
    """Width 64, 20 layers, over networks and samples: one theory is right, and the run can tell."""
    network = relu(64, 20)
    run = simulate(network, over="both", networks=6000, samples=2, rng=1)
    assert run.method == "gram"
    found = {name: verify(predict(network, theory=name), run) for name in ("finite", "wide")}
    assert found["finite"].verdict == "agrees"
    assert found["wide"].verdict == "differs"
    assert all(row.exact for row in found["finite"].comparisons)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"activation": "tanh", "gain": [1.0, 0.0, 1.0, 1.0]}, "weight_variance must be positive in all layers"),
        ({"activation": "tanh", "widths": [8, 8, 7, 8, 1]}, r"widths must be at least 8 .* tanh, normal weights"),
    ],
)
def test_what_is_not_covered_is_told(options, reason):
    """One error, which says what the theory needs and what this network is."""
    with pytest.raises(InputError, match=reason):
        predict(relu(8, 3, **options), theory="finite")


def test_spread_is_of_the_finite_theory():
    """Other theories have no fluctuation from network to network."""
    with pytest.raises(InputError, match="spread goes with theory 'finite', got theory 'wide'"):
        predict(relu(8, 3), theory="wide", spread=True)


def test_the_least_factor_of_a_layer_is_the_edge_that_the_numbers_know():
    """By the chi laws of lengths at every width, in `numerics.angle.decay`; here to first order in 1/N."""
    result = next(p for p in derive.theorem("angle-process").parts if p.name == "angle-process-power").result
    (power,) = result.free_symbols - {N}
    least = min(float(result.subs({N: 4096, power: p})) for p in (1.25, 1.5, 1.75))
    assert math.isclose(1 - least, 1 - decay_edge(0.0, 4096), rel_tol=2e-3)
    assert abs(result.subs({power: 0}) - 1) == abs(result.subs({power: 3}) - 1) == 0


def test_blocks_whose_lemmas_hold_at_any_width():
    """Linear residual blocks and dropout, narrow: all but the gradients are exact, and real networks agree."""
    layers = "dense(6), residual(dense(6), scale=0.5), dropout(0.3), dense(4)"
    network = Network(layers=layers, input=5, gain=1.3, bias_variance=0.2)
    found = predict(network, theory="finite")
    assert [name for name, exact in found.exact.items() if not exact] == ["grad"]
    result = verify(found, simulate(network, networks=20_000, seed=2))
    assert result.verdict == "agrees"
    assert max(row.detectable for row in result.comparisons if row.quantity in ("q", "v2")) < 0.07


def test_blocks_that_need_wide_layers_say_so():
    """An activation function's lemma is of Gaussian values."""
    with pytest.raises(InputError, match=r"lemmas hold at any width, and those of .* need: The layers before are wide"):
        predict(Network(layers="dense(4), relu", input=4, gain=1), theory="finite")
    with pytest.raises(InputError, match="spread goes with a network of widths"):
        predict(Network(layers="dense(4)", input=4, gain=1), theory="finite", spread=True)


def test_fluctuation_of_a_gradient_is_that_of_real_networks():
    """Leaky ReLU of slopes 3 and -0.6, unequal widths: the deviation of |dCost/ds|²/n over drawn networks."""
    options = {"widths": [12, 20, 9, 30, 6], "gain": [1.0, 0.15, 0.2, 0.2], "gradient_variance": 2.0}
    network = Network(activation="max(3*x, -0.6*x)", **options)
    found = gradient_spread(network, predict(network, theory="wide").columns["var_grad_s"])
    count = 20_000
    run = simulate(network, over="network", networks=count, quantities=("var_grad_s",), seed=1)
    np.testing.assert_allclose(found, run.standard_error["var_grad_s"] * count**0.5, rtol=0.05)
    assert gradient_spread(Network(activation="tanh", **options), found) is None
    curve = predict(relu(8, 1, activation="linear", gain=1.0), theory="finite", spread=True)
    # Of 8 normal numbers, and of them through 8 units: E|g|⁴/n² is 1 + 2/8, and (1 + 2/8)².
    np.testing.assert_allclose(curve.columns["sd_grad_s"][::-1], np.sqrt(1.25 ** np.array([1, 2]) - 1), rtol=1e-12)
    assert curve.exact["sd_grad_s"]
    assert curve.theorems["sd_grad_s"] == ("gradient-fluctuation",)
