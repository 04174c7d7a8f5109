"""`predict`: which theory a network's curve is by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from derive.activations import Activation
from derive.errors import InputError, unknown_name
from numerics.curves.prediction import Prediction
from numerics.network import Network

THEORIES = {
    "linear-regime": "units near the origin, where the activation function is the identity; exact for linear units",
    "wide": "the limit of wide layers, where pre-activations are Gaussian, for any activation function",
    "finite": "networks of the widths they have: any activation function",
}


@overload
def predict(network: Network, *, theory: str | None = None, spread: bool = False) -> Prediction: ...
@overload
def predict(network: Sequence[Network], *, theory: str | None = None, spread: bool = False) -> list[Prediction]: ...
def predict(
    network: Network | Sequence[Network], *, theory: str | None = None, spread: bool = False
) -> Prediction | list[Prediction]:
    """Return the variances of all layers that the theorems predict for a network, or for each network of a sequence.

    Networks of one activation and depth are computed together: a layer of hundreds costs little more than one of one.

    ``theory`` is one of `THEORIES`; by default ``"linear-regime"`` for linear units, where it is exact, and ``"wide"``
    for all others.

    ``"linear-regime"``: without biases the columns are by `forward-variance`, its part `one-layer-variance`,
    `backward-variance` and `weight-gradient-variance`. With biases ``Var[z^i]`` is by recursion, layer by layer, and
    ``Var[dCost/dw^i]`` is that of a product of independent factors of mean zero, by `product-variance`.

    ``"wide"``: ``var_s`` by `length-map`, ``var_z`` by its part, ``m2``, ``v2`` and ``rho`` by `sample-variance-map`,
    the gradients by `gradient-variance`; the Gaussian expectations by `numerics.maps.interpolant`. For (leaky) ReLU
    ``var_s`` is exact at any width, by `network-variance`, and m2 and v2 are by the certified kernel of
    `sample-variance-stable`.

    ``"finite"``: all columns of networks of real widths; the gradients of (leaky) ReLU are those of ``"wide"``, exact
    at any width, and for weights that are not normal all gradients are. For activations of two straight lines through
    0, normal weights and inputs and no biases by the operator of the angle between two samples, exact at any width
    (`numerics.angle`). For all others by points that carry the law of two samples' Gram matrix (`numerics.gram_law`),
    for widths of at least 8, the errors with the points'. With ``spread`` also ``sd_q`` and ``sd_v2``, the standard
    deviations over networks and inputs of one sample's |s|²/n, and of |s - s'|²/(2n) of a pair of samples, and for
    (leaky) ReLU ``sd_grad_s``, that of |dCost/ds|²/n, exact.

    A network of blocks has the columns of `BLOCK_COLUMNS`, in the limit of wide layers (``"finite"`` takes blocks whose
    lemmas hold at any width: no activation functions), and a row for its input and
    for what comes out of each block: its state goes through the lemmas of its blocks (`derive.blocks.lemmas`), in
    order, and the gradient back.

    Raises `InputError` for what is no network, for an unknown theory, in the linear regime for an activation that
    has none at the origin, f(0) = 0 and f'(0) = 1, for what the finite theory does not cover, for ``spread``
    in another theory, and for blocks whose input is not what their lemmas are about.

    >>> curve = predict(Network(widths=[8, 14, 5], weight_variance=[0.125, 0.1]))
    >>> curve.columns["var_z"], curve.exact["var_z"]
    (array([1., 1.]), True)
    >>> predict(Network(widths=[100] * 3, gain=2.0, activation="gelu")).columns["var_s"].round(6)
    array([2.      , 1.844166])
    >>> network = Network(layers="dense(64), residual(relu, dense(64), scale=0.5), dropout(0.1)", input=32, gain=2.0)
    >>> [(row["name"], round(row["q"], 3), round(row["grad"], 3)) for row in predict(network).rows()]
    [('input', 1.0, 5.556), ('dense', 2.0, 1.389), ('residual', 2.5, 1.111), ('dropout', 2.778, 1.0)]
    """
    if theory is not None and theory not in THEORIES:
        raise unknown_name("theory", theory, THEORIES)
    if spread and theory != "finite":
        raise InputError(f"spread goes with theory 'finite', got theory {theory!r}")
    networks = list(network) if isinstance(network, Sequence) else [network]
    for one in networks:
        if not isinstance(one, Network):
            raise InputError(f"network must be a Network, got {one!r}")
    found = _predictions(networks, theory, spread=spread)
    return found if isinstance(network, Sequence) else found[0]


def _predictions(networks: list[Network], theory: str | None, *, spread: bool) -> list[Prediction]:
    """Return the predictions in the order of the networks; those alike in depth and activation come from one run."""
    found: dict[int, Prediction] = {}
    alike: dict[tuple[Activation, int], list[int]] = {}
    for place, network in enumerate(networks):
        if not network.is_chain:
            if theory == "linear-regime":
                raise InputError(f"theory must be 'wide' or 'finite' for a network of layers, got {theory!r}")
            if spread:
                raise InputError("spread goes with a network of widths, and not with one of layers")
            from numerics.curves.blocks import predict_blocks, predict_finite_blocks

            found[place] = (predict_finite_blocks if theory == "finite" else predict_blocks)(network)
        elif (theory or ("linear-regime" if network.activation.is_linear else "wide")) == "wide":
            alike.setdefault((network.activation, network.d), []).append(place)
        elif theory == "finite":
            from numerics.curves.finite import finite_prediction

            found[place] = finite_prediction(network, spread=spread)
        else:
            from numerics.curves.chain import linear_prediction

            found[place] = linear_prediction(network)
    for places in alike.values():
        from numerics.curves.chain import wide_predictions

        found |= zip(places, wide_predictions([networks[place] for place in places]), strict=True)
    return [found[place] for place in range(len(networks))]
