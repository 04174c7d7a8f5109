import json

import pytest
from click.testing import CliRunner

from derive.errors import InputError
from numerics.cli.critical import critical, init, phase
from numerics.cli.maps import maps


def run(command, *arguments: str) -> str:  # type: ignore[no-untyped-def]
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_maps_as_json() -> None:
    data = json.loads(run(maps, "relu", "--q", "2", "--rho", "0.3", "--format", "json"))
    assert data["maps"]["second_moment"]["value"] == pytest.approx(1, rel=1e-14)
    assert data["maps"]["second_moment"]["closed_form"]["latex"] == r"\frac{q}{2}"
    assert data["maps"]["K"]["value"] + data["maps"]["sample_variance_map"]["value"] == pytest.approx(1, rel=1e-13)


def test_maps_without_closed_forms_give_the_reason_and_the_error() -> None:
    data = json.loads(run(maps, "tanh", "--format", "json"))
    entry = data["maps"]["covariance_map"]
    assert entry["closed_form"] is None
    assert "tanh" in entry["reason"]
    assert 0 < entry["error"] < 1e-13
    assert entry["error_kind"] == "bound"


def test_maps_as_text_and_latex() -> None:
    assert "no closed form of second_moment" in run(maps, "tanh")
    assert r"\text{chi\_perp} &= \sigma_{w2}" in run(maps, "linear", "--format", "latex")


def test_critical() -> None:
    data = json.loads(run(critical, "tanh", "--bias-variance", "0.04", "--format", "json"))
    assert data["class"] == "K* = 0"
    assert data["xi_c"] is None
    assert data["words"] == {"xi_c": "infinite"}
    assert len(data["fixed_points"]) == 1
    assert "half-stable" in run(critical, "gelu")


def test_phase(tmp_path) -> None:  # type: ignore[no-untyped-def]
    run(phase, "tanh", "-o", str(tmp_path / "a.csv"), "--points", "5")
    assert (tmp_path / "a.csv").read_text().count("\n") == 26
    run(phase, "tanh", "-o", str(tmp_path / "b.png"), "--points", "16")
    with pytest.raises(InputError, match="must end in"):
        run(phase, "tanh", "-o", str(tmp_path / "c.txt"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "b.png"]


def test_init() -> None:
    data = json.loads(run(init, "relu", "--format", "json"))
    assert data["gains"][0]["sigma_w2"] == 2.0
    assert "PyTorch: torch.nn.init.normal_" in run(init, "tanh")


def test_bad_input_is_an_input_error() -> None:
    for command, arguments in ((critical, ["tahn"]), (maps, ["tanh", "--q", "-1"]), (init, ["sin("])):
        with pytest.raises(InputError):
            run(command, *arguments)


def test_maps_without_a_value_say_so() -> None:
    """No correlation where there is no variance; no variance over samples at a negative correlation."""
    shown = CliRunner().invoke(maps, ["tanh", "--rho", "-0.5", "--gain", "0"])
    assert shown.exit_code == 0
    (line,) = [row for row in shown.stdout.splitlines() if row.startswith("correlation_map ")]
    assert "undefined" in line
    assert "K, mean_square_map, sample_variance_map: rho must not be negative for them, got -0.5" in shown.stdout
    assert "nan" not in shown.stdout
