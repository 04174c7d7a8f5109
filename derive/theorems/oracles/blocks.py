"""Blocks: networks of a few units written out by hand, every outcome of their coins tossed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from derive.proof.oracle import Case, Known, Limit, Oracle
from derive.proof.outcomes import Coins, Law, Made, variance
from derive.theorems.oracles.cases import gaussian, leaky, signs, skewed
from derive.theorems.oracles.wide import PARABOLA, parabola

ENUMERATED = "a network of a few units, every outcome of its coins"
GAUSSIAN_HERE = f"{ENUMERATED}; laws with the moments of a Gaussian"
BEFORE, WEIGHTS, BIASES = "layers before", "weights", "biases"


def case(
    made: Mapping[str, Made],
    laws: Mapping[str, tuple[str, Law]],
    widths: Mapping[int, int],
    functions: Mapping[str, Callable[..., Any]] | None = None,
    **symbols: Any,
) -> Known:
    """What is known of a few scalars: their laws and variances, how others are made of them, symbols."""

    def shared(family: str) -> float:
        return variance([(w, _first(v)) for w, v in laws[family][1]])

    table: dict[str, Callable[..., Any]] = {
        "Width": widths.__getitem__,
        "SharedVariance": shared,
        **PARABOLA,
    }
    world = Coins(made, **laws)
    return Known({"t": 1, "u": 2, "k": 1, **symbols}, {**table, **(functions or {})}, world)


def _first(value: Any) -> Any:
    return _first(value[0]) if isinstance(value, tuple) else value


def behind(of: str, units: int, biased: bool = True) -> Made:
    """s_tk = sum_l z_tl W_lk + b_k"""

    def made(at: Callable[..., Any], *index: int) -> Any:
        *sample, k = index
        total = sum(at(of, *sample, unit) * at("W", unit, k) for unit in range(1, units + 1))
        return total + (at("b", k) if biased else 0)

    return made


def activated(of: str, f: Callable[[Any], Any] = parabola) -> Made:
    """z_tl = f(y_tl)"""
    return lambda at, *index: f(at(of, *index))


_ROWS: Law = ((1, ((1, 2), (3, -1))), (2, ((-1, 0), (1, 2))), (1, ((2, 1), (-2, 0))))
"""The values of two units for the first sample, and for the second, three times."""


_LAYER = {"W": (WEIGHTS, skewed(1)), "b": (BIASES, signs(3))}


def _covariance(u: int) -> Known:
    return case({"z": activated("y"), "s": behind("z", 2)}, {"y": (BEFORE, _ROWS), **_LAYER}, {0: 2}, u=u)


def _by_hand(u: int) -> float:
    """Var[W] = 2 times the mean of z_11 z_u1 + z_12 z_u2, and 9: f(-2, -1, 0, 1, 2, 3) = -1/4, -3/4, -1/4, ...."""
    f = {y: y * y / 2 + y - 1 / 4 for y in range(-2, 4)}
    total = sum(w * sum(f[a] * f[b] for a, b in zip(r[0], r[u - 1], strict=True)) for w, r in _ROWS)
    return 2 * total / 4 + 9


def _joint(at: Callable[..., Any], t: int, unit: int) -> Any:
    """Two samples with the variances 2 and 3/2 and the covariance 1."""
    left, right = at("left", unit), at("right", unit)
    return math.sqrt(2) * left if t == 1 else left / math.sqrt(2) + right


def _covariance_map() -> Known:
    made = {"y": _joint, "z": activated("y"), "s": behind("z", 2)}
    laws = {"left": (BEFORE, gaussian(1)), "right": (BEFORE, gaussian(1)), **_LAYER}
    return case(made, laws, {0: 2}, q_1=2, q_2=1.5, q_12=1, sigma_w2=2 * 2, sigma_b2=9)


def _samples() -> Known:
    def made(at: Callable[..., Any], t: int, _: int) -> Any:
        return at("x", t) ** 2 * at("w") + 3 * at("x", t) * at("w") ** 2 - 1

    return case({"y": made}, {"x": ("input", ((1, 2), (2, -1))), "w": (BEFORE, ((1, 1), (1, -3)))}, {0: 2})


def _layers() -> Known:
    """Two layers of two units, and one; Var[W^i] = 2 (i + 1)^2 and Var[b^i] = 9 (i + 2)^2."""

    def activation(at: Callable[..., Any], layer: int, t: int, k: int) -> Any:
        return parabola(at("s", layer - 1, t, k)) if layer else at("x", t, k)

    def summed(at: Callable[..., Any], layer: int, t: int, k: int) -> Any:
        return sum(at("z", layer, t, l) * at("W", layer, l, k) for l in (1, 2)) + at("b", layer, k)

    made: dict[str, Made] = {
        "W": lambda at, layer, l, k: (layer + 1) * at("drawn", layer, l, k),
        "b": lambda at, layer, k: (layer + 2) * at("shift", layer, k),
        "z": activation,
        "s": summed,
    }
    laws = {"x": ("input", _ROWS), "drawn": (WEIGHTS, skewed(1)), "shift": (BIASES, signs(3))}
    variances = {"W": lambda layer: 2 * (layer + 1) ** 2, "b": lambda layer: 9 * (layer + 2) ** 2}
    return case(
        made, laws, {0: 2, 1: 2, 2: 1}, {"SharedVariance": lambda name, layer: variances[name](layer)}, i=1, d=1
    )


ALPHA = 3
_MIX = {"W": (WEIGHTS, skewed(1))}
_GRADIENT: dict[str, tuple[str, Law]] = {"g": ("output gradient", ((1, (2, -2)), (2, (-1, 1))))}
"""Two components of mean zero and variance 2."""


def _added_to(at: Callable[..., Any], *index: int) -> Any:
    """h'_tk = h_tk + alpha r_tk"""
    return at("h", *index) + ALPHA * at("r", *index)


