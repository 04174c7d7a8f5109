"""Predicted curves: the variances of a network's layers, every number from a kernel of a derivation."""

from numerics.curves.prediction import BLOCK_COLUMNS, COLUMNS, SAMPLE_COLUMNS, Prediction
from numerics.curves.theory import THEORIES, predict

__all__ = ["BLOCK_COLUMNS", "COLUMNS", "SAMPLE_COLUMNS", "THEORIES", "Prediction", "predict"]
