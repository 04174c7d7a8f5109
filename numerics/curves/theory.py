"""`predict`: which theory a network's curve is by."""

from __future__ import annotations

from derive.errors import InputError, unknown_name
from numerics.curves.prediction import Prediction
from numerics.network import Network

THEORIES = {
    "linear-regime": "units near the origin, where the activation function is the identity; exact for linear units",
    "wide": "the limit of wide layers, where pre-activations are Gaussian, for any activation function",
}


def predict(network: Network, *, theory: str | None = None) -> Prediction:
    """Return the variances of all layers that the theorems predict for a network.

    ``theory`` is one of `THEORIES`; by default ``"linear-regime"`` for linear units, where it is exact, and ``"wide"``
    for all others.

    ``"linear-regime"``: without biases the columns are by `forward-variance`, its part `one-layer-variance`,
    `backward-variance` and `weight-gradient-variance`. With biases ``Var[z^i]`` is by recursion, layer by layer, and
    ``Var[dCost/dw^i]`` is that of a product of independent factors of mean zero, by `product-variance`.

    ``"wide"``: ``var_s`` by `length-map`, ``var_z`` by its part, ``m2``, ``v2`` and ``rho`` by `sample-variance-map`,
    the gradients by `gradient-variance`; the Gaussian expectations in closed form or by quadrature. For (leaky) ReLU
    ``var_s`` is exact at any width, by `network-variance`, and m2 and v2 are by the certified kernel of
    `sample-variance-stable`.

    Raises `InputError` for what is no network, for an unknown theory, and in the linear regime for an activation that
    has none at the origin, f(0) = 0 and f'(0) = 1.

    >>> curve = predict(Network(widths=[8, 14, 5], weight_variance=[0.125, 0.1]))
    >>> curve.columns["var_z"], curve.exact["var_z"]
    (array([1., 1.]), True)
    >>> predict(Network(widths=[100] * 3, gain=2.0, activation="gelu")).columns["var_s"].round(6)
    array([2.      , 1.844166])
    """
    if not isinstance(network, Network):
        raise InputError(f"network must be a Network, got {network!r}")
    if theory is None:
        theory = "linear-regime" if network.activation.is_linear else "wide"
    if theory not in THEORIES:
        raise unknown_name("theory", theory, THEORIES)
    if theory == "linear-regime":
        from numerics.curves.linear_regime import linear_prediction

        return linear_prediction(network)
    from numerics.curves.wide import wide_prediction

    return wide_prediction(network)
