"""Network: indices, broadcasting and validation."""

import dataclasses
import math

import numpy as np
import pytest

from derive.activations import activation
from derive.errors import InputError
from numerics.laws import law
from numerics.network import Network


def test_six_widths_are_five_matrices():
    """d is the index of the last layer."""
    network = Network(widths=[8, 14, 5, 18, 11, 6], weight_variance=0.1)
    assert network.d == 4
    assert len(network.weight_variance) == len(network.bias_variance) == len(network.gain) == 5


def test_gain_is_fan_in_times_variance():
    """n_i Var[W^i] = gain, with n_i the rows of W^i."""
    network = Network(widths=[8, 14, 5], gain=[1.0, 2.0])
    assert network.weight_variance == (1 / 8, 2 / 14)
    assert network.gain == pytest.approx((1.0, 2.0), rel=1e-15)


def test_equal_arguments_make_equal_networks():
    """Lists, tuples and arrays, names and objects; a network can be a key."""
    one = Network(widths=[3, 4], activation="tanh", weight_variance=[0.5], weight_law="uniform")
    two = Network(
        widths=np.array([3, 4]),
        activation=activation("tanh"),
        weight_variance=np.float64(0.5),
        weight_law=law("uniform"),
        bias_variance=np.array(0.0),
    )
    assert one == two
    assert hash(one) == hash(two)
    assert one != dataclasses.replace(one, input_variance=2.0)


def test_plain_data_makes_the_network_again():
    """to_dict gives the arguments."""
    network = Network(widths=[3, 4, 2], activation="leaky-relu(0.2)", gain=[1, 2], input_law="rademacher")
    assert Network(**network.to_dict()) == network


def test_frozen():
    """A network does not change under a prediction made from it."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Network(widths=[3, 4], gain=1.0).widths = (1, 2)


GOOD = {"widths": [3, 4, 2], "weight_variance": 1.0}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"widths": [3, 0, 2]}, "widths must be positive integers, got 0 at layer 1"),
        ({"widths": [3, 4.5, 2]}, "widths must be positive integers, got 4.5 at layer 1"),
        ({"widths": np.array([3.0, 4.0])}, "widths must be positive integers, got 3.0 at layer 0"),
        ({"widths": [True, 4]}, "widths must be positive integers, got True at layer 0"),
        ({"widths": "34"}, "widths must be a list of positive integers, got '34'"),
        ({"widths": 3}, "widths must be a list of positive integers, got 3"),
        ({"widths": [3]}, "widths must hold at least two sizes (input and output), got 1"),
        (
            {"weight_variance": [1.0, -1.0]},
            "weight_variance must be finite and not negative, got -1.0 at layer 1",
        ),
        (
            {"weight_variance": np.array([1, -1])},
            "weight_variance must be finite and not negative, got -1 at layer 1",
        ),
        ({"weight_variance": math.nan}, "weight_variance must be finite and not negative, got nan"),
        (
            {"weight_variance": [1.0]},
            "weight_variance must be one number or 2 (one for each weight matrix), got 1 numbers",
        ),
        ({"gain": 1.0}, "give weight_variance or gain, not both"),
        ({"weight_variance": None}, "give weight_variance or gain: the weights have no variance yet"),
        (
            {"weight_variance": None, "gain": [1, 2, 3]},
            "gain must be one number or 2 (one for each weight matrix), got 3 numbers",
        ),
        ({"weight_variance": None, "gain": "big"}, "gain must be finite and not negative, got 'big'"),
        ({"bias_variance": math.inf}, "bias_variance must be finite and not negative, got inf"),
        ({"input_variance": -1}, "input_variance must be finite and not negative, got -1"),
        ({"gradient_variance": None}, "gradient_variance must be finite and not negative, got None"),
        (
            {"gradient_variance": 10**400},
            "gradient_variance must be finite and not negative, got 1" + "0" * 400,
        ),
        (
            {"weight_law": "gauss"},
            "unknown law 'gauss'; known: normal, uniform, rademacher, truncated-normal",
        ),
        ({"weight_law": 3}, "weight_law must be a name or a Law, got 3"),
        ({"input_law": None}, "input_law must be a name or a Law, got None"),
        ({"activation": 3}, "activation must be a name or an Activation, got 3"),
    ],
)
def test_bad_input_gets_one_clear_line(wrong, message):
    """The error names the argument, the rule, the value and the layer."""
    with pytest.raises(InputError) as caught:
        Network(**(GOOD | wrong))
    assert str(caught.value) == message
