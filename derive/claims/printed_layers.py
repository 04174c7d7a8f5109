"""What is printed of whole layers: orthogonal weights, transposed convolutions, branches, attention, maxout."""

from __future__ import annotations

from derive.claims.rows import AS_GIVEN, Number

_TSERAN = "Tseran & Montúfar 2023"

LAYERS = {
    "torch-orthogonal": Number(
        "A gain keeps the mean square a unit as for Gaussian weights",
        "PyTorch, torch.nn.init",
        "orthogonal_",
        "n Var[W]/gain²",
        "1",
        "n Min(n, m)/(n m)",
        "m outputs of n inputs: as many rows or columns of length one as the smaller number, over n m entries.",
        "n m",
    ),
    "torch-transposed-default": Number(
        "The default bound of a transposed convolution is that of its fan-in",
        "PyTorch, nn.ConvTranspose2d",
        "its documentation",
        "bound^2",
        "g/(c k^2)",
        "1/(j/g (k/s)^2)",
        "j channels come in and c go out, g groups, a kernel of k in both directions, stride s: of the k² weights of "
        "an input channel a pixel sees k²/s².",
        "g c k j s",
    ),
    "fixup-scale": Number(
        "What the updates of L branches change together does not depend on their number",
        "Zhang et al. 2019, Fixup initialization",
        "section 3",
        "L Π a²",
        "1",
        "L (L^(-1/(2 k)))^(2 k)",
        "To first order: where one of m = k + 1 layers changes, the k others scale the change by L^(−1/(2m − 2)) each, "
        "in the branch and again in its gradient.",
        "L k",
    ),
    "attention-values": Number(
        "Attended values keep unit variance",
        "Common statement",
        f"attention, {AS_GIVEN}",
        "Var[Σ p v]",
        "1",
        "E[sigmoid(u)^2 + sigmoid(-u)^2; u ~ N(0, 2)]",
        "Of two tokens: values that are independent, of mean zero and variance one, and logits likewise.",
    ),
    "maxout-gradient": Number(
        "Maxout's gain keeps gradients in any direction",
        _TSERAN,
        f"the abstract, {AS_GIVEN}",
        "E|J u|²",
        "1",
        "1/(2 E[u^2 Φ(u)])",
        "One layer of rank 2, and a direction at a right angle to the input: the weights of the largest piece are "
        "there as they were drawn, and their variance is the gain's.",
    ),
    "maxout-gradient-3": Number(
        "Maxout's gain keeps gradients in any direction, at rank 3",
        _TSERAN,
        f"the abstract, {AS_GIVEN}",
        "E|J u|²",
        "1",
        "1/(3 E[u^2 Φ(u)^2])",
        "One layer, and a direction at a right angle to the input: the weights of the largest piece are there as they "
        "were drawn, and their variance is the gain's.",
    ),
}
"""The rows, by the ids of the claims."""
