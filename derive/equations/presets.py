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
_RECTIFIED = (*WEIGHTS, WEIGHTS_SYMMETRIC, INPUT_INDEPENDENT)
_BACK = (UNITS_ALIKE, NEVER_ZERO, *_GRADIENT)


@dataclass(frozen=True)
class Preset:
    """Hypotheses that go together, in words, and whether they go with a fixed input.

    ``forward`` are those for what goes forward, ``backward`` those for gradients: no pre-activation is exactly zero
    there, as it may be without biases.
    """

    words: str
    forward: tuple[Hypothesis, ...]
    backward: tuple[Hypothesis, ...]
    fixed_input: bool = True


def presets() -> dict[str, Preset]:
    """Return what can be assumed by one word."""
    from derive.theorems.wide_networks import GAUSSIAN, GRADIENT_INDEPENDENCE

    wide = (*WEIGHTS, BIASES_ZERO, INPUT_INDEPENDENT, UNITS_ALIKE, GAUSSIAN)
    linear = (*FORWARD, *(h for h in BACKWARD if h not in FORWARD))
    relu, leaky = (RELU, *_RECTIFIED), (RECTIFIER, *_RECTIFIED)
    of_he = (RELU, HE_WEIGHTS, *_RECTIFIED)
    return {
        "glorot": Preset("Glorot & Bengio (2010): a linear network at its initialisation", linear, linear, False),
        "relu": Preset("a ReLU network with symmetric weights", (*relu, BIASES_ZERO), (*relu, *_BACK)),
        "leaky-relu": Preset("a leaky ReLU network with symmetric weights", (*leaky, BIASES_ZERO), (*leaky, *_BACK)),
        "he": Preset("He et al. (2015): ReLU with He's variance", (*of_he, BIASES_ZERO), (*of_he, *_BACK)),
        "wide": Preset("wide layers, any activation", wide, (*wide, GRADIENT_INDEPENDENCE, *_GRADIENT)),
    }


def fixes_input(words: Iterable[str]) -> bool:
    """Return whether one of the words names a setting that goes with a fixed input."""
    known = presets()
    return any(word in known and known[word].fixed_input for word in words)


def draws_input(words: Iterable[str]) -> bool:
    """Return whether one of the words names a setting in which the input is drawn, too, and all is exact."""
    known = presets()
    return any(word in known and not known[word].fixed_input for word in words)


def assumed(words: Iterable[str], *, backward: bool = False) -> tuple[Hypothesis, ...]:
    """Return the hypotheses that words name, for what goes forward or for gradients.

    Raises `InputError` for a word that is neither a preset nor the name of a hypothesis.
    """
    known, found = presets(), list[Hypothesis]()
    for word in words:
        if word in known:
            found += known[word].backward if backward else known[word].forward
            continue
        from derive.lookup import hypotheses

        by_name = hypotheses()
        if word not in by_name:
            raise unknown_name("assumption", word, [*known, *by_name])
        found.append(by_name[word])
    return tuple(dict.fromkeys(found))


def over_named(name: str) -> Over:
    """Return what averages are over, by its name; raises `InputError` for an unknown one."""
    from derive.theorems.rectifier_gradient import FIXED_INPUT

    overs = {o.name: o for o in (EVERYTHING, NETWORKS, SAMPLES, FIXED_INPUT)}
    if name not in overs:
        raise InputError(str(unknown_name("average", name, overs)))
    return overs[name]
