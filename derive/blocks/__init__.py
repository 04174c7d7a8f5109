"""Blocks: what networks are composed of, each one definition that symbols, tiny worlds and arrays read."""

from derive.blocks.block import Block
from derive.blocks.branches import Concatenate, SumOf
from derive.blocks.convolution import Convolution
from derive.blocks.dense import Dense
from derive.blocks.dropout import Dropout
from derive.blocks.elementwise import Elementwise
from derive.blocks.network_text import read, read_sizes
from derive.blocks.normalise import BatchNorm, LayerNorm, RMSNorm
from derive.blocks.pooling import AveragePool, Flatten
from derive.blocks.repeat import Repeat, layers
from derive.blocks.residual import Residual
from derive.blocks.scale import Scale
from derive.blocks.serial import Serial
from derive.blocks.signal import Axis, Drawn, Place, Signal, network_input

__all__ = [
    "AveragePool",
    "Axis",
    "BatchNorm",
    "Block",
    "Concatenate",
    "Convolution",
    "Dense",
    "Drawn",
    "Dropout",
    "Elementwise",
    "Flatten",
    "LayerNorm",
    "Place",
    "RMSNorm",
    "Repeat",
    "Residual",
    "Scale",
    "Serial",
    "Signal",
    "SumOf",
    "layers",
    "network_input",
    "read",
    "read_sizes",
]
