"""How accurate a kernel is: its largest errors over its whole domain, against many digits, and where they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from derive.results import Result, plain

if TYPE_CHECKING:
    from numerics.programs.callable import Kernel

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]
Answer = tuple[Any, float]
"""A number, and the error that it may have itself."""

SEED = 20200218
ULP, RELATIVE, ABSOLUTE = "ulp", "relative", "relative to the integral of absolute values"
LIMITS = {ULP: 3.0, RELATIVE: 1e-12, ABSOLUTE: 1e-12}
"""From which error on a certificate does not hold."""


@dataclass(frozen=True)
class Accuracy:
    """The largest error of one output, in the certificate's unit, and the arguments at which it is."""

    output: str
    error: float
    at: dict[str, float]


@dataclass(frozen=True, repr=False)
class Certificate(Result):
    """A measurement, not a proof: the largest errors found at ``points`` points, chosen out of ``searched``.

    ``unit`` says in units of what errors are stated. ``by_decade`` holds the largest error of each output by decade of
    ``coordinate``: the variance, or for two units the share of it that is not common. ``kernel`` is the fingerprint of
    the program that was measured, ``method`` how it computes, ``backend`` what ran it.
    """

    accuracies: tuple[Accuracy, ...]
    unit: str
    points: int
    searched: int
    domain: str
    reference: str
    kernel: str
    method: str
    backend: str
    coordinate: str = ""
    by_decade: tuple[tuple[int, tuple[float, ...]], ...] = ()

    @property
    def error(self) -> float:
        """The largest error of any output."""
        return max(accuracy.error for accuracy in self.accuracies)

    def holds(self, limit: float | None = None) -> bool:
        """Whether every output stays within a limit: 3 ulps, or a relative error of 1e-12, unless told otherwise."""
        return self.error <= (LIMITS[self.unit] if limit is None else limit)

    @property
    def headline(self) -> str:
        """The largest error, and at how many points."""
        return f"largest error {self.error:.2g} {self.unit} at {self.points} points ({self.method}, {self.backend})"

    def rows(self) -> list[dict[str, Any]]:
        """One row for each output: its largest error, the unit, and where it is."""
        return [{"output": a.output, "error": a.error, "unit": self.unit, **a.at} for a in self.accuracies]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return dict(plain(asdict(self)))

    def text(self) -> str:
        """A few lines for a screen or the head of a file."""
        found = f", chosen out of {self.searched}" if self.searched > self.points else ""
        lines = [
            f"accuracy of kernel {self.kernel} ({self.method}, {self.backend}): "
            f"largest error at {self.points} points{found}"
        ]
        for a in self.accuracies:
            where = ", ".join(f"{key} = {value!r}" for key, value in a.at.items())
            size = f"{a.error:.2f}" if self.unit == ULP else f"{a.error:.1e}"
            lines.append(f"  {a.output:13} {size} {self.unit}   at {where}")
        lines += [f"  domain: {self.domain}", f"  reference: {self.reference}"]
        if not self.holds():
            lines.append(f"  THIS FORM LOSES DIGITS{self._where()}")
        return "\n".join(lines)

    def _where(self) -> str:
        limit = LIMITS[self.unit]
        largest = ((decade, max(errors)) for decade, errors in self.by_decade)
        worst = "; ".join(f"1e{decade}: {error:.0e}" for decade, error in largest if not error <= limit)
        if not worst:
            return ""
        return f": the largest error by decade of {self.coordinate} is {worst}; elsewhere at most {limit:g}"


@dataclass(frozen=True)
class Truth:
    """What a kernel is held against, and where.

    ``points(count)`` returns candidates, those first that are measured in any case, and how many these are; ``exact``
    the true results at a point, None for one that is undefined; ``results`` the kernel's own, one array an output;
    ``sizes`` in units of what each is measured (None: of the true result, or of its last place). ``coordinate`` is a
    name and values.
    """

    outputs: tuple[str, ...]
    points: Callable[[int], tuple[Columns, int]]
    exact: Callable[[Mapping[str, float]], tuple[Answer | None, ...]]
    results: Callable[[Kernel, Columns], tuple[Floats, ...]]
    domain: str
    reference: str
    unit: str = RELATIVE
    sizes: Callable[[Columns], tuple[Floats | None, ...]] | None = None
    coordinate: tuple[str, Callable[[Columns], Floats]] | None = None


