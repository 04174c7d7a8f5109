"""What `make mutation PLACE=numerics` plants: one error at a time, of every kind, in every package, nothing else."""

import ast

import numpy as np
import pytest
from equivalent_numerics import EQUIVALENT
from hook import blocks, recorded
from mutate_numerics import (
    NOTICED,
    SURVIVED,
    Record,
    all_mutants,
    code_of,
    function_of,
    in_a_fork,
    modules,
    package,
    sample,
    table,
)
from numerical_errors import FACTOR, KINDS, changes
from single_errors import planted

from numerics.finite_width import _least_squares


def named(end):
    (found,) = [m for m in all_mutants() if m.name == end]
    return found


def test_there_are_errors_of_every_kind_and_in_every_package():
    found = all_mutants()
    assert {m.kind for m in found} == set(KINDS) - {"obligation"}
    parts = {package(module) for module in modules()} - {"maps"}
    assert parts <= {package(m.module) for m in found}
    assert len({m.name for m in found}) == len(found)


def test_an_error_is_one_change():
    """Every error of a module: the tree with it differs from the module's, and compiles."""
    path = modules()["numerics.scoring"]
    text = path.read_text(encoding="utf-8")
    plain = ast.unparse(ast.parse(text))
    for mutant in (m for m in all_mutants() if m.module == "numerics.scoring"):
        tree = planted(text, mutant.number, changes)
        assert ast.unparse(tree) != plain, mutant.name
        compile(tree, str(path), "exec")


def test_a_forked_process_has_the_error_and_this_one_has_not():
    """The code of the function is replaced, also where another module holds the function."""
    mutant = named(
        "numerics.finite_width:_least_squares: 5 % in a number: 1 / math.sqrt(information) -> "
        "1 / math.sqrt(information) * 1.05"
    )
    shape, weights = np.array([0.5, 0.25]), np.array([3.0, 8.0])

    def error():
        return _least_squares(shape, shape, weights)[1]

    def run():
        function_of(mutant).__code__ = code_of(mutant)
        return f"{error():.15g}"

    right = 1 / np.sqrt(3 / 4 + 8 / 16)
    assert in_a_fork(run, 20) == (NOTICED, f"{1.05 * right:.15g}")
    assert error() == pytest.approx(right, rel=1e-14)
    assert in_a_fork(lambda: "", 20)[0] == SURVIVED


def test_every_block_inside_a_function_is_recorded():
    """Once each, after the docstring, and the module still compiles."""
    source = 'def f(x):\n    """Words."""\n    if x:\n        return 1\n    else:\n        y = 2\n    return y\n'
    tree = ast.parse(source)
    assert sorted(line for line, _ in blocks(tree)) == [3, 4, 6]
    made = recorded("m", source)
    assert ast.unparse(made).count("reached('m:") == 3
    assert ast.get_docstring(made.body[0]) == "Words."


def test_the_tests_of_a_block_come_likeliest_first(tmp_path):
    """Those that execute little else; a test that failed without an error says nothing."""
    mutant = named("numerics.scoring:_off_by: sign: estimate - predicted -> estimate + predicted")
    line = max(line for line, body in blocks(ast.parse(modules()[mutant.module].read_text())) if line <= mutant.line)
    record = Record()
    (tmp_path / "record").write_text("")
    block = record._block(mutant)
    assert block is not None
    assert int(block.split(":")[1]) <= line
    lines = [f"{test}\t{block}" for test in ("wide", "narrow", "failing", "dear")]
    lines += [f"wide\tnumerics.network:{k}" for k in range(5)]
    lines += ["wide\tcpu 1.0", "narrow\tcpu 1.0", "failing\tcpu 0.1", "dear\tcpu 30", "failing\tfailed"]
    (tmp_path / "record").write_text("\n".join(lines))
    assert Record.read(tmp_path / "record").using(mutant) == ["narrow", "wide", "dear"]


def test_a_sample_is_spread_and_always_the_same():
    found = [m for m in all_mutants() if m.kind != FACTOR]
    chosen = sample(found, 60, 1)
    assert chosen == sample(found, 60, 1) != sample(found, 60, 2)
    counts = [sum(package(m.module) == part for m in chosen) for part in {package(m.module) for m in found}]
    assert max(counts) - min(counts) <= 1
    assert len(set(chosen)) == 60


def test_a_table_counts_by_package():
    one, other = named("numerics.scoring:_off_by: sign: estimate - predicted -> estimate + predicted"), all_mutants()[0]
    text = table({one: (NOTICED, ""), other: (SURVIVED, "")})
    assert "50%" in text.splitlines()[-1 if "of 5 %" not in text else -2]


def test_what_is_said_to_be_no_error_can_still_be_planted():
    """A list of equivalent mutants that nobody can plant would hide others."""
    assert set(EQUIVALENT) <= {m.name for m in all_mutants()}
    assert all(len(reason) > 20 for reason in EQUIVALENT.values())
