"""The text of blocks: what it means, how a block prints, and what each error says and points at."""

import pytest
from sympy import Rational, Symbol, sqrt

from derive.activations import Activation, activation, s
from derive.blocks import (
    AveragePool,
    BatchNorm,
    Block,
    Concatenate,
    Convolution,
    Dense,
    Dropout,
    Elementwise,
    Flatten,
    LayerNorm,
    Repeat,
    Residual,
    RMSNorm,
    Scale,
    Serial,
    SumOf,
    network_input,
    read,
    read_sizes,
)
from derive.blocks.network_text import LONGEST, MOST_BLOCKS, WORDS
from derive.blocks.scanner import DEEPEST
from derive.errors import InputError

MEANT = {
    "dense(256)": Dense(256),
    "dense(units=256)": Dense(256),
    "dense(10, gain=2, bias_variance=0.1, law='uniform')": Dense(10, 2, Rational(1, 10), "uniform"),
    "dense(10, 2)": Dense(10, gain=2),
    "dense(3, bias_variance=none)": Dense(3, bias_variance=None),
    "conv(8)": Convolution(8),
    'conv(8, kernel=5, stride=2, padding="circular", groups=4)': Convolution(8, 5, 2, "circular", 4),
    "conv(8, padding=circular)": Convolution(8, padding="circular"),
    "average-pool(2)": AveragePool(2),
    "average-pool": AveragePool(),
    "AveragePool()": AveragePool(),
    "flatten": Flatten(),
    "dropout(0.1)": Dropout(Rational(1, 10)),
    "layernorm": LayerNorm(),
    "layernorm(0.001)": LayerNorm(Rational(1, 1000)),
    "rmsnorm(epsilon=1/4)": RMSNorm(Rational(1, 4)),
    "batchnorm": BatchNorm(),
    "batchnorm(32, epsilon=0.5)": BatchNorm(32, Rational(1, 2)),
    "scale(1/sqrt(50))": Scale(1 / sqrt(50)),
    "relu": Elementwise("relu"),
    "nn.LeakyReLU(negative_slope=0.2)": Elementwise("leaky-relu(0.2)"),
    "leaky_relu": Elementwise("leaky-relu"),
    'f("x*Phi(x)")': Elementwise("x*Phi(x)"),
    "f('max(x, 0.5*x)')": Elementwise("max(x, 0.5*x)"),
    "f(max(x, 0.5*x))": Elementwise("max(x, 0.5*x)"),
    "f": Elementwise(),
    'elementwise(tanh, output="a")': Elementwise("tanh", "a"),
    "residual(dense(4), relu, scale=0.3)": Residual(Dense(4), Elementwise("relu"), scale=Rational(3, 10)),
    "repeat(3, dense(4), relu)": Repeat(3, Dense(4), Elementwise("relu")),
    "sum(dense(4), serial())": SumOf(Dense(4), Serial()),
    "concatenate(serial(dense(4), relu), dense(2))": Concatenate(Serial(Dense(4), Elementwise("relu")), Dense(2)),
    "dense(4),relu\n, dense(2)": Serial(Dense(4), Elementwise("relu"), Dense(2)),
    "serial(dense(4), serial(relu))": Serial(Dense(4), Elementwise("relu")),
}


@pytest.mark.parametrize("text", MEANT)
def test_a_text_means_a_block(text):
    assert read(text) == MEANT[text]


@pytest.mark.parametrize("text", MEANT)
def test_a_block_prints_as_its_text(text):
    assert read(str(MEANT[text])) == MEANT[text]


def test_every_block_has_a_text():
    assert set(WORDS.values()) == set(_concrete(Block))
    assert {type(part) for block in MEANT.values() for part in _all(block)} == set(WORDS.values())


def _concrete(kind):
    found = [kind] if kind.__module__.startswith("derive.blocks") and not kind.__abstractmethods__ else []
    found = found if hasattr(kind, "word") else []
    return [*found, *(c for sub in kind.__subclasses__() for c in _concrete(sub))]


def _all(block):
    return [block, *(part for inner in block.inside for part in _all(inner))]


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (Dense(3, gain=0.3), "dense(3, gain=0.3)"),
        (Dense(3, gain=Rational(1, 3)), "dense(3, gain=1/3)"),
        (Convolution(8, bias_variance=Rational(1, 4)), "conv(8, bias_variance=0.25)"),
        (Residual(Dense(4), scale=0.3, output="r"), 'residual(dense(4), scale=0.3, output="r")'),
        (Repeat(2, Dense(4), Elementwise("relu")), "repeat(2, dense(4), relu)"),
        (Scale(Symbol("alpha", real=True)), "scale(alpha)"),
        (Elementwise("x*Phi(x)"), 'f("x*Phi(x)")'),
        (Elementwise("leaky-relu(0.2)"), "leaky-relu(0.2)"),
    ],
)
def test_texts_are_short(block, text):
    assert str(block) == text


def test_floats_are_the_decimals_that_they_print_as():
    assert Scale(0.1).factor == Residual(Dense(3), scale=0.1).scale == Dropout(0.1).rate == Rational(1, 10)
    assert Dense(3, gain=0.1).gain == Convolution(3, bias_variance=0.1).bias_variance == Rational(1, 10)


def test_numbers_are_exact():
    assert read("scale(0.1)").factor == Rational(1, 10)
    assert read("scale(0.1)")(network_input(3)).family == Scale(Rational(1, 10))(network_input(3)).family


