"""What blocks define: each definition at one place, against the formula of its field written out by hand."""

import pytest
from sympy import Function, Integer, Max, Min, Mod, Piecewise, Rational, Sum, Symbol, symbols

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
)
from derive.errors import InputError
from derive.layers import i
from derive.network import f, n
from derive.randomness import WEIGHTS

k, L, m, t = symbols("k l m t", integer=True)
N = Symbol("N", integer=True, positive=True)
alpha = Symbol("alpha", real=True)


def family(signal, name):
    """The family of this name."""
    return next(f for f in (*(d.family for d in signal.drawn), *signal.defined) if f.name == name)


def test_a_dense_layer_sums_over_its_fan_in():
    s = Dense(5, bias_variance=None)(network_input(3))
    x, W, b = (family(s, name) for name in "xWb")
    assert s.family(k).definition == Sum(x(L) * W(L, k), (L, 1, 3)) + b(k)
    assert [f.extents(0) for f in (x, W, b, s.family)] == [(3,), (3, 5), (5,), (5,)]
    assert W.source == WEIGHTS


def test_without_bias_variance_no_bias_is_drawn():
    assert [d.family.name for d in Dense(5)(network_input(3)).drawn] == ["x", "W"]


def test_samples_share_the_weights():
    s = Dense(5)(network_input(3, samples=2))
    x, W = family(s, "x"), family(s, "W")
    assert s.family(t, k).definition == Sum(x(t, L) * W(L, k), (L, 1, 3))


def test_the_papers_chain_is_an_instance():
    """z^{i+1} = f(s^i), s^i = z^i W^i + b^i and z^0 = x, with the papers' sizes."""
    chain = layers(Serial(Dense(n(i + 1), bias_variance=None), Elementwise()), network_input(n(i)), "z")
    z, s, W, b, x = (family(chain, name) for name in "zsWbx")
    assert chain.defined == (z, s)
    assert s(i, k).definition == Sum(z(i, L) * W(i, L, k), (L, 1, n(i))) + b(i, k)
    assert z(i, k).definition == f(s(i - 1, k))
    assert z(0, k).definition == x(k)
    assert W.extents(i) == (n(i), n(i + 1))


def test_layers_refuse_a_body_of_another_shape():
    with pytest.raises(InputError, match="the next layer has other axes: N expected, the body gives 3"):
        layers(Dense(3), network_input(N))
    with pytest.raises(InputError, match="layers need a body that computes something"):
        layers(Serial(), network_input(N))
    with pytest.raises(InputError, match="layers start from what is drawn and has no layers, not from s"):
        layers(Dense(3), Dense(3)(network_input(N)))


def test_a_residual_stream_of_all_layers():
    h = layers(Residual(Elementwise(output="a"), Dense(N, weights="V", output="r"), scale=alpha), network_input(N))
    a, r, V = (family(h, name) for name in ("a", "r", "V"))
    assert h.family(i + 1, k).definition == h.family(i, k) + alpha * r(i, k)
    assert h.family(0, k).definition == family(h, "x")(k)
    assert r(i, k).definition == Sum(a(i, L) * V(i, L, k), (L, 1, N))


def test_a_residual_branch_must_keep_the_shape():
    with pytest.raises(InputError, match="residual adds its branch to what goes in: the shapes differ"):
        Residual(Dense(3))(network_input(4))


def test_a_residual_block_whose_branch_is_zero_is_the_identity():
    y = Residual(Scale(0))(network_input(4))
    assert y.family(k).definition.xreplace({family(y, "y")(k): family(y, "y")(k).definition}) == family(y, "x")(k)


def test_serial_is_associative_and_repeat_once_is_the_block():
    a, b, c = Dense(4), Elementwise("relu"), Dense(2)
    x = network_input(3)
    ways = (Serial(a, b, c), Serial(Serial(a, b), c), Serial(a, Serial(b, c)), Repeat(1, a, b, c))
    assert len({way(x).family for way in ways}) == 1
    assert Serial()(x) == x


def test_repeats_draw_anew():
    twice = Repeat(2, Dense(3))(network_input(3))
    assert [d.family.name for d in twice.drawn] == ["x", "W", "W_2"]
    assert str(twice.family(k).definition) == "Sum(s_l*W⁽²⁾_{lk}, (l, 1, 3))"


def test_an_activation_of_the_catalogue_and_an_arbitrary_one():
    x = network_input(3)
    assert Elementwise()(x).family(k).definition == f(x.family(k))
    assert Elementwise("relu")(x).family(k).definition == Piecewise((x.family(k), x.family(k) > 0), (0, True))


def test_a_scale_may_hang_on_the_layer():
    c = Function("c")
    h = layers(Residual(Dense(N, output="r"), scale=c(i)), network_input(N))
    assert h.family(3, k).definition == h.family(2, k) + c(2) * family(h, "r")(2, k)


def test_dropout_masks_every_unit_of_every_sample():
    y = Dropout(Rational(1, 4))(network_input(3, samples=2))
    D = family(y, "D")
    assert y.family(t, k).definition == D(t, k) * family(y, "x")(t, k)
    (mask,) = (d for d in y.drawn if d.family == D)
    assert (mask.rate, mask.variance) == (Rational(1, 4), Rational(1, 3))


