"""Layers and sizes that are held fixed: ``i=2, d=3, n_0=5``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sympy import Eq, Expr, Integer, Symbol

from derive.errors import InputError
from derive.hypotheses import Hypothesis, Kind, Property
from derive.layers import d, i
from derive.network import Width
from derive.proof.derivation import Statement
from derive.words import Words

_LARGEST = 12
_ENTRY = re.compile(r"\s*(?:(?P<layer>[a-z]'*)|n_\{?(?P<of>\d{1,2})\}?)\s*=\s*(?P<value>\d{1,6})\s*")
_RULE = "must be layers and sizes with their values, as in 'i=2, d=3, n_0=5'"


@dataclass(frozen=True)
class Fixed:
    """Values of layers (their symbols) and of sizes (n of a layer)."""

    layers: tuple[tuple[Symbol, int], ...] = ()
    sizes: tuple[tuple[Expr, int], ...] = ()

    @classmethod
    def read(cls, text: str) -> Fixed:
        """Return what a text holds fixed; raises `InputError` for a text that says something else."""
        layers: dict[Symbol, int] = {}
        sizes: dict[Expr, int] = {}
        for part in text.split(",") if text.strip() else ():
            found = _ENTRY.fullmatch(part)
            if found is None:
                raise InputError(f"--where {_RULE}, got {part.strip()!r}")
            value = int(found["value"])
            if found["layer"]:
                if value > _LARGEST:
                    raise InputError(f"--where: a layer is at most {_LARGEST}, got {part.strip()!r}")
                layers[Symbol(found["layer"], integer=True)] = value
            elif value < 1:
                raise InputError(f"--where: a size is at least 1, got {part.strip()!r}")
            else:
                sizes[Width(int(found["of"]))] = value
        if layers.get(d, _LARGEST) < layers.get(i, 0):
            raise InputError(f"--where: layer i is at most d, got i = {layers[i]} and d = {layers[d]}")
        return cls(tuple(layers.items()), tuple(sizes.items()))

    def put(self, statement: Statement) -> Statement:
        """Return a statement at the layers that are held fixed; the depth stays a name."""
        values = {symbol: Integer(value) for symbol, value in self.layers if symbol != d}
        return Statement(statement.lhs.xreplace(values), statement.relation, statement.rhs.xreplace(values))

    @property
    def facts(self) -> tuple[Expr, ...]:
        """What is known of the depth."""
        return tuple(fact for s, value in self.layers if s == d for fact in (s - value, value - s))

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The sizes, as a hypothesis."""
        if not self.sizes:
            return ()
        equations = [Eq(size, value, evaluate=False) for size, value in self.sizes]
        words = Words(" and ".join(["{}"] * len(equations)) + ".", *equations)
        return (Hypothesis("fixed-sizes", words, (Property(Kind.REGIME),)),)
