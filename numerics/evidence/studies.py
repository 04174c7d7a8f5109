"""What is asked, as cells: five studies, at two sizes (and at any other)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import derive
from numerics.evidence.cells import MEASURED, TRAINED, Cell
from numerics.evidence.data import CLASSES, PIXELS
from numerics.figures.experiment import he_gain

ASSUMPTION, RHYTHM, DEPTH, DROPOUT, SHAPES = "assumption", "rhythm", "depth", "dropout", "shapes"
STUDIES = {
    ASSUMPTION: "variances at initialisation, and the gradient of a real cost in place of a drawn one",
    RHYTHM: "how fast each layer changes, by initialisation",
    DEPTH: "which depths of tanh networks train, by weight variance",
    DROPOUT: "the same with dropout",
    SHAPES: "ReLU networks: plain, normalised, residual",
}
"""The studies, and what each is about."""

BIAS_VARIANCE, DROP_RATE = 0.05, 0.05
"""Of the tanh networks: Var[b] as in Schoenholz et al. (2017), figure 5, and the drop rate of the study of dropout."""


@dataclass(frozen=True)
class Settings:
    """How large the studies are.

    ``rates`` are the step sizes from which each network's is chosen, by the same rule for all: the best mean accuracy
    on the validation samples. ``depths`` and ``variances`` (of σ_w²) are the grid of `DEPTH` and `DROPOUT`,
    ``rhythm_depth`` and ``shape_depths`` those of the two others; ``copies`` is the number of seeds, ``drawn`` that of
    `ASSUMPTION`.
    """

    width: int
    batch: int
    copies: int
    steps: int
    depths: tuple[int, ...]
    variances: tuple[float, ...]
    grid_rates: tuple[float, ...]
    rhythm_depth: int
    rates: tuple[float, ...]
    shape_depths: tuple[int, ...]
    drawn: int
    drawn_depths: tuple[int, ...]


FULL = Settings(
    width=64,
    batch=64,
    copies=5,
    steps=200,
    depths=(5, 10, 20, 40, 60),
    variances=(1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.5),
    grid_rates=(0.001, 0.01),
    rhythm_depth=10,
    rates=(0.001, 0.003, 0.01, 0.03, 0.1),
    shape_depths=(5, 10, 20, 50, 100),
    drawn=200,
    drawn_depths=(5, 20, 100),
)
QUICK = Settings(
    width=64,
    batch=64,
    copies=5,
    steps=100,
    depths=(5, 10, 20, 40),
    variances=(1.0, 1.5, 2.0, 2.5, 3.5),
    grid_rates=(0.005,),
    rhythm_depth=10,
    rates=(0.001, 0.01, 0.1),
    shape_depths=(5, 20),
    drawn=50,
    drawn_depths=(20,),
)


def cells(settings: Settings, *, seed: int, data: str) -> list[Cell]:
    """Return the cells of all studies, in their order."""
    common: dict[str, Any] = {"data": data, "seed": seed, "batch": settings.batch}
    return [Cell(study=study, **about, **common) for study, each in _MAKERS.items() for about in each(settings)]


_Cells = Iterator[dict[str, Any]]


def chain(width: int, depth: int, between: str) -> str:
    """Return dense layers, ``depth`` of them, with the same blocks between all."""
    repeated = f"repeat({depth - 2}, {between}, dense({width})), " if depth > 2 else ""
    return f"dense({width}), {repeated}{between}, dense({CLASSES})"


def stream(width: int, depth: int, branch: str, scale: str, end: str) -> str:
    """Return a residual stream, of ``depth`` dense layers in all, of which the first and the last are none of it."""
    blocks = f"repeat({depth - 2}, residual({branch}, dense({width}), scale={scale}))"
    return f"dense({width}), {blocks}, {end}, dense({CLASSES})"


def _trained(settings: Settings, rates: tuple[float, ...], about: dict[str, Any]) -> _Cells:
    for rate in rates:
        yield {"kind": TRAINED, "copies": settings.copies, "steps": settings.steps, "every": 10, "rate": rate} | about


def _assumption(settings: Settings) -> _Cells:
    """ReLU and tanh networks; ReLU networks with a last layer that makes nearly nothing of what comes in, too."""
    width, tanh_gain = settings.width, _critical()
    for depth in settings.drawn_depths:
        relu, tanh = (chain(width, depth, f) for f in ("relu", "tanh"))
        quiet = relu.removesuffix(")") + f", gain={_QUIET})"
        for label, layers, gain, bias in (
            ("ReLU", relu, he_gain(), 0.0),
            ("ReLU, logits near 0", quiet, he_gain(), 0.0),
            ("tanh", tanh, tanh_gain, BIAS_VARIANCE),
        ):
            yield {
                "kind": MEASURED,
                "label": label,
                "layers": layers,
                "depth": depth,
                "gain": gain,
                "bias_variance": bias,
                "copies": settings.drawn,
            }


_QUIET = "1/100"


def _critical() -> float:
    """Return σ_w² of tanh at the edge of chaos, with the biases of the studies."""
    from numerics.criticality import critical

    found = critical("tanh", bias_variance=BIAS_VARIANCE).sigma_w2
    assert found is not None  # tanh has an edge of chaos for every variance of the biases
    return found


def _rhythm(settings: Settings) -> _Cells:
    """A ReLU network from four starts."""
    depth, width = settings.rhythm_depth, settings.width
    widths = [PIXELS, *[width] * (depth - 1), CLASSES]
    he = [he_gain()] * depth
    half = depth // 2
    # The same product of gains as He's, and so the same variance at the output, by unequal layers.
    unequal = [_APART * he_gain()] * half + [he_gain()] * (depth - 2 * half) + [he_gain() / _APART] * half
    for label, gains, start in (
        ("Glorot", _glorot_gains(widths), "drawn"),
        ("He", he, "drawn"),
        ("unbalanced", unequal, "drawn"),
        ("data-dependent", he, "data-dependent"),
    ):
        layers = ", relu, ".join(f"dense({n}, gain={g!r})" for n, g in zip(widths[1:], gains, strict=True))
        about = {"label": label, "layers": layers, "depth": depth, "gain": he_gain(), "start": start}
        yield from _trained(settings, settings.rates, about)


_APART = 4.0


def _glorot_gains(widths: list[int]) -> list[float]:
    """Return n_i Var[W^i] of Glorot's compromise, from its derivation."""
    from numerics.kernels import kernel

    variances = kernel(derive.theorem("glorot-condition"))(np.arange(len(widths) - 1), widths)
    return [float(n * v) for n, v in zip(widths, variances, strict=False)]


