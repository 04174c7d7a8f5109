"""Maps of any activation as self-contained kernels: against published kernels, derived forms and `numerics.maps`."""

from __future__ import annotations

import ctypes
import inspect
import json
import math
import subprocess
import sys
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from map_oracles import DIGITS, KERNELS
from sympy import Float, Symbol, erf

import numerics
from derive.activations import Activation
from derive.errors import InputError
from derive.maps import MAPS
from numerics.kernels import map_kernel
from numerics.maps import NumericalMaps
from numerics.programs.exporting import python_module

SIGMA = {"sigma_w2": 1.7, "sigma_b2": 0.3, "n_in": 5.0, "n_out": 8.0}
OWN = "where(x > 1, tanh(x), 0.1*x)"

# What the exported file is asked, in an interpreter that sees neither this package nor SymPy.
SCRIPT = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["exported"] = module
spec.loader.exec_module(module)
name, arguments = json.load(sys.stdin)
found = getattr(module, name)(*arguments)
columns = [c.tolist() for c in (found if isinstance(found, tuple) else (found,))]
print(json.dumps([columns, sorted(set(sys.modules) & {"sympy", "mpmath", "derive", "numerics", "numba"})]))
"""


def alone(path, name, arguments):
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", SCRIPT, str(path)],
        input=json.dumps([name, [np.asarray(a).tolist() for a in arguments]]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    columns, loaded = json.loads(done.stdout)
    assert loaded == []
    return columns


def numerical(name, activation, arguments):
    """The same numbers from `numerics.maps`, with their errors."""
    maps = NumericalMaps(activation, weight_variance=SIGMA["sigma_w2"], bias_variance=SIGMA["sigma_b2"])
    if name == "sample_variance_step":
        m, v = (np.sqrt(a) for a in arguments[:2])
        K = maps.K(m, v)
        common = maps.weight_variance * K.value + maps.bias_variance
        apart = maps.sample_variance_map(m, v)
        return [(common, maps.weight_variance * K.error), (apart.value, apart.error)]
    found = getattr(maps, name)(*arguments[: 1 + (name in ("correlation_map", "K"))])
    return [(found.value, found.error)]


Q = np.geomspace(1e-3, 1e2, 7)
FILES = [
    ("tanh", "length-map", [Q, 1.7, 0.3], "quadrature"),
    ("tanh", "chi_par", [Q, 1.7], "quadrature"),
    (OWN, "mean", [Q], "quadrature"),
    ("tanh", "correlation-map", [Q[:4], [0.2, -0.5, 0.999999, 1.0], 1.7, 0.3], "quadrature"),
    ("x*Phi(1.702*x)", "sample-variance", [[0.5, 2.0, 1e-3], [1e-9, 1.0, 7.0], 1.7, 0.3], "closed form"),
    ("x*tanh(x)", "sample-variance", [[0.5, 2.0, 1e-3], [1e-9, 1.0, 7.0], 1.7, 0.3], "quadrature"),
    ("gelu", "chi-perp", [Q, 1.7], "closed form"),
    ("elu", "length_map", [Q, 1.7, 0.3], "closed form"),
]


@pytest.mark.parametrize(("activation", "name", "arguments", "method"), FILES, ids=lambda x: str(x)[:20])
def test_exported_file_alone(activation, name, arguments, method, tmp_path):
    """With NumPy and SciPy only: bit for bit the same, and `numerics.maps` to the certificate and its own error."""
    made = map_kernel(activation, name)
    assert made.method == method
    columns = alone(made.export(tmp_path / "kernel.py"), made.name, arguments)
    ours = made(*arguments)
    size = made.certificate.error + 2e-15
    for column, own, (value, error) in zip(
        columns, ours if isinstance(ours, tuple) else (ours,), numerical(made.name, activation, arguments), strict=True
    ):
        np.testing.assert_array_equal(column, own)
        # A mean of a function of both signs is small beside E|f|, of which its rounding is.
        assert (np.abs(own - value) <= size * np.maximum(np.abs(value), 5e-3) + 2 * error).all()
    assert made.certificate.text() in (tmp_path / "kernel.py").read_text()


SLOPES = ("chi_perp", "slope_at_one", "backward_factor")


@pytest.mark.parametrize("name", [n for n in MAPS if n not in SLOPES])
@pytest.mark.parametrize("activation", ["leaky-relu(0.2)", "sin", "step"])
def test_the_rule_agrees_with_the_derived_form(activation, name):
    """A kink, oscillations and a jump: many digits of the derivation's result are the reference."""
    certificate = map_kernel(activation, name, method="quadrature", domain=(0.05, 5.0)).certificate
    # E[f f] of a function with jumps has infinite slope at correlation 1: there c itself is not known better.
    limit = 1e-7 if (name, activation) == ("covariance_map", "step") else 1e-12
    assert "the derived closed form" in certificate.reference
    assert certificate.holds(limit), certificate.text()


