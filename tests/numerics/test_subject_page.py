"""The page of an activation: where it looks, and which numbers it shows."""

import html
import math
import re
from types import SimpleNamespace

import pytest

from derive.activations import activation
from numerics.report.subject import _centre, subject
from numerics.report.subject_page import _map


def point(sigma_w2, sigma_b2=0.0, q_star=None, stability="stable"):
    return SimpleNamespace(sigma_w2=sigma_w2, sigma_b2=sigma_b2, q_star=q_star, stability=stability)


NOWHERE = point(None, None)


@pytest.mark.parametrize(
    ("name", "critical", "edge", "expected"),
    [
        ("tanh", point(1.0), point(1.7, 0.05, 0.3), (1.7, 0.05, 0.3)),
        ("tanh", point(1.25, 0.5, 2.0), point(1.7, 0.05, 0.3, "unstable"), (1.25, 0.5, 2.0)),
        ("tanh", NOWHERE, point(1.7, 0.05, 0.3, "unstable"), (1.7, 0.05, 0.3)),
        ("relu", point(2.0), NOWHERE, (2.0, 0.0, 1.0)),
        ("x**2", NOWHERE, NOWHERE, (1 / 3, 0.0, 1.0)),
        ("exp(x**2/4)", NOWHERE, NOWHERE, (1.0, 0.0, 1.0)),
    ],
)
def test_a_page_is_about_the_edge_of_chaos_or_what_keeps_the_length(name, critical, edge, expected):
    """Else the gain 1/E[f(u)^2] at q = 1, which keeps it: E[u^4] = 3; where that is infinite, gain 1."""
    assert _centre(activation(name), critical, edge) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("asked", "drawn"), [(60, 60), (200, 200), (5000, 200)])
def test_a_page_draws_as_many_networks_as_asked_and_no_more_than_200(tmp_path, monkeypatch, asked, drawn):
    """And its own random numbers: by the seed and the activation's place in the report."""
    given = []
    for name in ("critical", "_maps", "_figures", "recommended_gains", "maps_at"):
        monkeypatch.setattr(f"numerics.report.subject.{name}", lambda *_, **__: ())
    monkeypatch.setattr("numerics.report.subject._centre", lambda *_: (1.7, 0.05, 0.3))
    monkeypatch.setattr("numerics.report.subject._cases", lambda *arguments: given.append(arguments) or ())
    made = subject(tmp_path, "tanh", asked, 9, lambda _: None, number=4)
    ((_, slug, f, weight, bias, networks, seed, _, number),) = given
    assert (slug, str(f), weight, bias, networks, seed, number) == ("tanh", "tanh", 1.7, 0.05, drawn, 9, 4)
    assert (made.page, made.weight_variance, made.bias_variance, made.q) == ("activation-tanh.html", 1.7, 0.05, 0.3)


def shown(value):
    about = {"meaning": "a map", "derivation": None, "fragment": "", "kernel": "", "reason": "none is known"}
    found = SimpleNamespace(name="chi_par", value=value, **about)
    return re.sub(r"<[^>]*>", " ", html.unescape(_map(SimpleNamespace(slug="f"), found)))


def test_a_number_of_a_map_stands_with_its_error_and_what_is_infinite_has_none():
    number = SimpleNamespace(value=1.234567890123456, error=0.00345, method="quadrature")
    assert "1.23456789012346 ± 0.003 (quadrature)" in shown(number)
    for none in (None, SimpleNamespace(value=math.inf, error=math.inf, method="closed form")):
        assert "±" not in shown(none)
        assert "No closed form: none is known." in shown(none)
