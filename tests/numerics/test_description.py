"""A network described: parts, definitions, what is drawn, and the names that lemmas and theorems use."""

import pytest

from derive.blocks import Dense, network_input
from derive.errors import InputError
from numerics.description import definition, describe, scalar
from numerics.network import Network

TEXT = "dense(6, bias_variance=0.1), repeat(3, residual(relu, dense(6), scale=0.5)), dropout(0.25)"
NETWORK = Network(layers=TEXT, input=4, gain=2)


def test_every_part_says_what_its_block_adds():
    """All parts together have each family of the network once."""
    for network in (NETWORK, Network(depth=3, width=4, gain=1, activation="tanh")):
        parts = describe(network).parts
        assert [part.row for part in parts] == list(network.rows)
        assert tuple(f for part in parts for f in part.defined) == network.signal.defined
        assert [d.family for part in parts for d in part.drawn] == [d.family for d in network.signal.drawn]


def test_parts_that_are_alike_are_one_group():
    assert [(part.row.layer, count) for part, count in describe(NETWORK).groups()] == [(0, 1), (1, 1), (2, 3), (5, 1)]


def test_definitions_are_those_of_the_signals():
    s = NETWORK.rows[1].signal.family
    assert definition(s).lhs == scalar(s)
    assert definition(s).rhs == s.defined(*scalar(s).indices)
    assert str(scalar(describe(NETWORK).parts[1].drawn[0].family)) == "W_{lk}"


def test_lemmas_speak_of_the_same_values_by_other_names():
    """A block's definition at the lemma's signal, its names replaced, is the network's own definition."""
    (cited,) = describe(NETWORK).parts[1].cited
    assert cited.lemmas == ("dense-mean", "dense-square", "dense-product", "dense-gradient")
    assert {name: family.name for name, family in cited.called.items()} == {"z": "x", "W": "W", "b": "b", "s": "s"}
    relu, dense = describe(NETWORK).parts[3].cited
    assert {name: family.name for name, family in relu.called.items()} == {"z": "h", "z_2": "z_2"}
    assert {name: family.name for name, family in dense.called.items()} == {"z": "z_2", "W": "W_3", "s": "s_3"}
    generic = Dense(6)(network_input(6, name="z")).family
    written = str(generic.defined(scalar(generic).indices[0]))
    expected = str(definition(dense.called["s"]).rhs)
    assert written.replace("z_l", "z⁽²⁾_l").replace("W_", "W⁽³⁾_") == expected


def test_branches_are_cited_with_their_own_families():
    described = describe(Network(layers="sum(dense(4), serial(tanh, dense(4)))", input=3, gain=1))
    called = [{n: f.name for n, f in cited.called.items()} for cited in described.parts[1].cited]
    assert called == [
        {"z": "x", "W": "W", "s": "s"},
        {"z": "x", "z_2": "z"},
        {"z": "z", "W": "W_2", "s": "s_2"},
    ]


def test_the_chain_is_called_what_the_papers_call_it():
    chain = describe(Network(widths=[3, 4, 2], activation="tanh", gain=1, bias_variance=[0, 0.1]))
    called = [{name: family.name for name, family in part.chain.items()} for part in chain.parts]
    assert called == [{"z^0": "x"}, {"W^0": "W", "s^0": "s"}, {"z^1": "z"}, {"W^1": "W_2", "b^1": "b", "s^1": "s_2"}]
    assert not any(part.chain for part in describe(NETWORK).parts)


def test_plain_data_has_definitions_and_what_is_drawn():
    data = describe(NETWORK).to_dict()
    assert Network(**data["network"]) == NETWORK
    assert [row["family"] for row in data["rows"]] == ["x", "s", "h", "h_2", "h_3", "y"]
    assert data["rows"][1]["definitions"] == [
        {"text": "s_k = Σ_{l=1}^{4} x_l W_{lk} + b_k", "latex": r"s_{k} = \sum_{l=1}^{4} x_{l} W_{lk} + b_{k}"}
    ]
    weights, biases = data["rows"][1]["drawn"]
    assert (weights["shape"], weights["variance"], weights["law"]) == ([4, 6], "1/2", "normal")
    assert (biases["family"], biases["variance"]) == ("b", "1/10")
    (mask,) = data["rows"][-1]["drawn"]
    assert (mask["law"], mask["rate"]) == ("mask", "1/4")
    assert any(text.startswith("Each of the weights has mean zero") for text in data["assumed"])


def test_the_input_is_drawn_or_given():
    uniform = describe(Network(layers="dense(2)", input=3, gain=1, input_law="uniform", input_variance=2))
    (drawn,) = uniform.parts[0].drawn
    assert (drawn.law, drawn.variance) == ("uniform", 2)
    (given,) = describe(Network(layers="dense(2)", inputs=[[1, 2, 3]], gain=1)).parts[0].drawn
    assert given.law == "data"


def test_only_networks_are_described():
    with pytest.raises(InputError, match="network must be a Network, got 3"):
        describe(3)