_BRANCH: dict[str, Made] = {"a": activated("h"), "r": behind("a", 2, biased=False), "h'": _added_to}


def _residual(u: int) -> Known:
    return case(_BRANCH, {"h": (BEFORE, _ROWS), **_MIX, **_GRADIENT}, {0: 2}, u=u, alpha=ALPHA)


_FACTORS = (0.3, 0.7, 1.1, 0.2, 0.5)
"""The factors of the branches of five blocks."""


def _residual_layers() -> Known:
    """Two blocks of two units, with Var[W^i] = 2 (i + 1)^2."""

    def stream(at: Callable[..., Any], layer: int, t: int, k: int) -> Any:
        if layer == 0:
            return at("x", t, k)
        return at("h", layer - 1, t, k) + _FACTORS[layer - 1] * sum(
            parabola(at("h", layer - 1, t, unit)) * layer * at("drawn", layer, unit, k) for unit in (1, 2)
        )

    made: dict[str, Made] = {"h": stream, "a": lambda at, layer, t, k: parabola(at("h", layer, t, k))}
    laws = {"x": ("input", _ROWS), "drawn": (WEIGHTS, skewed(1))}
    functions = {"SharedVariance": lambda _, layer: 2 * (layer + 1) ** 2, "alpha": _FACTORS.__getitem__}
    return case(made, laws, {0: 2}, functions, i=1, d=2)


def _added(u: int) -> float:
    """E[h_11 h_u1], and alpha^2 = 9 times what weights of variance 2 make of the activations."""
    return sum(w * r[0][0] * r[u - 1][0] for w, r in _ROWS) / 4 + 9 * (_by_hand(u) - 9)


def _residual_map() -> Known:
    laws = {"left": (BEFORE, gaussian(1)), "right": (BEFORE, gaussian(1)), **_MIX, **_GRADIENT}
    lengths = {"q_1": 2, "q_2": 1.5, "q_12": 1}
    return case({"h": _joint, **_BRANCH}, laws, {0: 2}, **lengths, alpha=ALPHA, sigma_w2=2 * 2)


