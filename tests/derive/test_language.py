"""The language: nothing is averaged without saying over what, and a family is not its name."""

from fractions import Fraction

import pytest
import world_by_hand as by_hand
from planting import derived
from sympy import Expr, Integer, Sum, Symbol, latex

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.claims import CLAIMS
from derive.errors import InputError, unknown_name
from derive.hypotheses import WEIGHTS as WEIGHTS_DECLARED
from derive.indices import bound_indices, fresh_index, rename_bound
from derive.layers import i
from derive.network import W, Width, b, n, s, x, z
from derive.proof.exact import Exact
from derive.randomness import EVERYTHING, INPUT, NETWORKS, WEIGHTS, Family, Over, Source
from derive.registry import Registry
from derive.setting import Setting
from derive.theorems import THEOREMS
from derive.words import Words

J, K, L, M = (Symbol(c, integer=True) for c in "jklm")


@pytest.mark.parametrize("bracket", [Average, Variance])
def test_no_average_exists_without_naming_what_it_averages_over(bracket):
    with pytest.raises(TypeError):
        bracket(x(K))
    assert bracket(x(K), EVERYTHING).over == EVERYTHING
    assert bracket(x(K), EVERYTHING) != bracket(x(K), NETWORKS)
    with pytest.raises(TypeError):
        Covariance(x(K), x(J))


def test_two_ways_of_averaging_with_one_name_are_not_one():
    mine = Over("everything", (WEIGHTS,))
    assert mine != EVERYTHING
    assert Average(x(K), mine) != Average(x(K), EVERYTHING)
    assert Over("everything", EVERYTHING.sources) == EVERYTHING


def test_two_families_with_one_name_are_not_one():
    """Someone's own W, or another x, must not be taken for the network's."""
    other = Family("x", meaning="another input", extents=lambda _: (n(0),), layered=False, source=Source("dice"))
    doubled = Family("z", meaning="doubled", extents=lambda j: (n(j),), definition=lambda j, k: 2 * x(k))
    assert other != x
    assert doubled != z
    assert other(K) != x(K)
    assert (other(K) + x(K)).args != (2 * x(K)).args
    assert doubled(i, K).definition == 2 * x(K)
    assert z(0, K).definition == x(K)


def test_a_family_is_drawn_or_defined_and_not_both():
    with pytest.raises(InputError, match="family q: give a source or a definition, and not both"):
        Family("q", meaning="", extents=lambda _: ())
    with pytest.raises(InputError, match="family q"):
        Family("q", meaning="", extents=lambda _: (), source=INPUT, definition=lambda: Integer(0))


def stream(start):
    def doubled(j, k):
        return 2 * made(j - 1, k)

    made = Family("h", meaning="", extents=lambda j: (n(0),), definition=doubled, start=start)
    return made


h = stream(lambda k: x(k))


def test_a_start_defines_layer_0_and_the_definition_every_other_one():
    assert h(0, K).definition == x(K)
    assert h(i - i, K).definition == x(K)
    assert h(1, K).definition == 2 * h(0, K)
    assert h(i, K).definition == 2 * h(i - 1, K)
    assert Family("c", meaning="", extents=lambda _: (), definition=lambda j: j**2)(0).definition == 0


def test_a_start_tells_families_apart():
    assert stream(lambda k: x(k)) == h != stream(lambda k: -x(k))


@pytest.mark.parametrize("given", [{"source": INPUT}, {"layered": False, "definition": lambda k: 2 * x(k)}], ids=list)
def test_a_start_is_for_families_that_are_defined_layer_by_layer(given):
    with pytest.raises(InputError, match="family q: a start is the definition at layer 0 of a family defined layer"):
        Family("q", meaning="", extents=lambda _: (n(0),), start=lambda k: x(k), **given)


def test_a_drawn_family_has_no_definition():
    assert W(i, K, K).definition is None
    with pytest.raises(InputError, match="family W is drawn and has no definition"):
        W.defined(i, K, K)


@pytest.mark.parametrize(("family", "indices"), [(W, (i, L)), (x, ()), (x, (0, 1)), (b, (i,)), (s, (i, 1, 2))], ids=str)
def test_a_scalar_needs_all_its_indices(family, indices):
    with pytest.raises(InputError, match=f"{family.name} takes . indices, got {len(indices)}"):
        family(*indices)


def test_definitions_are_those_of_the_paper():
    """s^i = z^i W^i + b^i, z^{i+1} = f(s^i), z^0 = x."""
    assert z(0, K).definition == x(K)
    assert str(z(i + 1, K).definition.func.__name__) == "Activation"
    assert z(i + 1, K).definition.args[0] == s(i, K)
    definition = s(i, K).definition
    (total,) = definition.atoms(Sum)
    ((unit, lower, upper),) = total.limits
    assert (lower, upper) == (1, n(i))
    assert total.function == z(i, unit) * W(i, unit, K)
    assert definition - total == b(i, K)