@pytest.mark.parametrize("name", ["mean", "chi_par", "K", "sample_variance_map"])
def test_jumps_away_from_the_mean(name):
    """Likewise for hard-shrink, which jumps at -1/2 and 1/2."""
    certificate = map_kernel("hard-shrink", name, method="quadrature", domain=(0.05, 5.0)).certificate
    assert certificate.holds(1e-13), certificate.text()


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("activation", ["leaky-relu(0.2)", "sin"])
def test_the_rule_for_slopes(activation, name):
    """Likewise for what E[f'^2] gives, which a function that jumps has not."""
    certificate = map_kernel(activation, name, method="quadrature", domain=(0.05, 5.0)).certificate
    assert certificate.holds(1e-14), certificate.text()
    with pytest.raises(InputError, match=r"infinite: E\[f'\^2\] is infinite, since f jumps at 0"):
        map_kernel("step", name)


@pytest.mark.parametrize("gap", [1e-15, 1e-9, 1e-3, 0.4])
@pytest.mark.parametrize("activation", sorted(KERNELS))
def test_sample_variance_against_published_kernels(activation, gap):
    """E[f^2] - K from Cho & Saul, Williams, Sheppard and Tsuchida et al. in 60 digits, down to v^2 = 1e-15 q."""
    made = map_kernel(activation, "sample_variance_map", method="quadrature")
    m, v = math.sqrt(1.3 * (1 - gap)), math.sqrt(1.3 * gap)
    with mpmath.workdps(DIGITS):
        m2, v2 = mpmath.mpf(m) ** 2, mpmath.mpf(v) ** 2
        q = m2 + v2
        truth = KERNELS[activation](q, mpmath.mpf(1)) - KERNELS[activation](q, m2 / q)
        assert abs(made(m, v, 1.0) - truth) <= 2e-14 * truth


def test_a_closed_form_that_cancels_says_so():
    """Over samples it loses all digits as v falls; asked for nothing in particular, one gets a form that does not."""
    closed = map_kernel("erf", "sample-variance-map", method="closed form").certificate
    assert not closed.holds()
    assert closed.error > 0.01
    assert closed.accuracies[0].at["v"] < 1e-3 * closed.accuracies[0].at["m"]
    assert "THIS FORM LOSES DIGITS: the largest error by decade of v^2/(m^2 + v^2) is 1e-16" in closed.text()
    best = map_kernel("erf", "sample-variance-map")
    assert "subtracted before" in best.note
    for made in (best, map_kernel("erf", "sample-variance-map", method="quadrature")):
        assert made.certificate.holds(1e-14)
        assert "LOSES" not in made.certificate.text()


@pytest.mark.parametrize("activation", ["relu", "leaky-relu(-0.3)", "abs", "linear"])
@pytest.mark.parametrize("name", ["K", "mean_square_map", "sample_variance_map", "sample-variance"])
def test_rectifiers_over_samples_lose_no_digits(activation, name):
    """A derived form whose accuracy does not depend on v/m."""
    made = map_kernel(activation, name)
    assert made.method == "closed form"
    assert "subtracted before" in made.note
    assert made.certificate.holds(1e-15), made.certificate.text()


def test_small_variances_lose_digits_of_a_closed_form():
    """(1 - exp(-2q))/2 at q = 1e-12: the certificate names the decade, and quadrature takes over."""
    closed = map_kernel("sin", "length_map", domain=(1e-12, 1.0), method="closed form").certificate
    assert closed.error > 1e-6
    assert "by decade of q is 1e-12" in closed.text()
    best = map_kernel("sin", "length_map", domain=(1e-12, 1.0))
    assert (best.method, best.certificate.holds(1e-14)) == ("quadrature", True)
    assert "The closed form loses digits" in best.note


@pytest.mark.parametrize("activation", ["selu", "elu"])
def test_far_tails_do_not_fool_the_certificate(activation):
    """exp(2q) Phi(-2 sqrt q) at q = 100 is a product of 1e86 and 1e-89: kernel and reference must both hold it."""
    certificate = map_kernel(activation, "length_map", method="quadrature", domain=(50.0, 100.0)).certificate
    assert "the derived closed form" in certificate.reference
    assert certificate.holds(1e-14), certificate.text()
    assert map_kernel(activation, "length_map", method="closed form", domain=(50.0, 100.0)).certificate.holds(1e-13)


# Planted errors.


