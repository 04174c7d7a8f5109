"""A compiled definition, run: every family forward, and the gradient of a cost backward."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr

from derive.blocks import Signal
from derive.errors import InputError
from derive.randomness import Family
from numerics.arrays.compiler import Compiler
from numerics.arrays.steps import Key, Step

Floats = NDArray[np.float64]
Where = Family | Key


def _key(where: Where) -> Key:
    return where if isinstance(where, tuple) else (where, None)


class Program:
    """What definitions compute, as array operations.

    Every array has networks as its first axis (of size 1 where all networks have the same), then the axes of the
    family. A family with layers is named together with its layer: ``(z, 3)``.

    Args:
        output: the family that the cost depends on, or a signal.
        keep: families whose values are asked for (besides the output's).
        gradients: families with respect to which the cost's gradient is asked for.
        values: numbers for the symbols and sizes that stand in definitions.
        functions: for an arbitrary f, what f(s) is.

    Raises:
        InputError: for a definition that reads a family outside of its axes, needs itself, or has a symbol without a
            value.

    """

    def __init__(
        self,
        output: Where | Signal,
        *,
        keep: Iterable[Where] = (),
        gradients: Iterable[Where] = (),
        values: Mapping[Expr, Any] | None = None,
        functions: Mapping[Any, Callable[[Expr], Expr]] | None = None,
    ) -> None:
        self._output = _key(output.family if isinstance(output, Signal) else output)
        self._keep = [*map(_key, keep), self._output]
        self._gradients = list(map(_key, gradients))
        compiler = Compiler(values, functions)
        for key in (*self._keep, *self._gradients):
            compiler.add(key)
        self._made = compiler.made
        self._plan()

    @property
    def drawn(self) -> dict[Key, tuple[int, ...]]:
        """The families that are drawn, and the shape of each for one network."""
        return {key: self._made.shapes[key] for key in self._made.drawn}

    @property
    def numbers(self) -> int:
        """About how many numbers one network takes: all families, and the largest array between two of them."""
        return sum(map(prod, self._made.shapes.values())) + 2 * self._made.largest

    def shape(self, where: Where) -> tuple[int, ...]:
        """Return the shape of a family for one network."""
        return self._made.shapes[_key(where)]

    def _plan(self) -> None:
        """Work out which results have gradients, what these need, and after which step nobody needs a result."""
        made = self._made
        self._sloped = {made.families[key] for key in self._gradients}
        self._held = {made.families[key] for key in (*self._keep, *self._gradients)} | {
            made.families[key] for key in made.drawn
        }
        leads = _leading_to(made.steps, made.families[self._output]) if self._gradients else set()
        for step in made.steps:
            if any(place in self._sloped for place in step.inputs):
                self._sloped.add(step.output)
        # A result with a gradient that does not lead to the output has none.
        self._sloped &= leads | {made.families[key] for key in self._gradients}
        for step in made.steps:
            if step.output in self._sloped:
                for place, register in enumerate(step.inputs):
                    if register in self._sloped:
                        self._held |= {step.inputs[other] for other in step.operation.reads(place)}
        last = {register: number for number, step in enumerate(made.steps) for register in step.inputs}
        self._over: list[list[int]] = [[] for _ in made.steps]
        for register, number in last.items():
            if register not in self._held:
                self._over[number].append(register)

    def run(self, drawn: Mapping[Where, Floats]) -> Run:
        """Return what the definitions compute from what is drawn.

        Raises `InputError` where a drawn family is missing or has another shape.
        """
        given = {_key(where): array for where, array in drawn.items()}
        registers: dict[int, Floats] = {}
        for key, shape in self.drawn.items():
            array = given.get(key)
            if array is None:
                raise InputError(f"{_name(key)} must be drawn")
            if array.shape[1:] != shape:
                raise InputError(f"{_name(key)} must have the shape {shape} for each network, got {array.shape[1:]}")
            registers[self._made.families[key]] = array
        kept: dict[int, Any] = {}
        for step, over in zip(self._made.steps, self._over, strict=True):
            arrays = [registers[place] for place in step.inputs]
            sloped = step.output in self._sloped and any(place in self._sloped for place in step.inputs)
            registers[step.output], more = step.operation.forward(arrays, slopes=sloped)
            if more is not None:
                kept[step.output] = more
            for register in over:
                del registers[register]
        return Run(self, registers, kept)

    def _backward(self, registers: dict[int, Floats], kept: dict[int, Any], gradient: Floats) -> dict[Key, Floats]:
        gradients: dict[int, Floats] = {self._made.families[self._output]: gradient}
        wanted = {self._made.families[key] for key in self._gradients}
        for step in reversed(self._made.steps):
            g = gradients.get(step.output) if step.output in wanted else gradients.pop(step.output, None)
            if g is None or step.output not in self._sloped:
                continue
            arrays = [registers.get(place) for place in step.inputs]
            for place, register in enumerate(step.inputs):
                if register in self._sloped:
                    part = step.operation.backward(g, place, arrays, kept.get(step.output))
                    gradients[register] = gradients[register] + part if register in gradients else part
        found = {}
        for key in self._gradients:
            shape = (len(gradient), *self.shape(key))
            found[key] = np.broadcast_to(gradients.get(self._made.families[key], np.zeros(())), shape)
        return found


def _leading_to(steps: list[Step], output: int) -> set[int]:
    """Return the results that the output depends on, itself among them."""
    found = {output}
    for step in reversed(steps):
        if step.output in found:
            found |= set(step.inputs)
    return found


def _name(key: Key) -> str:
    return key[0].name if key[1] is None else f"{key[0].name} of layer {key[1]}"


@dataclass(frozen=True, eq=False)
class Run:
    """The values of one run; ``run[family]`` is an array with networks first."""

    program: Program
    _registers: dict[int, Floats]
    _kept: dict[int, Any]

    def __getitem__(self, where: Where) -> Floats:
        key = _key(where)
        register = self.program._made.families.get(key)
        if register is None or register not in self._registers:
            raise InputError(f"{_name(key)} was not kept")
        return self._registers[register]

    def gradients(self, gradient: Floats) -> dict[Where, Floats]:
        """Return dCost/d(family), at every place, for all families that were asked for, from dCost/d(output)."""
        found = self.program._backward(self._registers, self._kept, gradient)
        return {key if key[1] is not None else key[0]: value for key, value in found.items()}
