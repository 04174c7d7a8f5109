"""Hermite expansion of polynomials of two variables.

x^n = s^n Σ_j n!/(2^j j! (n - 2j)!) He_{n-2j}(x/s),   E[He_j(x/s) He_k(y/t)] = δ_jk k! ρ^k   (Mehler 1866)
"""

from dataclasses import dataclass
from math import factorial

from derive.gaussian.closed import Closed
from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.gaussian_setting import GaussianSetting
from derive.gaussian.parameters import Element
from derive.gaussian.rules import GaussianRule
from derive.proof.rule import Rewrite


@dataclass(frozen=True)
class HermiteExpansion(GaussianRule):
    """E[x^m y^n] = Σ_k k! Cov(x, y)^k h_mk h_nk with x^m = Σ_k h_mk s^k He_k(x/s), h_mk = m! s^(m-k)/(2^j
    j! k!), m - k = 2j

    For centred x, y. Source: Mehler 1866; Isserlis 1918 for the same moments by pairings.
    """

    name = "hermite-expansion"
    words = "Expand both polynomials in Hermite polynomials; only equal orders correlate."
    source = "F. G. Mehler, J. reine angew. Math. 66 (1866)"

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Evaluate the expectation of a polynomial of two centred variables."""
        if len(node.variables) != 2 or any(m != 0 for m in node.mean):
            return None
        law, form = setting.read(node)
        polynomial = form.polynomial()
        if polynomial is None:
            return None
        p = setting.parameters
        (v, c), (_, w) = law.covariance
        total = p.zero
        for (m, n), value in polynomial.items():
            for k in range(min(m, n) + 1):
                if (m - k) % 2 or (n - k) % 2:
                    continue
                # the field has no 0**0
                together = c**k if k else p.one
                total += value * factorial(k) * together * _weight(m, k, v) * _weight(n, k, w)
        return Rewrite(Closed.constant(p, p.reduce(total)).expression(), setting.law_keys)


def _weight(m: int, k: int, variance: Element) -> Element:
    """h_mk: the coefficient of s^k He_k(x/s) in x^m."""
    j = (m - k) // 2
    return variance**j * factorial(m) / (2**j * factorial(j) * factorial(k))
