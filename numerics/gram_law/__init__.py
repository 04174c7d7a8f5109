"""The law over networks of one sample's length, or of two samples' Gram matrix, layer by layer, for any activation."""

from numerics.gram_law.backward import Gradients, gradients
from numerics.gram_law.law import SIZES, Carried, Sizes, carried
from numerics.gram_law.samples import ONE, TWO, Samples

__all__ = ["ONE", "SIZES", "TWO", "Carried", "Gradients", "Samples", "Sizes", "carried", "gradients"]
