"""What is printed of streams, dropout and convolutions, in the names of the theorem that speaks of it."""

from __future__ import annotations

from derive.claims.rows import AS_GIVEN, Equation

_HENDRYCKS = "Hendrycks & Gimpel 2016, Adjusting for dropout variance"
_SCHOENHOLZ = "Schoenholz et al. 2017, Deep information propagation"
_TORCH = "PyTorch, torch.nn.init"
_KEEP = "p_drop is one less the keep rate."
_BRANCHES = "Branches with He's weights, each fed with the stream."
_ONE_DIMENSION = "In one dimension, with a kernel of 2 w + 1 and n_0 channels"
_KERNEL = "E[(∂/∂z_{tkp} (Σ_{q=1}^{T} Σ_{j=1}^{n_1} s_{tjq} g_{jq}))²]"

EQUATIONS = {
    "d2l-forward": Equation(
        "The variance of a layer's pre-activations, for inputs of any mean",
        "Textbooks",
        f"initialisation, {AS_GIVEN}",
        "Var[s^0_k] = n_0 Var[W^0] Var[x]",
        "forward-variance",
        "linear-pre-activation",
        "The first layer, without biases, where no activation has acted; the mean of the input is left open.",
        ("inputs-zero-mean",),
    ),
    "hendrycks-dropout-forward": Equation(
        "The mean square behind dropout",
        _HENDRYCKS,
        "the forward pass",
        "E[(y_{tk})²] = E[(z_{tk})²]/(1 − p_drop)",
        "dropout-variance",
        reading=f"{_KEEP} The weights behind it multiply both sides by n Var[W].",
    ),
    "hendrycks-dropout-backward": Equation(
        "The mean square of a gradient in front of dropout",
        _HENDRYCKS,
        "the backward pass",
        "E[(∂/∂z_{tk} (Σ_{j=1}^{n_0} y_{tj} g_j))²] = Var[g] (1 − p_drop)",
        "dropout-variance",
        "dropout-gradient",
        f"{_KEEP} The slope of the activation multiplies both sides by E f'².",
    ),
    "schoenholz-dropout": Equation(
        "The length map with dropout",
        _SCHOENHOLZ,
        f"section 5, {AS_GIVEN}",
        "E[(s_{tk})²] → σ_w² E[f(u)²; u ~ N(0, q)]/(1 − p_drop) + σ_b²",
        "dropout-variance",
        "dropout-length-map",
        _KEEP,
    ),
    "schoenholz-dropout-correlation": Equation(
        "With dropout, two equal inputs do not stay equal",
        _SCHOENHOLZ,
        f"section 5, {AS_GIVEN}",
        "1 > (σ_w² E[f(u)²; u ~ N(0, q)] + q − σ_w² E[f(u)²; u ~ N(0, q)]/(1 − p_drop))/q ⇔ p_drop > 0",
        "dropout-variance",
        "dropout-no-critical-point",
        f"{_KEEP} The right side is the correlation one layer after a correlation of one.",
    ),
    "de-smith-residual": Equation(
        "Without normalisation the variance of the stream doubles from block to block",
        "De & Smith 2020, Batch normalization biases residual blocks towards the identity function",
        AS_GIVEN,
        "q(L) = 2^L q(0)",
        "residual-depth",
        "residual-depth-unscaled",
        _BRANCHES,
    ),
    "stable-resnet": Equation(
        "Branches scaled by 1/√L keep the stream bounded",
        "Hayou et al. 2021, Stable ResNet",
        AS_GIVEN,
        "q(L) ≤ q(0) exp(c²)",
        "residual-depth",
        "residual-depth-bounded",
        f"{_BRANCHES} The scale is c/√L.",
    ),
    "gpt2-residual": Equation(
        "Branches scaled by 1/√(2L) keep a stream of 2L branches bounded",
        "transformers, GPT-2",
        "_init_weights",
        "q(L) ~ q(0) exp(c²)",
        "residual-depth",
        "residual-depth-limit",
        f"L counts branches, two a block, and c is one. {_BRANCHES} The normalisation in front of them is left aside.",
    ),
    "torch-fan-in-conv": Equation(
        "The fan-in of a convolution keeps the mean square of every pixel",
        _TORCH,
        "_calculate_fan_in_and_fan_out",
        "⟪(s_{tkp})²⟫ = n_0 (2 w + 1) q Var[K] + Var[b]",
        "convolution-variance",
        "convolution-padded-count",
        f"{_ONE_DIMENSION}, padded with zeros.",
    ),
    "torch-fan-in-conv-circular": Equation(
        "The fan-in of a convolution keeps the mean square where nothing is padded with zeros",
        _TORCH,
        "_calculate_fan_in_and_fan_out",
        "⟪(s_{tkp})²⟫ = n_0 (2 w + 1) q Var[K] + Var[b]",
        "convolution-variance",
        "convolution-circular",
        f"{_ONE_DIMENSION}, padded in a circle.",
    ),
    "torch-fan-out-conv": Equation(
        "The fan-out of a convolution keeps the mean square of gradients",
        _TORCH,
        "_calculate_fan_in_and_fan_out",
        f"{_KERNEL} = n_1 (2 w + 1) Var[K] Var[g]",
        "convolution-variance",
        "convolution-gradient",
        f"{_ONE_DIMENSION}, padded in a circle, stride one.",
    ),
    "torch-fan-out-conv-stride": Equation(
        "The fan-out of a convolution keeps the mean square of gradients, whatever the stride",
        _TORCH,
        "_calculate_fan_in_and_fan_out",
        f"{_KERNEL.replace('^{T}', '^{floor(T/2+1/2)}')} = n_1 (2 w + 1) Var[K] Var[g]",
        "convolution-variance",
        "convolution-gradient-stride",
        f"{_ONE_DIMENSION}, padded with zeros, stride two.",
    ),
    "torch-fan-out-conv-groups": Equation(
        "The fan-out of a convolution keeps the mean square of gradients, whatever the groups",
        _TORCH,
        "_calculate_fan_in_and_fan_out",
        f"{_KERNEL.replace('n_1', '2 n_1')} = 2 n_1 (2 w + 1) Var[K] Var[g]",
        "grouped-convolution",
        "grouped-convolution-gradient",
        "Two groups of n_1 outputs: the fan-out counts those of both.",
    ),
    "timm-fan-out-groups": Equation(
        "The fan-out over the groups keeps the mean square of gradients",
        "timm",
        "its initial weights",
        f"{_KERNEL.replace('n_1', '2 n_1')} = n_1 (2 w + 1) Var[K] Var[g]",
        "grouped-convolution",
        "grouped-convolution-gradient",
        "Two groups of n_1 outputs, stride one. What is derived ends in a sum of deltas with a rounded-down quotient, "
        "one for each output of both groups; no rule of the language says yet that n_1 of them are one.",
    ),
    "keras-depthwise": Equation(
        "The fan-in of a depthwise convolution counts all channels",
        "Keras, DepthwiseConv2D",
        "he_normal",
        "⟪(s_{tkp})²⟫ = 2 n_0 (2 w + 1) q Var[K] + Var[b]",
        "grouped-convolution",
        reading="With two groups of n_0 channels: the print counts 2 n_0 inputs, a pixel sees n_0 of them.",
    ),
}
"""The rows, by the ids of the claims."""
