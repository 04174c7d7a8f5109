"""A user's expression: text from a stranger, read against an allow-list and never executed."""

from derive.expressions.reader import FUNCTIONS, UnknownName, parse_expression
from derive.expressions.safety import require_real, require_real_almost_everywhere

__all__ = ["FUNCTIONS", "UnknownName", "parse_expression", "require_real", "require_real_almost_everywhere"]
