"""A second, independent way to every theorem: cases computed by hand, enumerated, iterated, or printed in papers."""

from __future__ import annotations

from derive.proof.oracle import Oracle
from derive.theorems.oracles import blocks, correlation, fluctuation, glorot, length, rectifier, samples, wide

ORACLES: dict[str, Oracle] = {
    **glorot.ORACLES,
    **rectifier.ORACLES,
    **samples.ORACLES,
    **wide.ORACLES,
    **correlation.ORACLES,
    **length.ORACLES,
    **blocks.ORACLES,
    **fluctuation.ORACLES,
}
