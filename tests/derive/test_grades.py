"""The grade that each theorem has after its check, typed; before it, nothing is claimed."""

import pytest
from planting import checked_theorem, derived

import derive

GRADES = {
    "product-variance": "exact",
    "forward-variance": "exact",
    "backward-variance": "exact",
    "weight-gradient-variance": "exact",
    "glorot-condition": "exact",
    "layer-gradient-balance": "exact",
    "half-variance": "exact",
    "network-variance": "exact",
    "rectifier-gradient": "exact",
    "total-variance": "exact",
    "kernel-K": "sampled",
    "sample-variance": "assumed",
    "sample-variance-stable": "sampled",
    "sample-variance-decay": "sampled",
    "quadratic-form-variance": "sampled",
    "layer-variance": "sampled",
    "length-map": "assumed",
    "sample-variance-map": "assumed",
    "gradient-variance": "assumed",
    "kumar-2017": "exact",
    "selu-fixed-point": "sampled",
    "correlation-map-slope": "sampled",
    "edge-of-chaos": "exact",
    "depth-scale": "exact",
    "critical-correlation-smooth": "sampled",
    "critical-correlation-kinked": "sampled",
    "critical-length": "sampled",
    "critical-length-kinked": "sampled",
    "critical-length-half-stable": "sampled",
    "covariance-recursion": "assumed",
    "residual-variance": "assumed",
    "residual-depth": "assumed",
    "dropout-variance": "assumed",
    "convolution-variance": "exact",
    "convolution-variance-2d": "exact",
    "grouped-convolution": "exact",
    "pooled-variance": "exact",
    "layer-norm": "assumed",
    "batch-norm": "exact",
    "batch-norm-gradient": "assumed",
    "pre-ln-residual": "assumed",
    "post-ln-residual": "assumed",
    "norm-fourth-moment": "sampled",
    "log-norm-law": "sampled",
    "gradient-fluctuation": "exact",
    "angle-operator": "exact",
    "width-correction": "sampled",
    "width-correction-two-samples": "sampled",
    "angle-process": "sampled",
    "finite-width-decay": "sampled",
    "nearly-linear": "sampled",
    "trainable-depth": "assumed",
    "first-step": "exact",
}


@pytest.mark.parametrize("name", GRADES)
def test_a_theorem_passes_its_check_with_the_grade_that_its_evidence_gives(name):
    """Closed forms and expansions are sampled at points, limits of wide layers assumed; the rest is exact."""
    assert str(derived(name).grade) == "undecided"
    result = checked_theorem(name)
    assert result.failures == ()
    assert str(result.grade) == GRADES[name]


def test_these_are_all_theorems():
    assert list(GRADES) == derive.theorems()