def _product(q_1: float, q_2: float, q_12: float) -> float:
    """E[f(y_1) f(y_2)] for the parabola: E[y_1^2 y_2^2] = q_1 q_2 + 2 q_12^2."""
    return (q_1 * q_2 + 2 * q_12**2) / 4 + q_12 - (q_1 + q_2) / 8 + 1 / 16


def _ending() -> Known:
    """A fixed stream, (1, 2) and (3, -1), through weights with the moments of a Gaussian."""

    def summed(at: Callable[..., Any], t: int, k: int) -> Any:
        return sum(at("h", t, unit) * at("V", unit, k) for unit in (1, 2))

    def added(at: Callable[..., Any], *index: int) -> Any:
        return at("h", *index) + ALPHA * at("a", *index)

    laws = {"h": (BEFORE, _ROWS[:1]), "V": (WEIGHTS, gaussian(1))}
    return case({"r": summed, "a": activated("r"), "h'": added}, laws, {0: 2}, q_1=5, q_2=10, q_12=1, alpha=ALPHA)


def _he(a: float) -> Known:
    """Two units of mean square 4 with a symmetric law, and weights of variance 2/(2 (1 + a^2))."""
    laws = {"h": (BEFORE, signs(2)), "W": (WEIGHTS, skewed(math.sqrt(1 / (2 * (1 + a**2)))))}
    made = {**_BRANCH, "a": activated("h", leaky(a))}
    return case(made, laws, {0: 2}, {"Activation": leaky(a)}, q_1=4, a=a, alpha=ALPHA)


def _one_unit(a: float, weights: Law, alpha: float) -> Known:
    """One unit, always 2, with a branch that ends in leaky ReLU."""
    made: dict[str, Made] = {
        "r": lambda at, t, k: at("h", t, k) * at("V", 1, k),
        "a": activated("r", leaky(a)),
        "h'": lambda at, t, k: at("h", t, k) + alpha * at("a", t, k),
    }
    laws = {"h": (BEFORE, ((1, 2),)), "V": (WEIGHTS, weights)}
    return case(made, laws, {0: 1}, q_1=4, a=a, alpha=alpha, sigma_w2=variance(weights))


def _stream(depth: int, factor: Callable[[int], float], growth: Callable[[float], float], **symbols: Any) -> Known:
    """A stream of mean square 1.7, and of root 1.3, multiplied block by block."""
    q = math.prod(growth(factor(block)) for block in range(depth))
    starts = {"q": {0: 1.7, depth: 1.7 * q}.__getitem__, "rho": {0: 1.3, depth: 1.3 * q}.__getitem__}
    return Known({"L": depth, **symbols}, {**starts, "alpha": factor})


def _squared(alpha: float) -> float:
    return 1 + alpha**2


def _by_depth(depth: int) -> Known:
    return _stream(depth, lambda _: 0.8 / math.sqrt(depth), _squared, c=0.8)


def _small(block: int) -> float:
    return 0.001 * (block + 1)


def _ending_small() -> Known:
    return _stream(5, _small, lambda alpha: 1 + 0.7 * alpha, c=0.7)


_MASK: tuple[str, Law] = ("dropout masks", ((1, 0), (2, 1.5)))
"""A drop rate of 1/3."""


def _masked(of: str, mask: str) -> Made:
    return lambda at, *index: at(mask, *index) * at(of, *index)


def _dropped() -> Known:
    return case({"y": _masked("z", "D")}, {"z": (BEFORE, _ROWS), "D": _MASK, **_GRADIENT}, {0: 2}, p_drop=1 / 3)


def _dropped_layer() -> Known:
    """Pre-activations of variance 2 and correlation 6/10."""

    def incoming(at: Callable[..., Any], t: int, unit: int) -> Any:
        left, right = at("left", unit), at("right", unit)
        return math.sqrt(2) * (left if t == 1 else 0.6 * left + 0.8 * right)

    made = {"y": incoming, "z": activated("y"), "y'": _masked("z", "M"), "s": behind("y'", 2)}
    laws = {"left": (BEFORE, gaussian(1)), "right": (BEFORE, gaussian(1)), "M": _MASK, **_LAYER}
    return case(made, laws, {0: 2}, q=2, c=0.6, p_drop=1 / 3, sigma_w2=2 * 2, sigma_b2=9)


