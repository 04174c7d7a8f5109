"""What one meets first in Python: names, a network by depth and width, seeds, arrays, errors, figures."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import derive
import numerics
from derive import InputError
from numerics import Network, NumericalMaps, finite_width_bias, map_kernel, predict, simulate, verify


def python(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("package", [derive, numerics])
def test_dir_is_what_there_is(package):
    """Every name of `dir` is there, every public name of ``__all__`` is in it, and no module of ours is half-shown."""
    names = dir(package)
    assert set(package.__all__) <= set(names)
    assert all(getattr(package, name) is not None for name in names)
    assert not [name for name in names if name.startswith("_") and name != "__version__"]
    assert not {"annotations", "Any", "import_module", "TYPE_CHECKING", "replace", "registry", "errors"} & set(names)


def test_a_package_inside_is_imported_when_it_is_asked_for():
    """``import numerics; numerics.figures`` works, and nothing is imported before."""
    assert "kaiming-net" in python("import numerics; print(numerics.figures.FIGURES)")
    assert python("import numerics; print(numerics.kernels.kernel is numerics.kernel)") == "True"
    assert python("import derive; print(derive.activations.activation is derive.activation)") == "True"
    with pytest.raises(AttributeError, match="module 'numerics' has no attribute 'figure'"):
        _ = numerics.figure
    heavy = "{'sympy', 'numpy', 'scipy', 'matplotlib', 'pandas', 'numerics.figures', 'derive.results'}"
    assert python(f"import sys, derive, numerics; dir(derive); dir(numerics); print({heavy} & {{*sys.modules}})") == (
        "set()"
    )


@pytest.mark.parametrize(("package", "above"), [("programs", {"maps", "kernels"}), ("maps", {"kernels"})])
def test_packages_are_imported_one_way(package, above):
    """Programs know no map, and maps know no kernel, inside functions neither."""
    for path in (Path(numerics.__file__).parent / package).glob("*.py"):
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        rooms = {part for node in nodes for part in (node.module or "").split(".")[1:2]}
        rooms |= {alias.name for node in nodes if node.module == "numerics" for alias in node.names}
        assert not rooms & above, path


def test_depth_and_width_stand_for_equal_widths():
    """Depth counts weight matrices, as ``--depth`` does."""
    assert Network(depth=3, width=64, gain=2.0) == Network(widths=[64] * 4, gain=2.0)
    assert replace(Network(depth=3, width=64, gain=2.0), widths=(2, 3, 4, 5)).widths == (2, 3, 4, 5)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, "give widths, or depth and width: the network has no size yet"),
        ({"widths": [2, 3], "depth": 1, "width": 2}, "give widths, or depth and width, not both"),
        ({"widths": [2, 3], "width": 2}, "give widths, or depth and width, not both"),
        ({"depth": 3}, "depth and width go together: width is missing"),
        ({"width": 3}, "depth and width go together: depth is missing"),
        ({"depth": 0, "width": 3}, "depth must be a positive integer, got 0"),
        ({"depth": 3, "width": 2.5}, "width must be a positive integer, got 2.5"),
        ({"depth": True, "width": 3}, "depth must be a positive integer, got True"),
    ],
)
def test_bad_sizes_get_one_clear_error(sizes, message):
    """The argument, the rule and the value."""
    with pytest.raises(InputError) as error:
        Network(gain=1.0, **sizes)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "network",
    [
        Network(depth=3, width=64, gain=2.0, activation="relu"),
        Network(widths=[8, 14, 5], weight_variance=[0.1, 0.2], bias_variance=[0.0, 0.1], weight_law="uniform"),
        Network(widths=[3, 2], gain=1.0, input_variance=2.0, gradient_variance=0.5, input_law="rademacher"),
        Network(widths=[5, 5], gain=1.0, activation="x*Phi(x)"),
    ],
)
def test_the_text_of_a_network_is_how_to_make_it(network):
    """`repr` is one line of Python."""
    assert eval(repr(network)) == network
    assert "\n" not in repr(network)


def test_the_text_of_a_deep_network_is_short():
    """Of many layers the first and the last are shown."""
    assert len(repr(Network(widths=range(1, 1000), gain=1.0))) < 200


def test_a_seed_is_an_rng():
    """The same numbers as with ``rng=``; different from another seed's."""
    network = Network(widths=[4, 3, 2], gain=1.0)
    by_seed, by_rng, other = (simulate(network, networks=9, **how) for how in ({"seed": 3}, {"rng": 3}, {"seed": 4}))
    assert np.array_equal(by_seed.estimate["var_s"], by_rng.estimate["var_s"])
    assert not np.array_equal(by_seed.estimate["var_s"], other.estimate["var_s"])
    assert by_seed.seed == by_rng.seed


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"seed": 1, "rng": 2}, "give seed or rng, not both, got seed=1 and rng=2"),
        ({"seed": -1}, "seed must be a non-negative integer (rng takes generators), got -1"),
        ({"seed": "one"}, "seed must be a non-negative integer (rng takes generators), got 'one'"),
        ({"seed": 1.5}, "seed must be a non-negative integer (rng takes generators), got 1.5"),
    ],
)
def test_bad_seeds_get_one_clear_error(how, message):
    """In a simulation, and in what simulates."""
    network = Network(depth=1, width=4, gain=1.0)
    for run in (simulate, lambda network, **how: finite_width_bias(network, predict, **how)):
        with pytest.raises(InputError) as error:
            run(network, **how)
        assert str(error.value) == message


