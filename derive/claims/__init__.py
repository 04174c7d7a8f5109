"""Printed formulas, as data, and their audit. Each is registered by one line: its id and where it is stated.

Those that only say what is printed, and what it is said to be, are data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.claims.printed_constants import CONSTANTS
from derive.claims.printed_equations import EQUATIONS
from derive.claims.printed_laws import LAWS
from derive.claims.printed_layers import LAYERS
from derive.claims.rows import Equation, Number
from derive.registry import Registry

if TYPE_CHECKING:
    from derive.claims.claim import Claim

ROWS: dict[str, Number | Equation] = {**CONSTANTS, **LAWS, **LAYERS, **EQUATIONS}
"""The claims that are lines of data."""

CLAIMS: Registry[Claim] = Registry(
    "claim",
    {
        "glorot-2010-eq-5": "derive.claims.glorot:equation_5",
        "glorot-2010-eq-5-uncentred": "derive.claims.glorot:equation_5_uncentred",
        "glorot-2010-eq-6": "derive.claims.glorot:equation_6",
        "glorot-2010-eq-6-homogeneous": "derive.claims.glorot:equation_6_homogeneous",
        "glorot-2010-eq-7": "derive.claims.glorot:equation_7",
        "glorot-2010-eq-7-homogeneous": "derive.claims.glorot:equation_7_homogeneous",
        "question-1-activations": "derive.claims.glorot:question_activations",
        "question-1-equation-1": "derive.claims.glorot:question_gradients",
        "question-1-chain-rule": "derive.claims.questions:chain_rule",
        "question-1-product-rule": "derive.claims.questions:product_rule",
        "answer-2-equivalence": "derive.claims.questions:equivalence",
        "answer-2-equivalence-own-indices": "derive.claims.questions:equivalence_own_indices",
        "answer-2-balance": "derive.claims.questions:balance",
        "answer-2-balance-own-indices": "derive.claims.questions:balance_own_indices",
        "answer-2-rhythm": "derive.claims.depth_claims:rhythm",
        "pdlt-relu": "derive.claims.depth_claims:pdlt_relu",
        "pdlt-linear": "derive.claims.depth_claims:pdlt_linear",
        "pdlt-universal": "derive.claims.depth_claims:pdlt_universal",
        "hanin-rolnick-sum": "derive.claims.depth_claims:hanin_rolnick_sum",
        "post-3-network-variance-preserved": "derive.claims.rectifier_claims:network_variance_preserved",
        "post-3-half-variance": "derive.claims.rectifier_claims:half",
        "post-3-exact": "derive.claims.rectifier_claims:exact",
        "post-3-exact-any-law": "derive.claims.rectifier_claims:exact_any_law",
        "post-3-step-1": "derive.claims.rectifier_claims:step_1",
        "post-3-step-3": "derive.claims.rectifier_claims:step_3",
        "post-3-shrinks": "derive.claims.normalisation:shrinks",
        "post-3-batch-norm": "derive.claims.normalisation:batch_norm",
        "post-3-batch-norm-mean": "derive.claims.normalisation:batch_norm_mean",
        "post-3-layer-norm": "derive.claims.normalisation:layer_norm",
        "post-3-layer-norm-neuron": "derive.claims.normalisation:layer_norm_of_a_neuron",
        "ba-invariance": "derive.claims.normalisation:invariance",
        "luther-bn-rate": "derive.claims.normalisation:luther_rate",
        "luther-bn-sigma": "derive.claims.normalisation:luther_sigma",
        "luther-bn-sigma-number": "derive.claims.normalisation:luther_sigma_number",
        "luther-bn-inverse": "derive.claims.normalisation:luther_inverse",
        "luther-bn-weights": "derive.claims.normalisation:luther_weights",
        "luther-bn-integral": "derive.claims.normalisation:luther_integral",
        "yang-bn-relu": "derive.claims.normalisation:yang_relu",
        "yang-bn-linear": "derive.claims.normalisation:yang_linear",
        "xiong-lemma-1": "derive.claims.normalised_streams:lemma_1",
        "xiong-lemma-1-stream": "derive.claims.normalised_streams:stream",
        "xiong-post-ln": "derive.claims.normalised_streams:post_ln",
        "xiong-post-ln-layer-norm": "derive.claims.normalised_streams:post_ln_normalisation",
        "xiong-pre-ln": "derive.claims.normalised_streams:pre_ln",
        "he-2015-variance-condition": "derive.claims.rectifier_claims:he_condition",
        "he-2015-backward": "derive.claims.rectifier_claims:he_backward",
        "xavier-on-relu": "derive.claims.rectifier_claims:xavier_on_relu",
        "later-post-m-recursion": "derive.claims.rectifier_claims:later_m_recursion",
        "later-post-ratio": "derive.claims.rectifier_claims:later_ratio",
        "later-post-self-averaging": "derive.claims.rectifier_claims:later_self_averaging",
        "torch-gain-relu": "derive.claims.gains:torch_relu",
        "torch-gain-leaky-relu": "derive.claims.gains:torch_leaky_relu",
        "kumar-sigmoid": "derive.claims.gains:kumar_sigmoid",
        "selu-alpha": "derive.claims.gains:selu_alpha",
        "selu-lambda": "derive.claims.gains:selu_lambda",
        "hayou-tanh-eoc": "derive.claims.gains:hayou_tanh",
        "hayou-elu-eoc": "derive.claims.gains:hayou_elu",
        "swish-eoc": "derive.claims.gains:swish",
        "dropout-variance": "derive.claims.gains:dropout",
        "tat-correlation": "derive.claims.gains:tat_correlation",
        **dict.fromkeys(ROWS, "derive.equations.row_claims:claim_of"),
    },
    ROWS,
)
