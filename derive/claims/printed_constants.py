"""Constants that libraries and papers ship; means are over a standard normal."""

from __future__ import annotations

from derive.claims.rows import AS_GIVEN, Number

_NFNET = "timm, nfnet.py"
_BROCK = "Brock et al. 2021, High-performance large-scale image recognition without normalization (the reference code)"
_STYLEGAN = "StyleGAN3, bias_act"
_HENDRYCKS = "Hendrycks & Gimpel 2016"
_COMMON = "A common reading of PyTorch, torch.nn.init.calculate_gain: that all of its gains do what He's does"
_HE = "He et al. 2015, Delving deep into rectifiers"
_TSERAN = "Tseran & Montúfar 2023"
_SCALE = "One over the standard deviation of the activation of a standard normal."
_KEEPS = "The gain is read as the factor that keeps a mean square of one."
_MAXIMUM = "The largest of K independent standard normals has the density K φ(u) Φ(u)^(K − 1)."
_HIS = (
    "The gain is read as He's: the factor on the weights' standard deviation that keeps a second moment of one, from "
    "one pre-activation to the next."
)
_NOT_TORCH = (
    'PyTorch itself calls it "recommended" and names no criterion; kaiming_normal_ is "recommended to use only with '
    "'relu' or 'leaky_relu'\"."
)
_NOT_SELU = (
    'PyTorch itself says that it does not: the gain for SELU "sacrifices the normalization effect for more stable '
    'gradient flow in rectangular layers".'
)


def _plain(function: str) -> str:
    return function.partition("(")[0].replace("_", "-")


def _nfnet(function: str, printed: str, source: str = _NFNET) -> Number:
    title = f"The scale that gives {_plain(function)} variance one"
    return Number(title, source, "nonlinearities", "gamma", printed, f"1/sqrt(Var[{function}])", _SCALE)


def _stylegan(function: str, printed: str) -> Number:
    title = f"The default gain of {_plain(function)} keeps the mean square"
    return Number(title, _STYLEGAN, "def_gain", "gain", printed, f"1/sqrt(E[{function}^2])", _KEEPS)


def _torch(name: str, printed: str, says: str) -> Number:
    title, where = f"The torch gain of {name} keeps the second moment at one", f"nonlinearity {name}"
    return Number(title, _COMMON, where, "gain", printed, f"1/sqrt(E[{name}(u)^2])", f"{_HIS} {says}")


def _table(name: str, forward: str, backward: str) -> dict[str, Number]:
    square, slope = f"E[{name}(u)^2]", f"E[{name}'(u)^2]"
    return {
        f"hendrycks-table-forward-{name}": Number(
            f"The mean square of {name}", _HENDRYCKS, "table 1", "c", forward, square
        ),
        f"hendrycks-table-backward-{name}": Number(
            f"The mean squared slope of {name}", _HENDRYCKS, "table 1", "c", backward, slope
        ),
    }


def _he_std(channels: int, printed: str) -> Number:
    title, where = f"The standard deviation of weights for {channels} channels", "section 2.2"
    return Number(title, _HE, where, "std", printed, f"sqrt(1/(9·{channels} E[relu(u)^2]))", "Kernels of 3 by 3.")


def _maxout(pieces: int, printed: str) -> Number:
    formula = f"1/({pieces} E[u^2 Φ(u)^{pieces - 1}])"
    return Number(f"The gain of maxout of rank {pieces}", _TSERAN, AS_GIVEN, "c", printed, formula, _MAXIMUM)