_FIXED = 2 - 0.2 * _product(2, 2, 2) * 1.5
"""The variance of the biases at which a variance of 2 stays, at the gain 1/5 and the drop rate 1/3."""


def _at_one(rate: float) -> Known:
    return Known({"q": 2, "sigma_w2": 0.2, "sigma_b2": _FIXED, "p_drop": rate}, PARABOLA)


def convolved(channels: int, sizes: tuple[int, ...], padding: str, stride: int = 1) -> Made:
    """s_tkp: the kernel of three begins one before the pixel, and goes around or ends at the edge."""

    def made(at: Callable[..., Any], t: int, k: int, *pixel: int) -> Any:
        total = at("b", k)
        for offset in product(*([-1, 0, 1],) * len(sizes)):
            looked = [stride * (p - 1) + 1 + o for p, o in zip(pixel, offset, strict=True)]
            if padding == "circular":
                looked = [(place - 1) % size + 1 for place, size in zip(looked, sizes, strict=True)]
            if all(1 <= place <= size for place, size in zip(looked, sizes, strict=True)):
                taps = [o + 2 for o in offset]
                total += sum(at("K", c, *taps, k) * at("z", t, c, *looked) for c in range(1, channels + 1))
        return total

    return made


_LINE: Law = (
    (1, (((1, 2, -1, 3), (0, 1, 1, -2)), ((2, 0, 1, 1), (1, -1, 3, 2)))),
    (2, (((-1, 1, 2, 0), (1, 3, -1, 1)), ((0, 2, -1, 1), (2, 1, 0, -1)))),
)
"""Two samples of two channels at four positions, twice."""
_EVEN: Law = tuple((w, (((e, -e, e, e), (-e, e, e, -e)),)) for w, e in ((1, 2), (3, -2)))
"""One sample whose values are all 2 or -2."""
_SHARED_KERNEL = {"K": (WEIGHTS, skewed(1)), "b": (BIASES, signs(3))}


def _line(law: Law, padding: str, **places: int) -> Known:
    laws = {"z": (BEFORE, law), **_SHARED_KERNEL}
    return case({"s": convolved(2, (4,), padding)}, laws, {0: 2}, T=4, q=4, **places)


def _two_pixels(padding: str, p: int, r: int) -> float:
    """Var[K] = 2 times what the kernel sees of both pixels at the same tap, and 9."""

    def seen(row: tuple[int, ...], pixel: int, tap: int) -> int:
        place = pixel + tap - 2
        return row[place % 4] if padding == "circular" or 0 <= place < 4 else 0

    total = 0
    for weight, (first, second) in _LINE:
        for one, other in zip(first, second, strict=True):
            total += weight * sum(seen(one, p, tap) * seen(other, r, tap) for tap in range(3))
    return 2 * total / 3 + 9


def _pixels(name: str, padding: str, *pairs: tuple[int, int]) -> Oracle:
    cases = (
        Case(
            f"pixels {p} and {r} of four",
            lambda p=p, r=r: _line(_LINE, padding, p=p, r=r),
            equals=lambda p=p, r=r: _two_pixels(padding, p, r),
        )
        for p, r in pairs
    )
    return Oracle(f"{ENUMERATED}; {name}", tuple(cases))


def _kernel(outcome: int) -> tuple[Any, ...]:
    """Two channels of three times three weights, each 3/2 or -3/2, any two of them independent."""
    signs_of = iter((-1) ** (outcome & k).bit_count() for k in range(1, 19))
    return tuple(tuple(tuple((1.5 * next(signs_of),) for _ in range(3)) for _ in range(3)) for _ in range(2))


