"""A prediction: columns of numbers by layer, with what they assume and which theorems they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from derive.hypotheses import LINEAR, Hypothesis, Kind
from derive.network import b, s
from derive.proof.derivation import Derivation
from derive.results import Result, plain
from numerics.kernels.layered_quantities import text
from numerics.network import Network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from numerics.simulation import Simulation

Floats = NDArray[np.float64]

COLUMNS = ("var_z", "var_s", "var_grad_s", "var_grad_w")
"""Var[z^i], Var[s^i], Var[dCost/ds^i] and Var[dCost/dw^i], the columns of every curve."""

SAMPLE_COLUMNS = ("m2", "v2", "rho")
"""m^2 and v^2, and the correlation rho = m^2/(m^2 + v^2) of one pre-activation for two samples."""

BLOCK_COLUMNS = ("q", "m2", "v2", "rho", "grad")
"""The columns of networks of blocks.

E[z^2] a unit, E[z z'] of two samples, their difference and quotient, and the mean square of dCost/dz. Where rows have
positions, q is the mean over them, and ``q_min`` and ``q_max``, the least and the largest, come after it.
"""


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(Result):
    """The predicted variances of layers ``0..d``, over input, weights, biases and output gradient together.

    ``columns[name]`` has one value per layer, for the names in `COLUMNS` and, in the theory of wide layers,
    `SAMPLE_COLUMNS`. ``approximations[name]`` lists, in words, the hypotheses behind the column that this network
    satisfies only approximately; ``exact[name]`` is True when there are none, and the column then holds at any finite
    width. ``theorems[name]`` names the derivations that the numbers come from, ``theory`` which of `THEORIES` they
    belong to. ``relative_error[name]`` has the relative error of each value: what the numbers are off by from the
    theory, not the theory from a network. It is that of the Gaussian expectations at this layer and, to first order,
    what the errors of all layers behind it have become; 0 where a column is computed without any.

    A network of blocks has a row for its input and for what comes out of each block, called ``names``, and the columns
    of `BLOCK_COLUMNS`; ``position_q[row]`` is q at every position, for the rows that have positions.
    """

    network: Network
    columns: Mapping[str, Floats]
    approximations: Mapping[str, tuple[str, ...]]
    theorems: Mapping[str, tuple[str, ...]]
    theory: str
    relative_error: Mapping[str, Floats] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    position_q: Mapping[int, Floats] = field(default_factory=dict)

    @property
    def exact(self) -> dict[str, bool]:
        """Whether each column is exact for this network."""
        return {name: not why for name, why in self.approximations.items()}

    @property
    def expectation_error(self) -> dict[str, float]:
        """The largest relative error in each column."""
        return {name: float(errors.max()) for name, errors in self.relative_error.items()}

    @property
    def headline(self) -> str:
        """The network, the theory, and what is exact."""
        exact = [name for name, exact in self.exact.items() if exact]
        kept = "all" if len(exact) == len(self.columns) else ", ".join(exact) or "nothing"
        activation = f", {self.network.activation}" if self.network.is_chain else ""
        return f"{self.network.sizes}{activation}, {self.theory}; exact: {kept}"

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary per layer: ``layer`` and the columns."""
        (length,) = {len(values) for values in self.columns.values()}
        return [
            {
                "layer": layer,
                **({"name": self.names[layer]} if self.names else {}),
                **{name: float(values[layer]) for name, values in self.columns.items()},
            }
            for layer in range(length)
        ]

    def plot(self, simulation: Simulation | None = None, *, ax: Any = None) -> Figure:
        """Return the curves as a figure, with a simulation's estimates over them if given: see `plot_curves`."""
        from numerics.figures import plot_curves

        return plot_curves(self, simulation, **({} if ax is None else {"ax": ax}))

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as plain data; a number beyond float64's range becomes None, as JSON has none."""
        return {
            "network": self.network.to_dict(),
            "theory": self.theory,
            "exact": self.exact,
            "approximations": {name: list(why) for name, why in self.approximations.items()},
            "theorems": {name: list(names) for name, names in self.theorems.items()},
            "expectation_error": plain(self.expectation_error),
            **self._table(),
        }


def made(
    network: Network,
    theory: str,
    columns: Mapping[str, Floats],
    derivations: Mapping[str, tuple[Derivation, ...]],
    errors: Mapping[str, Floats] | None = None,
) -> Prediction:
    """Return a prediction; what each column assumes is read off the derivations that it comes from."""
    for values in columns.values():
        values.setflags(write=False)
    return Prediction(
        network,
        columns,
        {name: approximations(network, derivations[name]) for name in columns},
        {name: tuple(derivation.name for derivation in derivations[name]) for name in columns},
        theory,
        {name: np.zeros(network.d + 1) for name in columns} if errors is None else errors,
    )


def approximations(network: Network, derivations: tuple[Derivation, ...]) -> tuple[str, ...]:
    """Return the hypotheses of derivations that the network satisfies only approximately, in words."""
    used = {h.key: h for derivation in derivations for h in derivation.rests_on}
    return tuple(h.text.render(text) for h in used.values() if not _satisfies(network, h))


def _satisfies(network: Network, hypothesis: Hypothesis) -> bool:
    """Return whether a network satisfies a hypothesis; all that is not asked for here, every `Network` does."""
    if hypothesis.states(LINEAR):
        return network.activation.is_linear or network.d == 0
    if any(p.licenses == "->" for p in hypothesis.properties):
        return network.d == 0
    if hypothesis.declares(Kind.ZERO, b):
        return not any(network.bias_variance)
    if hypothesis.declares(Kind.NEVER_ZERO, s):
        # Biases are normal, and what follows the last activation does not matter.
        return all(network.bias_variance[:-1]) or network.d == 0
    return True
