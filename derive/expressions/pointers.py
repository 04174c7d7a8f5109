"""What to write instead of what other languages write: Python, NumPy, SymPy and print."""

from __future__ import annotations

from derive.errors import loose

_PIECES = "a case distinction is written where(x > 0, a, b)"
_COUNTABLE = "has infinitely many jumps, and no expression here has: write the finite ones that matter with where"
_ONE_SIDE = "has no real value on the whole line"

_WORDS = {
    **dict.fromkeys(("piecewise", "if", "else", "select", "cases", "ifelse"), _PIECES),
    **dict.fromkeys(("and", "or", "not"), "comparisons are not combined: nest one where in another"),
    **dict.fromkeys(("floor", "ceil", "ceiling", "round", "rint", "trunc", "frac", "mod", "fmod"), _COUNTABLE),
    **dict.fromkeys(("acosh", "arccosh", "atanh", "arctanh"), _ONE_SIDE),
    "lambda": "write the formula alone, without lambda x:",
    "def": "write the formula alone",
    "return": "write the formula alone",
    "true": "a comparison such as x > 0 is what where takes",
    "false": "a comparison such as x > 0 is what where takes",
    "inf": "numbers are finite",
    "nan": "numbers are finite",
}
_CALLS = {
    "arccos": "acos(x)",
    "arcsin": "asin(x)",
    "arctan": "atan(x)",
    "cbrt": "sign(x)*abs(x)**(1/3)",
    "clamp": "min(max(x, a), b)",
    "clip": "min(max(x, a), b)",
    "cot": "cos(x)/sin(x)",
    "csc": "1/sin(x)",
    "erfcx": "exp(x**2)*erfc(x)",
    "exp2": "2**x",
    "expm1": "exp(x) - 1",
    "fabs": "abs(x)",
    "fmax": "max(x, y)",
    "fmin": "min(x, y)",
    "ln": "log(x)",
    "log10": "log(x)/log(10)",
    "log1p": "log(1 + x)",
    "log2": "log(x)/log(2)",
    "maximum": "max(x, y)",
    "minimum": "min(x, y)",
    "ndtr": "Phi(x)",
    "normcdf": "Phi(x)",
    "normpdf": "phi(x)",
    "pow": "x**y",
    "power": "x**y",
    "rsqrt": "1/sqrt(x)",
    "sec": "1/cos(x)",
    "sgn": "sign(x)",
    "sinc": "sin(pi*x)/(pi*x), with its value at 0 by where",
    "square": "x**2",
    "sech": "1/cosh(x)",
    "coth": "1/tanh(x)",
}
_SIGNS = {
    "^": "powers are written **",
    "²": "powers are written **",
    "³": "powers are written **",
    "×": "a product is written *",
    "·": "a product is written *",
    "⋅": "a product is written *",
    "÷": "a quotient is written /",
    "−": "minus is written -",
    "√": "a root is written sqrt(x)",
    "π": "it is written pi",
    "φ": "the normal density is written phi(x)",
    "Φ": "the normal distribution function is written Phi(x)",
    "|": "an absolute value is written abs(x)",
    "&": "comparisons are not combined: nest one where in another",
    "?": _PIECES,
    ":": "write the formula alone, and a case distinction where(x > 0, a, b)",
    "//": f"a whole quotient {_COUNTABLE}",
    "%": f"a remainder {_COUNTABLE}",
    "=": "write the formula alone; parameters of a function are given by place, as in leaky_relu(x, 0.2)",
    "[": "brackets are round",
    "{": "brackets are round",
    "!": "there is no factorial",
    "\\": "write exp(x) and not \\exp(x)",
    ".": "names stand alone, without a module: tanh(x) and not np.tanh(x)",
    "@": "a product is written *",
}


def instead_of(text: str) -> str | None:
    """Return what to write for a name or a sign that the language does not have, or None.

    >>> instead_of("arctan"), instead_of("^"), instead_of("tanh")
    ('arctan is written atan(x)', 'powers are written **', None)
    """
    key = loose(text)
    if key in _CALLS:
        return f"{text} is written {_CALLS[key]}"
    words = _WORDS.get(key)
    if words is None:
        return _SIGNS.get(text)
    return f"{text} {words}" if words in (_COUNTABLE, _ONE_SIDE) else words