def _image(padding: str, **places: int) -> Known:
    """Two channels of three rows and two columns, and two samples; in the first, all values are 2 or -2."""
    channels = tuple((((e, -e), (e, e), (-e, e)), ((-e, -e), (e, -e), (e, e))) for e in (2, -2))
    others = tuple((((1, e), (0, 2), (e, -1)), ((3, 1), (e, 0), (1, 2))) for e in (2, -2))
    image: Law = tuple(zip((1, 3), zip(channels, others, strict=True), strict=True))
    kernels: Law = tuple((1, _kernel(outcome)) for outcome in range(32))
    laws = {"z": (BEFORE, image), "K": (WEIGHTS, kernels), "b": (BIASES, signs(3))}
    sizes = {"T": 3, "T'": 2, "q": 4}
    return case({"s": convolved(2, (3, 2), padding)}, laws, {0: 2}, **sizes, **places)


def _gradient_of_pixel(padding: str, stride: int, size: int, **places: int) -> Known:
    """Two output channels, whose gradients have mean zero and variance 2."""
    out = (size + stride - 1) // stride
    pattern = tuple(tuple((-1) ** (o * place) for place in range(out)) for o in range(2))
    gradients: Law = tuple((w, tuple(tuple(e * x for x in row) for row in pattern)) for w, e in ((1, 2), (2, -1)))
    pixels: Law = ((1, ((tuple(range(1, size + 1)),),)),)
    laws = {"z": (BEFORE, pixels), "g": ("output gradient", gradients), **_SHARED_KERNEL}
    world = {"s": convolved(1, (size,), padding, stride)}
    return case(world, laws, {0: 1, 1: 2}, {"SharedVariance": lambda _: 2}, T=size, **places)


_CORRELATED: Law = (
    tuple((1, (((2 * e + 3, -e + 3, -e + 3),),)) for e in (1, -1))
    + tuple((1, (((-e + 3, 2 * e + 3, -e + 3),),)) for e in (1, -1))
    + tuple((1, (((-e + 3, -e + 3, 2 * e + 3),),)) for e in (1, -1))
)
"""Three values of mean 3 and variance 2, two of them with the covariance -1."""


def _pooled(law: Law, size: int, **symbols: float) -> Known:
    def mean(at: Callable[..., Any], t: int, k: int, _: int) -> Any:
        return sum(at("z", t, k, p) for p in range(1, size + 1)) / size

    gradients: Law = ((1, ((2,), (-2,))), (2, ((-1,), (1,))))
    laws = {"z": (BEFORE, law), "g": ("output gradient", gradients)}
    return case({"y": mean}, laws, {0: len(law[0][1][0])}, T=size, p=2, **symbols)


def _pooled_by_hand() -> float:
    """The mean over the outcomes of the product of both means, for the first channel."""
    return sum(w * sum(first[0]) * sum(second[0]) / 16 for w, (first, second) in _LINE) / 3


