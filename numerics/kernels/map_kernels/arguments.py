"""The maps by name, and the arguments of each as a function."""

from __future__ import annotations

from derive.errors import unknown_name
from derive.maps import MAPS

Defaults = tuple[tuple[str, float], ...]
"""Default values of a map's last arguments."""

STEP = "sample_variance_step"
"""The two maps over samples together, from variances to variances: one layer of the recursion of (m^2, v^2)."""

_W, _B = "sigma_w2", "sigma_b2"

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "mean": ("q",),
    "second_moment": ("q",),
    "length_map": ("q", _W, _B),
    "covariance_map": ("q_1", "q_2", "c", _W, _B),
    "correlation_map": ("q", "rho", _W, _B),
    "chi_perp": ("q", _W),
    "chi_par": ("q", _W),
    "slope_at_zero": ("q", _W, _B),
    "slope_at_one": ("q", _W, _B),
    "K": ("m", "v"),
    "mean_square_map": ("m", "v", _W, _B),
    "sample_variance_map": ("m", "v", _W),
    "backward_factor": ("q", "n_in", "n_out", _W),
    STEP: ("m2", "v2", _W, _B),
}
"""The arguments of every map, in the order of the call, whether or not its closed form holds all of them."""

PAIRS = frozenset({"covariance_map", "correlation_map", "K", "mean_square_map", "sample_variance_map", STEP})
"""Maps that need a rule for two units."""

OVER_SAMPLES = frozenset({"K", "mean_square_map", "sample_variance_map", STEP})

MEANING = {**MAPS, STEP: "one layer of the recursion over samples, (m^2, v^2) -> (m'^2, v'^2)"}


def parameters(name: str, defaults: Defaults) -> str:
    """Return the parameters of a map's function as source; ``defaults`` are of the last of them.

    >>> parameters("length_map", (("sigma_b2", 0.5),))
    'q, sigma_w2, sigma_b2=0.5'
    """
    given = dict(defaults)
    return ", ".join(f"{a}={given[a]!r}" if a in given else a for a in ARGUMENTS[name])


def is_map(name: str) -> bool:
    """Whether a text names a map, with hyphens or underscores."""
    return _plain(name) in _NAMES


def map_name(name: str) -> str:
    """Return a map's name as `derive.maps.MAPS` has it; raise `InputError`, with close matches, for an unknown one.

    >>> map_name("length-map"), map_name("sample-variance")
    ('length_map', 'sample_variance_step')
    """
    if not is_map(name):
        raise unknown_name("map", name, ARGUMENTS)
    return _NAMES[_plain(name)]


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_")


_NAMES = {_plain(name): name for name in ARGUMENTS} | {"sample_variance": STEP}
