"""Closed forms of Gaussian expectations, each answer a derivation that was checked before it was returned."""

from derive.gaussian.api import ClosedForm, gaussian_expectation
from derive.gaussian.coefficients import hermite_coefficient
from derive.gaussian.evaluate import CannotEvaluate
from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.functions import BivariateNormalCDF, NormalDensity, OwensT, Phi
from derive.gaussian.inversion import SignChanges, sign_changes
from derive.gaussian.magnitudes import number
from derive.gaussian.no_closed_form import NoClosedForm
from derive.gaussian.price import price_expectation

__all__ = [
    "BivariateNormalCDF",
    "CannotEvaluate",
    "ClosedForm",
    "GaussianExpectation",
    "NoClosedForm",
    "NormalDensity",
    "OwensT",
    "Phi",
    "SignChanges",
    "gaussian_expectation",
    "hermite_coefficient",
    "number",
    "price_expectation",
    "sign_changes",
]