BLOCK_BY_BLOCK = "multiplied out, block by block"
ORACLES = {
    "covariance-recursion": Oracle(
        ENUMERATED,
        (
            Case("two samples", lambda: _covariance(2), equals=lambda: _by_hand(2)),
            Case("one sample", lambda: _covariance(1), equals=lambda: _by_hand(1)),
        ),
    ),
    "covariance-map": Oracle(
        GAUSSIAN_HERE, (Case("a parabola", _covariance_map, equals=lambda: 4 * _product(2, 1.5, 1) + 9),)
    ),
    "covariance-of-layers": Oracle(ENUMERATED, (Case("the second layer", _layers),)),
    "covariance-of-samples": Oracle(
        # E[x] = 0 and E[x^2] = 2: the mean over samples is 2 w - 1, and Var[w] = 4.
        ENUMERATED,
        (Case("a sample and a network of two values each", _samples, equals=4 * 4),),
    ),
    "residual-variance": Oracle(
        ENUMERATED,
        (
            Case("two samples", lambda: _residual(2), equals=lambda: _added(2)),
            Case("one sample", lambda: _residual(1), equals=lambda: _added(1)),
        ),
    ),
    "residual-of-layers": Oracle(ENUMERATED, (Case("the second block", _residual_layers),)),
    # (1 - 2 + 2)/4.
    "residual-mean": Oracle(ENUMERATED, (Case("a mean of 1/4", lambda: _residual(2), equals=1 / 4),)),
    "residual-map": Oracle(
        GAUSSIAN_HERE, (Case("a parabola", _residual_map, equals=lambda: 1 + 9 * 4 * _product(2, 1.5, 1)),)
    ),
    "residual-gradient": Oracle(
        # f'(h) = h + 1 is 2, 0 (twice) and 3.
        ENUMERATED,
        (Case("a parabola", lambda: _residual(1), equals=2 * (9 * 2 * 2 * (4 + 9) / 4 + 1)),),
    ),
    "residual-gradient-map": Oracle(
        # E[f'^2] = q_1 + 1.
        GAUSSIAN_HERE,
        (Case("a parabola", _residual_map, equals=2 * (9 * 4 * 3 + 1)),),
    ),
    "ending-activation-mean": Oracle(GAUSSIAN_HERE, (Case("a parabola", _ending, equals=1 + 3 * (5 / 2 - 1 / 4)),)),
    "ending-activation-map": Oracle(
        GAUSSIAN_HERE,
        (
            Case(
                "a parabola",
                _ending,
                equals=lambda: 1 * 3 + 3 * (1 * (10 / 2 - 1 / 4) + 3 * (5 / 2 - 1 / 4)) + 9 * _product(5, 10, 1),
            ),
        ),
    ),
    "residual-depth": Oracle(
        BLOCK_BY_BLOCK, (Case("five blocks", lambda: _stream(5, _FACTORS.__getitem__, _squared)),)
    ),
    "residual-step": Oracle(ENUMERATED, (Case("slope 1/2", lambda: _he(0.5), equals=4 * (1 + 9)),)),
    "residual-depth-unscaled": Oracle(
        BLOCK_BY_BLOCK, (Case("five blocks", lambda: _stream(5, lambda _: 1, _squared), equals=32 * 1.7),)
    ),
    "residual-depth-bounded": Oracle(
        BLOCK_BY_BLOCK, (Case("ten thousand blocks", lambda: _by_depth(10_000), within=1e-4),)
    ),
    "residual-depth-limit": Oracle(
        BLOCK_BY_BLOCK, (Limit("a thousand blocks, and ten thousand", _by_depth, (1_000, 10_000), 1e-4),)
    ),
    "residual-depth-above": Oracle(
        BLOCK_BY_BLOCK, (Case("five small factors", lambda: _stream(5, _small, _squared), within=1e-8),)
    ),
    "residual-depth-below": Oracle(
        BLOCK_BY_BLOCK, (Case("five small factors", lambda: _stream(5, _small, _squared), within=1e-8),)
    ),
    "ending-rectifier-step": Oracle(
        "one unit whose branch is the same at every draw; one whose branch is almost always on its steeper side",
        (
            Case("the absolute value", lambda: _one_unit(-1, signs(3), 0.7), equals=2 * (1 + 0.7 * 3)),
            Case("slope 2", lambda: _one_unit(2, ((1, -99), (99, 1)), -30), within=0.01),
        ),
    ),
    "residual-depth-ending": Oracle(BLOCK_BY_BLOCK, (Case("five small factors", _ending_small, within=1e-4),)),
    # E[z_11^2] = (1 + 2 + 4)/4, E[z_11] = (1 - 2 + 2)/4 and E[z_11 z_21] = (3 - 2 - 4)/4.
    "dropout-variance": Oracle(ENUMERATED, (Case("a drop rate of 1/3", _dropped, equals=7 / 4 * 3 / 2),)),
    "dropout-mean": Oracle(ENUMERATED, (Case("a drop rate of 1/3", _dropped, equals=1 / 4),)),
    "dropout-covariance": Oracle(ENUMERATED, (Case("a drop rate of 1/3", _dropped, equals=-3 / 4),)),
    "dropout-spread": Oracle(ENUMERATED, (Case("a drop rate of 1/3", _dropped, equals=7 / 4 * 3 / 2 - 1 / 16),)),
    "dropout-gradient": Oracle(ENUMERATED, (Case("a drop rate of 1/3", _dropped, equals=2 * 3 / 2),)),
    "dropout-length-map": Oracle(
        GAUSSIAN_HERE, (Case("a parabola", _dropped_layer, equals=lambda: 4 * _product(2, 2, 2) * 3 / 2 + 9),)
    ),
    "dropout-covariance-map": Oracle(
        GAUSSIAN_HERE, (Case("a parabola", _dropped_layer, equals=lambda: 4 * _product(2, 2, 1.2) + 9),)
    ),
    "dropout-correlation-at-one": Oracle(
        "the moments of a Gaussian, by hand",
        (Case("a parabola", lambda: _at_one(1 / 3), equals=lambda: (0.2 * _product(2, 2, 2) + _FIXED) / 2),),
    ),
    "dropout-no-critical-point": Oracle(
        "the moments of a Gaussian, by hand",
        (
            Case("a drop rate of 1/3", lambda: _at_one(1 / 3), equals=True),
            Case("no dropout", lambda: _at_one(0), equals=False),
        ),
    ),
    "convolution-variance": _pixels("four positions, counted around", "circular", (1, 3), (4, 2), (2, 2)),
    "convolution-padded": _pixels("four positions, padded", "zeros", (1, 3), (4, 2), (2, 2), (1, 1)),
    "convolution-circular": Oracle(
        ENUMERATED, (Case("the first of four", lambda: _line(_EVEN, "circular", p=1), equals=2 * 6 * 4 + 9),)
    ),
    "convolution-padded-count": Oracle(
        ENUMERATED,
        (
            Case("the first of four", lambda: _line(_EVEN, "zeros", p=1), equals=2 * 4 * 4 + 9),
            Case("the third", lambda: _line(_EVEN, "zeros", p=3), equals=2 * 6 * 4 + 9),
            Case("the last", lambda: _line(_EVEN, "zeros", p=4), equals=2 * 4 * 4 + 9),
        ),
    ),
    "convolution-variance-2d": Oracle(
        ENUMERATED, (Case("a corner and an edge", lambda: _image("circular", **{"p": 1, "p'": 1, "r": 2, "r'": 2})),)
    ),
    "convolution-2d-circular": Oracle(
        ENUMERATED, (Case("a corner", lambda: _image("circular", **{"p": 1, "p'": 1}), equals=9 / 4 * 18 * 4 + 9),)
    ),
    "convolution-2d-padded-count": Oracle(
        ENUMERATED,
        (
            Case("a corner", lambda: _image("zeros", **{"p": 1, "p'": 2}), equals=9 / 4 * 8 * 4 + 9),
            Case("an edge", lambda: _image("zeros", **{"p": 2, "p'": 1}), equals=9 / 4 * 12 * 4 + 9),
        ),
    ),
    "convolution-gradient": Oracle(
        ENUMERATED, (Case("an end of four", lambda: _gradient_of_pixel("circular", 1, 4, p=4), equals=2 * 3 * 2 * 2),)
    ),
    "convolution-gradient-stride": Oracle(
        ENUMERATED,
        (
            Case("two outputs look", lambda: _gradient_of_pixel("zeros", 2, 5, p=2), equals=2 * 2 * 2 * 2),
            Case("one output looks", lambda: _gradient_of_pixel("zeros", 2, 5, p=3), equals=2 * 1 * 2 * 2),
            Case("the last of six", lambda: _gradient_of_pixel("zeros", 2, 6, p=6), equals=2 * 1 * 2 * 2),
        ),
    ),
    "pooled-variance": Oracle(ENUMERATED, (Case("four values", lambda: _pooled(_LINE, 4), equals=_pooled_by_hand),)),
    # The mean is always 3.
    "pooled-alike": Oracle(
        ENUMERATED, (Case("three values", lambda: _pooled(_CORRELATED, 3, q=2 + 9, m=-1 + 9), equals=9),)
    ),
    "pooled-gradient": Oracle(ENUMERATED, (Case("four values", lambda: _pooled(_LINE, 4), equals=2 / 16),)),
}