def test_names_of_rows():
    names = [block.name for block in read("dense(4), nn.ReLU(), leaky-relu(0.2), f('x*x'), f, average-pool").blocks]
    assert names == ["dense", "relu", "leaky-relu", "f", "f", "average-pool"]
    assert Elementwise(Activation("mine", s**2)).name == "f"
    assert Elementwise(activation("tanh")).name == "tanh"


def test_defaults_are_for_what_says_nothing_itself():
    text = "dense(4), residual(dense(4, bias_variance=0)), conv(2, gain=1), relu, dropout(0.5)"
    block = read(text, defaults={"gain": 2, "bias_variance": 0.1, "law": "uniform"})
    dense, residual, conv, *_ = block.blocks
    assert (dense.gain, dense.bias_variance, dense.law) == (2, Rational(1, 10), "uniform")
    assert (residual.inside[0].gain, residual.inside[0].bias_variance) == (2, 0)
    assert (conv.gain, conv.bias_variance) == (1, Rational(1, 10))


WRONG = {
    "": ("layers must not be empty", None),
    "dense(4), rleu": ("unknown block or activation 'rleu'; did you mean relu", 11),
    "dens(4)": ("unknown block or activation 'dens'; did you mean dense?", 1),
    "banana": ("unknown block or activation 'banana'; blocks: dense, conv, .*; activations: linear, ", 1),
    "relu, nn.Linear(10)": ("unknown block 'nn.Linear'; here it is dense", 7),
    "linear(10)": ("unknown block 'linear'; here it is dense", 1),
    "Conv2d(3)": ("unknown block 'Conv2d'; here it is conv", 1),
    "softmax": ("unknown block or activation 'softmax': softmax acts on a whole layer", 1),
    "atan": (r'a function without a name is written f\("atan\(x\)"\)', 1),
    "dense(4), dense(n": ("'\\(' that is not closed", 16),
    "dense(4))": ("'\\)' without '\\('", 9),
    "dense(4, law='uniform)": ("a quote that does not end", 14),
    "dense(4),": ("something must stand before and after a comma", 9),
    "dense(4), , relu": ("something must stand before and after a comma", 11),
    "dense()": ("dense needs units", 1),
    "relu, dense": ("dense needs units", 7),
    "dense(2.5)": ("units of dense must be a positive integer, got 5/2", 1),
    "dense(3, gian=2)": ("unknown parameter of dense 'gian'; did you mean gain", 10),
    "dense(3, gain=2, gain=3)": ("gain of dense is given twice", 18),
    "dense(3, gain=)": ("gain of dense must be given a value", 14),
    "relu, dense(3, gain=2*)": ("gain of dense must be a number: a number, a name or a bracket expected", 23),
    "dense(3, gain=-1)": ("gain of dense must be finite and not negative, got -1", 1),
    "dense(3, law=1/2)": ("law of dense must be a word, got '1/2'", 14),
    "flatten(3)": ("flatten takes nothing, and '3' is one too many", 9),
    "dropout(1.5)": ("the drop rate must be at least 0 and less than 1, got 3/2", 1),
    "relu, conv(3, padding=same)": ("padding must be one of circular, zeros, got 'same'", 7),
    "conv(3, kernel=2.5)": ("kernel must be a positive integer, got 5/2", 1),
    "repeat(0, relu)": ("repeat needs a positive number of times, got 0", 1),
    "sum()": ("sum needs at least one branch", 1),
    "dense(3) relu": (r"a comma expected after dense\(3\)", 9),
    "x*Phi(x)": (r"an expression in x is written f\('x\*Phi\(x\)'\)", 2),
    "relu, f('x*+')": ("a number, a name or a bracket expected", 13),
    "f()": ("f takes an expression in x", 1),
    "dense(3), 4": ("a block expected, got '4'", 11),
    "leaky-relu(1, 2)": (r"leaky-relu takes at most 1 \(slope\) parameters, got 2", 1),
    "dense(__import__('os').getpid())": ("units of dense must be a number: unexpected character", 18),
    "scale(x)": ("factor of scale must be a number: unknown name 'x'", 7),
    "repeat(10000, repeat(10000, relu))": (f"at most {MOST_BLOCKS} blocks, repeats written out, got 100000000", None),
    "dense(4), " * (LONGEST // 10) + "relu": (f"at most {LONGEST} characters", None),
    "serial(" * 21 + ")" * 21: (f"brackets may be nested {DEEPEST} deep", 147),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_named_and_pointed_at(text):
    rule, column = WRONG[text]
    with pytest.raises(InputError, match=rule) as error:
        read(text)
    first, *rest = str(error.value).split("\n")
    assert first.startswith("layers")
    if column is not None:
        assert first.endswith(f", at column {column}")
        assert rest == [f"  {text}", " " * (column + 1) + "^"]


def test_a_text_is_a_text():
    with pytest.raises(InputError, match="layers must be a text, got 3"):
        read(3)


def test_sizes_of_an_input():
    assert [read_sizes(text) for text in ("64", "3x32", " 3 x 32 x 32")] == [(64,), (3, 32), (3, 32, 32)]


@pytest.mark.parametrize("text", ["", "3x", "0", "3x0", "-1", "2.5", "2x2x2x2", "wide", "1e3"])
def test_no_sizes_of_an_input(text):
    with pytest.raises(InputError, match="input must be a size such as 64, 3x32 or 3x32x32, got"):
        read_sizes(text)
