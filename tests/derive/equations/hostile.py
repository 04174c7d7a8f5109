"""Texts that no equation is: from strangers, by accident, or to do harm."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

CODE = (
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "eval('1+1') = 2",
    "lambda: 0 = 1",
    "exec(chr(112)) = Var[x]",
    "Var[__builtins__] = 1",
    "open('/etc/passwd') = 1",
    "Symbol('x', evaluate=False) = x_1",
    "{{7*7}} = 49; import os",
    "$(reboot) = `id`",
)
HUGE = (
    "9^9^9^9^9 = Var[x]",
    "Var[x] = " + "9" * 100,
    "Var[x] = 10^10^10^10",
    "Var[x] = 2**99999999",
    "Var[x] = exp(exp(exp(exp(99))))",
    "Var[x] = 1e999999",
    "Var[x] = " + "(" * 5000 + ")" * 5000,
    "Var[x] = " + "[" * 60 + "x_1" + "]" * 60,
    "Var[x] = " + "-" * 3000 + "1",
    "Var[x] = " + "x_1 " * 3000,
    "Var[x] = " + "+".join(["x_1"] * 3000),
    "Var[x] = " + "\\frac{" * 500,
    "Var[x] = " + "√" * 2000 + "2",
    "Var[x] = " + "f(" * 300 + "x_1" + ")" * 300,
    "Var[x] = (x_1 + x_2)^(10^9)",
    "Var[x] = 1/0",
    "Var[x] = 0^(-1)",
    "Var[x] = log(0)",
    "Var[x] = √(-1)",
    "Var[x] = ∏_{i=0}^{10^30} ",
    "Var[x] = Σ_{l=1}^{n_0}",
)
BROKEN = (
    "",
    "   ",
    "$$",
    "=",
    "Var[x]",
    "Var[x] =",
    "= Var[x]",
    "Var[x] = = 1",
    "Var[x = 1",
    "Var x] = 1",
    "Var[] = 1",
    "Var[x)) = 1",
    "Var[x, x] = 1",
    "Cov[x] = 1",
    "E[x_1; x ~ N(0)] = 1",
    "E[u; u ~ Q(0, 1)] = 1",
    "\\frac{1} = 2",
    "\\unknown{x} = 1",
    "\\begin{} = 1",
    "z^ = 1",
    "z_ = 1",
    "z^i^j = 1",
    "W^i_{l,k,m} = 1",
    "n = 1",
    "n_ = 1",
    "∂Cost/∂ = 1",
    "∂/∂x = 1",
    "\\partial Cost = 1",
    "f = 1",
    "f() = 1",
    "∏_{i}^{d} n_i = 1",
    "Σ_{2=1}^{d} n_i = 1",
    "Var[z^i] = Var[z^i] and",
    "Var[z^i] ⇔ Var[z^i]",
    "a = b ⇒ c = d ⇔ e = f",
    "x_1 = 'a string'",
    'x_1 = "a string"',
    "x_1 = é",
    "x_1 = 漢字",
    "x_1 = \x00",
    "x_1 = \u202e2",
    "x_1 = 🙂",
    "x_1 : 2",
    "x_1 = 2; x_2 = 3",
    "|x_1 = 2",
    "⟪x_1⟩ = 2",
    "lim_{n→∞} x_1 = 2",
)


def hostile(rng: Random, number: int) -> Iterator[str]:
    """Yield so many texts: those above, and true equations with signs thrown in, cut or doubled until they break."""
    known = [*CODE, *HUGE, *BROKEN]
    yield from known[:number]
    signs = [*'(){}[]^_\\=|~&$;:⟪⟩∂∏√%@#?!"`é\x07', "\\frac", "\\left", "Var", "__", "^^", "\\begin{x}", "\\tag{"]
    for _ in range(number - len(known)):
        text = rng.choice(
            ("Var[z^i] = n_i Var[W^i] Var[x]", r"\frac{\partial Cost}{\partial s^i_k} = f'(s^i_k)", "E[x] = 0")
        )
        for _ in range(rng.randint(2, 12)):
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice(signs) * rng.choice((1, 1, 2, 40)) + text[at + rng.choice((0, 0, 3)) :]
        yield text
