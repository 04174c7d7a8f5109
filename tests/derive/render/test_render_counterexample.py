"""A printed counterexample can be computed anew from what stands there."""

import re
from fractions import Fraction

import pytest

import derive
from derive.network import W, b, g, n, x
from derive.proof.described import DescribedLaw, DescribedValue, Named
from derive.proof.verdict import Counterexample
from derive.randomness import Family
from derive.render.audit_rows import to_html
from derive.render.counterexample import sentences


@pytest.mark.parametrize("shown", [lambda found: found.text(), to_html])
def test_both_sides_of_equation_7_follow_from_the_laws_that_are_printed(shown):
    """At d = 1, i = 0: Var[x] Var[g] n_2 Var[W^1] on the left, where the paper prints Var[x] Var[g] n_1 Var[W^0]."""
    text = " ".join(shown(derive.claim("glorot-2010-eq-7").audit()).split())
    sides = r"left side is (\d+) and the right side (\d+) at d = (\d), i = (\d)"
    laws = text.partition("brackets): ")[2]
    left, right, d, i = map(int, re.search(sides, text).groups())
    assert (d, i) == (1, 0)
    n_1, n_2 = (int(re.search(rf"n_{layer} = (\d)", text)[1]) for layer in (1, 2))
    variance = {name: int(value) for name, value in re.findall(r"(\S+) = [^;]*?, variance (\d+)", laws)}
    common = variance["x_1"] * variance["∂Cost/∂s^d_1"]
    assert left == common * n_2 * variance["W^1_{11}"]
    assert right == common * n_1 * variance["W^0_{11}"]


def test_a_law_has_the_variance_of_its_outcomes():
    laws = [
        DescribedLaw(Named(b, (0, 1)), ((0, 1),)),
        DescribedLaw(Named(x, (1,)), ((-5, Fraction(1, 7)), (2, Fraction(6, 7))), Named(x)),
    ]
    world = {"widths": {"n_0": "1"}, "laws": laws}
    assert sentences(Counterexample(world, {}, "1", "=", "2")) == [
        "the left side is 1 and the right side 2",
        "widths n_0 = 1",
        "laws (chances in brackets): b^0_1 = 0; x_1 = -5 (1/7) or 2 (6/7), variance 6, on one coin with all x",
    ]


def test_scalars_are_printed_from_data_whatever_their_names():
    """A family of a long name, many units, layers, the gradient at the output; and words that look like a scalar."""
    half = ((-1, Fraction(1, 2)), (1, Fraction(1, 2)))
    long = Family("long-name", meaning="scalars", extents=lambda _: (n(0), n(0)), layered=False, source=x.source)
    world = {
        "activation": "f[1](t) = t",
        "drawn": [DescribedValue(Named(g, (2,)), 3), DescribedValue(Named(W, (0, 1, 12)), Fraction(1, 2))],
        "laws": [DescribedLaw(Named(long, (1, 2)), half, tied=(Named(b, (0,)), Named(W, (0, 1, 2))))],
    }
    found = Counterexample(world, {}, "1", "=", "2")
    assert sentences(found)[1:] == [
        "activation f[1](t) = t; drawn ∂Cost/∂s^d_2 = 3, W^0_{1,12} = 1/2",
        "laws (chances in brackets): long-name_{12} = -1 (1/2) or 1 (1/2), variance 1, from the first half where an "
        "even number of the coins of b^0 and W^0_{12} show their second half",
    ]
    assert found.to_dict()["world"]["drawn"] == ["g[2] = 3", "W[0, 1, 12] = 1/2"]
    assert found.to_dict()["world"]["laws"][0].endswith("the coins of b[0] and W[0, 1, 2] show their second half")
