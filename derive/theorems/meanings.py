"""What the symbols of the theorems on Gaussian pre-activations mean; renderers put them into the legend."""

from __future__ import annotations

from derive.network import SLOPE
from derive.rules.analysis import T_OF_M_V, T
from derive.rules.wide import FIRST, MU, NU, SECOND, M, V
from derive.words import Words

RECTIFIER_NOTATION = ((SLOPE, Words("the slope of leaky ReLU below zero: 0 for ReLU, 1 for the line")),)
SAMPLE_NOTATION = (
    *RECTIFIER_NOTATION,
    (MU, Words("the mean of a pre-activation over the samples: it differs from network to network")),
    (NU, Words("its fluctuation about that mean: it differs from sample to sample")),
    (M, Words("the standard deviation of {} over networks", MU)),
    (V, Words("the standard deviation of {} over samples", NU)),
    (FIRST, Words("the pre-activation for one sample")),
    (SECOND, Words("the same for another sample, in the same network")),
    (T, Words("{}, between 0 (all mean) and 1 (all fluctuation)", T_OF_M_V)),
)
