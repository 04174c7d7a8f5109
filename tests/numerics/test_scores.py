"""Scores: every number of a row by its formula, and every number of a summary from its row."""

import math

import numpy as np
import pytest
from scipy import stats

from numerics.curves import predict
from numerics.network import Network
from numerics.scoring import Estimate, Limits, Row
from numerics.simulation import simulate
from numerics.verification import Verification, verify


@pytest.fixture(scope="module")
def of_one_network():
    """Samples of one network, held against a theory of networks with four times its mean square."""
    network = Network(widths=[40, 30, 30, 20], gain=1.5, bias_variance=0.3, activation="tanh")
    run = simulate(network, over="sample", samples=400, rng=5)
    theory = predict(network)
    columns = theory.columns | {"m2": 4 * run.estimate["m2"]}
    return run, verify(type("Columns", (), {"network": network, "columns": columns, "exact": theory.exact})(), run)


@pytest.mark.parametrize("name", ["m2", "v2", "rho"])
def test_the_error_of_one_network_has_both_parts(of_one_network, name):
    """That of its estimate and that of one network among many, which for m2 is in proportion to what is expected."""
    run, found = of_one_network
    for row in (row for row in found.comparisons if row.quantity == name):
        own, among = (side[name][row.layer] for side in (run.standard_error, run.network_error))
        error = math.hypot(own, among)
        if name == "m2":
            error = max(error, among / abs(row.estimate) * max(abs(row.estimate), row.predicted))
            assert error > math.hypot(own, among)
        assert row.standard_error == pytest.approx(error, rel=1e-12)
        relative = error / row.estimate if name == "v2" else error / row.predicted
        assert row.z == pytest.approx((row.estimate - row.predicted) / row.predicted / relative, rel=1e-9)


def test_detectable_is_what_the_threshold_and_the_power_leave(of_one_network):
    """δ = r (c + m (1 + δ)): c the limit of |z| by Bonferroni's share, m the quantile that 99 % stay above."""
    run, found = of_one_network
    limit = stats.t.isf(found.alpha / 2 / len(found.comparisons), run.freedom)
    power = stats.t.ppf(0.99, run.freedom)
    assert found.threshold == pytest.approx(limit, rel=1e-9)
    seen = 0
    for row in found.comparisons:
        size = row.predicted if row.quantity in ("m2", "rho") else row.estimate
        error = row.standard_error / size
        if error <= 0.2 and power * error < 1:
            seen += 1
            assert row.detectable == pytest.approx(error * (limit + power * (1 + row.detectable)), rel=1e-9)
        else:
            assert row.detectable == math.inf
    assert seen >= 3


@pytest.mark.parametrize(
    ("error", "skewness", "verdicts"),
    [
        (0.05, 0.9, ("agrees", "differs")),
        (0.05, 1.1, ("inconclusive", "inconclusive")),
        (0.25, 0.1, ("inconclusive", "inconclusive")),
    ],
)
def test_what_cannot_be_trusted_decides_nothing(error, skewness, verdicts):
    """A standard error above 20 %, or a mean that is skewed by more than 1: then nothing is said to be detectable."""
    limits = Limits(threshold=3.0, margin=2.4, rounding=1e-13)
    estimate = Estimate(1.0, error, skewness=skewness)
    for predicted, verdict in zip((1.05, 0.3), verdicts, strict=True):
        found = limits.row(0, "var_z", predicted=predicted, estimate=estimate, exact=True)
        assert found.verdict == verdict
        assert found.z == pytest.approx((1 - predicted) / predicted / error, rel=1e-12)
        trusted = error * 5.4 / (1 - 2.4 * error) if verdict != "inconclusive" else math.inf
        assert found.detectable == pytest.approx(trusted, rel=1e-12)


def row(**changes):
    made = {"layer": 0, "quantity": "var_z", "predicted": 2.0, "estimate": 2.2, "standard_error": 0.1, "z": 2.0}
    made |= {"relative_difference": 0.1, "detectable": 0.3, "exact": True, "verdict": "agrees"}
    return Row(**made | changes)


def summary(*rows):
    return Verification(rows, 0.01, 3.25, 500, "variances", None, None).summary()


def test_a_summary_of_what_differs_names_the_row_that_is_off_most():
    """In proportion, up or down, among those that differ; nothing is said of what would have been caught."""
    low = {"layer": 3, "estimate": 0.876, "standard_error": 0.0321, "z": -9.0, "relative_difference": -0.562}
    said = summary(
        row(relative_difference=0.9),
        row(verdict="differs", z=-40.0, relative_difference=0.2),
        row(verdict="differs", **low),
        row(verdict="differs", z=4.0, relative_difference=0.4),
    )
    assert "differs: 3 of 4 rows break |z| <= 3.25; the largest is Var[z^3], predicted 2, estimated 0.876" in said
    assert "± 0.032 (-56.2 %). Family-wise error rate 0.01" in said
    assert "caught" not in said


def test_a_summary_of_what_agrees_says_the_weakest_power():
    said = summary(row(z=-1.5, detectable=0.05), row(z=1.25, detectable=0.0625), row(z=0.5, detectable=0.0431))
    assert "agrees: the largest |z| of 3 rows is 1.50, the limit 3.25." in said
    assert "In any row an error of 6.25 % would have been caught." in said
    zero = summary(row(), row(predicted=0.0, detectable=math.nan))
    assert "In any row with a prediction other than 0 an error of 30 % would have been caught." in zero


def test_a_summary_counts_the_rows_that_say_little():
    """And those where rare networks hold the mean; then no error is said to be caught."""
    said = summary(row(), row(detectable=1.5), row(detectable=math.inf, skewness=1.5), row(skewness=0.9))
    assert "In 1 rows networks too rare for this run hold much of the mean." in said
    assert "2 rows say little: an error of 100 % could have passed; draw more networks." in said
    assert "would have been caught" not in said
    unclear = summary(row(), row(layer=2, verdict="inconclusive"), row(layer=3, verdict="inconclusive"))
    assert "inconclusive: 2 of 3 rows, such as Var[z^2], have estimates" in unclear
    assert "over 500 networks" in unclear
    assert "would have been caught" not in unclear


def test_all_numbers_are_met_by_one_network(of_one_network):
    """The sum of the parts is the whole, and its share: over samples of one network as over many."""
    run, _ = of_one_network
    total = run.estimate["m2"] + run.estimate["v2"]
    np.testing.assert_allclose(run.estimate["rho"], run.estimate["m2"] / total, rtol=1e-12)
