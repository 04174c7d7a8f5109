"""Predicted curves: the variances of a network's layers, every number from a kernel of a derivation."""

from numerics.curves.prediction import COLUMNS, SAMPLE_COLUMNS, Prediction
from numerics.curves.theory import THEORIES, predict

__all__ = ["COLUMNS", "SAMPLE_COLUMNS", "THEORIES", "Prediction", "predict"]
