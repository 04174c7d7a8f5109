"""A user's expression: text from a stranger, read against an allow-list and never executed."""

from derive.expressions.reader import FUNCTIONS, parse_expression
from derive.expressions.safety import require_real

__all__ = ["FUNCTIONS", "parse_expression", "require_real"]