def _grid(between: str, settings: Settings) -> _Cells:
    """Tanh networks of many depths and weight variances, with these blocks between dense layers."""
    for depth in settings.depths:
        for variance in settings.variances:
            about = {
                "label": "tanh",
                "layers": chain(settings.width, depth, between),
                "depth": depth,
                "gain": variance,
                "bias_variance": BIAS_VARIANCE,
            }
            yield from _trained(settings, settings.grid_rates, about)


def _shapes(settings: Settings) -> _Cells:
    """ReLU networks with He's gain: plain, normalised, and residual ones of L blocks whose variance grows."""
    width = settings.width
    for depth in settings.shape_depths:
        made = {label: chain(width, depth, between) for label, between in CHAINS.items()}
        for scale in ("1/sqrt(L)", "2/sqrt(L)", "1"):
            made[f"residual, {scale}"] = stream(width, depth, "relu", scale.replace("L", str(depth - 2)), "relu")
        made["residual, layernorm"] = stream(width, depth, "layernorm, relu", "1", "layernorm, relu")
        for label, layers in made.items():
            about = {"label": label, "layers": layers, "depth": depth, "gain": he_gain()}
            yield from _trained(settings, settings.rates, about)


CHAINS = {
    "plain": "relu",
    "layernorm": "layernorm, relu",
    "layernorm after": "relu, layernorm",
    "batchnorm": "batchnorm, relu",
}
"""What stands between the dense layers of the chains of `SHAPES`. BatchNorm is over the batch, in tests, too."""
BETWEEN = {DEPTH: "tanh", DROPOUT: f"tanh, dropout({DROP_RATE})"}
"""What stands between the dense layers of the two grids."""

_MAKERS: dict[str, Callable[[Settings], _Cells]] = {
    ASSUMPTION: _assumption,
    RHYTHM: _rhythm,
    **{study: partial(_grid, between) for study, between in BETWEEN.items()},
    SHAPES: _shapes,
}
