"""Mean and fluctuation: the variance over networks and samples together is m^2 + v^2."""

from __future__ import annotations

from derive.averages import Average, Variance
from derive.hypotheses import FINITE_MOMENTS, INPUT_INDEPENDENT
from derive.indices import K
from derive.layers import Facts, d, i
from derive.network import s
from derive.proof.derivation import Derivation, Proof
from derive.randomness import BIASES, INPUT, NETWORKS, SAMPLES, WEIGHTS, Over
from derive.rules import Linearity, MomentFromVariance, VarianceDefinition
from derive.rules.towers import Tower, VarianceFromMoments
from derive.setting import Setting
from derive.words import Words

NETWORKS_AND_SAMPLES = Over("networks and samples", (WEIGHTS, BIASES, INPUT))


def total_variance() -> Derivation:
    """Var[y] = <<Var_t[y]>> + Var_w[<y>], that is v^2 + m^2, for a pre-activation y of any network."""
    y = s(i, K)
    proof = Proof(
        Setting((INPUT_INDEPENDENT, FINITE_MOMENTS), Facts((i, d - i)), NETWORKS_AND_SAMPLES),
        Variance(y, NETWORKS_AND_SAMPLES),
    )
    proof.by(
        VarianceDefinition(),
        Tower(SAMPLES, NETWORKS),
        MomentFromVariance(),
        Linearity(),
        VarianceFromMoments(),
    )
    return proof.done(
        "total-variance",
        "The variance over networks and samples is that of the mean plus the mean variance",
        source="The law of total variance; the post's mean-fluctuation decomposition",
        intro=(
            Words(
                "Write a pre-activation as its mean over the samples and its fluctuation about it: {} depends on the "
                "network only, and the rest on the network and the sample.",
                Average(y, SAMPLES),
            ),
        ),
        remarks=(
            Words(
                "So the variance has two contributions: {} is the fluctuation of the mean from network to network "
                "(the post's m²), and {} is the fluctuation over samples, averaged over networks (its v²).",
                Variance(Average(y, SAMPLES), NETWORKS),
                Average(Variance(y, SAMPLES), NETWORKS),
            ),
        ),
    )
