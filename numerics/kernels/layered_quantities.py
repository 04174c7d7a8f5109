"""The quantities that a kernel takes as arguments: what they are called, and what their values must satisfy."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Basic, Expr, Pow, Symbol

from derive.averages import Average, Bracket, SharedVariance, Variance
from derive.errors import InputError
from derive.layers import i
from derive.network import Cost, Partial, Width, g
from derive.randomness import Entry

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """One argument of a kernel: an array over layers on its last axis if ``layered``, or a number.

    ``layers`` is how many layers there are more than ``d``: 2 for the widths n_0..n_{d+1}, 1 for what has
    layers 0..d. ``sign`` is ``"any"``, ``"nonnegative"`` or ``"positive"``.
    """

    name: str
    meaning: str
    layered: bool
    layers: int = 1
    sign: str = "nonnegative"

    def checked(self, value: Any) -> Floats:
        """Return the value as a float64 array; raise `InputError` naming this argument, the rule and the value."""
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"{self.name} must be numbers, got {value!r}") from error
        if self.layered and array.ndim == 0:
            raise InputError(f"{self.name} must be an array with layers on its last axis, got {value!r}")
        rules = {
            "any": ("finite", np.isfinite(array)),
            "nonnegative": ("finite and not negative", np.isfinite(array) & (array >= 0)),
            "positive": ("finite and positive", np.isfinite(array) & (array > 0)),
        }
        rule, good = rules[self.sign]
        if not good.all():
            at = tuple(int(k) for k in np.argwhere(~good)[0])
            where = f" at layer {at[-1]}" if self.layered else ""
            if len(at) > self.layered:
                where += f" of network {at[: len(at) - self.layered]}"
            raise InputError(f"{self.name} must be {rule}, got {array[at].item()!r}{where}")
        return array


def layer_of(node: Basic) -> Expr | None:
    """Return the layer that a quantity is at, or None for one without layers."""
    if isinstance(node, Width):
        return node.args[0]
    if isinstance(node, SharedVariance):
        return node.layer[0] if node.layer else None
    entry = _entry(node)
    return entry.layer if entry is not None else None


def quantity_of(node: Basic) -> Quantity | None:
    """Return the argument that stands for a node of an expression, or None if the node is no quantity."""
    if isinstance(node, Width):
        return Quantity("n", f"{text(Width(i))}, the size of layer i", True, 2, "positive")
    if isinstance(node, SharedVariance):
        return _shared_variance(node)
    if isinstance(node, Average | Variance):
        return _bracket(node)
    if isinstance(node, Bracket):
        raise InputError(f"a kernel cannot take the quantity {node} as an argument")
    return None


def _shared_variance(node: SharedVariance) -> Quantity:
    family = node.family
    # The one family that papers name by what it is.
    name = "var_grad_s_d" if family == g else f"var_{_identifier(family.name)}"
    here = SharedVariance(family, i) if node.layer else node
    return Quantity(name, text(here), bool(node.layer))


def _bracket(node: Average | Variance) -> Quantity:
    (inside,) = node.inside
    entry = _entry(node)
    if entry is None:
        raise InputError(f"a kernel cannot take the quantity {node} as an argument")
    plain, power = inside.as_base_exp() if isinstance(inside, Pow) else (inside, 1)
    if isinstance(node, Variance) and power == 1:
        prefix, sign = "var", "nonnegative"
    elif isinstance(node, Average) and power == 1:
        prefix, sign = "mean", "any"
    elif isinstance(node, Average) and power == 2:
        prefix, sign = "mean_square", "nonnegative"
    else:
        raise InputError(f"a kernel cannot take the quantity {node} as an argument")
    gradient = "grad_" if isinstance(plain, Partial) else ""
    # The papers write the weights W^i and one of them w^i_{lk}.
    letter = _identifier(entry.family.name.lower() if gradient else entry.family.name)
    return Quantity(f"{prefix}_{gradient}{letter}", text(node), entry.layer is not None, sign=sign)


def text(node: Basic) -> str:
    """Return an expression in the papers' notation, on one line."""
    from derive.render.text import formula

    return formula(node)


def _entry(node: Basic) -> Entry | None:
    """Return the scalar that a bracket is about: of Average(z_l^2), z_l."""
    if not isinstance(node, Bracket) or len(node.inside) != 1:
        return None
    inside = node.inside[0].as_base_exp()[0]
    if isinstance(inside, Partial) and inside.target == Cost:
        inside = inside.variable
    return inside if isinstance(inside, Entry) else None


def parameter(symbol: Symbol) -> Quantity:
    """Return the argument for a symbol that is a plain number."""
    sign = "positive" if symbol.is_positive else "nonnegative" if symbol.is_nonnegative else "any"
    return Quantity(_identifier(symbol.name), f"the number {symbol.name}", False, sign=sign)


def _identifier(name: str) -> str:
    """Return a name that may stand in generated code; raise `InputError` for one that may not."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name, re.ASCII) or keyword.iskeyword(name):
        raise InputError(f"a kernel's argument must be named by letters, digits and underscores, got {name!r}")
    return name
