"""The operations that definitions are made of, forward and backward; the first axis of all arrays counts networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Symbol, lambdify

from derive.activations import Activation
from numerics.accurate_functions import modules
from numerics.activations import fast_value, fast_value_and_derivative, slopes
from numerics.activations_in_place import value_into
from numerics.arrays.contractions import Aligned, Contract, Labels, Summed
from numerics.arrays.gathers import Gather

Floats = NDArray[np.float64]


class Operation(ABC):
    """One step of a program: from arrays with these labels to one with others."""

    inputs: tuple[Labels, ...]
    labels: Labels

    @abstractmethod
    def forward(self, arrays: Sequence[Floats], *, slopes: bool) -> tuple[Floats, Any]:
        """Return the result, and what ``backward`` wants kept of it if slopes are wanted."""

    @abstractmethod
    def backward(self, gradient: Floats, place: int, arrays: Sequence[Floats | None], kept: Any) -> Floats:
        """Return the gradient with respect to one input, from that with respect to the result."""

    def reads(self, place: int) -> tuple[int, ...]:
        """The inputs that the gradient with respect to one of them needs."""
        return ()


class Read(Operation):
    """A family at index expressions."""

    def __init__(self, labels: Labels, gather: Gather) -> None:
        self.inputs, self.labels, self._gather = (labels,), gather.labels, gather

    def forward(self, arrays: Sequence[Floats], *, slopes: bool) -> tuple[Floats, Any]:
        """Return the values."""
        return self._gather.forward(arrays[0]), None

    def backward(self, gradient: Floats, place: int, arrays: Sequence[Floats | None], kept: Any) -> Floats:
        """Add up the gradients of all places where a scalar is read."""
        return self._gather.backward(gradient)


class Contraction(Operation):
    """The product of two arrays, summed over the labels that the result lacks."""

    def __init__(self, a: Labels, b: Labels, labels: Labels) -> None:
        self.inputs, self.labels = (a, b), labels
        self._product = Contract(a, b, labels)
        self._back = Contract(labels, b, a), Contract(labels, a, b)

    def forward(self, arrays: Sequence[Floats], *, slopes: bool) -> tuple[Floats, Any]:
        """Return the product."""
        return self._product(*arrays), None

    def backward(self, gradient: Floats, place: int, arrays: Sequence[Floats | None], kept: Any) -> Floats:
        """Return the product of the gradient and the other factor."""
        other = arrays[1 - place]
        assert other is not None  # it is kept: see reads
        return self._back[place](gradient, other)

    def reads(self, place: int) -> tuple[int, ...]:
        """The other factor."""
        return (1 - place,)


class Total(Operation):
    """The sum over labels of ``sizes``."""

    def __init__(self, given: Labels, labels: Labels, sizes: dict[Symbol, int]) -> None:
        self.inputs, self.labels = (given,), labels
        self._sizes = tuple(sizes[label] for label in given)
        self._sum, self._spread = Summed(given, labels), Aligned(labels, given)

    def forward(self, arrays: Sequence[Floats], *, slopes: bool) -> tuple[Floats, Any]:
        """Return the sum."""
        return self._sum(arrays[0]), None

    def backward(self, gradient: Floats, place: int, arrays: Sequence[Floats | None], kept: Any) -> Floats:
        """Return the gradient once for each term."""
        found = self._spread(gradient)
        return np.broadcast_to(found, (found.shape[0], *self._sizes))


class LinearSum(Operation):
    """The sum of arrays times numbers, in labels that at least one of them has."""

    def __init__(self, inputs: Sequence[Labels], factors: Sequence[float], labels: Labels) -> None:
        self.inputs, self.labels, self._factors = tuple(inputs), labels, tuple(factors)
        self._align = [Aligned(given, labels) for given in inputs]
        self._sum = [Summed(labels, given) for given in inputs]

    def forward(self, arrays: Sequence[Floats], *, slopes: bool) -> tuple[Floats, Any]:
        """Return the sum."""
        total: Any = None
        for array, align, factor in zip(arrays, self._align, self._factors, strict=True):
            term = align(array)
            term = term if factor == 1 else term * factor
            total = term if total is None else total + term
        return total, None

    def backward(self, gradient: Floats, place: int, arrays: Sequence[Floats | None], kept: Any) -> Floats:
        """Return the gradient times the number, summed over the labels that the term lacks."""
        found = self._sum[place](gradient)
        factor = self._factors[place]
        return found if factor == 1 else found * factor


class Apply(Operation):
    """A function of one array, number by number, by the fast functions of `numerics.activations`."""

    def __init__(self, labels: Labels, expression: Expr, symbol: Symbol) -> None:
        self.inputs, self.labels = (labels,), labels
        self._function = Activation("array", expression, symbol=symbol)
        self._slopes = slopes(self._function) if _looks_straight(self._function) else None

    def forward(self, arrays: Sequence[Floats], *, slopes: bool) -> tuple[Floats, Any]:
        """Return the values, and the slopes."""
        x = arrays[0]
        if self._slopes is not None:
            x = np.ascontiguousarray(x)
            out = np.empty_like(x)
            value_into(self._function)(x, out)
            return out, (x > 0 if slopes else None)
        if not slopes:
            return np.broadcast_to(fast_value(self._function)(x), x.shape), None
        value, slope = fast_value_and_derivative(self._function)(x)
        return np.broadcast_to(value, x.shape), slope

    def backward(self, gradient: Floats, place: int, arrays: Sequence[Floats | None], kept: Any) -> Floats:
        """Return the gradient times the slopes."""
        if self._slopes is None:
            product: Floats = gradient * kept
            return product
        up, down = self._slopes
        if (up, down) == (1, 0):
            rectified: Floats = gradient * kept
            return rectified
        return gradient * np.where(kept, up, down)


@lru_cache(maxsize=256)
def _looks_straight(function: Activation) -> bool:
    """Whether f is straight on both sides of 0 and its slope at 0, as PyTorch has it, is the left one."""
    found = slopes(function)
    at_zero = function.derivative.subs(function.symbol, 0)
    return found is not None and at_zero.is_number and float(at_zero) == found[1]


class ApplyMany(Operation):
    """A function of several arrays, number by number; slopes are symbolic derivatives."""

    def __init__(self, inputs: Sequence[Labels], expression: Expr, symbols: Sequence[Symbol], labels: Labels) -> None:
        self.inputs, self.labels = tuple(inputs), labels
        self._align = [Aligned(given, labels) for given in inputs]
        self._sum = [Summed(labels, given) for given in inputs]
        made = [expression, *(expression.diff(symbol) for symbol in symbols)]
        self._value, *self._slopes = (lambdify(symbols, e, modules=modules(e), cse=True) for e in made)

    def _aligned(self, arrays: Sequence[Floats | None]) -> list[Floats]:
        return [align(a) for a, align in zip(arrays, self._align, strict=True) if a is not None]

    def forward(self, arrays: Sequence[Floats], *, slopes: bool) -> tuple[Floats, Any]:
        """Return the values."""
        given = self._aligned(arrays)
        with np.errstate(all="ignore"):
            return np.broadcast_to(self._value(*given), np.broadcast_shapes(*(a.shape for a in given))), None

    def backward(self, gradient: Floats, place: int, arrays: Sequence[Floats | None], kept: Any) -> Floats:
        """Return the gradient times the slope, summed over the labels that the input lacks."""
        with np.errstate(all="ignore"):
            slope = self._slopes[place](*self._aligned(arrays))
        return self._sum[place](gradient * slope)

    def reads(self, place: int) -> tuple[int, ...]:
        """All inputs."""
        return tuple(range(len(self.inputs)))


class Join(Operation):
    """Arrays side by side: each has some of the places along one label."""

    def __init__(
        self, inputs: Sequence[Labels], places: Sequence[NDArray[np.intp]], label: Symbol, labels: Labels
    ) -> None:
        self.inputs, self.labels, self._places = tuple(inputs), labels, tuple(places)
        self._axis = 1 + labels.index(label)
        self._align = [Aligned(given, labels) for given in inputs]
        self._sum = [Summed(labels, given) for given in inputs]

    def forward(self, arrays: Sequence[Floats], *, slopes: bool) -> tuple[Floats, Any]:
        """Return the whole."""
        views = [align(a) for a, align in zip(arrays, self._align, strict=True)]
        shape = list(np.broadcast_shapes(*(v.shape[: self._axis] + v.shape[self._axis + 1 :] for v in views)))
        shape.insert(self._axis, sum(map(len, self._places)))
        out = np.empty(shape)
        for view, places in zip(views, self._places, strict=True):
            out[(slice(None),) * self._axis + (_slice(places),)] = view
        return out, None

    def backward(self, gradient: Floats, place: int, arrays: Sequence[Floats | None], kept: Any) -> Floats:
        """Return the gradient at one array's places."""
        part = gradient[(slice(None),) * self._axis + (_slice(self._places[place]),)]
        return self._sum[place](part)


