"""What the engine says when it has no answer."""

from sympy import Expr


class NoClosedForm(Exception):
    """No closed form of the Gaussian expectation is known to this engine.

    Attributes:
        reason: why, in one sentence.
        term: the part of the integrand at which the engine stopped.

    """

    def __init__(self, reason: str, term: Expr) -> None:
        self.reason = reason
        self.term = term
        super().__init__(f"no closed form: {reason} (stopped at {term})")


class Unconfirmed(NoClosedForm):
    """A closed form was found, and the check before every answer did not confirm it."""


class OutOfTime(NoClosedForm):
    """A closed form was not found in the time that an answer may take."""
