"""Convolutions and pooling: a few positions, and every outcome of what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import NOTHING, Law, Made
from derive.theorems.oracles.blocks import (
    BEFORE,
    BIASES,
    ENUMERATED,
    WEIGHTS,
    case,
)
from derive.theorems.oracles.cases import signs, skewed


def convolved(
    channels: int, sizes: tuple[int, ...], padding: str, stride: int = 1, kernel: str = "K", outputs: int | None = None
) -> Made:
    """s_tkp: the kernel of three begins one before the pixel, and goes around or ends at the edge.

    ``channels`` go into ``outputs`` each, where these are groups.
    """

    def made(at: Callable[..., Any], t: int, k: int, *pixel: int) -> Any:
        total, before = at("b", k), 0 if outputs is None else channels * ((k - 1) // outputs)
        for offset in product(*([-1, 0, 1],) * len(sizes)):
            looked = [stride * (p - 1) + 1 + o for p, o in zip(pixel, offset, strict=True)]
            if padding == "circular":
                looked = [(place - 1) % size + 1 for place, size in zip(looked, sizes, strict=True)]
            if all(1 <= place <= size for place, size in zip(looked, sizes, strict=True)):
                taps = [o + 2 for o in offset]
                total += sum(at(kernel, c, *taps, k) * at("z", t, before + c, *looked) for c in range(1, channels + 1))
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
    return case({"s": convolved(2, (4,), padding)}, laws, {0: 2}, T=4, q=4, w=1, **places)


def _two_pixels(padding: str, p: int, r: int) -> float:
    """Var[K] = 2 times what the kernel sees of both pixels at the same tap, and 9."""

    def seen(row: tuple[int, ...], pixel: int, tap: int) -> int:
        place = pixel + tap - 2
        return row[place % 4] if padding == "circular" or 0 <= place < 4 else 0

    total = 0.0
    for weight, (first, second) in _LINE:
        for one, other in zip(first, second, strict=True):
            total += weight * sum(seen(one, p, tap) * seen(other, r, tap) for tap in range(3))
    return 2 * total / 3 + 9


def _pair(padding: str, p: int, r: int) -> Case:
    return Case(
        f"pixels {p} and {r} of four",
        lambda: _line(_LINE, padding, p=p, r=r),
        equals=lambda: _two_pixels(padding, p, r),
    )


def _pixels(name: str, padding: str, *pairs: tuple[int, int]) -> Oracle:
    return Oracle(f"{ENUMERATED}; {name}", tuple(_pair(padding, *pair) for pair in pairs))


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
    sizes = {"T": 3, "T'": 2, "q": 4, "w": 1}
    return case({"s": convolved(2, (3, 2), padding)}, laws, {0: 2}, **sizes, **places)


_COINS: Law = [(1, outcome) for outcome in range(64)]
"""Six fair coins."""


def _kernel_of_coins(sizes: tuple[int, ...]) -> Made:
    """Weights of 3/2 or -3/2, of which any two are independent, though six fair coins decide them all."""
    taps = product(*(range(1, size + 1) for size in sizes))
    number: dict[tuple[int, ...], int] = {tap: k for k, tap in enumerate(taps, 1)}
    return lambda at, *tap: 1.5 * (-1) ** (at("coins") & number[tap]).bit_count()


def _grouped(biases: Law, **places: int) -> Known:
    """Two groups of two input channels and of three output channels, at three positions counted around."""
    pixels: Law = tuple((w, (((e, -e, e), (e, e, e), (-e, e, e), (e, e, -e)),)) for w, e in ((1, 2), (3, -2)))
    signs_of = tuple(tuple((-1) ** (o * place) for place in range(3)) for o in range(6))
    gradients: Law = tuple((w, tuple(tuple(e * x for x in row) for row in signs_of)) for w, e in ((1, 2), (2, -1)))
    laws = {
        "z": (BEFORE, pixels),
        "g": ("output gradient", gradients),
        "coins": (WEIGHTS, _COINS),
        "b": (BIASES, biases),
    }
    variances = {"K": 9 / 4, "g": 2, "b": 9}
    world = {"s": convolved(2, (3,), "circular", outputs=3), "K": _kernel_of_coins((2, 3, 6))}
    return case(world, laws, {0: 2, 1: 3}, {"SharedVariance": variances.__getitem__}, T=3, q=4, w=1, **places)


def _gradient_of_pixel(padding: str, stride: int, size: int, **places: int) -> Known:
    """Two output channels, whose gradients have mean zero and variance 2."""
    out = (size + stride - 1) // stride
    pattern = tuple(tuple((-1) ** (o * place) for place in range(out)) for o in range(2))
    gradients: Law = tuple((w, tuple(tuple(e * x for x in row) for row in pattern)) for w, e in ((1, 2), (2, -1)))
    pixels: Law = ((1, ((tuple(range(1, size + 1)),),)),)
    laws = {"z": (BEFORE, pixels), "g": ("output gradient", gradients), **_SHARED_KERNEL}
    world = {"s": convolved(1, (size,), padding, stride)}
    return case(world, laws, {0: 1, 1: 2}, {"SharedVariance": lambda _: 2}, T=size, w=1, **places)


def _gradient_of_image(padding: str, stride: int, places: dict[str, int], groups: int = 1, kernel: str = "K") -> Known:
    """One channel of three rows and two columns a group, which goes into two, whose gradients are 2 or -1."""
    sizes, outputs = (3, 2), 2 * groups
    rows, columns = ((size + stride - 1) // stride for size in sizes)
    gradients: Law = tuple((w, ((((e,) * columns,) * rows),) * outputs) for w, e in ((1, 2), (2, -1)))
    pixels: Law = ((1, ((((1, 2), (3, 4), (5, 6)),) * groups,)),)
    laws = {
        "z": (BEFORE, pixels),
        "g": ("output gradient", gradients),
        "coins": (WEIGHTS, _COINS),
        "b": (BIASES, NOTHING),
    }
    world = {
        "s": convolved(1, sizes, padding, stride, kernel, outputs=2),
        kernel: _kernel_of_coins((1, 3, 3, outputs)),
    }
    variances = {kernel: 9 / 4, "g": 2, "b": 0}
    table = {"SharedVariance": variances.__getitem__}
    return case(world, laws, {0: 1, 1: 2}, table, **{"T": 3, "T'": 2, "w": 1}, **places)


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


ORACLES = {
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
    "convolution-2d-gradient": Oracle(
        ENUMERATED,
        (Case("a corner", lambda: _gradient_of_image("circular", 1, {"p": 1, "p'": 2}), equals=9 / 4 * 18 * 2),),
    ),
    "convolution-2d-gradient-stride": Oracle(
        # Of the two rows of outputs both look at the second row, and the one column of outputs at both columns.
        ENUMERATED,
        (
            Case("two outputs look", lambda: _gradient_of_image("zeros", 2, {"p": 2, "p'": 2}), equals=9 / 4 * 4 * 2),
            Case("one output looks", lambda: _gradient_of_image("zeros", 2, {"p": 1, "p'": 1}), equals=9 / 4 * 2 * 2),
        ),
    ),
    "grouped-convolution-2d-gradient": Oracle(
        ENUMERATED,
        (
            Case(
                "a channel of the second group",
                lambda: _gradient_of_image("zeros", 2, {"k": 2, "p": 2, "p'": 1}, 2, "G"),
                equals=9 / 4 * 4 * 2,
            ),
        ),
    ),
    "pooled-variance": Oracle(ENUMERATED, (Case("four values", lambda: _pooled(_LINE, 4), equals=_pooled_by_hand),)),
    # The mean is always 3.
    "pooled-alike": Oracle(
        ENUMERATED, (Case("three values", lambda: _pooled(_CORRELATED, 3, q=2 + 9, m=-1 + 9), equals=9),)
    ),
    "pooled-gradient": Oracle(ENUMERATED, (Case("four values", lambda: _pooled(_LINE, 4), equals=2 / 16),)),
    "grouped-convolution": Oracle(
        ENUMERATED,
        (Case("a channel of the second group", lambda: _grouped(signs(3), k=5, p=1), equals=9 / 4 * 6 * 4 + 9),),
    ),
    "grouped-convolution-gradient": Oracle(
        ENUMERATED,
        (Case("a channel of the second group", lambda: _grouped(NOTHING, k=3, p=2), equals=9 / 4 * 2 * 3 * 3),),
    ),
}
