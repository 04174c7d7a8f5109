"""The independent check: every theorem has one, it shares no code with the rules, and it notices planted errors."""

import ast
import math
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import mpmath
import pytest
from planting import derived
from sympy import Add, Mul, Pow, Product, Rational, Sum, Symbol

import derive
from derive.averages import Bracket, SharedVariance
from derive.network import Width
from derive.proof.checking import Checker
from derive.proof.derivation import Statement
from derive.proof.oracle import Case, Known, Limit, Oracle
from derive.proof.oracle_reading import Reader
from derive.proof.outcomes import NOTHING, Coins, Network, variance
from derive.proof.verdict import Grade
from derive.randomness import Over
from derive.rules.any_activation import F, pair
from derive.rules.wide import U, one_gaussian
from derive.theorems.oracles import ORACLES
from derive.theorems.oracles.cases import gaussian, leaky, sin, skewed, with_zeros

ROOT = Path(derive.__file__).parent


def with_parts(derivation):
    yield derivation
    for part in derivation.parts:
        yield from with_parts(part)


@cache
def statements():
    """Every derivation that has an oracle of its own, by name."""
    return {found.name: found for name in derive.theorems() for found in with_parts(derived(name))}


def test_every_theorem_and_every_part_has_an_oracle_and_none_is_left_over():
    assert set(statements()) == set(ORACLES)
    assert all(found.oracle is ORACLES[name] for name, found in statements().items())


@pytest.mark.parametrize("name", ORACLES)
def test_agrees(name):
    found = statements()[name]
    verdict = found.oracle.ask(found.statement)
    assert verdict.grade is Grade.SAMPLED, verdict.evidence


# Planted errors: the first place of each kind.


def _replaced(e, wanted, new):
    """The expression with its first node of a kind replaced, in the result only; None where there is none."""
    if wanted(e):
        return new(e)
    for k, argument in enumerate(e.args):
        if isinstance(argument, (Over, str)):
            continue
        made = _replaced(argument, wanted, new)
        if made is not None:
            return e.func(*e.args[:k], made, *e.args[k + 1 :])
    return None


def _layered(e):
    return isinstance(e, (Width, SharedVariance)) and bool(e.args[-1].free_symbols)


def _next_layer(e):
    return e.func(*e.args[:-1], e.args[-1] + 1)


def _from_one_later(e):
    ((index, lower, upper),) = e.limits
    return e.func(e.function, (index, lower + 1, upper))


ERRORS = {
    "factor": (lambda e: e.is_number and e.is_Rational and e not in (0, -1), lambda e: 2 * e),
    "index": (_layered, _next_layer),
    "term": (lambda e: isinstance(e, Add) and len(e.args) > 1 and not e.is_number, lambda e: e - e.args[0]),
    "sign": (lambda e: isinstance(e, Add) and not e.is_number, lambda e: e - 2 * e.args[-1]),
    "power": (lambda e: isinstance(e, Pow) and not e.is_number, lambda e: e.base ** (e.exp + 1)),
    "missing factor": (
        lambda e: isinstance(e, Mul) and not isinstance(e.args[0], Bracket) and not e.is_number,
        lambda e: e / e.args[-1],
    ),
    "range": (lambda e: isinstance(e, (Product, Sum)) and e.limits[0][0].name == "i'", _from_one_later),
}
SAME_ANYWAY = {
    # The truth of "the variance falls" hangs on no factor; the sign of a Gaussian variable is as good as the other.
    "sample-variance-decreases": set(ERRORS),
    "fluctuation-map": {"sign"},
    "sample-variance-map": {"sign"},
}


@cache
def left_side_read(name):
    """The oracle of a statement, its cases with the number of its left side: errors are planted in the right one."""
    found = statements()[name]

    def read(case):
        if isinstance(case, Limit) or not case.reads_left:
            return case
        return replace(case, equals=Reader(case.known()).number(found.statement.lhs), reads_left=False)

    return replace(found.oracle, cases=tuple(map(read, found.oracle.cases)))


@pytest.mark.parametrize("error", ERRORS)
def test_notices(error):
    wanted, new = ERRORS[error]
    tried = 0
    for name, found in statements().items():
        wrong = _replaced(found.result, wanted, new)
        if wrong is None or wrong == found.result or error in SAME_ANYWAY.get(name, ()):
            continue
        tried += 1
        verdict = left_side_read(name).ask(replace(found.statement, rhs=wrong))
        assert verdict.grade is Grade.FAILED, f"{name}: {wrong}"
    assert tried >= 3


@pytest.mark.parametrize("name", ["half-variance", "kernel-K", "critical-length", "selu-alpha"])
def test_notices_one_percent(name):
    found = statements()[name]
    wrong = replace(found.statement, rhs=found.result * Rational(101, 100))
    assert found.oracle.ask(wrong).grade is Grade.FAILED


