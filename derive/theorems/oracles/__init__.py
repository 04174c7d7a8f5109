"""A second, independent way to every theorem: cases computed by hand, enumerated, iterated, or printed in papers."""

from __future__ import annotations

from derive.proof.oracle import Oracle
from derive.theorems.oracles import (
    blocks,
    correlation,
    dropout_cases,
    fluctuation,
    glorot,
    gram_cases,
    length,
    position_cases,
    rectifier,
    residual_cases,
    samples,
    wide,
    width_cases,
)

ORACLES: dict[str, Oracle] = {
    **glorot.ORACLES,
    **rectifier.ORACLES,
    **samples.ORACLES,
    **wide.ORACLES,
    **correlation.ORACLES,
    **length.ORACLES,
    **blocks.ORACLES,
    **residual_cases.ORACLES,
    **dropout_cases.ORACLES,
    **position_cases.ORACLES,
    **fluctuation.ORACLES,
    **width_cases.ORACLES,
    **gram_cases.ORACLES,
}
