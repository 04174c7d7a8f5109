"""Kernels of results with layered quantities: a derived right-hand side as a vectorised NumPy function."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Basic, Symbol

from derive.errors import InputError
from derive.layers import Facts, d
from derive.proof.derivation import Derivation
from numerics.kernels.layer_products import layer_product, layer_range, times
from numerics.kernels.layered_quantities import Quantity, text
from numerics.kernels.layered_source import write
from numerics.programs.printers import compiled

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def layered_kernel(result: Derivation | Basic) -> LayeredKernel:
    """Return the NumPy function that evaluates a derivation's right-hand side, or an expression of the language.

    The arguments are read off the expression. Layer symbols come first (``i`` may be an integer or an integer array,
    ``d`` is an integer), then the sizes ``n``, then what has one value per layer (``var_W``, ``var_b``,
    ``mean_square_z``), then numbers (``var_x`` for Var[x], ``var_grad_s_d`` for Var[dCost/ds^d]).

    Raises `InputError` for an expression without a value (a condition, a random scalar outside any average) and for
    sums and integrals.

    >>> import derive
    >>> equation_1 = layered_kernel(derive.theorem("backward-variance"))
    >>> equation_1.signature
    <Signature (i, d, n, var_W, var_grad_s_d)>
    >>> equation_1(i=[0, 1, 2], d=2, n=[3, 4, 2, 5], var_W=[0.3, 0.5, 0.1], var_grad_s_d=2.0)
    array([1., 1., 2.])
    """
    if isinstance(result, Derivation):
        expression, facts = result.result, result.setting.facts
        name, statement = result.name.replace("-", "_"), result.statement
        formula = f"{text(statement.lhs)} {statement.relation} {text(expression)}"
    elif isinstance(result, Basic):
        name, expression, facts, formula = "kernel", result, Facts(), text(result)
    else:
        raise InputError(f"a kernel is made of a Derivation or a SymPy expression, got {result!r}")
    return LayeredKernel(name, expression, *write(name, expression), facts, formula)


@dataclass(frozen=True, eq=False, repr=False)
class LayeredKernel:
    """A vectorised function of layer symbols and quantities, generated from ``expression`` as NumPy ``source``.

    Arrays of layered quantities have the layer on their last axis: ``n`` the ``d + 2`` sizes of layers 0..d+1, the
    others ``d + 1`` values of layers 0..d. All leading axes broadcast (many networks at once), and the result has
    those leading axes followed by the axes of ``i``. Floats are float64.

    Accuracy: a product over layers is within a few units in the last place whatever the number of layers, a
    variance that is zero makes exact zeros, and what cannot be represented in float64 is ``inf`` or 0.

    Calling it raises `InputError`, naming the argument, the rule and the value, for a missing argument, an array of
    the wrong length, a value that is not finite or has the wrong sign, and a layer outside the theorem's range.
    """

    name: str
    expression: Basic
    source: str
    layers: tuple[Symbol, ...]
    arguments: tuple[Quantity, ...]
    facts: Facts
    formula: str

    def __repr__(self) -> str:
        return f"<LayeredKernel: {self.name}{self.signature}, {self.formula}>"

    @cached_property
    def signature(self) -> inspect.Signature:
        """The signature, in the order of the source; arguments may be given by position or by name."""
        names = [*(s.name for s in self.layers), *(q.name for q in self.arguments)]
        return inspect.Signature([inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names])

    @property
    def __signature__(self) -> inspect.Signature:
        return self.signature

    def __post_init__(self) -> None:
        """Give this kernel a docstring of its own, with its formula."""
        lines = [f"Evaluate {self.formula}", ""]
        lines += [f"{s.name}: {'the last layer' if s == d else 'a layer, or an array of layers'}" for s in self.layers]
        for q in self.arguments:
            axes = f"layers 0..{'d+1' if q.layers == 2 else 'd'} on the last axis" if q.layered else "a number"
            lines.append(f"{q.name}: {q.meaning} ({axes})")
        object.__setattr__(self, "__doc__", "\n".join(lines))

    @cached_property
    def function(self) -> Any:
        """The compiled source, which checks nothing but the bounds of layers: arguments are arrays."""
        own = {"at": _at, "beside": _beside, "layer_range": layer_range, "layer_product": layer_product, "times": times}
        return compiled(self.source, self.name, {"numpy": np, **own})

    def __call__(self, *args: Any, **kwargs: Any) -> Floats:
        """Evaluate the formula; see the class for shapes, accuracy and errors."""
        try:
            given = self.signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise InputError(f"{self.name}{self.signature}: {error}") from None
        values = {q.name: q.checked(given[q.name]) for q in self.arguments}
        last = self._last_layer(values, given)
        layers = self._checked_layers(given, last)
        self._broadcast(values)
        # Leaving float64's range is part of the contract, not a surprise.
        with np.errstate(over="ignore", under="ignore"):
            result = self.function(*layers.values(), *values.values())
        return np.asarray(result, dtype=np.float64)[()]

    def _last_layer(self, values: dict[str, Floats], given: dict[str, Any]) -> int | None:
        """Return d, from the argument or from the length of an array; all must agree."""
        last, says = None, ""
        if d in self.layers:
            last = _integer("d", given["d"])
            says = f"d = {last}"
        for q in self.arguments:
            if not q.layered:
                continue
            length = values[q.name].shape[-1]
            if last is None:
                last, says = length - q.layers, f"{q.name}, which has {length}"
            elif length != last + q.layers:
                raise InputError(
                    f"{q.name} must have {last + q.layers} values (layers 0..{last + q.layers - 1}) "
                    f"to go with {says}, got {length}"
                )
        return last

    def _checked_layers(self, given: dict[str, Any], last: int | None) -> dict[str, Integers]:
        arrays = {s.name: _integers(s.name, given[s.name]) for s in self.layers if s != d}
        try:
            shared = np.broadcast_arrays(*arrays.values())
        except ValueError as error:
            raise InputError(f"{', '.join(arrays)} must have shapes that broadcast: {error}") from None
        layers = dict(zip(arrays, shared, strict=True))
        known: dict[str, Any] = dict(layers) if last is None else {**layers, "d": np.asarray(last)}
        for fact in self.facts.nonnegative:
            if {s.name for s in fact.free_symbols} <= set(known):
                _check_fact(fact, known)
        if d in self.layers:
            layers["d"] = known["d"]
        return layers

    def _broadcast(self, values: dict[str, Floats]) -> None:
        shapes = {q.name: values[q.name].shape[:-1] if q.layered else values[q.name].shape for q in self.arguments}
        try:
            np.broadcast_shapes(*shapes.values())
        except ValueError:
            listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise InputError(f"the axes before the layers must broadcast, got {listed}") from None


def _check_fact(fact: Any, known: dict[str, Any]) -> None:
    """Raise `InputError` unless a linear expression in layers is non-negative at all given layers."""
    value: Any = 0
    for term, coefficient in fact.as_coefficients_dict().items():
        value = value + int(coefficient) * (known[term.name] if isinstance(term, Symbol) else 1)
    bad = np.asarray(value) < 0
    if bad.any():
        symbols = sorted(s.name for s in fact.free_symbols)
        at = {name: np.broadcast_to(known[name], bad.shape)[bad].flat[0] for name in symbols}
        shown = ", ".join(f"{name} = {number}" for name, number in at.items())
        raise InputError(f"{', '.join(symbols)} must satisfy {fact} >= 0, got {shown}")


def _integers(name: str, value: Any) -> Integers:
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and not array.size == 0:
        raise InputError(f"{name} must be an integer or an array of integers, got {value!r}")
    return array.astype(np.int64)


def _integer(name: str, value: Any) -> int:
    array = _integers(name, value)
    if array.ndim != 0:
        raise InputError(f"{name} must be one integer, got an array of shape {array.shape}")
    return int(array)


def _at(values: Floats, layer: Integers, name: str) -> Floats:
    """Return the values at layers; NumPy would take layer -1 for the last one."""
    layer = np.asarray(layer)
    outside = (layer < 0) | (layer >= values.shape[-1])
    if outside.any():
        raise InputError(f"{name} has layers 0..{values.shape[-1] - 1}, and layer {layer[outside].flat[0]} is needed")
    return values[..., layer]


def _beside(number: Floats, layers: Integers) -> Floats:
    """Return a number, one for each network, with axes for the layers."""
    return number.reshape(number.shape + (1,) * np.ndim(layers))