def measure(kernel: Kernel, truth: Truth, *, points: int, searched: int = 0) -> Certificate:
    """Measure a kernel: at the edges, at random points, and at the worst that a wider search finds.

    A third of ``points`` are the worst of ``searched`` for some output. Raises ValueError unless
    0 < points <= searched, where there is a search.
    """
    if searched and not 0 < points <= searched:
        raise ValueError(f"points must be between 1 and searched = {searched}, got {points}")
    candidates, edges = truth.points(searched or points)
    count = next(iter(candidates.values())).size
    chosen = np.arange(min(count, points + edges))
    if searched:
        worst = _suspects(kernel, candidates, max(1, points // 9))
        chosen = np.unique(np.concatenate([np.arange(edges + points - points // 3), worst]))
        chosen = chosen[chosen < count]
    at = {name: values[chosen] for name, values in candidates.items()}
    own = {name: at[name] for name in kernel.arguments}
    found = [np.broadcast_to(column, chosen.shape) for column in truth.results(kernel, own)]
    sizes = truth.sizes(at) if truth.sizes else (None,) * len(found)
    errors = np.zeros((len(found), chosen.size))
    for n in range(chosen.size):
        for k, answer in enumerate(truth.exact({name: float(values[n]) for name, values in own.items()})):
            if answer is not None:
                size = sizes[k]
                errors[k, n] = _error(float(found[k][n]), answer, truth.unit, None if size is None else float(size[n]))
    worst_at = errors.argmax(axis=1)
    accuracies = tuple(
        Accuracy(output, float(errors[k, n]), {name: float(values[n]) for name, values in own.items()})
        for k, (output, n) in enumerate(zip(truth.outputs, worst_at.tolist(), strict=True))
    )
    name, coordinate = truth.coordinate or ("", None)
    return Certificate(
        accuracies,
        truth.unit,
        int(chosen.size),
        int(count),
        truth.domain,
        truth.reference,
        kernel.program.fingerprint,
        kernel.method,
        kernel.backend,
        name,
        _by_decade(coordinate(at), errors) if coordinate else (),
    )


def _suspects(kernel: Kernel, candidates: Columns, keep: int) -> NDArray[np.intp]:
    """The ``keep`` points for each output where the program in long double puts the largest errors.

    Only a way to choose points: what is reported is measured with many digits. Where long double is no longer than
    double the first points are taken.
    """
    if np.finfo(np.longdouble).nmant < 60:
        return np.arange(3 * keep)
    columns = [candidates[name] for name in kernel.arguments]
    chosen = []
    for each in kernel.companions:
        count = len(each.program.outputs) + each.block.registers
        long = [np.empty(columns[0].size, np.longdouble) for _ in range(count)]
        with np.errstate(all="ignore"):
            each.block.compile({})(*(column.astype(np.longdouble) for column in columns), *long)
            got = each(*columns)
            for result, wanted in zip((got,) if each.single else got, long, strict=False):
                error = np.abs(result - wanted) / np.spacing(wanted.astype(float))
                chosen.append(np.argsort(-np.where(np.isfinite(error), error, 0.0), kind="stable")[:keep])
    return np.unique(np.concatenate(chosen))


def ulps(got: float, want: Any) -> float:
    """|got - want| in units in the last place of `want`; 0 when both overflow, inf for a NaN."""
    return _error(got, (want, 0.0), ULP, None)


def _error(got: float, answer: Answer, unit: str, size: float | None) -> float:
    want, uncertain = answer
    if abs(want) > mpmath.mpf(np.finfo(float).max):
        return 0.0 if math.isinf(got) else math.inf
    if not math.isfinite(got):
        return math.inf
    with mpmath.workdps(40):
        difference = abs(mpmath.mpf(got) - want) + uncertain
        if difference == 0:
            return 0.0
        scale = mpmath.mpf(math.ulp(float(want))) if unit == ULP else abs(want) if size is None else mpmath.mpf(size)
        return float(difference / scale) if scale > 0 else math.inf


def _by_decade(coordinate: Floats, errors: Floats) -> tuple[tuple[int, tuple[float, ...]], ...]:
    decades = np.floor(np.log10(np.maximum(coordinate, 1e-17)) + 1e-9).astype(int)
    return tuple((int(d), tuple(errors[:, decades == d].max(axis=1).tolist())) for d in np.unique(decades))
