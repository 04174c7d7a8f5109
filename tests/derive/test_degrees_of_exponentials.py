"""How high a power `factor` would see in an exponential: a wave times a bump had 8000, and no end."""

import pytest
from sympy import exp, symbols

from derive.maps.map_rules import _degree_of_exponentials

c, d = symbols("c d", positive=True)


@pytest.mark.parametrize(
    ("e", "degree"), [(exp(400 * c), 400), (exp(20 * (400 * c + d) / (1 + d)), 8000), (exp((30 * c - d) ** 2), 900)]
)
def test_multiples_count_what_stands_in_products_and_powers(e, degree):
    assert _degree_of_exponentials(e + 1) == degree
