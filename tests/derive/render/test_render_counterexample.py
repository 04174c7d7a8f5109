"""A printed counterexample can be computed anew from what stands there."""

import re

import pytest

import derive
from derive.proof.verdict import Counterexample
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
    world = {"widths": {"n_0": "1"}, "laws": ["b[0, 1] = 0", "x[1] = -5 (1/7) or 2 (6/7), on the coin of x"]}
    assert sentences(Counterexample(world, {}, "1", "=", "2")) == [
        "the left side is 1 and the right side 2",
        "widths n_0 = 1",
        "laws (chances in brackets): b^0_1 = 0; x_1 = -5 (1/7) or 2 (6/7), variance 6, on one coin with all x",
    ]