def test_another_left_side_is_noticed():
    """What the statement is about is read as well."""
    found = statements()["network-variance"]
    i, k = Symbol("i", integer=True), Symbol("k", integer=True)
    other = found.statement.lhs.subs(i, i - 1)
    assert other != found.statement.lhs
    assert k in other.free_symbols
    assert found.oracle.ask(replace(found.statement, lhs=other)).grade is Grade.FAILED


# What check and the printed forms make of it.


def _one_line(derivation):
    return " ".join(derivation.text().split())


def test_check_asks_and_records():
    checked = derived("half-variance").check()
    assert checked.passed
    verdict = checked.derivation.oracle.verdict
    assert (verdict.grade, verdict.evidence) == (Grade.SAMPLED, "3 cases agree")
    told = checked.derivation.to_dict()["oracle"]
    assert told["verdict"] == "sampled"
    assert told["cases"] == ["ReLU", "the line", "slope 1/2"]
    assert "Independent check: 3 cases agree (a law with four values, by hand)." in _one_line(checked.derivation)
    assert "Independent check" in checked.derivation.html()
    assert "Independent check" in checked.derivation.latex(standalone=True)
    assert "Independent check: not run yet" in derived("half-variance").text()


def refuted():
    theorem = derived("half-variance")
    known = theorem.oracle.cases[0].known
    return replace(theorem, oracle=Oracle("typed wrongly", (Case("a wrong number", known, equals=4),)))


def test_a_theorem_that_its_oracle_refutes_fails():
    checked = refuted().check()
    assert not checked.passed
    assert checked.grade is checked.derivation.grade is Grade.FAILED
    assert checked.failures == (
        "half-variance: the independent check refutes the statement: a wrong number: 4 and 3 disagree",
    )
    assert checked.derivation.oracle.verdict.counterexample.to_dict()["right"] == "3"
    assert "Independent check: failed: a wrong number: 4 and 3 disagree" in _one_line(checked.derivation)


def test_an_oracle_is_asked_also_where_a_lemma_was_checked_before():
    """The steps of a lemma are checked once; the theorem of that name has its oracle all the same."""
    checker = Checker()
    wrong = refuted()
    assert checker.check(replace(wrong, oracle=None)).passed
    assert not checker.check(wrong).passed


def test_a_wrong_part_fails_the_theorem():
    theorem = derived("layer-variance")
    last = theorem.parts[-1]
    wrong = replace(last, oracle=Oracle("typed wrongly", (Case("ReLU", last.oracle.cases[0].known, equals=6),)))
    checked = replace(theorem, parts=(*theorem.parts[:-1], wrong), rebuild=None).check()
    assert [f.split(":")[0] for f in checked.failures] == ["layer-variance-fluctuation"]


def test_a_statement_that_the_case_cannot_read_is_refuted():
    oracle = Oracle("nothing", (Case("nothing is known", Known),))
    verdict = oracle.ask(Statement(Symbol("y"), "=", Symbol("y")))
    assert verdict.grade is Grade.FAILED
    assert "the case does not say what y is" in verdict.evidence


def test_a_number_that_is_none_agrees_with_nothing():
    case = Case("infinite", lambda: Known({"y": math.inf}))
    assert case.refutation(Statement(Symbol("y"), "=", Symbol("y"))) is not None


def test_a_bound_must_hold_and_be_sharp():
    def holds(bound):
        case = Case("a number", lambda: Known({"y": 2.0}), within=0.1)
        return case.refutation(Statement(Symbol("y"), "<=", bound)) is None

    assert holds(Rational(21, 10))
    assert not holds(Rational(19, 10))
    assert not holds(Rational(5, 2))


@pytest.mark.parametrize(("form", "good"), [("right", True), ("constant", False), ("logarithm", False)])
def test_a_limit_sees_the_constant_and_the_logarithm(form, good):
    """x' = x - x^2 gives 1/x = l + log l + ...."""
    from sympy import Function, log

    layer = Symbol("l", positive=True)
    forms = {
        "right": (1 - log(layer) / layer) / layer,
        "constant": Rational(101, 100) * (1 - log(layer) / layer) / layer,
        "logarithm": (1 - 2 * log(layer) / layer) / layer,
    }

    @cache
    def sequence(steps):
        x = 0.5
        for _ in range(steps):
            x -= x**2
        return x

    limit = Limit("", lambda at: Known({"l": at}, {"x": lambda k: sequence(int(k))}), (2000, 4000), 0.01, 0.05)
    statement = Statement(Function("x")(layer), "~", forms[form])
    assert (limit.refutation(statement) is None) is good


# The reader and the worlds, against numbers worked out elsewhere.


def test_a_gaussian_mean_against_mpmath():
    reader = Reader(Known({"q": 1.7}, {"Activation": leaky(0.3)}, kinks=(0,)))
    half = mpmath.quad(lambda s: s**4 * mpmath.npdf(s, 0, mpmath.sqrt("1.7")), [0, 20])
    assert reader.number(one_gaussian(F(U) ** 4)) == pytest.approx(float(half * (1 + 0.3**4)), rel=1e-12)


