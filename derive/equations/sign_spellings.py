"""What commands of LaTeX and signs of Unicode stand for in an equation."""

from __future__ import annotations

_NAME, _SIGN = "name", "sign"

DROPPED = "$\N{INVISIBLE TIMES}\N{ZERO WIDTH SPACE}\N{NO-BREAK SPACE}"
"""Characters that only set apart."""

RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀ⁽⁾", "0123456789+-T()", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))

SIGNS = {
    "−": "-",
    "–": "-",
    "·": "·",
    "∙": "·",
    "⋅": "·",
    "*": "·",
    "×": "×",
    "÷": "/",
    "**": "^",
    "∂": "∂",
    "√": "√",
    "∏": "∏",
    "Π": "∏",
    "∑": "Σ",
    "Σ": "Σ",
    "∫": "∫",
    "∞": "∞",
    "∀": "∀",
    "′": "'",
    "’": "'",
    "⟪": "⟪",
    "⟫": "⟫",
    "«": "⟪",
    "»": "⟫",
    "⟨": "⟨",
    "⟩": "⟩",
    "〈": "⟨",
    "〉": "⟩",
    "⌊": "⌊",
    "⌋": "⌋",
    "==": "=",
    "≈": "≈",
    "≃": "≈",
    "~=": "≈",
    "~": "~",
    "∼": "~",
    "≠": "!=",
    "≤": "<=",
    "≥": ">=",
    "⇒": "=>",
    "⇔": "<=>",
    "↔": "<=>",
    "<->": "<=>",
    "→": "->",
    "⟶": "->",
    "⩽": "<=",
    "⩾": ">=",
    "⟹": "=>",
    "⟺": "<=>",
}
"""Signs, each as the one sign that is used for all that mean the same."""

_NAMES_OF_LETTERS = """
    alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi
    varphi chi psi omega Gamma Delta Theta Lambda Phi Psi Omega ell
"""
_LETTERS = "α β γ δ ε ε ζ η θ ι κ λ μ ν ξ π ρ σ τ φ φ χ ψ ω Γ Δ Θ Λ Φ Ψ Ω ℓ"
_GREEK = dict(zip(_NAMES_OF_LETTERS.split(), _LETTERS.split(), strict=True))
_SAME = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "Var", "Cov", "E", "bmod", "lim")
_FUNCTIONS = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "ln": "log", "max": "Max", "min": "Min"}
_FUNCTIONS |= {word: word for word in _SAME}
_MEANT = {
    "cdot": "·",
    "times": "×",
    "bar": "\\bar",
    "overline": "\\bar",
    "ast": "·",
    "partial": "∂",
    "sqrt": "√",
    "frac": "\\frac",
    "dfrac": "\\frac",
    "tfrac": "\\frac",
    "prod": "∏",
    "Pi": "∏",
    "sum": "Σ",
    "Sigma": "Σ",
    "int": "∫",
    "infty": "∞",
    "forall": "∀",
    "prime": "'",
    "langle": "⟨",
    "rangle": "⟩",
    "llangle": "⟪",
    "rrangle": "⟫",
    "lllangle": "⟪",
    "rrrangle": "⟫",
    "lfloor": "⌊",
    "rfloor": "⌋",
    "lvert": "|",
    "rvert": "|",
    "vert": "|",
    "|": "|",
    "mid": "|",
    "lbrace": "{",
    "rbrace": "}",
    "{": "(",
    "}": ")",
    "lbrack": "[",
    "rbrack": "]",
    "approx": "≈",
    "simeq": "≈",
    "sim": "~",
    "neq": "!=",
    "ne": "!=",
    "leq": "<=",
    "le": "<=",
    "lt": "<",
    "gt": ">",
    "geq": ">=",
    "ge": ">=",
    "Rightarrow": "=>",
    "implies": "=>",
    "Longrightarrow": "=>",
    "Leftrightarrow": "<=>",
    "leftrightarrow": "<=>",
    "Longleftrightarrow": "<=>",
    "iff": "<=>",
    "to": "->",
    "rightarrow": "->",
    "longrightarrow": "->",
    "leqslant": "<=",
    "geqslant": ">=",
}
_SPACES = (
    *("quad", "qquad", ",", ";", ":", ">", "~", " ", "\n"),
    *("displaystyle", "textstyle", "limits", "nonumber", "notag", "hfill"),
)
COMMANDS: dict[str, tuple[str, str]] = {
    **{word: (_NAME, letter) for word, letter in _GREEK.items()},
    **{word: (_NAME, name) for word, name in _FUNCTIONS.items()},
    **{word: (_SIGN, sign) for word, sign in _MEANT.items()},
    **dict.fromkeys(_SPACES, ("", "")),
}
"""What a command is: a name, a sign, or nothing."""

BIGGER = {
    *("left", "right", "middle"),
    *(f"{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")),
}
"""Commands that set the size of the bracket after them."""

FONTS = {
    *("mathrm", "mathbf", "mathit", "mathbb", "mathcal", "mathsf", "mathtt", "boldsymbol", "bm"),
    *("text", "textrm", "textbf", "mbox", "operatorname"),
}
TABLES = {"smallmatrix", "pmatrix", "matrix", "bmatrix", "array"}