CONSTANTS = {
    "torch-gain-tanh": _torch("tanh", "5/3", _NOT_TORCH),
    "torch-gain-selu": _torch("selu", "3/4", _NOT_SELU),
    "torch-gain-sigmoid": _torch("sigmoid", "1", _NOT_TORCH),
    "nfnet-gamma-relu": _nfnet("relu(u)", "1.7139588594436646", _BROCK),
    "nfnet-gamma-gelu": _nfnet("gelu(u)", "1.7015043497085571", _BROCK),
    "nfnet-gamma-silu": _nfnet("silu(u)", "1.7881293296813965", _BROCK),
    "nfnet-gamma-tanh": _nfnet("tanh(u)", "1.5939117670059204", _BROCK),
    "nfnet-gamma-sigmoid": _nfnet("sigmoid(u)", "4.803835391998291", _BROCK),
    "nfnet-gamma-elu": _nfnet("elu(u)", "1.2716004848480225", _BROCK),
    "nfnet-celu": _nfnet("celu(u)", "1.270926833152771"),
    "nfnet-elu": _nfnet("elu(u)", "1.2716004848480225"),
    "nfnet-leaky-relu": _nfnet("leaky_relu(u, 1/100)", "1.70590341"),
    "nfnet-relu6": _nfnet("relu6(u)", "1.71314847"),
    "nfnet-softsign": _nfnet("softsign(u)", "2.33885312"),
    "nfnet-selu": _nfnet("selu(u)", "1.00085151"),
    "nfnet-log-sigmoid": _nfnet("logsigmoid(u)", "1.91934848"),
    "nfnet-softplus": _nfnet("softplus(u)", "1.92033231"),
    "e3nn-silu": Number(
        "The constant that normalises SiLU", "e3nn", "normalize2mom", "c", "1.6791767923989418", "1/sqrt(E[silu(u)^2])"
    ),
    "gemnet-silu": Number(
        "The constant that normalises SiLU", "GemNet, scaled SiLU", AS_GIVEN, "c", "1/0.6", "1/sqrt(E[silu(u)^2])"
    ),
    "edm2-silu": Number("The root mean square of SiLU", "EDM2", "mp_silu", "c", "0.596", "sqrt(E[silu(u)^2])"),
    "stylegan-lrelu": _stylegan("leaky_relu(u, 1/5)", "sqrt(2)"),
    "stylegan-swish": _stylegan("silu(u)", "sqrt(2)"),
    "stylegan-elu": _stylegan("elu(u)", "1"),
    "stylegan-softplus": _stylegan("softplus(u)", "1"),
    "stylegan-tanh": _stylegan("tanh(u)", "1"),
    "stylegan-sigmoid": _stylegan("sigmoid(u)", "1"),
    "stylegan-selu": _stylegan("selu(u)", "1"),
    **_table("tanh", "0.394", "0.216"),
    **_table("gelu", "0.425", "0.444"),
    **_table("elu", "0.645", "0.671"),
    "dks-constant": Number("π/(π − 1)", "dks", "the constant", "c", "1.466942206924260361", "π/(π - 1)"),
    "glorot-tanh-linear": Number(
        "With Glorot's initialisation the forward variance of a tanh network stays constant",
        "A common reading of Glorot & Bengio 2010, section 4.2.1 (the linear regime)",
        "equation 10, for tanh",
        "q'",
        "1",
        "E[tanh(u)^2]",
        "One layer on from a pre-activation of variance one, with equal widths and without biases.",
    ),
    "lecun-1998": Number(
        "The scaled tanh keeps the outputs' variance close to one",
        "LeCun et al. 1998, Efficient backprop",
        AS_GIVEN,
        "q'",
        "1.0",
        "E[(1.7159 tanh(2u/3))^2]",
        "One layer on from a pre-activation of variance one, with Var[W] = 1/n; close to one is to one decimal.",
    ),
    "truncated-normal-std": Number(
        "The standard deviation of a normal truncated at two",
        "TensorFlow and JAX, variance_scaling initialisers",
        "the constant that they divide by",
        "std",
        "0.87962566103423978",
        "sqrt(Var[u; u ~ N(0, 1), |u| < 2])",
    ),
    "jax-complex-truncated": Number(
        "The standard deviation of a complex normal truncated at two",
        "JAX, nn.initializers",
        "the constant that it divides by",
        "std",
        "0.95311164380491208",
        "sqrt(E[-log(t); t ~ U(exp(-4), 1)])",
        "The squared modulus of a complex normal of variance one is −log t for a t that is uniform; the modulus is "
        "below 2 where t is above exp(−4).",
    ),
    "he-2015-std-64": _he_std(64, "0.059"),
    "he-2015-std-128": _he_std(128, "0.042"),
    "he-2015-std-256": _he_std(256, "0.029"),
    "he-2015-std-512": _he_std(512, "0.021"),
    "he-2015-std-shrinks": Number(
        "Weights of standard deviation 0.01 shrink the gradient, in units of ten thousand",
        _HE,
        "section 2.2",
        "factor",
        "1.7",
        "sqrt(2/(9·64)) sqrt(2/(9·128))^2 sqrt(2/(9·256))^2 sqrt(2/(9·512))^4/(0.01^9·10^4)",
        "From conv10 to conv2 of its model B: one layer of 64 channels, two of 128, two of 256, four of 512.",
    ),
    "alpha-dropout-negative": Number(
        "What alpha dropout puts in for a unit",
        "Klambauer et al. 2017, Self-normalizing neural networks; Keras",
        "alpha dropout",
        "α'",
        "-1.7580993408",
        "selu(-100)",
        "SELU's limit at minus infinity, which it has reached at −100 to 40 digits.",
    ),
    "arpit-2016-mean": Number(
        "The mean of ReLU", "Arpit et al. 2016, Normalization propagation", AS_GIVEN, "m", "sqrt(1/(2π))", "E[relu(u)]"
    ),
    "arpit-2016-std": Number(
        "The standard deviation of ReLU",
        "Arpit et al. 2016, Normalization propagation",
        AS_GIVEN,
        "std",
        "sqrt((1 - 1/π)/2)",
        "sqrt(Var[relu(u)])",
    ),
    "arpit-2016-jacobian": Number(
        "The Jacobian of a layer that is normalised so",
        "Arpit et al. 2016, Normalization propagation",
        AS_GIVEN,
        "J",
        "1.21",
        "sqrt(E[relu'(u)^2]/Var[relu(u)])",
        "The root mean square of what a layer multiplies a gradient by, with weights of norm one.",
    ),
    "maxout-c-2": _maxout(2, "1"),
    "maxout-c-3": _maxout(3, "0.78391"),
    "maxout-c-4": _maxout(4, "0.64461"),
    "maxout-c-5": _maxout(5, "0.55555"),
    "maxpool-he": Number(
        "He's variance keeps the mean square through ReLU and max-pooling of 2 by 2",
        "Common practice",
        "convolutional networks",
        "q'",
        "1",
        "2·4 E[relu(u)^2 Φ(u)^3]",
        f"Four pixels that are independent; ReLU of the largest is the largest ReLU. {_MAXIMUM}",
    ),
    "convs2s-glu": Number(
        "A gated linear unit passes on a quarter of the variance",
        "Gehring et al. 2017, Convolutional sequence to sequence learning",
        "section 3.5",
        "Var[out]/Var[in]",
        "1/4",
        "E[u^2] E[sigmoid(t)^2]",
        "Inputs of both halves are independent standard normals; the print is right for small ones.",
    ),
}
"""The rows, by the ids of the claims."""