@pytest.mark.parametrize("rate", [1, -0.1, 1.5])
def test_dropout_refuses_what_is_no_probability_below_1(rate):
    with pytest.raises(InputError, match="the drop rate must be at least 0 and less than 1"):
        Dropout(rate)


def test_circular_convolution_counts_around():
    s = Convolution(4, kernel=3, padding="circular")(network_input(2, 5))
    x, K = family(s, "x"), family(s, "K")
    assert s.family(k, t).definition == Sum(K(L, m, k) * x(L, Mod(t + m - 3, 5) + 1), (L, 1, 2), (m, 1, 3)).xreplace(
        {m: Symbol("j", integer=True)}
    )
    inner = s.family(k, Integer(1)).definition.function
    (there,) = (e for e in inner.args if e.family == x)
    assert [there.units[1].subs(Symbol("j", integer=True), r) for r in (1, 2, 3)] == [5, 1, 2]


def test_convolution_with_zeros_leaves_out_what_is_outside():
    s = Convolution(4, kernel=3)(network_input(2, 5))
    j = Symbol("j", integer=True)
    assert s.family(k, t).definition.limits[1] == (j, Max(1, 3 - t), Min(3, 7 - t))
    ranges = [s.family(k, p).definition.limits[1][1:] for p in (1, 2, 5)]
    assert ranges == [(2, 3), (1, 3), (1, 2)]


def test_a_stride_halves_the_positions_and_groups_share_the_channels():
    s = Convolution(6, kernel=3, stride=2, groups=2, padding="circular")(network_input(4, 8, 6))
    assert s.shape == (6, 4, 3)
    x = family(s, "x")
    for o, channels in ((1, (1, 2)), (3, (1, 2)), (4, (3, 4)), (6, (3, 4))):
        (there,) = (e for e in s.family(o, 1, 1).definition.function.args if e.family == x)
        assert tuple(there.units[0].subs(L, c) for c in (1, 2)) == channels


def test_pooling_averages_windows():
    y = AveragePool(2)(network_input(3, 6))
    assert y.family(k, t).definition == Sum(family(y, "x")(k, 2 * (t - 1) + L), (L, 1, 2)) / 2
    assert AveragePool()(network_input(3, 4, 6)).shape == (3, 1, 1)


def test_flatten_lists_every_scalar_once():
    y = Flatten()(network_input(2, 2, 3))
    places = [y.family(u).definition.units for u in range(1, 13)]
    assert places == [(c, a, b) for c in (1, 2) for a in (1, 2) for b in (1, 2, 3)]


def test_branches_are_added_or_put_side_by_side():
    x = network_input(3)
    both = SumOf(Dense(4), Dense(4))(x)
    assert {d.family.name for d in both.drawn} == {"x", "W", "W_2"}
    assert both.family(k).definition == family(both, "s")(k) + family(both, "s_2")(k)
    row = Concatenate(Dense(4), Serial())(x)
    assert row.shape == (7,)
    assert [row.family(u).definition for u in (1, 4, 5, 7)] == [
        family(row, "s")(1),
        family(row, "s")(4),
        x.family(1),
        x.family(3),
    ]


@pytest.mark.parametrize(
    ("block", "size", "text"),
    [
        (Dense(3), (2, 4), "dense takes units, and this signal has positions: flatten or pool it first"),
        (Convolution(3), (4,), "conv needs positions: give an input such as 3x32x32"),
        (Flatten(), (4,), "flatten needs channels and positions"),
        (AveragePool(3), (2, 4), "the window must divide the rows, got 3 for 4"),
        (Convolution(3, groups=2), (4, 5), "groups must divide the output channels, got 2 for 3"),
        (SumOf(Dense(3), Dense(4)), (4,), "sum adds its branches up: their shapes differ"),
    ],
)
def test_what_does_not_fit_is_refused(block, size, text):
    with pytest.raises(InputError, match=text):
        block(network_input(*size))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Convolution(3, kernel=0), "kernel must be a positive integer, got 0"),
        (lambda: Convolution(3, padding="same"), "padding must be one of circular, zeros, got 'same'"),
        (lambda: Repeat(0, Dense(3)), "repeat needs a positive number of times, got 0"),
        (lambda: network_input(0), "the size of the unit axis must be a positive integer, got 0"),
        (lambda: network_input(), "an input has units, or channels and one or two axes of positions; got 0 sizes"),
        (lambda: SumOf(), "sum needs at least one branch"),
    ],
)
def test_parameters_are_checked(make, text):
    with pytest.raises(InputError, match=text):
        make()


def test_fifty_blocks_are_composed_at_once():
    """A family is told apart by all that it is computed from, and that takes no time that grows with a power."""
    net = Serial(Dense(64), Repeat(50, Residual(Elementwise("relu"), Dense(64), scale=Rational(1, 7))), Dense(10))
    first, second = net(network_input(32)), net(network_input(32))
    assert len(first.defined) == 152
    assert first.family == second.family
    other = Serial(Dense(64), Repeat(50, Residual(Elementwise("tanh"), Dense(64), scale=Rational(1, 7))), Dense(10))
    assert other(network_input(32)).family != first.family
