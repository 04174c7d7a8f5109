"""What PyTorch, JAX and Keras call an activation means the catalogue's; what is none of them is explained."""

import pytest
from sympy import Rational, Symbol, sqrt

from derive.activations import activation, activations
from derive.activations.spellings import entry_of
from derive.errors import InputError, loose

# The names of torch.nn's activation modules and of torch.nn.functional's functions (PyTorch 2.6, documentation).
TORCH = {
    "ELU": "elu",
    "Hardshrink": "hard-shrink",
    "Hardsigmoid": "hard-sigmoid",
    "Hardtanh": "hard-tanh",
    "Hardswish": "hard-swish",
    "LeakyReLU": "leaky-relu",
    "LogSigmoid": "log-sigmoid",
    "PReLU": "leaky-relu(0.25)",
    "ReLU": "relu",
    "ReLU6": "relu6",
    "SELU": "selu",
    "CELU": "celu",
    "GELU": "gelu",
    "Sigmoid": "sigmoid",
    "SiLU": "silu",
    "Mish": "mish",
    "Softplus": "softplus",
    "Softshrink": "soft-shrink",
    "Softsign": "softsign",
    "Tanh": "tanh",
    "Tanhshrink": "tanh-shrink",
    "Threshold": "threshold",
    "Identity": "linear",
    "hardtanh": "hard-tanh",
    "hardswish": "hard-swish",
    "relu6": "relu6",
    "leaky_relu": "leaky-relu",
    "logsigmoid": "log-sigmoid",
    "hardshrink": "hard-shrink",
    "tanhshrink": "tanh-shrink",
    "softshrink": "soft-shrink",
    "hardsigmoid": "hard-sigmoid",
}
# Of jax.nn (JAX 0.5) and keras.activations (Keras 3).
OTHERS = {
    "jax.nn.relu": "relu",
    "jax.nn.hard_sigmoid": "hard-sigmoid",
    "jax.nn.hard_silu": "hard-swish",
    "jax.nn.hard_swish": "hard-swish",
    "jax.nn.hard_tanh": "hard-tanh",
    "jax.nn.identity": "linear",
    "jax.nn.log_sigmoid": "log-sigmoid",
    "jax.nn.soft_sign": "softsign",
    "jax.nn.sparse_plus": "sparse-plus",
    "jax.nn.sparse_sigmoid": "sparse-sigmoid",
    "jax.nn.squareplus": "squareplus",
    "jax.nn.swish": "swish",
    "jax.nn.gelu": "gelu-tanh",  # its default is approximate=True
    "keras.activations.exponential": "exp",
    "keras.activations.hard_shrink": "hard-shrink",
    "keras.activations.leaky_relu": "leaky-relu(0.2)",  # its default slope
    "keras.activations.linear": "linear",
    "keras.activations.soft_shrink": "soft-shrink",
    "keras.activations.tanh_shrink": "tanh-shrink",
    "keras.layers.LeakyReLU": "leaky-relu(0.3)",  # its default slope
    "quick_gelu": "swish(1.702)",
    "gelu_new": "gelu-tanh",
    "relu2": "squared-relu",
    "heaviside": "step",
}


@pytest.mark.parametrize(("theirs", "ours"), [*TORCH.items(), *OTHERS.items()])
def test_names_of_other_libraries(theirs, ours):
    """Alone, called, with a module before it, and as a function in an expression."""
    assert activation(theirs) == activation(ours)
    assert activation(f"{theirs}()") == activation(ours)
    if "." not in theirs:
        assert activation(f"torch.nn.{theirs}") == activation(ours)
        assert activation(f"2*{theirs}(x)").expression == 2 * activation(ours).expression


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("ReLU(inplace=True)", "relu"),
        ("LeakyReLU(negative_slope=0.2)", "leaky-relu(0.2)"),
        ("LeakyReLU(negative_slope=0.2, inplace=True)", "leaky-relu(0.2)"),
        ("Hardtanh(min_val=-2.0, max_val=0.5)", "hard-tanh(-2,0.5)"),
        ("Softplus(beta=2.0, threshold=20.0)", "softplus(2)"),
        ("Softshrink(0.3)", "soft-shrink(0.3)"),
        ("Hardshrink(lambd=0.3)", "hard-shrink(0.3)"),
        ("Threshold(threshold=0.1, value=20)", "threshold(0.1,20)"),
        ("PReLU(num_parameters=1)", "leaky-relu(0.25)"),
        ("PReLU(init=0.1)", "leaky-relu(0.1)"),
        ("GELU(approximate='none')", "gelu"),
        ("GELU(approximate='tanh')", "gelu-tanh"),
        ("ELU(alpha=1/2)", "elu(0.5)"),
    ],
)
def test_modules_as_pytorch_prints_them(theirs, ours):
    """What str() of a module gives, keywords included."""
    assert activation(theirs) == activation(ours)


