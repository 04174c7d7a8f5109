"""True equations, and the same with one error: an index, a power, a factor, or a hypothesis that is left out.

What is true is judged without the code that is put to the test: both right sides are evaluated at numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from random import Random

from sympy import Basic, Integer, Product, Rational, Sum, Symbol, prime

from derive.averages import Bracket, SharedVariance
from derive.equations.equation_reading import read
from derive.errors import InputError
from derive.gaussian.expectation import GaussianExpectation
from derive.hypotheses import BACKWARD, FORWARD
from derive.layers import d, i
from derive.network import SLOPE, Width
from derive.randomness import Entry

_FORWARD = tuple(h.key for h in FORWARD)
_BACKWARD = tuple(h.key for h in BACKWARD)
_BOTH = tuple(dict.fromkeys((*_FORWARD, *_BACKWARD)))
_NEEDED = {
    "linear-regime",
    "weights-independent",
    "weights-zero-mean",
    "biases-zero",
    "inputs-zero-mean",
    "output-gradient-independent",
    "output-gradient-zero-mean",
}
"""Hypotheses without which the equations below are false."""


@dataclass(frozen=True)
class Case:
    """An equation with what is assumed, and whether it is true; None where nobody has said yet."""

    text: str
    assume: tuple[str, ...]
    true: bool | None = True
    droppable: tuple[str, ...] = ()


TRUE = (
    Case("Var[z^i] = Var[x] ∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}]", _FORWARD, droppable=("weights-zero-mean",)),
    Case("Var[z^2] = n_0 n_1 Var[W^0] Var[W^1] Var[x]", _FORWARD, droppable=("linear-regime", "biases-zero")),
    Case("Var[s^i] = Var[x] ∏_{i'=0}^{i} n_{i'} Var[W^{i'}]", _FORWARD, droppable=("inputs-zero-mean",)),
    Case("Var[z^{i+1}] = n_i Var[W^i] Var[z^i]", _FORWARD, droppable=("weights-independent",)),
    Case(
        "Var[∂Cost/∂s^i] = Var[∂Cost/∂s^d] ∏_{i'=i+1}^{d} n_{i'+1} Var[W^{i'}]",
        _BACKWARD,
        droppable=("linear-regime", "weights-independent", "weights-zero-mean"),
    ),
    Case(
        "Var[∂Cost/∂s^i] = n_{i+2} Var[W^{i+1}] Var[∂Cost/∂s^{i+1}]",
        _BACKWARD,
        droppable=("weights-zero-mean", "weights-independent"),
    ),
    Case(
        r"Var[∂Cost/∂W^i] = Var[x] Var[\frac{\partial Cost}{\partial s^d}] "
        r"(\prod_{i'=0}^{i-1} n_{i'} Var[W^{i'}]) \prod_{i'=i+1}^{d} n_{i'+1} Var[W^{i'}]",
        _BOTH,
        droppable=("inputs-zero-mean", "biases-zero"),
    ),
    Case("Var[s^{i+1}] = n_{i+1} Var[W^{i+1}] Var[s^i]/2", ("relu",)),
    Case("Var[s^{i+1}] = n_{i+1} Var[W^{i+1}] Var[s^i] (a²/2 + 1/2)", ("leaky-relu",)),
    Case("Var[s^i] = Var[W^0] (Σ_{l=1}^{n_0} x_l²) ∏_{i'=1}^{i} n_{i'} Var[W^{i'}]/2", ("relu",)),
    Case("⟪f(s^i_k)²⟫ = ⟪(s^i_k)²⟫/2", ("relu",)),
    Case("Var[∂Cost/∂s^i] = n_{i+2} Var[W^{i+1}] Var[∂Cost/∂s^{i+1}]/2", ("relu",)),
    Case("Var[∂Cost/∂s^i] = Var[∂Cost/∂s^d] ∏_{i'=i+1}^{d} n_{i'+1} Var[W^{i'}]/2", ("relu",)),
    Case("Var[s^{i+1}] → σ_w² E[f(u)²; u ~ N(0, q)] + σ_b²", ("wide",)),
    Case(
        "Var[∂Cost/∂s^i] → n_{i+2} Var[W^{i+1}] Var[∂Cost/∂s^{i+1}] E[f'(u)²; u ~ N(0, q)]",
        ("wide",),
    ),
    Case("Var[X Y] = Var[X] Var[Y] + E[X]² Var[Y] + E[Y]² Var[X]", ("factors-independent",)),
)

_INDEX = re.compile(r"(?<=[\^_]\{)([^{}=~]*)(?=\})|(?<=n_)(\d|i)(?![}A-Za-z0-9+])|(?<=W\^)(\d|i)(?=\])|(?<==)\d(?=\})")
_FACTOR = re.compile(r"Var\[[^\[\]]*\]|n_\{[^{}]*\}|n_\d|E\[[^\[\]]*\]|σ_[wb]²")
_SHIFTED = {
    "i'": "i'+1",
    "i'+1": "i'",
    "i-1": "i",
    "i+1": "i",
    "i+2": "i+1",
    "i": "i+1",
    "d": "d-1",
    "0": "1",
    "1": "2",
}


def one_error(case: Case, rng: Random) -> Case | None:
    """Return the equation with one error; None where none of the kind that was drawn can be made."""
    kind = rng.choice(("index", "index", "power", "factor", "factor", "hypothesis"))
    if kind == "hypothesis":
        drop = [key for key in case.assume if key in case.droppable and key in _NEEDED]
        if not drop:
            return None
        gone = rng.choice(drop)
        return replace(case, assume=tuple(key for key in case.assume if key != gone), true=False)
    left, sign, right = re.split(r" (=|→) ", case.text, maxsplit=1)
    changed = {"index": _wrong_index, "power": _wrong_power, "factor": _wrong_factor}[kind](right, rng)
    return (
        None if changed is None or changed == right else _judged(replace(case, text=f"{left} {sign} {changed}"), case)
    )


def _wrong_index(text: str, rng: Random) -> str | None:
    places = [m for m in _INDEX.finditer(text) if m[0] in _SHIFTED]
    if not places:
        return None
    place = rng.choice(places)
    other = "i" if place[0] == "i'" and rng.random() < 0.4 else _SHIFTED[place[0]]
    other = f"{{{other}}}" if text[place.start() - 1] != "{" and len(other) > 1 else other
    return text[: place.start()] + other + text[place.end() :]


def _wrong_power(text: str, rng: Random) -> str | None:
    places = [m for m in _FACTOR.finditer(text) if text[m.end() : m.end() + 1] not in ("²", "/")]
    if not places:
        return None
    place = rng.choice(places)
    base = f"({place[0]})" if place[0].endswith("²") else place[0]
    return text[: place.start()] + base + "²" + text[place.end() :]


def _wrong_factor(text: str, rng: Random) -> str | None:
    places = list(_FACTOR.finditer(text))
    if not places:
        return None
    place = rng.choice(places)
    return rng.choice(
        (
            text[: place.start()] + "2 " + text[place.start() :],
            text[: place.start()] + text[place.start() :].replace(place[0], "1", 1),
            text.replace("/2", "/3") if "/2" in text else f"{text}/2",
            f"{text} + {place[0]}" if "∏" not in text and "prod" not in text else f"{text} 3",
        )
    )


def _judged(case: Case, original: Case) -> Case | None:
    """Say whether a changed equation is true, by numbers; None where it is no equation any more."""
    try:
        made, known = read(case.text).statements[0], read(original.text).statements[0]
    except InputError:
        return None
    same = True
    for depth, layer in ((2, 0), (3, 1), (4, 2), (5, 4)):
        at = {i: Integer(layer), d: Integer(depth)}
        if _nowhere(known.lhs, at) or _nowhere(known.rhs, at):
            continue
        same &= _number(made.rhs, at) == _number(known.rhs, at)
    return replace(case, true=same)


def _nowhere(side: Basic, at: dict[Symbol, Integer]) -> bool:
    layers = [entry.layer for entry in side.atoms(Entry) if entry.layer is not None]
    return any(not 0 <= layer.xreplace(at) <= at[d] for layer in layers if not layer.xreplace(at).free_symbols)


def _number(side: Basic, at: dict[Symbol, Integer]) -> Basic:
    """Return a side as a polynomial in what it is made of, with sizes and shared variances as prime numbers."""
    written = side.xreplace(at)
    written = written.replace(
        lambda e: isinstance(e, Product), lambda e: e.doit(deep=False) if e.limits[0][1].is_Integer else e
    )
    written = written.replace(lambda e: isinstance(e, Width), lambda e: Integer(prime(20 + int(e.args[0]))))
    written = written.replace(
        lambda e: isinstance(e, SharedVariance), lambda e: Rational(prime(40 + _key(e)), prime(60 + _key(e)))
    )
    opaque = (Bracket, Sum, GaussianExpectation)
    # A unit is as good as another.
    names = {e: Symbol(re.sub(r"_\{?[a-z']+\}?(?=[^a-z=]|$)", "", str(e))) for e in written.atoms(*opaque)}
    return written.xreplace({**names, SLOPE: Rational(1, 7)}).expand()


def _key(e: SharedVariance) -> int:
    return (int(e.layer[0]) if e.layer else 9) + 10 * "Wxgb".index(e.family.name)
