"""The theorems, one file a paper or result. Each is registered by one line: its name and where it is built."""

from __future__ import annotations

from derive.proof.derivation import Derivation
from derive.registry import Registry

THEOREMS: Registry[Derivation] = Registry(
    "theorem",
    {
        "product-variance": "derive.theorems.product:product_variance",
        "forward-variance": "derive.theorems.forward:forward_variance",
        "backward-variance": "derive.theorems.backward:backward_variance",
        "weight-gradient-variance": "derive.theorems.backward:weight_gradient_variance",
        "glorot-condition": "derive.theorems.condition:glorot_condition",
        "layer-gradient-balance": "derive.theorems.balance:layer_gradient_balance",
    },
)
