"""The backward recursion, by the chain rule from the definition of the network."""

from __future__ import annotations

from functools import cache

from derive.indices import K, L
from derive.layers import Facts, d, i
from derive.network import W, cost_gradient, s, z
from derive.proof.derivation import Derivation, Proof
from derive.rules import ChainRule, ContractDelta, Define, Differentiate, PullOut
from derive.setting import Setting


@cache
def gradient_recursion() -> Derivation:
    """dCost/ds^i_k = f'(s^i_k) sum_j W^{i+1}_{kj} dCost/ds^{i+1}_j for i < d."""
    proof = Proof(Setting((), Facts((i, d - 1 - i))), cost_gradient(s(i, K)))
    proof.by(ChainRule((s,)), Define(s), Define(z), Differentiate(), ContractDelta(), PullOut())
    return proof.done("gradient-recursion", "The gradient passes back through one layer")


@cache
def weight_gradient() -> Derivation:
    """dCost/dw^i_{lk} = z^i_l dCost/ds^i_k."""
    proof = Proof(Setting((), Facts((i, d - i))), cost_gradient(W(i, L, K)))
    proof.by(ChainRule(), Define(s), Differentiate(), ContractDelta())
    return proof.done("weight-gradient", "The gradient of a weight is its input times its output's gradient")
