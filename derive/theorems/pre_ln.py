"""A residual stream whose branches begin with LayerNorm: one block, and many."""

from __future__ import annotations

from derive.averages import Average
from derive.indices import K, T, V
from derive.proof.derivation import Derivation
from derive.theorems.pre_ln_block import (
    FORWARD,
    FORWARD_RULES,
    NEXT,
    NOTATION,
    pre_ln_block,
    pre_ln_branch,
    pre_ln_gradient,
    pre_ln_slope,
    pre_ln_square,
    pre_ln_weights,
)
from derive.theorems.pre_ln_depth import (
    pre_ln_depth,
    pre_ln_gradients,
    pre_ln_law,
    pre_ln_rectifier,
    pre_ln_weights_in_depth,
)
from derive.theorems.signals import OVER, PAIR, proof
from derive.words import Words


def pre_ln_residual() -> Derivation:
    """E[h'_tk h'_uk] -> E[h_tk h_uk] + alpha^2 n_1 Var[U] E[f(y_1) f(y_2)], whose law does not know the length."""
    return proof(FORWARD, Average(NEXT(T, K) * NEXT(V, K), OVER), *FORWARD_RULES).done(
        "pre-ln-residual",
        "A residual stream whose branches begin with LayerNorm",
        symbols=(*NOTATION[:4], *PAIR),
        source="Xiong et al. 2020",
        parts=(
            pre_ln_square(),
            pre_ln_branch(),
            pre_ln_slope(),
            pre_ln_gradient(),
            pre_ln_block(),
            pre_ln_weights(),
            pre_ln_rectifier(),
            pre_ln_depth(),
            pre_ln_gradients(),
            pre_ln_law(),
            pre_ln_weights_in_depth(),
        ),
        remarks=(
            Words(
                "LayerNorm takes the length out of what the branch gets: at weights of one variance in every block the "
                "stream's mean square grows by one amount a block, and no longer by a factor. What comes back through "
                "the branch is divided by the mean square of the stream. With leaky ReLU the product of that mean "
                "square and of the squared gradient is the same in all blocks: gradients, and those of the branches' "
                "last weights, are largest near the input, and fall as one over the number of blocks before."
            ),
        ),
    )
