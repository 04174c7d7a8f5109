"""A user's expression: text from a stranger, read against an allow-list and never executed."""

from derive.expressions.reader import FUNCTIONS, parse_expression
from derive.expressions.safety import require_real, require_real_almost_everywhere

__all__ = ["FUNCTIONS", "parse_expression", "require_real", "require_real_almost_everywhere"]
