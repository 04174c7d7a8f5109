"""`varprop kernel`: maps of any activation, the step over samples, and theorems."""

import os

import numpy as np
import pytest
from click.testing import CliRunner

from numerics import map_kernel
from numerics.cli import main


def run(*arguments):
    return CliRunner().invoke(main, ["kernel", *map(str, arguments)])


def good(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def defined(text):
    """What a printed module defines."""
    namespace = {"__name__": "printed"}
    exec(compile(text, "printed", "exec"), namespace)
    return namespace


def test_a_closed_form_is_printed_with_its_certificate():
    """With hyphens or underscores alike."""
    shown = good("chi-perp", "--activation", "gelu")
    assert shown == good("chi_perp", "--activation", "gelu")
    made = map_kernel("gelu", "chi_perp")
    assert shown.startswith("def block(q_, sigma_w2_, out0")
    assert made.source.rstrip() in shown
    assert made.certificate.text() in shown


def test_a_rule_is_printed_as_a_module():
    """What is printed can be saved and used; an expression of the user's own will do."""
    shown = good("length-map", "--activation", "x*tanh(x)", "--domain", 0.5, 2, "--gain", 1.5)
    length = defined(shown)["length_map"]
    assert length(1.0) == map_kernel("x*tanh(x)", "length-map", domain=(0.5, 2.0))(1.0, 1.5, 0.0)
    assert "No closed form: tanh is outside" in shown
    assert "domain: q from 0.5 to 2" in shown


def test_a_form_that_loses_digits_says_where():
    """And by default one gets the form that does not."""
    closed = good("sample-variance-map", "--method", "closed-form")
    assert "THIS FORM LOSES DIGITS" in closed
    best = good("sample-variance-map")
    assert "method: closed form. Nearly equal numbers were" in best
    assert "LOSES" not in best


def test_the_step_of_any_activation(tmp_path):
    """Of relu the certified one, as ever; of others by a rule, with the gain and the bias as defaults."""
    assert "ulp" in good("sample-variance")
    assert "method: closed form. Nearly equal numbers were" in good("sample-variance", "--activation", "erf")
    shown = good("sample-variance", "--activation", "tanh", "--gain", 1.5, "--bias-variance", 0.25)
    step = defined(shown)["sample_variance_step"]
    m2, v2 = step(np.array([0.5, 1.0]), 1e-9)
    ours = map_kernel("tanh", "sample-variance")(np.array([0.5, 1.0]), 1e-9, 1.5, 0.25)
    np.testing.assert_array_equal((m2, v2), ours)


def test_a_jump_alone_has_a_certificate_that_holds():
    """chi_par of a step away from 0 is one term at the jump: by either method it is accurate on the default domain."""
    for method in ("quadrature", "closed-form"):
        shown = good("chi-par", "--activation", "where(x > 0.5, 2, 0)", "--method", method)
        assert "largest error at 36 points" in shown
        assert "LOSES DIGITS" not in shown


@pytest.mark.parametrize("suffix", [".py", ".c"])
def test_export(suffix, tmp_path):
    """The file is what the library writes; the terminal shows the certificate."""
    target = tmp_path / f"k{suffix}"
    shown = good("length_map", "--activation", "erf", "--export", target)
    assert "largest error at" in shown
    assert "def " not in shown
    written = target.read_text()
    map_kernel("erf", "length_map").export(target)
    assert target.read_text() == written
    assert os.listdir(tmp_path) == [target.name]


def test_theorems_still_have_their_kernels():
    """A theorem's name is found before any map's."""
    assert good("backward-variance").startswith("def ")
    assert "block(" in good("kernel-K")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lenght-map", "unknown map or theorem 'lenght-map'; did you mean length-map"),
        ("backward-varianc", "unknown map or theorem 'backward-varianc'; did you mean backward-variance"),
        ("chi-perp --activation step", "chi_perp of step is infinite"),
        ("chi-perp --activation tahn", "unknown activation 'tahn'; did you mean tanh?"),
        ("chi-perp --activation x*(", "activation"),
        ("chi-perp --domain 2 1", "domain must be two increasing positive variances, got (2.0, 1.0)"),
        ("length-map --activation tanh --method closed-form", "must have a closed form to be one, but tanh"),
        ("length-map --activation tanh --domain 1 2 --export k.c", "C needs a closed form"),
        ("length-map --export k.f90", "path must end in .py or .c, got 'k.f90'"),
        ("length-map --export /no/such/directory/k.py", "cannot write '/no/such/directory/k.py'"),
        ("length-map --activation tanh --domain 1 2 --backend numba", "backend must be numpy for what is computed by"),
        ("backward-variance --activation tanh", "--activation goes with a map, got the theorem backward-variance"),
        ("mean --gain 2", "weight_variance must not be given for mean"),
        ("backward-variance --export k.py", "--export goes with a map, got the theorem backward-variance"),
        ("sample-variance --gain -1", "gain must be"),
    ],
)
def test_bad_input_is_one_line(line, message):
    """Exit code 2, nothing on standard output, no traceback."""
    result = run(*line.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("varprop: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
