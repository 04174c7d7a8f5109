"""Activations as other libraries spell them: ``LeakyReLU``, ``leaky_relu`` and ``nn.LeakyReLU()`` are ``leaky-relu``.

Case and the signs between words do not matter; what is left is the small table of true synonyms below.
"""

from __future__ import annotations

from functools import cache

from sympy import Expr, Rational

from derive.activations.catalogue import CATALOGUE
from derive.activations.entry import Entry
from derive.errors import InputError, loose, unknown_name

# The value a synonym gives the first parameters stands after its entry.
_SYNONYMS: dict[str, tuple[str, tuple[Rational, ...]]] = {
    "identity": ("linear", ()),
    "arcsinh": ("asinh", ()),
    "exponential": ("exp", ()),
    "expit": ("sigmoid", ()),
    "gelu-new": ("gelu-tanh", ()),
    "gelu-pytorch-tanh": ("gelu-tanh", ()),
    "hard-silu": ("hard-swish", ()),
    "heaviside": ("step", ()),
    "logistic": ("sigmoid", ()),
    # the slope that PyTorch's PReLU begins with
    "prelu": ("leaky-relu", (Rational(1, 4),)),
    "quick-gelu": ("swish", (Rational("1.702"),)),
    "relu2": ("squared-relu", ()),
    "relu-squared": ("squared-relu", ()),
    "sine": ("sin", ()),
    # where a library's own default is another than the catalogue's, which is PyTorch's
    "jax.nn.gelu": ("gelu-tanh", ()),
    "keras.activations.leaky_relu": ("leaky-relu", (Rational(1, 5),)),
    "keras.layers.LeakyReLU": ("leaky-relu", (Rational(3, 10),)),
}
_KEYWORDS = {"negative-slope": "slope", "init": "slope", "min-val": "lower", "max-val": "upper", "lambd": "threshold"}
# Keywords of PyTorch that do not change the function: memory, numerics, how many slopes are learned.
_WITHOUT_EFFECT = {("", "inplace"), ("softplus", "threshold"), ("leaky-relu", "num_parameters")}

_LAYERWISE = "acts on a whole layer, and varprop's activations on one unit at a time"
_ELSEWHERE = {
    **dict.fromkeys(("softmax", "log-softmax", "softmin", "sparsemax", "logsumexp", "maxout", "crelu"), _LAYERWISE),
    **dict.fromkeys(("glu", "geglu", "swiglu", "reglu"), "multiplies two pre-activations, and is no function of one"),
    "rrelu": "draws its slopes at random; in evaluation it is leaky-relu(11/48)",
}


def entry_of(name: str) -> tuple[Entry, tuple[Expr, ...]] | None:
    """Return the entry that a name means, and the values that its first parameters then have; None for no entry.

    A library's prefix, as in ``nn.ReLU``, changes nothing, but where the library has other defaults.

    >>> entry_of("LeakyReLU")[0].name, entry_of("prelu")[1], entry_of("my_relu")
    ('leaky-relu', (1/4,), None)
    """
    return _known().get(loose(name)) or _known().get(loose(name.rpartition(".")[2]))


def unknown_activation(name: str) -> InputError:
    """Return the error for a name of no activation: what it is instead, or the nearest names."""
    last = name.rpartition(".")[2]
    why = {loose(known): words for known, words in _ELSEWHERE.items()}.get(loose(last))
    if why is not None:
        return InputError(f"unknown activation {name!r}: {last} {why}")
    return unknown_name("activation", last, CATALOGUE, [known for known in _SYNONYMS if "." not in known])


def keyword_of(entry: Entry, name: str) -> str | None:
    """Return the parameter of an entry that PyTorch's keyword means, None for one that changes nothing."""
    if ("", name) in _WITHOUT_EFFECT or (entry.name, name) in _WITHOUT_EFFECT:
        return None
    known = [p.name for p in entry.parameters]
    meant = _KEYWORDS.get(name.replace("_", "-"), name)
    return meant if meant in known else name


@cache
def _known() -> dict[str, tuple[Entry, tuple[Expr, ...]]]:
    own = {loose(name): (entry, ()) for name, entry in CATALOGUE.items()}
    return {loose(name): (CATALOGUE[entry], values) for name, (entry, values) in _SYNONYMS.items()} | own