WEIGHTS, BIASES, LENGTHS = np.array([[0.0], [0.5], [2.0]]), np.array([0.0, 0.3]), np.array([0.4, 1.7])
MAPS = {
    "length_map": (LENGTHS,),
    "chi_perp": (LENGTHS,),
    "chi_par": (LENGTHS,),
    "slope_at_zero": (LENGTHS,),
    "slope_at_one": (LENGTHS,),
    "covariance_map": (LENGTHS, 0.3, 1.1),
    "correlation_map": (LENGTHS, -0.3),
    "gap_map": (LENGTHS, 1e-3),
    "mean_square_map": (0.6, LENGTHS),
    "sample_variance_map": (0.6, LENGTHS),
}


@pytest.mark.parametrize("activation", ["tanh", "relu", "x*Phi(x)"])
@pytest.mark.parametrize("name", MAPS)
def test_maps_take_arrays_of_weights_and_biases(activation, name):
    """Each number is what one weight variance and one bias variance give, within both errors."""
    found = getattr(NumericalMaps(activation, weight_variance=WEIGHTS, bias_variance=BIASES), name)(*MAPS[name])
    assert found.value.shape == found.error.shape == found.method.shape == (3, 2)
    for n, k in np.ndindex(3, 2):
        one = NumericalMaps(activation, weight_variance=WEIGHTS[n, 0], bias_variance=BIASES[k])
        alone = getattr(one, name)(*(x[k] if np.ndim(x) else x for x in MAPS[name]))
        both = found.error[n, k] + alone.error
        assert abs(found.value[n, k] - alone.value) <= both + 1e-15 * abs(alone.value) or (
            np.isnan(found.value[n, k]) and np.isnan(alone.value)
        )


def test_many_weights_and_many_lengths():
    """Where a compiled form would serve one weight variance: ReLU's q' = w q/2 + b (He et al. 2015), at 600 points."""
    q, w = np.geomspace(1e-3, 1e3, 600), np.array([[0.5], [2.0]])
    found = NumericalMaps("relu", weight_variance=w, bias_variance=0.25).length_map(q)
    assert (abs(found.value - (w * q / 2 + 0.25)) <= found.error + 1e-15 * found.value).all()
    assert found.error.max() < 1e-11


def test_weights_of_variance_zero_count_nothing():
    """E[f'²] of a step is infinite, times no weights it is 0; and it is infinite whatever the weights."""
    maps = NumericalMaps("step", weight_variance=[0.0, 1.0])
    assert maps.chi_perp(1.0).value.tolist() == [0.0, np.inf]
    assert maps.slope_second_moment(1.0).value == np.inf
    assert NumericalMaps("step", weight_variance=0.0).slope_second_moment(1.0).value == np.inf
    # E[f'²] = E[1/(4|s|)] diverges without a jump.
    assert NumericalMaps("sqrt(abs(x))", weight_variance=[0.0, 1.0]).chi_perp(1.0).value.tolist() == [0.0, np.inf]


@pytest.mark.parametrize("name", ["weight_variance", "bias_variance"])
def test_bad_variances_of_maps_get_one_clear_error(name):
    """The first value that breaks the rule is named."""
    for value, shown in (([1.0, -2.0], "-2.0"), ([np.nan], "nan"), (-1.0, "-1.0"), ("a", "'a'")):
        with pytest.raises(InputError) as error:
            NumericalMaps("relu", **{name: value})
        assert str(error.value) == f"{name} must be finite and not negative, got {shown}"


def test_hermite_coefficients_take_arrays():
    """f = tanh at several variances; erf's a_1 is √q E[f'] (Stein), with E[erf'(√q z)] = 2/√(π(1 + 2q))."""
    maps = NumericalMaps("erf")
    q = np.array([[0.5, 1.0], [2.0, 4.0]])
    found = maps.hermite_coefficients(q, 4)
    assert found.value.shape == found.error.shape == (2, 2, 4)
    right = np.sqrt(q) * 2 / np.sqrt(np.pi * (1 + 2 * q))
    assert (abs(found.value[..., 1] - right) <= found.error[..., 1] + 1e-15).all()
    assert np.array_equal(found.value[1, 0], maps.hermite_coefficients(2.0, 4).value)