def test_brackets_are_real_and_variances_are_not_negative():
    assert Average(x(K), EVERYTHING).is_real
    assert Variance(x(K), EVERYTHING).is_nonnegative
    assert SharedVariance(W, i).is_nonnegative
    assert n(i).is_positive
    assert isinstance(Variance(x(K), EVERYTHING), Expr)


def test_what_is_averaged_over_can_be_said():
    assert EVERYTHING.describe() == "the input, the weights, the biases and the output gradient"
    assert Over("w", (WEIGHTS,)).describe() == "the weights"


def test_fresh_indices_are_fresh():
    assert fresh_index(W(i, L, J)).name == "k"
    used = [Symbol(c, integer=True) for c in "ljkmpq"]
    assert fresh_index(*used).name == "l'"
    with pytest.raises(InputError, match="no free unit index left among 'l'"):
        fresh_index(L, *(Symbol("l" + primes, integer=True) for primes in ("'", "''")), among="l")


def test_renaming_bound_indices_changes_names_and_nothing_else():
    total = Sum(W(i, L, K) * Sum(z(i, M), (M, 1, n(i))), (L, 1, n(i)))
    renamed = rename_bound(total, {L, M})
    assert not {L, M} & bound_indices(renamed)
    assert renamed.free_symbols == total.free_symbols
    assert rename_bound(total, {K}) == total
    world = Exact(by_hand.network(Setting(WEIGHTS_DECLARED), (2, 2), (Fraction(4),)))
    values = [list(world.for_all((e,), {i: 0, K: 2})) for e in (total, renamed, 2 * total)]
    assert values[0] == values[1] != values[2]


def test_words_need_one_expression_a_gap():
    words = Words("From {} to {}.", K, J)
    assert words.render(str) == "From k to j."
    assert words.render(lambda e: f"<{e}>", str.upper) == "FROM <k> TO <j>."
    with pytest.raises(InputError, match=r"one expression per \{\}, got 1"):
        Words("From {} to {}.", K)
    assert Words("From {}.", K) == Words("From {}.", K) != Words("From {}.", J)


@pytest.mark.parametrize(("registry", "wrong", "close"), [
    (THEOREMS, "backwards-variance", "backward-variance"),
    (THEOREMS, "product variance", "product-variance"),
    (CLAIMS, "glorot-2010-eq6", "glorot-2010-eq-6"),
    (CLAIMS, "answer-balance", "answer-2-balance"),
])  # fmt: skip
def test_an_unknown_name_lists_close_matches(registry, wrong, close):
    with pytest.raises(InputError, match=f"unknown {registry.kind} '{wrong}'; did you mean .*{close}"):
        registry.builder(wrong)


def test_a_name_like_no_other_lists_all_names():
    with pytest.raises(InputError, match="unknown theorem 'qqq'; known: product-variance, forward-variance"):
        THEOREMS.builder("qqq")
    assert str(unknown_name("law", "nrmal", ["normal", "uniform"])) == "unknown law 'nrmal'; did you mean normal?"


def test_a_registry_takes_entries_of_one_s_own_once():
    registry = Registry("theorem", {"a": "derive.theorems.product:product_variance"})
    registry.register("b", "derive.theorems.product:product_variance")
    assert registry.names() == ["a", "b"]
    assert registry.builder("b")().name == "product-variance"
    with pytest.raises(InputError, match="theorem 'a' is registered already"):
        registry.register("a", "somewhere:else")


def test_all_registered_names_build_and_are_called_what_they_are_registered_as():
    for name in CLAIMS.names()[:12]:
        assert CLAIMS.builder(name)().id == name
    for name in THEOREMS.names()[:6]:
        assert THEOREMS.builder(name)().name == name


@pytest.mark.parametrize(
    ("node", "shown", "printed"),
    [
        (W(i, 1, 2), "W^i_{12}", "W^{i}_{12}"),
        (Width(i + 1) * SharedVariance(W, i), "n_{i+1}*Var[W^i]", r"n_{i + 1} \operatorname{Var}[W^{i}]"),
        (Average(z(i, 1), EVERYTHING) ** 2, "E[z^i_1]**2", r"\mathbb{E}[z^{i}_{1}]^{2}"),
    ],
)
def test_nodes_print_as_the_papers_write_them_also_inside_what_sympy_prints(node, shown, printed):
    assert str(node) == repr(node) == shown
    assert latex(node) == printed


def test_a_statement_prints_as_a_relation():
    statement = derived("backward-variance").statement
    assert str(statement) == "Var[∂Cost/∂s^i_k] = Var[∂Cost/∂s^d] · ∏_{i'=i+1}^{d} n_{i'+1} Var[W^{i'}]"
    assert r"\prod_{i'=i + 1}^{d} n_{i' + 1} \operatorname{Var}[W^{i'}]" in statement._repr_latex_()
