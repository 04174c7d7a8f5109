"""`sample_variance_step`: one layer of the recursion of (m^2, v^2), fast and accurate to the last digits."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from numerics.kernels import _runtime
from numerics.kernels.general import check_backend, compile_numba
from numerics.kernels.numpy_code import NumpyCode, numpy_code
from numerics.kernels.program import Program
from numerics.kernels.sample_programs import Parameters, full_program, step_program
from numerics.kernels.scalar_code import compile_python, numba_source, python_source

if TYPE_CHECKING:
    from numerics.kernels.certificate import Certificate

NAMES = ("m2", "v2")
_SLOPES = {"relu": 0.0, "linear": 1.0, "abs": -1.0}


class SampleVariances(NamedTuple):
    """One layer's variances: of the mean over networks (m2), over samples (v2), and their correlations."""

    m2: Any
    v2: Any
    rho: Any
    one_minus_rho: Any


@dataclass(frozen=True)
class _Evaluator:
    """One program, compiled for arrays and for floats."""

    program: Program
    backend: str

    @cached_property
    def numpy(self) -> NumpyCode:
        return numpy_code(self.program)

    @cached_property
    def constants(self) -> dict[str, float]:
        return {symbol.name: value for symbol, value in self.program.constants}

    @cached_property
    def source(self) -> str:
        if self.backend == "numba":
            return numba_source(self.program, largest=_runtime.LARGEST)
        return self.numpy.source

    @cached_property
    def _block(self) -> Any:
        return self.numpy.compile()

    @cached_property
    def _loop(self) -> Any:
        return compile_numba(self.source, "loop", self.constants)

    @cached_property
    def _point(self) -> Any:
        return compile_python(python_source(self.program), "point", self.constants)

    def _run(self, inputs: Sequence[_runtime.Floats], targets: Sequence[_runtime.Floats], check: Any) -> None:
        if self.backend == "numba":
            if self._loop(*inputs, *targets):
                check(inputs)
        else:
            _runtime.run_blocks(self._block, self.numpy.registers, inputs, targets, check)

    def __call__(self, m2: Any, v2: Any, out: Any) -> tuple[Any, ...]:
        count = len(self.program.outputs)
        return _runtime.evaluate_variances(NAMES, (m2, v2), out, count, self._point, self._run)


class SampleVarianceStep:
    """The map (m^2, v^2) -> (m'^2, v'^2) of one layer, made by `sample_variance_step`.

    Attributes: `slope`, `gain`, `bias_variance`, `backend`; `program` (what is computed, line by line),
    `source` (the generated code), `certificate` (how accurate it is, measured on first access).
    """

    def __init__(
        self,
        parameters: Parameters,
        backend: str = "numpy",
        *,
        program: Program | None = None,
        full: Program | None = None,
    ) -> None:
        check_backend(backend)
        self.parameters = parameters
        self.backend = backend
        self.program = step_program(parameters) if program is None else program
        self.full_program = full_program(parameters) if full is None else full
        self._step = _Evaluator(self.program, backend)
        self._full = _Evaluator(self.full_program, backend)

    @property
    def slope(self) -> float:
        """The slope a of phi(y) = y for y > 0 and a y for y < 0."""
        return self.parameters.slope

    @property
    def gain(self) -> float:
        """sigma_w2 = N Var[W]."""
        return self.parameters.gain

    @property
    def bias_variance(self) -> float:
        """sigma_b2."""
        return self.parameters.bias_variance

    @property
    def source(self) -> str:
        """The code that runs on arrays."""
        return self._step.source

    @cached_property
    def certificate(self) -> Certificate:
        """The measured accuracy of this very kernel (one to two seconds on first access)."""
        from numerics.kernels.certificate import certify

        return certify(self)

    def __call__(self, m2: Any, v2: Any, *, out: Any = None) -> tuple[Any, Any]:
        """(m'^2, v'^2) from (m^2, v^2).

        m2, v2: variances in [0, 2**1022], numbers or arrays that broadcast; two numbers give two floats.
        NaN in gives NaN out; a result beyond the largest float is inf. out: a pair of float64 arrays of the
        broadcast shape, which may be the inputs; if an error is raised they hold unfinished work.

        Raises ValueError for a negative, infinite or larger variance, TypeError for what is not real numbers.
        """
        m2_next, v2_next = self._step(m2, v2, out)
        return m2_next, v2_next

    def full(self, m2: Any, v2: Any, *, out: Any = None) -> SampleVariances:
        """(m'^2, v'^2, rho', 1 - rho') with rho = m^2/(m^2 + v^2), the correlation of two samples.

        1 - rho' is computed as itself, not by subtraction. Both are NaN where m'^2 = v'^2 = 0, since the
        correlation is undefined there. Arguments and errors as for the call.
        """
        return SampleVariances(*self._full(m2, v2, out))

    def __repr__(self) -> str:
        p = self.parameters
        return (
            f"<sample_variance_step: slope {p.slope:g}, gain {p.gain:g}, bias variance {p.bias_variance:g}, "
            f"{self.backend}>"
        )


