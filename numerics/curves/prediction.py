"""A prediction: columns of numbers by layer, with what they assume and which theorems they come from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from derive.hypotheses import Hypothesis, Kind
from derive.network import b
from derive.proof.derivation import Derivation
from numerics.kernels.layered_quantities import text
from numerics.network import Network
from numerics.plain import finite

Floats = NDArray[np.float64]

COLUMNS = ("var_z", "var_s", "var_grad_s", "var_grad_w")
"""Var[z^i], Var[s^i], Var[dCost/ds^i] and Var[dCost/dw^i], the columns of every curve."""

SAMPLE_COLUMNS = ("m2", "v2", "rho")
"""m^2 and v^2, and the correlation rho = m^2/(m^2 + v^2) of one pre-activation for two samples."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """The predicted variances of layers ``0..d``, over input, weights, biases and output gradient together.

    ``columns[name]`` has one value per layer, for the names in `COLUMNS` and, in the theory of wide layers,
    `SAMPLE_COLUMNS`. ``approximations[name]`` lists, in words, the hypotheses behind the column that this network
    satisfies only approximately; ``exact[name]`` is True when there are none, and the column then holds at any finite
    width. ``theorems[name]`` names the derivations that the numbers come from, ``theory`` which of `THEORIES` they
    belong to. ``relative_error[name]`` has the relative error of each value: what the numbers are off by from the
    theory, not the theory from a network. It is that of the Gaussian expectations at this layer and, to first order,
    what the errors of all layers behind it have become; 0 where a column is computed without any.
    """

    network: Network
    columns: Mapping[str, Floats]
    approximations: Mapping[str, tuple[str, ...]]
    theorems: Mapping[str, tuple[str, ...]]
    theory: str
    relative_error: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def exact(self) -> dict[str, bool]:
        """Whether each column is exact for this network."""
        return {name: not why for name, why in self.approximations.items()}

    @property
    def expectation_error(self) -> dict[str, float]:
        """The largest relative error in each column."""
        return {name: float(errors.max()) for name, errors in self.relative_error.items()}

    def rows(self) -> list[dict[str, float]]:
        """Return one dictionary per layer: ``layer`` and the columns."""
        return [
            {"layer": layer, **{name: float(values[layer]) for name, values in self.columns.items()}}
            for layer in range(self.network.d + 1)
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the prediction as plain data; a number beyond float64's range becomes None, as JSON has none."""
        return {
            "network": self.network.to_dict(),
            "theory": self.theory,
            "exact": self.exact,
            "approximations": {name: list(why) for name, why in self.approximations.items()},
            "theorems": {name: list(names) for name, names in self.theorems.items()},
            "expectation_error": {name: finite(error) for name, error in self.expectation_error.items()},
            "columns": ["layer", *self.columns],
            "rows": [{k: finite(v) for k, v in row.items()} for row in self.rows()],
        }

    def to_json(self) -> str:
        """Return the prediction as JSON, in full precision."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def to_csv(self) -> str:
        """Return the columns as CSV, in full precision (the shortest digits that give the same float64)."""
        out = io.StringIO()
        table = csv.DictWriter(out, ["layer", *self.columns], lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows())
        return out.getvalue()


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
    if hypothesis.declares(Kind.LINEAR):
        return network.activation.is_linear or network.d == 0
    if any(p.licenses == "->" for p in hypothesis.properties):
        return network.d == 0
    if hypothesis.declares(Kind.ZERO, b):
        return not any(network.bias_variance)
    if hypothesis.declares(Kind.NEVER_ZERO):
        # Biases are normal, and what follows the last activation does not matter.
        return all(network.bias_variance[:-1]) or network.d == 0
    return True
