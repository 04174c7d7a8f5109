"""Definitions read as arrays: every block against loops and SciPy, and whole networks scalar by scalar."""

import math

import numpy as np
import pytest
from scipy import signal as scipy_signal
from scipy import special
from sympy import Float, Integer, Max, Min, Piecewise, Sum, Symbol, symbols

from derive.blocks import (
    AveragePool,
    Concatenate,
    Convolution,
    Dense,
    Dropout,
    Elementwise,
    Flatten,
    Repeat,
    Residual,
    Scale,
    Serial,
    SumOf,
    layers,
    network_input,
    read,
)
from derive.errors import InputError
from derive.layers import i
from derive.network import f, n
from derive.randomness import INPUT, Family
from numerics.arrays import Program

NETWORKS = 3


def computed(block, *sizes, samples=None, seed=0, gradients=False):
    """A block's output, and what was drawn by the families' names; with the program where gradients are asked for."""
    out = block(network_input(*sizes, samples=samples))
    drawn = [d.family for d in out.drawn]
    program = Program(out, gradients=drawn if gradients else ())
    rng = np.random.default_rng(seed)
    arrays = {key: rng.standard_normal((NETWORKS, *shape)) for key, shape in program.drawn.items()}
    run = program.run(arrays)
    named = {key[0].name: array for key, array in arrays.items()}
    return (run[out.family], named) if not gradients else (program, arrays, run, out.family)


# ---- one block, by others' code