def test_all_maps_at_a_point_are_those_of_their_methods():
    """A table of the numbers; of arrays there is none."""
    maps = NumericalMaps("erf", weight_variance=1.5, bias_variance=0.1)
    table = maps.at(q=0.5, rho=0.25)
    assert table["length_map"].value == maps.length_map(0.5).value
    assert table["correlation_map"].value == maps.correlation_map(0.5, 0.25).value
    assert [row["map"] for row in table.rows()] == list(table)
    with pytest.raises(InputError, match="must be numbers for a table of all maps, not arrays"):
        NumericalMaps("erf", weight_variance=[1.0, 2.0]).at()


@pytest.mark.parametrize(
    ("name", "arguments", "start"),
    [
        ("length_map", (-1.0, 2.0, 0.0), "q must be from 0.001 to 100, got -1.0"),
        ("length_map", ([1.0, 1e30], 2.0, 0.0), "q must be from 0.001 to 100, got 1e+30 at index 1"),
        ("covariance_map", (1.0, 1e6, 0.1, 2.0, 0.0), "q_2 must be from 0.001 to 100, got 1000000.0"),
        ("sample_variance_map", (0.0, 200.0, 2.0), "m^2 + v^2 must be from 0.001 to 100, got 40000.0"),
    ],
)
def test_a_kernel_names_its_domain(name, arguments, start, tmp_path):
    """By quadrature, what is outside says by which argument of `map_kernel` it would be inside; exported, too."""
    made = map_kernel("tanh", name)
    message = f"{start}; the kernel was made for variances in that range (argument domain= of map_kernel)"
    with pytest.raises(ValueError, match="domain=") as error:
        made(*arguments)
    assert str(error.value) == message
    namespace: dict[str, object] = {"__name__": "exported"}
    exec(made.export(tmp_path / "made.py").read_text(), namespace)
    with pytest.raises(ValueError, match="domain=") as error:
        namespace[made.name](*arguments)
    assert str(error.value) == message


def test_a_closed_form_has_no_domain_to_name():
    """Its arguments are not negative, whatever `domain` was."""
    with pytest.raises(ValueError, match=r"^q must not be negative, got -1.0$"):
        map_kernel("relu", "length_map")(-1.0, 2.0, 0.0)


def test_a_figure_shows_itself_and_keeps_its_style(tmp_path):
    """A PNG of its size; saved outside of any context, the same bytes as in the style."""
    from matplotlib import rcParams

    from numerics.figures import to_bytes

    network = Network(depth=3, width=16, gain=2.0, activation="relu")
    prediction, simulation = predict(network), simulate(network, seed=0, networks=20)
    verification = verify(prediction, simulation)
    figures = [
        prediction.plot(),
        prediction.plot(simulation),
        verification.plot(),
        numerics.phase_diagram("tanh", points=5).plot(),
        NumericalMaps("tanh").plot(q=0.5),
        numerics.figures.draw("kaiming-net"),
    ]
    for figure in figures:
        data = figure._repr_png_()
        assert data.startswith(b"\x89PNG")
        pixels = [int.from_bytes(data[start : start + 4], "big") for start in (16, 20)]
        assert pixels == pytest.approx(200 * figure.get_size_inches(), abs=1)
    assert rcParams["mathtext.fontset"] != "stix"
    prediction.plot().savefig(tmp_path / "own.svg", metadata={"Date": None})
    assert (tmp_path / "own.svg").read_bytes() == to_bytes(prediction.plot(), "svg")
    lines = [axes.lines[0].get_ydata() for axes in figures[0].axes[:2]]
    assert np.array_equal(lines[0], prediction.columns["var_z"])
    points = [len(axes.containers) for axes in (*figures[0].axes, *figures[2].axes)]
    assert sum(points[: len(figures[0].axes)]) == 0 < sum(points[len(figures[0].axes) :])


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("numerics.figures.plot_curves", lambda: predict(Network(depth=2, width=8, gain=1.0))),
        ("numerics.phase_figure.plot_phase", lambda: numerics.phase_diagram("tanh", points=5)),
        ("numerics.figures.activation.plot_maps", lambda: NumericalMaps("tanh")),
    ],
)
def test_axes_go_to_the_plotting_function(name, result, monkeypatch):
    """``plot(ax=...)`` draws where it is told to."""
    monkeypatch.setattr(name, lambda *_, **options: options.get("ax"))
    axes = object()
    assert result().plot(ax=axes) is axes
    assert result().plot() is None
