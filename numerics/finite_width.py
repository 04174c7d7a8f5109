"""How far a wide limit is from networks of finite width: the bias at several widths, and the law c/N fitted to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from sympy import Integer

from derive.blocks import Block, Dense
from derive.errors import InputError, unknown_name
from derive.results import Result, plain
from numerics.network import Network
from numerics.scoring import constant
from numerics.simulation import simulate
from numerics.simulation.brute import QUANTITIES
from numerics.simulation.plan import at_least
from numerics.simulation.streams import RNG, generator
from numerics.verification import Predicted, predicted_columns

Floats = NDArray[np.float64]

WIDTHS = (32, 64, 128, 256)
_QUANTITIES = {"both": ("m2", "v2", "rho"), "network": QUANTITIES, "blocks": ("q", "m2", "v2", "rho", "grad")}


@dataclass(frozen=True)
class WidthFit:
    """The relative bias ``<estimate>/predicted - 1`` of one quantity of one layer at several widths N, fitted by c/N.

    ``c`` and its ``standard_error`` are by least squares, weighted by the inverse variances of the biases.
    ``chi_square`` has one degree of freedom less than there are widths, and ``p_value`` is the chance of a larger one
    if c/N is the law: small when it does not fit. ``p_constant`` is the same for a bias that does not shrink at all.
    """

    layer: int
    quantity: str
    widths: tuple[int, ...]
    bias: tuple[float, ...]
    error: tuple[float, ...]
    c: float
    standard_error: float
    chi_square: float
    p_value: float
    p_constant: float

    def at(self, width: int) -> tuple[float, float]:
        """Return the relative bias at a width by the fit, and its standard error."""
        return self.c / width, self.standard_error / width


@dataclass(frozen=True, repr=False)
class FiniteWidthBias(Result):
    """The fits of all layers and quantities: what networks of width N are off by from the wide limit."""

    network: Network
    networks: int
    samples: int
    fits: tuple[WidthFit, ...]

    def fit(self, quantity: str, layer: int) -> WidthFit | None:
        """Return the fit of a quantity at a layer, or None."""
        return next((fit for fit in self.fits if (fit.quantity, fit.layer) == (quantity, layer)), None)

    def explains(self, network: Network) -> bool:
        """Return whether a network differs from the fitted ones in width only, so that the fit is about it."""
        width = uniform_width(network)
        if width is None or network.is_chain != self.network.is_chain:
            return False
        if not network.is_chain:
            return _at_width(self.network, width) == network
        same = replace(network, widths=self.network.widths, weight_variance=self.network.weight_variance)
        return (
            len(network.widths) == len(self.network.widths)
            and np.allclose(network.gain, self.network.gain, rtol=1e-12)
            and same == self.network
        )

    def width_of(self, network: Network) -> int:
        """Return the width of a network that the fit is about; raise `InputError` for any other."""
        width = uniform_width(network)
        if width is None or not self.explains(network):
            raise InputError("width_bias must be of a network that differs from the simulated one in its width only")
        return width

    def text(self) -> str:
        """Return a table: the bias at each width, c, its standard error and how well c/N and a constant fit."""
        widths = self.fits[0].widths
        head = ["layer", "quantity", *(f"bias at N={N}" for N in widths), "c", "p(c/N)", "p(constant)"]
        body = [
            [
                str(fit.layer),
                fit.quantity,
                *(f"{100 * b:+.2f} ± {100 * e:.2f} %" for b, e in zip(fit.bias, fit.error, strict=True)),
                f"{fit.c:+.3g} ± {fit.standard_error:.2g}",
                f"{fit.p_value:.2g}",
                f"{fit.p_constant:.2g}",
            ]
            for fit in self.fits
        ]
        sizes = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        lines = ["  ".join(c.rjust(s) for c, s in zip(line, sizes, strict=True)) for line in (head, *body)]
        about = (
            f"Relative bias of networks of width N from the wide limit, over {self.networks} networks and "
            f"{self.samples} samples each, and c in c/N by weighted least squares; p is the chance of a worse fit."
        )
        return "\n".join([*lines, "", about])

    __str__ = text

    @property
    def headline(self) -> str:
        """What was fitted."""
        widths = ", ".join(map(str, self.fits[0].widths))
        return f"c/N fitted to {len(self.fits)} biases at widths {widths}, {self.networks} networks each"

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each layer and quantity: the bias at each width with its error, and the fit."""
        return [
            {"layer": fit.layer, "quantity": fit.quantity}
            | {f"bias_{n}": bias for n, bias in zip(fit.widths, fit.bias, strict=True)}
            | {f"error_{n}": error for n, error in zip(fit.widths, fit.error, strict=True)}
            | {name: getattr(fit, name) for name in ("c", "standard_error", "chi_square", "p_value", "p_constant")}
            for fit in self.fits
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return all fits as plain data."""
        return {
            "network": self.network.to_dict(),
            "networks": self.networks,
            "samples": self.samples,
            "fits": plain([asdict(fit) for fit in self.fits]),
        }


def finite_width_bias(
    network: Network,
    predict: Callable[[Network], Predicted],
    *,
    widths: Sequence[int] | None = None,
    networks: int | None = None,
    samples: int = 16,
    over: str = "both",
    quantities: Sequence[str] | None = None,
    seed: int | Sequence[int] | None = None,
    rng: RNG = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> FiniteWidthBias:
    """Estimate the bias of a wide-limit prediction at several widths, and fit c/N to it.

    Each width N gets the network with every width replaced by N and the gains kept, and is simulated over networks
    (forward and backward), or over networks and samples; one of blocks as `simulate` does it. The estimators of m² and
    v² are unbiased at any number of samples, so few samples and many networks are the better bargain. Layers where the
    prediction is 0 have no relative bias and are left out.

    Args:
        network: the network whose depth, activation, gains and laws are kept; all its widths must be equal, that of
            its input, too, and one of blocks has no positions.
        predict: the prediction for a network.
        widths: at least two different widths; by default `WIDTHS`, or two, three and four eighths of the width of a
            network of blocks.
        networks: how many networks at each width; by default 1000, or 300 of blocks.
        samples: how many samples each network sees, over both; one of blocks sees two, or its batch, or so many
            that stand for an infinite one.
        over: ``"both"`` or ``"network"``, as in `simulate`; of blocks it says nothing.
        quantities: which columns; by default ``m2``, ``v2`` and ``rho`` over both, else all that `simulate` gives.
        seed: as in `simulate`.
        rng: as in `simulate`.
        workers: as in `simulate`.
        executor: as in `simulate`.
        progress: as in `simulate`.

    Raises:
        InputError: for a network of unequal widths, fewer than two widths, a column that is not predicted, or what
            `simulate` does not take.

    """
    if uniform_width(network) is None:
        raise InputError(f"network must have equal widths, got {network.widths or network.sizes}")
    sizes = sorted({at_least("widths", width, 2) for width in widths or _widths(network)})
    if len(sizes) < 2:
        raise InputError(f"widths must hold at least two different widths, got {list(widths or sizes)!r}")
    if over not in _QUANTITIES:
        raise unknown_name("over", over, _QUANTITIES)
    if not network.is_chain:
        over, usual = "blocks", 300
        infinite = None in network.layers.batches if network.layers else False
        options: dict[str, Any] = {"samples": samples} if infinite else {}
        samples = samples if infinite else network.samples
    else:
        samples, usual = samples if over == "both" else 1, 1000
        options = {"over": over, "samples": samples}
    networks = usual if networks is None else networks
    wanted = _QUANTITIES[over] if quantities is None else tuple(quantities)
    if over == "network":
        options["quantities"] = wanted
    parent, biases, errors = generator(rng, seed), [], []
    for width in sizes:
        here = _at_width(network, width)
        columns = _wanted(predicted_columns(predict(here)), wanted)
        found = simulate(
            here, networks=networks, rng=parent, workers=workers, progress=progress, executor=executor, **options
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            biases.append({name: found.estimate[name] / columns[name] - 1 for name in wanted})
            errors.append({name: found.standard_error[name] / np.abs(columns[name]) for name in wanted})
    fits = []
    for layer in range(len(biases[0][wanted[0]])):
        for name in wanted:
            bias, error = ([float(at[name][layer]) for at in side] for side in (biases, errors))
            if np.isfinite([*bias, *error]).all() and not constant(1, min(error)):
                fits.append(_fit(layer, name, tuple(sizes), bias, error))
    if not fits:
        raise InputError(f"quantities must have a predicted value that is not zero, got {', '.join(wanted)}")
    return FiniteWidthBias(network, networks, samples, tuple(fits))


def _wanted(columns: Mapping[str, Floats], quantities: Sequence[str]) -> Mapping[str, Floats]:
    missing = [name for name in quantities if name not in columns]
    if missing:
        raise InputError(f"the prediction has no column {', '.join(missing)}")
    return columns


def _fit(layer: int, name: str, widths: tuple[int, ...], bias: list[float], error: list[float]) -> WidthFit:
    weights, freedom = 1 / np.square(error), len(widths) - 1
    c, c_error, chi_square = _least_squares(1 / np.asarray(widths, float), np.asarray(bias), weights)
    _, _, constant = _least_squares(np.ones(len(widths)), np.asarray(bias), weights)
    p_value, p_constant = (float(scipy.special.chdtrc(freedom, value)) for value in (chi_square, constant))
    return WidthFit(layer, name, widths, tuple(bias), tuple(error), c, c_error, chi_square, p_value, p_constant)


def _least_squares(shape: Floats, bias: Floats, weights: Floats) -> tuple[float, float, float]:
    """Fit ``bias = c shape``; return c, its standard error and the weighted sum of squared residuals."""
    information = float((weights * shape * shape).sum())
    c = float((weights * shape * bias).sum()) / information
    return c, 1 / math.sqrt(information), float((weights * (bias - c * shape) ** 2).sum())


def uniform_width(network: Network) -> int | None:
    """Return the width of a network whose layers are all equally wide, the input, too, else None."""
    found = set(network.widths) if network.is_chain else {*network.shape, *_units(network.blocks)}
    return found.pop() if len(found) == 1 and len(network.shape) == 1 else None


def _units(blocks: Sequence[Block]) -> Iterator[int]:
    """Yield the sizes of all dense layers, inside other blocks, too."""
    for block in blocks:
        if isinstance(block, Dense):
            yield int(block.units)
        yield from _units(block.inside)


def _widths(network: Network) -> Sequence[int]:
    """Return the widths at which a network is tried: of blocks, with batches, narrow ones follow no c/N."""
    width = uniform_width(network)
    return WIDTHS if network.is_chain or width is None else (width // 4, 3 * width // 8, width // 2)


def _at_width(network: Network, width: int) -> Network:
    """Return the network with all widths replaced and the gains kept."""
    if network.layers is not None:
        return network.with_blocks(_as_wide(network.layers, width), width)
    return replace(
        network,
        widths=(width,) * len(network.widths),
        weight_variance=tuple(gain / width for gain in network.gain),
    )


def _as_wide(block: Block, width: int) -> Block:
    own = {"units": Integer(width)} if isinstance(block, Dense) else {}
    return block.changed(tuple(_as_wide(part, width) for part in block.inside), **own)