def planted(made, old, new):
    """The kernel with one piece of its program replaced: of the rule's source, a constant, or a line of the formula."""
    program = made.program
    if old in program.helpers:
        return replace(made, program=replace(program, helpers=program.helpers.replace(old, new, 1)))
    if old in {str(symbol) for symbol, _ in program.constants}:
        return replace(made, program=program.with_constant(old, dict(program.constants)[Symbol(old)] * new))
    lines = list(program.assignments)
    (n,) = (n for n, line in enumerate(lines) if line.target == Symbol(old))
    lines[n] = replace(lines[n], value=lines[n].value * Float(new))
    return replace(made, program=replace(program, assignments=tuple(lines)))


def first_number(source, name):
    return source.split(f"{name} = numpy.array([")[1].split(",")[0].strip()


@pytest.mark.parametrize(
    ("activation", "name", "old", "new"),
    [
        ("tanh", "length_map", None, None),
        ("tanh", "length_map", "E_second_0", 1.000001),
        ("tanh", "length_map", "np.exp(-0.5 * z * z)", "np.exp(-0.5000001 * z * z)"),
        ("tanh", "length_map", "numpy.tanh(s)", "numpy.tanh(1.0000001*s)"),
        ("tanh", "chi_perp", "4*_logistic", "4.0000001*_logistic"),
        (OWN, "mean", "POINTS = numpy.array([1.0]", "POINTS = numpy.array([1.01]"),
        ("step", "sample_variance_map", "change += jump", "change += 0.999999 * jump"),
        ("tanh", "sample_variance_map", "(change - centre)", "change"),
        ("gelu", "chi_perp", "result_0", 1.0000001),
        ("gelu", "chi_perp", "NUMBER_0", 1.0000001),
    ],
)
def test_a_planted_error_is_caught(activation, name, old, new):
    """A wrong weight, constant, kink, jump or dropped term: none passes, and the fingerprint tells the two apart."""
    made = map_kernel(activation, name, method="quadrature" if name == "sample_variance_map" else "auto")
    assert made.certificate.holds()
    if old is None:
        number = first_number(made.program.helpers, "WEIGHTS")
        old, new = number, repr(float(number) * 1.000001)
    wrong = planted(made, old, new)
    assert wrong.certificate.error > 1e-9
    assert not wrong.certificate.holds()
    assert wrong.program.fingerprint != made.program.fingerprint
    assert wrong.certificate.kernel == wrong.program.fingerprint


# The function.


def test_call():
    """Floats for numbers, arrays for arrays that broadcast, names, defaults, and the signature of every map."""
    length = numerics.map_kernel("tanh", "length-map", weight_variance=2.0)
    assert isinstance(length(1.0), float)
    assert length([1.0, 4.0]).shape == (2,)
    assert length([[1.0], [4.0]], sigma_w2=[1.0, 2.0, 3.0]).shape == (2, 3)
    assert length(1.0) == length(q=1.0, sigma_w2=2.0, sigma_b2=0.0)
    assert str(inspect.signature(length)) == "(q, sigma_w2=2.0, sigma_b2=0.0, *, out=None)"
    m2, v2 = map_kernel("tanh", "sample-variance")(1.0, 0.5, 1.5, 0.1)
    assert isinstance(m2, float)
    assert isinstance(v2, float)
    with pytest.raises(TypeError, match="missing"):
        length()
    with pytest.raises(TypeError, match="q must be made of real numbers"):
        length("text")


def test_the_step_without_samples_or_without_mean():
    """At v = 0 all samples are one, E[f^2] of them; at m = 0 an odd function has nothing in common."""
    step = map_kernel("tanh", "sample-variance")
    second = map_kernel("tanh", "second-moment")
    m2, v2 = step(2.0, 0.0, 1.5, 0.0)
    assert (m2, v2) == (pytest.approx(1.5 * second(2.0), rel=1e-14), 0.0)
    m2, v2 = step(0.0, 2.0, 1.5, 0.0)
    assert (m2, v2) == (pytest.approx(0.0, abs=1e-30), pytest.approx(1.5 * second(2.0), rel=1e-14))


