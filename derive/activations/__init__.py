"""Activation functions: the catalogue, a user's own expression, and what is computed from either."""

from derive.activations.activation import Activation, s
from derive.activations.catalogue import CATALOGUE
from derive.activations.entry import Entry, Parameter
from derive.activations.names import activation, activations

__all__ = ["CATALOGUE", "Activation", "Entry", "Parameter", "activation", "activations", "s"]
