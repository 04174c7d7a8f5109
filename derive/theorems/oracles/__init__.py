"""A second, independent way to every theorem: cases computed by hand, enumerated, iterated, or printed in papers."""

from __future__ import annotations

from derive.proof.oracle import Oracle
from derive.theorems.oracles import (
    blocks,
    correlation,
    decay_cases,
    depth_cases,
    dropout_cases,
    fluctuation,
    glorot_cases,
    gram_cases,
    length,
    normalise_cases,
    position_cases,
    post_ln_cases,
    rectifier_cases,
    residual_cases,
    sample_cases,
    wide_cases,
    width_cases,
)

ORACLES: dict[str, Oracle] = {
    **glorot_cases.ORACLES,
    **rectifier_cases.ORACLES,
    **sample_cases.ORACLES,
    **wide_cases.ORACLES,
    **correlation.ORACLES,
    **length.ORACLES,
    **blocks.ORACLES,
    **residual_cases.ORACLES,
    **dropout_cases.ORACLES,
    **position_cases.ORACLES,
    **fluctuation.ORACLES,
    **width_cases.ORACLES,
    **gram_cases.ORACLES,
    **normalise_cases.ORACLES,
    **post_ln_cases.ORACLES,
    **decay_cases.ORACLES,
    **depth_cases.ORACLES,
}