def test_what_is_outside_of_the_domain_is_refused():
    """A rule is right in its domain only; NaN passes through."""
    length = map_kernel("tanh", "length_map", domain=(0.5, 2.0))
    with pytest.raises(ValueError, match=r"q must be from 0\.5 to 2, got 0\.1"):
        length([1.0, 0.1], 1.0, 0.0)
    assert math.isnan(length(math.nan, 1.0, 0.0))
    K = map_kernel("tanh", "K", domain=(0.5, 2.0))
    with pytest.raises(ValueError, match=r"m\^2 \+ v\^2 must be from 0\.5 to 2, got 8\.0"):
        K(2.0, 2.0)
    assert math.isnan(K(math.nan, 1.0))
    with pytest.raises(ValueError, match=r"rho must be from -1 to 1, got 1\.5"):
        map_kernel("tanh", "correlation_map")(1.0, 1.5, 1.0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("tanh", "lenght-map"), {}, "unknown map 'lenght-map'; did you mean length_map"),
        (("tahn", "length-map"), {}, "unknown activation 'tahn'"),
        (("tanh", "length-map"), {"method": "magic"}, "method must be one of auto, closed form, quadrature"),
        (("tanh", "length-map"), {"method": "closed form"}, "must have a closed form to be one, but tanh is outside"),
        (("tanh", "length-map"), {"domain": (2.0, 1.0)}, "domain must be two increasing positive variances"),
        (("tanh", "length-map"), {"domain": 3.0}, "domain must be two increasing positive variances, got 3.0"),
        (("exp", "second-moment"), {"domain": (1.0, 1e6), "method": "quadrature"}, "domain must end where"),
        (("tanh", "mean"), {"bias_variance": 1.0}, "bias_variance must not be given for mean"),
        (("tanh", "length-map"), {"weight_variance": -1.0}, "weight_variance must be finite and not negative"),
    ],
)
def test_bad_input(arguments, options, message):
    with pytest.raises(InputError, match=None) as error:
        map_kernel(*arguments, **options)
    assert message in str(error.value)


# Files.


@pytest.mark.parametrize(
    ("activation", "name"), [("gelu", "chi_perp"), ("elu", "length_map"), ("relu", "sample-variance")]
)
def test_c_file_alone(activation, name, tmp_path, load_c):
    """Compiles without a warning and gives the Python kernel's numbers, but for the last digits of erfc and exp."""
    made = map_kernel(activation, name)
    loaded = load_c(made.export(tmp_path / "kernel.c"))
    columns = {"q": Q, "m2": Q, "v2": Q[::-1].copy(), **{k: np.full(7, v) for k, v in SIGMA.items()}}
    inputs = [columns[a] for a in made.arguments]
    wanted = made(*inputs)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    outs = [np.zeros(7) for _ in wanted]
    pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (*inputs, *outs)]
    getattr(loaded, made.name)(ctypes.c_size_t(7), *pointers)
    for got, want in zip(outs, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-15 if made.method == "certified step" else 1e-13)


@pytest.mark.parametrize(
    ("activation", "name", "file", "message"),
    [
        ("tanh", "length_map", "k.c", "C needs a closed form, and length_map is computed by quadrature"),
        ("relu", "length_map", "k.f90", "path must end in .py or .c, got"),
        ("relu", "length_map", "no/k.py", "cannot write"),
    ],
)
def test_files_that_cannot_be(activation, name, file, message, tmp_path):
    """One clear error, and nothing is written."""
    with pytest.raises(InputError) as error:
        map_kernel(activation, name).export(tmp_path / file)
    assert message in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_owens_t_is_no_function_of_c(tmp_path):
    """SciPy has it, C has not."""
    made = map_kernel("hard-tanh", "K", method="closed form", domain=(0.5, 1.0))
    with pytest.raises(InputError, match=r"K has no C code, export to .py: .*that C has, got OwensT"):
        made.export(tmp_path / "k.c")
    assert made(0.7, 0.6) == pytest.approx(float(NumericalMaps("hard-tanh(-1, 1)").K(0.7, 0.6).value), rel=1e-12)


def test_a_name_cannot_break_out_of_the_header():
    """An activation's name stands in a docstring; whatever is in it, the module says and does the same."""
    s = Symbol("s", real=True)
    made = map_kernel(Activation('a"""\nimport nothing\n\\', erf(s), symbol=s), "length_map")
    namespace = {"__name__": "k"}
    exec(compile(python_module(made), "k", "exec"), namespace)
    assert namespace["length_map"](0.7, 1.0, 0.0) == map_kernel("erf", "length_map")(0.7, 1.0, 0.0)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("covariance_map", (1.0, 1.0, 2.0, 1.0, 0.0), r"c/sqrt\(q_1\*q_2\) must be from -1 to 1"),
        ("covariance_map", (-1.0, 1.0, 0.0, 1.0, 0.0), "q_1 must not be negative, got -1.0"),
        ("correlation_map", (1.0, [0.5, -1.1], 1.0, 0.0), "rho must be from -1 to 1, got -1.1"),
        ("K", (1.0, -0.5), "v must not be negative"),
    ],
)
def test_a_closed_form_refuses_what_cannot_be(name, arguments, message):
    """An impossible correlation or variance gives no plausible number; correlation 1 up to rounding is one."""
    made = map_kernel("erf", name, method="closed form")
    with pytest.raises(ValueError, match=message):
        made(*arguments)
    covariance = map_kernel("erf", "covariance_map", method="closed form")
    assert covariance(3.0, 3.0, 3.0 * (1 + 1e-15), 1.0, 0.0) == pytest.approx(covariance(3.0, 3.0, 3.0, 1.0, 0.0))