def test_dense():
    s, drawn = computed(Dense(5, bias_variance=None), 4, samples=2)
    for r in range(NETWORKS):
        for t in range(2):
            np.testing.assert_allclose(s[r, t], drawn["x"][r, t] @ drawn["W"][r] + drawn["b"][r], rtol=1e-13)


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("relu", lambda x: np.maximum(x, 0)),
        ("leaky-relu(0.2)", lambda x: np.where(x > 0, x, 0.2 * x)),
        ("tanh", np.tanh),
        ("gelu", lambda x: x * special.ndtr(x)),
        ("sigmoid", special.expit),
        ("step", lambda x: np.heaviside(x, 0.5)),
        ("f('x*x + 1')", lambda x: x**2 + 1),
        ("f('x')", lambda x: x),
        ("scale(0.5)", lambda x: x / 2),
        ("scale(-1/sqrt(50))", lambda x: -x / math.sqrt(50)),
    ],
)
def test_functions_unit_by_unit(text, function):
    z, drawn = computed(read(text), 7)
    np.testing.assert_allclose(z, function(drawn["x"]), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("padding", ["zeros", "circular"])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_convolution_in_two_dimensions(padding, kernel, stride):
    s, drawn = computed(Convolution(4, kernel, stride, padding), 2, 6, 9, samples=2)
    boundary = {"zeros": "fill", "circular": "wrap"}[padding]
    assert s.shape[3:] == (math.ceil(6 / stride), math.ceil(9 / stride))
    for r, t, o in np.ndindex(NETWORKS, 2, 4):
        one = sum(
            scipy_signal.correlate2d(drawn["x"][r, t, c], drawn["K"][r, c, :, :, o], "same", boundary) for c in range(2)
        )
        np.testing.assert_allclose(s[r, t, o], one[::stride, ::stride], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_convolution_in_one_dimension(kernel):
    """A window begins (kernel - 1) // 2 places before the position that it is for."""
    zeros, drawn = computed(Convolution(3, kernel), 2, 8)
    around, same = computed(Convolution(3, kernel, padding="circular"), 2, 8)
    np.testing.assert_array_equal(drawn["x"], same["x"])
    m = (kernel - 1) // 2
    for r, o in np.ndindex(NETWORKS, 3):
        for mode, found in (("constant", zeros), ("wrap", around)):
            x = np.pad(drawn["x"][r], ((0, 0), (m, kernel - 1 - m)), mode=mode)
            one = sum(np.convolve(x[c], drawn["K"][r, c, ::-1, o], "valid") for c in range(2))
            np.testing.assert_allclose(found[r, o], one, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("groups", [2, 4])
def test_groups_see_their_own_channels(groups):
    s, drawn = computed(Convolution(8, groups=groups, bias_variance=None), 4, 5)
    for g in range(groups):
        channels = range(g * 4 // groups, (g + 1) * 4 // groups)
        for r, o in np.ndindex(NETWORKS, 8):
            if o * groups // 8 == g:
                one = sum(
                    np.convolve(np.pad(drawn["x"][r, c], 1), drawn["K"][r, at, ::-1, o], "valid")
                    for at, c in enumerate(channels)
                )
                np.testing.assert_allclose(s[r, o], one + drawn["b"][r, o], rtol=1e-12, atol=1e-13)


def test_pooling_and_flattening():
    y, drawn = computed(AveragePool(2), 3, 4, 6)
    np.testing.assert_allclose(y, drawn["x"].reshape(NETWORKS, 3, 2, 2, 3, 2).mean(axis=(3, 5)), rtol=1e-13)
    y, drawn = computed(AveragePool(), 3, 4, 6)
    np.testing.assert_allclose(y[..., 0, 0], drawn["x"].mean(axis=(2, 3)), rtol=1e-13)
    y, drawn = computed(Flatten(), 3, 4, 6, samples=2)
    np.testing.assert_array_equal(y, drawn["x"].reshape(NETWORKS, 2, -1))


def test_dropout_and_branches():
    y, drawn = computed(Dropout(0.5), 4, samples=2)
    np.testing.assert_array_equal(y, drawn["x"] * drawn["D"])
    h, drawn = computed(Residual(Dense(4), scale=0.25), 4)
    np.testing.assert_allclose(h, drawn["x"] + 0.25 * np.einsum("rl,rlk->rk", drawn["x"], drawn["W"]), rtol=1e-12)
    y, drawn = computed(SumOf(Serial(), Elementwise("tanh"), Scale(2)), 4)
    np.testing.assert_allclose(y, 3 * drawn["x"] + np.tanh(drawn["x"]), rtol=1e-13)
    y, drawn = computed(Concatenate(Elementwise("tanh"), Serial(), Dense(2)), 4)
    product = np.einsum("rl,rlk->rk", drawn["x"], drawn["W"])
    np.testing.assert_allclose(y, np.concatenate([np.tanh(drawn["x"]), drawn["x"], product], 1), rtol=1e-12)


# ---- whole networks, scalar by scalar as SymPy evaluates the definitions

NETS = [
    ("dense(3, bias_variance=1), tanh, residual(dense(3), relu, scale=0.3), dropout(0.1), dense(2)", (2,)),
    ("conv(2, stride=2), relu, conv(4, groups=2, padding=circular), average-pool(2), flatten, dense(2)", (2, 4, 8)),
    ("concatenate(conv(2, kernel=2), serial()), tanh, sum(conv(4), scale(2)), flatten", (2, 3)),
    ("repeat(2, residual(concatenate(dense(1), serial(relu, dense(2))), scale=1/sqrt(2))), f('x*x')", (3,)),
]


def scalar(entry, drawn, found):
    """One scalar of a family, from what was drawn and the definitions, exactly as they stand."""
    if entry not in found:
        if entry.family.name in drawn:
            found[entry] = drawn[entry.family.name][tuple(int(k) - 1 for k in entry.indices)]
        else:
            written = entry.definition.doit()
            parts = {part: Float(scalar(part, drawn, found)) for part in written.atoms(type(entry))}
            found[entry] = float(written.xreplace(parts).evalf())
    return found[entry]


@pytest.mark.parametrize(("text", "sizes"), NETS)
def test_networks_scalar_by_scalar(text, sizes):
    block = read(text)
    out, drawn = computed(block, *sizes)
    family = block(network_input(*sizes)).family
    found = {}
    for r in range(1):
        mine = {name: array[r] for name, array in drawn.items()}
        for place in np.ndindex(out.shape[1:]):
            one = scalar(family(*(Integer(k + 1) for k in place)), mine, found)
            assert out[(r, *place)] == pytest.approx(one, rel=1e-11, abs=1e-13)


def test_samples_share_the_weights_and_have_their_own_masks():
    block = read("dense(4), dropout(0.5), dense(2)")
    two, drawn = computed(block, 3, samples=2)
    program = Program(block(network_input(3)))
    for t in range(2):
        given = {
            key: {"x": drawn["x"][:, t], "D": drawn["D"][:, t]}.get(key[0].name, drawn.get(key[0].name))
            for key in program.drawn
        }
        np.testing.assert_allclose(program.run(given)[program._output], two[:, t], rtol=1e-13)


def test_all_layers_of_one_definition():
    """The papers' chain: z^{i+1} = f(s^i) with sizes and f given as values."""
    chain = layers(Serial(Dense(n(i + 1), bias_variance=None), Elementwise()), network_input(n(i)), "z")
    z, s = chain.defined
    sizes = [2, 3, 4, 5]
    program = Program(
        (s, 2),
        keep=[(z, 1), (s, 0)],
        gradients=[(z, 0), (s, 1)],
        values={n(k): size for k, size in enumerate(sizes)},
        functions={f: lambda x: x**3},
    )
    rng = np.random.default_rng(5)
    drawn = {key: rng.standard_normal((2, *shape)) for key, shape in program.drawn.items()}
    by_name = {(key[0].name, key[1]): array for key, array in drawn.items()}
    assert sorted(by_name, key=str) == sorted([("x", None), *((w, k) for w in "Wb" for k in range(3))], key=str)
    run = program.run(drawn)
    now, inner = by_name["x", None], []
    for k in range(3):
        inner.append(np.einsum("rl,rlk->rk", now, by_name["W", k]) + by_name["b", k])
        now = inner[-1] ** 3
    np.testing.assert_allclose(run[s, 2], inner[2], rtol=1e-12)
    np.testing.assert_allclose(run[s, 0], inner[0], rtol=1e-12)
    np.testing.assert_allclose(run[z, 1], inner[0] ** 3, rtol=1e-12)
    g = rng.standard_normal((2, 5))
    found = run.gradients(g)
    back = np.einsum("rk,rlk->rl", g, by_name["W", 2]) * 3 * inner[1] ** 2
    np.testing.assert_allclose(found[s, 1], back, rtol=1e-12)


# ---- gradients


@pytest.mark.parametrize(
    "text_and_sizes",
    [
        *NETS[:3],
        ("dense(3, bias_variance=1)", (4,)),
        ("gelu", (4,)),
        ("leaky-relu(0.2), scale(3)", (4,)),
        ("f('max(x, 0.5)')", (4,)),
        ("conv(4, kernel=3, bias_variance=1)", (2, 5)),
        ("conv(4, kernel=4, stride=3, padding=circular)", (2, 5, 7)),
        ("conv(4, groups=4)", (4, 5)),
        ("conv(6, groups=2, stride=2)", (4, 4, 5)),
        ("average-pool(2), flatten", (3, 4, 6)),
        ("average-pool, flatten", (3, 5)),
        ("dropout(0.1)", (3,)),
        ("sum(serial(), tanh, scale(2))", (3,)),
        ("concatenate(tanh, serial(), dense(2))", (3,)),
        ("repeat(2, residual(dense(3), tanh, scale=0.3))", (3,)),
    ],
    ids=lambda given: given[0],
)
@pytest.mark.parametrize("samples", [None, 2])
def test_gradients_are_finite_differences(text_and_sizes, samples):
    """(cost(v + h d) - cost(v - h d))/2h = sum of gradient times d, for every drawn family, in any direction d."""
    text, sizes = text_and_sizes
    program, drawn, run, out = computed(read(text), *sizes, samples=samples, gradients=True)
    rng = np.random.default_rng(7)
    weight = rng.standard_normal(run[out].shape)
    found = run.gradients(weight)
    h = 1e-6
    for key, array in drawn.items():
        direction = rng.standard_normal(array.shape)
        costs = [
            (program.run(drawn | {key: array + side * h * direction})[out] * weight).reshape(NETWORKS, -1).sum(1)
            for side in (1, -1)
        ]
        gradient = (found[key[0]] * direction).reshape(NETWORKS, -1).sum(1)
        np.testing.assert_allclose((costs[0] - costs[1]) / (2 * h), gradient, rtol=1e-6, atol=1e-8)


def test_the_gradient_of_what_the_output_does_not_read_is_zero():
    x = network_input(3)
    out = Dense(2)(Scale(2)(x))
    aside = Family("u", meaning="", extents=lambda _: (3,), layered=False, source=INPUT)
    program = Program(out, gradients=[aside, x.family])
    run = program.run({key: np.ones((1, *shape)) for key, shape in program.drawn.items()})
    found = run.gradients(np.ones((1, 2)))
    assert (found[aside] == 0).all()
    assert (found[x.family] == 4).all()


def test_one_array_for_all_networks_has_a_gradient_for_each():
    x = network_input(3)
    out = Dense(2)(x)
    program = Program(out, gradients=[x.family])
    rng = np.random.default_rng(1)
    drawn = {key: rng.standard_normal((1 if key[0] == x.family else 4, *shape)) for key, shape in program.drawn.items()}
    run = program.run(drawn)
    weights = next(array for key, array in drawn.items() if key[0].name == "W")
    g = rng.standard_normal((4, 2))
    np.testing.assert_allclose(run.gradients(g)[x.family], np.einsum("rk,rlk->rl", g, weights), rtol=1e-13)


# ---- definitions that no block has


def defined(definition, *sizes, name="y"):
    return Family(name, meaning="", extents=lambda _: sizes, layered=False, definition=definition)


def of(name, *sizes):
    return Family(name, meaning="", extents=lambda _: sizes, layered=False, source=INPUT)


def evaluated(family, **arrays):
    program = Program(family)
    return program.run({key: arrays[key[0].name] for key in program.drawn})[family]


K, L = symbols("k l", integer=True, positive=True)
RNG = np.random.default_rng(11)
A = RNG.standard_normal((2, 4, 4))
V = RNG.standard_normal((2, 4))


def test_traces_transposes_and_outer_products():
    a, v = of("a", 4, 4), of("v", 4)
    np.testing.assert_allclose(evaluated(defined(lambda k, m: a(m, k), 4, 4), a=A), A.transpose(0, 2, 1))
    np.testing.assert_allclose(evaluated(defined(lambda k: a(k, k), 4), a=A), np.einsum("rkk->rk", A))
    trace = defined(lambda: Sum(a(L, L), (L, 1, 4)))
    np.testing.assert_allclose(evaluated(trace, a=A), np.einsum("rkk->r", A))
    np.testing.assert_allclose(evaluated(defined(lambda k, m: v(k) * v(m), 4, 4), v=V), V[:, :, None] * V[:, None, :])
    np.testing.assert_allclose(evaluated(defined(lambda k: v(2), 3), v=V), np.repeat(V[:, 1:2], 3, axis=1))


def test_three_factors_counts_and_indices_as_numbers():
    a, v = of("a", 4, 4), of("v", 4)
    form = defined(lambda: Sum(v(L) * a(L, K) * v(K), (L, 1, 4), (K, 1, 4)))
    np.testing.assert_allclose(evaluated(form, a=A, v=V), np.einsum("rl,rlk,rk->r", V, A, V))
    np.testing.assert_allclose(evaluated(defined(lambda k: k * v(k) + k, 4), v=V), (V + 1) * [1, 2, 3, 4])
    np.testing.assert_allclose(evaluated(defined(lambda k: Sum(v(k), (L, 1, 3)), 4), v=V), 3 * V)
    triangle = defined(lambda k: Sum(a(k, L), (L, 1, k)), 4)
    np.testing.assert_allclose(evaluated(triangle, a=A), np.tril(A).sum(axis=2))


def test_a_sum_may_leave_out_what_lies_inside():
    """Its bounds keep it inside of v, and out of more than that."""
    v = of("v", 4)
    some = defined(lambda k: Sum(v(k + L - 2), (L, Max(1, 4 - k), Min(3, 6 - k))), 4)
    expected = [[sum(u[k + r - 3] for r in range(max(1, 4 - k), min(3, 6 - k) + 1)) for k in range(1, 5)] for u in V]
    np.testing.assert_allclose(evaluated(some, v=V), expected)


def test_functions_of_several_scalars():
    a, v = of("a", 4, 4), of("v", 4)
    norm = defined(lambda k: v(k) / (Sum(v(L) ** 2, (L, 1, 4)) / 4) ** Integer(2), 4)
    np.testing.assert_allclose(evaluated(norm, v=V), V / np.mean(V**2, axis=1, keepdims=True) ** 2)
    gate = defined(lambda k: Piecewise((v(k) * a(k, 1), v(k) > 0), (a(1, k), True)), 4)
    np.testing.assert_allclose(evaluated(gate, a=A, v=V), np.where(V > 0, V * A[:, :, 0], A[:, 0, :]))


def test_reading_outside_is_an_error():
    v = of("v", 4)
    with pytest.raises(InputError, match=r"v_\{?k0 \+ 1\}? is read outside of its axes|read outside of its axes"):
        Program(defined(lambda k: v(k + 1), 4))
    with pytest.raises(InputError, match="read outside of its axes"):
        Program(defined(lambda: Sum(v(L), (L, 1, 5))))
    with pytest.raises(InputError, match="read outside of its axes"):
        Program(defined(lambda k: Piecewise((v(k), k <= 4), (v(k), True)), 5))
    assert evaluated(defined(lambda k: Piecewise((v(k), k <= 4), (v(k - 4), True)), 5), v=V).shape == (2, 5)


def test_what_has_no_value_is_an_error():
    v, N = of("v", 4), Symbol("N")
    with pytest.raises(InputError, match=r"the sizes of y must be positive integers, got N"):
        Program(defined(lambda k: v(1), N))
    with pytest.raises(InputError, match="a in a must have a value"):
        Program(defined(lambda k: v(k) * Symbol("a"), 4))
    assert Program(defined(lambda k: v(k) * Symbol("a"), 4), values={Symbol("a"): 2}).drawn


def test_a_family_that_needs_itself_is_an_error():
    circle = defined(lambda k: circle(k) + 1, 4)
    with pytest.raises(InputError, match="y is defined by itself"):
        Program(circle)


def test_what_is_drawn_must_be_given_in_its_shape():
    x = network_input(3)
    program = Program(Scale(2)(x))
    with pytest.raises(InputError, match="x must be drawn"):
        program.run({})
    with pytest.raises(InputError, match=r"x must have the shape \(3,\) for each network, got \(4,\)"):
        program.run({x.family: np.ones((2, 4))})


def test_only_what_is_kept_can_be_asked_for():
    block = Repeat(2, Dense(3))(network_input(3))
    program = Program(block)
    run = program.run({key: np.ones((1, *shape)) for key, shape in program.drawn.items()})
    with pytest.raises(InputError, match="s was not kept"):
        run[block.defined[0]]