def _slice(places: NDArray[np.intp]) -> Any:
    """Return a slice for places that follow each other."""
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first + 1 == len(places) else places


class Spread(Operation):
    """An array in the order of a family's axes, the same along axes whose labels it lacks; labels may make one axis."""

    def __init__(
        self, given: Labels, order: Labels, sizes: Sequence[int], shape: Sequence[int], labels: Labels
    ) -> None:
        self.inputs, self.labels = (given,), labels
        self._sizes, self._shape = tuple(sizes), tuple(shape)
        self._align, self._sum = Aligned(given, order), Summed(order, given)

    def forward(self, arrays: Sequence[Floats], *, slopes: bool) -> tuple[Floats, Any]:
        """Return the array of the family."""
        x = self._align(arrays[0])
        if x.shape[1:] != self._sizes:
            x = np.broadcast_to(x, (x.shape[0], *self._sizes))
        return (x if self._sizes == self._shape else x.reshape(x.shape[0], *self._shape)), None

    def backward(self, gradient: Floats, place: int, arrays: Sequence[Floats | None], kept: Any) -> Floats:
        """Return the gradient in the array's own labels."""
        return self._sum(gradient.reshape(gradient.shape[0], *self._sizes))


class Constant(Operation):
    """Numbers that depend on indices alone."""

    inputs = ()

    def __init__(self, labels: Labels, values: Floats) -> None:
        self.labels, self.values = labels, values[None]

    def forward(self, arrays: Sequence[Floats], *, slopes: bool) -> tuple[Floats, Any]:
        """Return the numbers."""
        return self.values, None

    def backward(self, gradient: Floats, place: int, arrays: Sequence[Floats | None], kept: Any) -> Floats:
        """Nothing is asked of it: a constant has no inputs."""
        raise AssertionError("a constant has no inputs")