def test_every_module_of_an_installed_pytorch():
    """Each elementwise module of torch.nn.modules.activation, by its class and by its text."""
    torch = pytest.importorskip("torch")
    others = {"GLU", "MultiheadAttention", "Softmax", "Softmin", "Softmax2d", "LogSoftmax", "RReLU", "Module", "Any"}
    for name in set(torch.nn.modules.activation.__all__) - others:
        module = getattr(torch.nn, name)(*([0.1, 2.0] if name == "Threshold" else []))
        assert activation(name).name == activation(str(module)).name


def test_no_two_names_are_spelled_alike():
    """Else a loose match could mean either."""
    assert len({loose(name) for name in activations()}) == len(activations())
    assert all(entry_of(name)[0].name == name for name in activations())


def test_synonyms_in_expressions_have_their_parameters():
    """prelu has PyTorch's slope, and another where one is given."""
    x = activation("x").symbol
    assert activation("prelu(x)").expression.subs(x, -1) == Rational(-1, 4)
    assert activation("prelu(x, 0.1)").expression.subs(x, -1) == Rational(-1, 10)
    assert activation("prelu(0.1)") == activation("leaky-relu(0.1)")


def test_a_function_alone_is_a_function_of_x():
    """atan is no entry of the catalogue, and an expression all the same."""
    assert activation("atan") == activation("atan(x)")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("softmax", "acts on a whole layer"),
        ("nn.GLU", "multiplies two pre-activations"),
        ("RReLU", "in evaluation it is leaky-relu(11/48)"),
        ("lekyrelu", "did you mean leaky-relu"),
        ("Swich", "did you mean swish"),
        ("tanh(y)", "unknown name 'y'"),
        ("elu(alhpa=1)", "did you mean alpha?"),
    ],
)
def test_what_is_not_in_the_catalogue_is_explained(text, words):
    with pytest.raises(InputError) as caught:
        activation(text)
    assert words in str(caught.value)


POINTERS = [
    ("Piecewise((x, x > 0), (0, True))", "where(x > 0, a, b)"),
    ("x if x > 0 else 0", "where(x > 0, a, b)"),
    ("x > 0 ? x : 0", "where(x > 0, a, b)"),
    ("np.where(x > 0, x, 0)", "without a module"),
    ("np.tanh(x)", "tanh(x) and not np.tanh(x)"),
    ("torch.tanh(x)", "tanh(x) and not np.tanh(x)"),
    ("floor(x)", "infinitely many jumps"),
    ("x // 2", "infinitely many jumps"),
    ("x % 2", "infinitely many jumps"),
    ("x^2", "powers are written **"),
    ("x²", "powers are written **"),
    ("|x|", "abs(x)"),
    ("2·x", "a product is written *"),
    ("lambda x: x", "write the formula alone"),
    ("f(x) = x", "write the formula alone"),
    ("leaky_relu(x, negative_slope=0.2)", "given by place"),
    ("where(x > 0 and x < 1, 1, 0)", "nest one where in another"),
    ("arctan(x)", "atan(x)"),
    ("ln(1 + x**2)", "log(x)"),
    ("maximum(x, 0)", "max(x, y)"),
    ("clip(x, 0, 1)", "min(max(x, a), b)"),
    ("pow(x, 2)", "x**y"),
    ("acosh(x)", "no real value on the whole line"),
]


@pytest.mark.parametrize(("text", "words"), POINTERS)
def test_other_languages_are_pointed_to_this_one(text, words):
    """What to write stands in the error, and nothing is guessed."""
    with pytest.raises(InputError) as caught:
        activation(text)
    assert words in str(caught.value).split("\n")[0]


def test_parameters_of_an_expression_are_numbers_by_name():
    """They stand in the text afterwards, exactly, so that it reads back."""
    f = activation("x*tanh(softplus(beta*x))", beta=1.3)
    assert f == activation("x*tanh(softplus(1.3*x))") == activation(str(f))
    third = activation("beta*x + tanh(x)", beta=Rational(1, 3))
    assert third.expression == activation("x/3 + tanh(x)").expression
    assert activation(str(third)) == third
    assert activation("b*x", b=-1).expression == -activation("x").symbol
    assert activation("tanh(b*x)", b=sqrt(2)).expression == activation("tanh(sqrt(2)*x)").expression
    assert activation("leaky-relu(a)", a=0.2) == activation("leaky-relu(0.2)")
    assert activation("a*x + ba*tanh(x)", a=2, ba=3) == activation("2*x + 3*tanh(x)")
    # a name within a longer one, and a function's name, are not the parameter
    assert activation("tanh(ta*x)", ta=2) == activation("tanh(2*x)")


def test_parameters_of_an_expression_that_do_not_fit():
    for arguments, words in [
        ({"name": "tanh(x)", "beta": 1.3}, "parameter beta must stand in the expression"),
        ({"name": "tanh(b*x)", "b": Symbol("c")}, "parameter b must be a number"),
    ]:
        with pytest.raises(InputError) as caught:
            activation(**arguments)
        assert words in str(caught.value)
