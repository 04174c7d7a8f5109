"""Hypotheses by one word, as people name a setting, or by their own names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from derive.errors import InputError, unknown_name
from derive.hypotheses import (
    BACKWARD,
    BIASES_ZERO,
    FORWARD,
    HE_WEIGHTS,
    INPUT_INDEPENDENT,
    NEVER_ZERO,
    OUTPUT_GRADIENT_CENTRED,
    OUTPUT_GRADIENT_INDEPENDENT,
    OUTPUT_GRADIENT_SHARES_VARIANCE,
    RECTIFIER,
    RELU,
    UNITS_ALIKE,
    WEIGHTS,
    WEIGHTS_SYMMETRIC,
    Hypothesis,
)
from derive.randomness import EVERYTHING, NETWORKS, SAMPLES, Over

_GRADIENT = (OUTPUT_GRADIENT_INDEPENDENT, OUTPUT_GRADIENT_CENTRED, OUTPUT_GRADIENT_SHARES_VARIANCE)
_RECTIFIED = (*WEIGHTS, BIASES_ZERO, WEIGHTS_SYMMETRIC, INPUT_INDEPENDENT, UNITS_ALIKE, NEVER_ZERO, *_GRADIENT)


@dataclass(frozen=True)
class Preset:
    """Hypotheses that go together, in words, and what E and Var are over where they do not say so."""

    words: str
    hypotheses: tuple[Hypothesis, ...]
    fixed_input: bool


def presets() -> dict[str, Preset]:
    """Return what can be assumed by one word."""
    from derive.theorems.wide import GAUSSIAN, GRADIENT_INDEPENDENCE

    wide = (*WEIGHTS, BIASES_ZERO, INPUT_INDEPENDENT, UNITS_ALIKE, GAUSSIAN, GRADIENT_INDEPENDENCE, *_GRADIENT)
    both = (*FORWARD, *(h for h in BACKWARD if h not in FORWARD))
    return {
        "glorot": Preset("Glorot & Bengio (2010): a linear network at its initialisation", both, False),
        "relu": Preset("a ReLU network with symmetric weights of any variance", (RELU, *_RECTIFIED), True),
        "leaky-relu": Preset("a leaky ReLU network with symmetric weights", (RECTIFIER, *_RECTIFIED), True),
        "he": Preset("He et al. (2015): a ReLU network with He's variance", (RELU, HE_WEIGHTS, *_RECTIFIED), True),
        "wide": Preset("wide layers and any activation function", wide, True),
    }


def assumed(words: Iterable[str]) -> tuple[tuple[Hypothesis, ...], bool]:
    """Return the hypotheses that words name, and whether they go with a fixed input.

    Raises `InputError` for a word that is neither a preset nor the name of a hypothesis.
    """
    known, found, fixed = presets(), list[Hypothesis](), False
    for word in words:
        if word in known:
            found += known[word].hypotheses
            fixed |= known[word].fixed_input
            continue
        from derive.lookup import hypotheses

        by_name = hypotheses()
        if word not in by_name:
            raise unknown_name("assumption", word, [*known, *by_name])
        found.append(by_name[word])
    return tuple(dict.fromkeys(found)), fixed


def over_named(name: str) -> Over:
    """Return what averages are over, by its name; raises `InputError` for an unknown one."""
    from derive.theorems.rectifier_gradient import FIXED_INPUT

    overs = {o.name: o for o in (EVERYTHING, NETWORKS, SAMPLES, FIXED_INPUT)}
    if name not in overs:
        raise InputError(str(unknown_name("average", name, overs)))
    return overs[name]
