"""Equations about networks of blocks: read with the names of ``varprop network``, derived, refuted with numbers."""

from __future__ import annotations

import pytest

import derive
from derive.errors import InputError

CHAIN = "dense(512, gain=2), relu, dense(512, gain=2), relu, dense(10, gain=1)"
SMALL = "dense(3, gain=2), relu, dense(2, gain=1, bias_variance=1/3)"
DROPPED = "residual(dense(2, gain=1), scale=1/2), dropout(1/4), dense(1)"
IMAGES = 'conv(4, kernel=3, gain=2, padding="circular"), relu'


@pytest.mark.parametrize(
    ("text", "layers", "size", "found"),
    [
        ("Var[s^{(2)}_k] = Var[s_k]", CHAIN, "784", "holds"),
        ("Var[s^{(2)}_k] = 2 Var[s_k]", CHAIN, "784", "refuted"),
        ("Var[s⁽³⁾_k] < Var[s_k]", CHAIN, "784", "holds"),
        ("Var[s^{(2)}_k] = Var[s_k]", CHAIN.replace("relu", "tanh"), "784", "undecided"),
        ("Var[W^{(2)}] = 1/256", CHAIN, "784", "holds"),
        ("Var[s^{(2)}_k] = Var[W^{(2)}] Σ_{l=1}^{3} E[z_l²] + Var[b]", SMALL, "2", "holds"),
        ("Var[s_k] = 3 Var[x]", SMALL, "2", "refuted"),
        ("Var[h] = 5/4 Var[x]", DROPPED, "2", "holds"),
        ("E[y_k²] = 4/3 E[h_k²]", DROPPED, "2", "holds"),
        ("E[y_k²] = E[h_k²]/(1 - 1/3)", DROPPED, "2", "refuted"),
        ("Var[s_{kt}] = 2 Var[x]", IMAGES, "2x5", "holds"),
    ],
)
def test_verdicts(text, layers, size, found):
    """What blocks compute is derived exactly, as far as weights, masks and halves of symmetric laws reach."""
    audit = derive.audit(text, layers=layers, input=size).audits[0]
    assert audit.verdict == found
    assert (audit.counterexample is not None) == (found == "refuted")


def test_the_input_may_be_fixed():
    """Over networks, what is derived has the input in it."""
    text = "Var[s_k] = Var[W] Σ_{l=1}^{2} x_l²"
    assert derive.audit(text, layers=SMALL, input="2", over="networks").verdict == "holds"


def test_what_blocks_assume_can_be_left_out():
    """The missing hypothesis is named."""
    kept = ["W-independent", "W-shared-variance", "W-variance", "x-zero-mean", "x-shared-variance"]
    found = derive.audit("Var[s_k] = 2 Var[x]", layers=SMALL, input="2", assume=kept).audits[0]
    assert (found.verdict, [h.key for h in found.suffices]) == ("holds-if", ["W-zero-mean"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"layers": SMALL}, "needs the size of the input"),
        ({"input": "2"}, "layers go with input"),
        ({"layers": "foo(3)", "input": "2"}, "unknown block or activation 'foo'"),
        ({"layers": SMALL, "input": "2", "names": "residual-variance"}, "neither with names nor where"),
        ({"layers": SMALL, "input": "2", "over": "samples"}, "must be everything or networks"),
        ({"layers": SMALL, "input": "2", "assume": "glorot"}, "unknown assumption about this network 'glorot'"),
    ],
)
def test_bad_options(more, message):
    """Each is one clear error."""
    with pytest.raises(InputError, match=message):
        derive.audit("Var[s_k] = 1", **more)