@lru_cache(maxsize=64)
def _step(parameters: Parameters, backend: str) -> SampleVarianceStep:
    return SampleVarianceStep(parameters, backend)


def sample_variance_step(
    activation: str = "relu", gain: float = 2.0, bias_variance: float = 0.0, backend: str = "numpy"
) -> SampleVarianceStep:
    """One layer of the sample-variance recursion: `m2, v2 = step(m2, v2)`, variances in and out.

    A pre-activation is y = mu + nu, mu ~ N(0, m^2) over networks, nu ~ N(0, v^2) over samples. In the wide
    limit, with T = v/sqrt(v^2 + 2 m^2) and h = atan T + (T - atan T)/T^2,

        v'^2 = gain/2 v^2 [(1 + a^2) - (1 - a)^2 h/pi]
        m'^2 = gain/2 [(1 + a^2) m^2 + (1 - a)^2 v^2 h/pi] + bias_variance

    evaluated without cancellation, to within 3 ulps over the whole range of floats (`step.certificate`).

    activation: `relu`, `linear`, `abs`, or `leaky-relu(a)` with any finite slope a. gain: N Var[W], positive.
    backend: `numpy`, or `numba` (extra `fast`).

    Raises ValueError for an unknown activation or backend and for a gain or bias variance out of range,
    ImportError when numba is missing.

    Source: derivation `sample-variance-stable`; Cho & Saul (2009), arc-cosine kernel of order 1.

    >>> step = sample_variance_step("relu")
    >>> step(0.0, 1.0)
    (0.3183098861837907, 0.6816901138162093)
    """
    parameters = Parameters(
        slope=_slope(activation),
        gain=_number("gain", gain, positive=True),
        bias_variance=_number("bias_variance", bias_variance, positive=False),
    )
    return _step(parameters, backend)


def _number(name: str, value: Any, *, positive: bool) -> float:
    if not _runtime.scalar(value):
        raise ValueError(f"{name} must be a number, got {value!r}")
    number = float(value)
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        rule = "positive and finite" if positive else "finite and not negative"
        raise ValueError(f"{name} must be {rule}, got {number!r}")
    return number


def _slope(activation: str) -> float:
    text = str(activation).strip().lower().replace("_", "-")
    if text in _SLOPES:
        return _SLOPES[text]
    leaky = re.fullmatch(r"leaky-relu\(\s*([-+.\de]+)\s*\)", text)
    if leaky:
        try:
            slope = float(leaky[1])
        except ValueError:
            raise ValueError(f"activation's slope must be a number, got {leaky[1]!r}") from None
        if not abs(slope) <= 1e6:
            raise ValueError(f"activation's slope must be between -1e6 and 1e6, got {slope!r}")
        return slope
    known = [*_SLOPES, "leaky-relu(a)"]
    near = difflib.get_close_matches(text, known, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"activation must be one of {', '.join(known)}, got {activation!r}{hint}")