def test_a_gaussian_mean_of_two_variables():
    """E[sin u sin w] = (exp(-q (1 - c)) - exp(-q (1 + c)))/2."""
    reader = Reader(Known({"q": 0.7, "c": 0.4}, {"Activation": sin}))
    expected = (math.exp(-0.7 * 0.6) - math.exp(-0.7 * 1.4)) / 2
    assert reader.number(pair(F, F)) == pytest.approx(expected, rel=1e-12)


def test_a_kink_is_met_wherever_the_argument_meets_it():
    """E|u - w| = 2 sqrt(q (1 - c)/pi)."""
    reader = Reader(Known({"q": 0.7, "c": 0.9}, {"Activation": abs}, kinks=(0,)))
    pairs = pair(F, F)
    u, w = pairs.variables
    apart = pairs.func(F(u - w), *pairs.args[1:])
    assert reader.number(apart) == pytest.approx(2 * math.sqrt(0.7 * 0.1 / math.pi), rel=1e-12)


@pytest.mark.parametrize("law", [gaussian(1.3), skewed(1.3), with_zeros(3)])
def test_laws_are_what_they_say(law):
    total = sum(w for w, _ in law)
    assert sum(w * v for w, v in law) == pytest.approx(0)
    known = {3: 1.3, 2: 2 * 1.3**2}
    assert variance(law) == pytest.approx(2 / 5 if law == with_zeros(3) else known[len(law)])
    if law == gaussian(1.3):
        assert sum(w * v**4 for w, v in law) / total == pytest.approx(3 * 1.3**2)


def test_a_network_is_its_definition():
    network = Network((2, 2, 1), (NOTHING, NOTHING), lambda s: s**2, ((1, (3, 5)),), ((1, (7,)),))
    weights = {(0, 1, 1): 2, (0, 2, 1): -1, (0, 1, 2): 1, (0, 2, 2): 1, (1, 1, 1): 10, (1, 2, 1): 0.5}

    def toss(coin):
        return {"x": (3, 5), "g": (7,), "b": 0}.get(coin[1], weights.get(coin[2:]))

    # s^0 = (6 - 5, 3 + 5), z^1 = (1, 64), s^1 = 10 + 32.
    assert [network.value("s", (0, k), toss) for k in (1, 2)] == [1, 8]
    assert network.value("s", (1, 1), toss) == 42
    # dC/ds^0_2 = 7 0.5 2 8 and dC/dW^0_12 = x_1 times that; dC/dW^1_21 = 7 64.
    assert network.cost_slope("s", (0, 2), toss) == pytest.approx(56)
    assert network.cost_slope("W", (0, 1, 2), toss) == pytest.approx(3 * 56)
    assert network.cost_slope("W", (1, 2, 1), toss) == pytest.approx(7 * 64)


def test_a_unit_that_is_not_there_refutes():
    found = statements()["total-variance"]
    k = Symbol("k", integer=True)
    assert found.oracle.ask(replace(found.statement, rhs=found.result.subs(k, k + 1))).grade is Grade.FAILED


def test_outcomes_of_named_sources_only():
    coins = Coins(X=("first", ((1, 3), (2, 1))), Y=("second", ((1, -1), (3, 2))))

    def product_of(toss):
        return coins.value("X", (), toss) * coins.value("Y", (), toss)

    assert coins.outcomes(product_of, frozenset({"second"}), coins.fixed) == [(1, -3), (3, 6)]
    assert len(coins.outcomes(product_of, frozenset({"first", "second"}), coins.fixed)) == 4


# Independence.


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_oracles_share_no_code_with_derivations():
    """They know the words of the language (brackets, families), and neither rules, nor theorems, nor closed forms."""
    files = [
        *(ROOT / "theorems" / "oracles").glob("*.py"),
        ROOT / "proof" / "oracle_reading.py",
        ROOT / "proof" / "outcomes.py",
    ]
    found = {m for path in files for m in imported(path) if m.startswith(("derive", "numerics"))}
    words = {"derive.averages", "derive.errors", "derive.network", "derive.randomness", "derive.gaussian.expectation"}
    own = {"derive.proof.oracle", "derive.proof.outcomes", "derive.proof.oracle_reading", "derive.proof.verdict"}
    own |= {"derive.proof.derivation"}  # For types.
    assert all(m in words | own or m.startswith("derive.theorems.oracles") for m in found), found


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        ("import derive", ["derive.theorems.oracles", "derive.proof.oracle", "numpy"]),
        ("import derive; derive.theorem('half-variance')", ["derive.proof.oracle_reading", "numpy"]),
    ],
)
def test_deriving_loads_nothing_that_only_a_check_needs(code, modules):
    shown = f"{code}; import sys; print([m for m in {modules} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
