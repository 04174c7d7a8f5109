r"""The size of brackets in LaTeX: fixed by what they enclose, so that a line may end inside them.

Printers write ``\left( ... \right)``; `settle` gives every pair its size. Brackets round a table keep stretching.
"""

from __future__ import annotations

import re

DISPLAY, TEXT, SCRIPT = range(3)
"""The styles in which TeX sets a formula: on its own, in a line or a fraction, in an index."""

_TALL = re.compile(r"\\(sum|prod|int|frac|lim)(?![A-Za-z])")
_TABLE = re.compile(r"\\(?:begin|substack)(?![A-Za-z])")
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|.", re.DOTALL)
_DELIMITER = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_PAIR = re.compile(r"\\(?:(left)|right)(?![A-Za-z])")
_BARS = {"|": (r"\lvert ", r"\rvert "), r"\|": (r"\lVert ", r"\rVert ")}
_WITH_ARGUMENTS = {r"\frac": 2} | dict.fromkeys(
    (r"\sqrt", r"\overline", r"\tilde", r"\hat", r"\bar", r"\dot", r"\mathring", r"\substack"), 1
)
_VERBATIM = {r"\operatorname", r"\operatorname*", r"\text", r"\mathbb", r"\mathcal", r"\mathit", r"\mathrm", r"\begin"}
_VERBATIM |= {r"\end", r"\mathbf", r"\mathtt", r"\textrm", r"\textbf"}


def settle(latex: str, style: int = DISPLAY) -> str:
    r"""Return the LaTeX with every ``\left``-``\right`` pair of the size that suits its contents.

    >>> settle(r"f{\left(u \right)} + \left(\frac{a}{b} + c\right)^{2}")
    'f(u) + \\Bigl(\\frac{a}{b} + c\\Bigr)^{2}'
    """
    out, at = "", 0
    while at < len(latex):
        found = _TOKEN.match(latex, at)
        assert found is not None
        token, at = found.group(), found.end()
        if token == r"\left":
            shown, at = _bracket(latex, at, style)
            out += shown
        elif token == r"\limits":
            # The ends of an integral stand beside it, as in print.
            continue
        elif token in _VERBATIM:
            end = _end(latex, at)
            out, at = out + token + latex[at:end], end
        elif token in _WITH_ARGUMENTS:
            out += token
            if latex[at : at + 1] == "[":
                end = latex.index("]", at) + 1
                out, at = out + latex[at:end], end
            for _ in range(_WITH_ARGUMENTS[token]):
                shown, at = _argument(latex, at, max(style, TEXT))
                out += shown
        elif token in "^_":
            shown, at = _argument(latex, at, SCRIPT)
            out += token + shown
        elif token == "{":
            end = _end(latex, at - 1)
            inside = latex[at : end - 1]
            shown = settle(inside, style)
            out, at = out + (shown if _is_bracket(inside) else f"{{{shown}}}"), end
        else:
            out += token
    return out


def _argument(latex: str, at: int, style: int) -> tuple[str, int]:
    """Return the next argument, its brackets settled, and where it ends."""
    end = _end(latex, at)
    if latex[at : at + 1] != "{":
        return latex[at:end], end
    return f"{{{settle(latex[at + 1 : end - 1], style)}}}", end


def _end(latex: str, at: int) -> int:
    """Return where the group or the single token at a place ends."""
    if latex[at : at + 1] != "{":
        found = _TOKEN.match(latex, at)
        return found.end() if found else at
    depth = 0
    for n in range(at, len(latex)):
        depth += {"{": 1, "}": -1}.get(latex[n], 0) if latex[n - 1 : n] != "\\" else 0
        if depth == 0:
            return n + 1
    return len(latex)


def _bracket(latex: str, at: int, style: int) -> tuple[str, int]:
    r"""Return the bracket whose ``\left`` ends at a place, in its size, and where its ``\right`` ends."""
    left, begin = _delimiter(latex, at)
    close, end = _closing(latex, begin)
    right, after = _delimiter(latex, end)
    inside = latex[begin:close].strip()
    alone = inside[:1] == "{" and _end(inside, 0) == len(inside)
    body = settle(inside[1:-1] if alone else inside, style)
    outside = without_scripts(body)
    if "." in (left, right) or _TABLE.search(outside):
        return rf"\left{left}{body}\right{right}", after
    tall = {m.group(1) for m in _TALL.finditer(outside)}
    size = _size(tall, style)
    opening, closing = (f"{size}l", f"{size}r") if size else ("", "")
    left, right = _BARS.get(left, (left,))[0], _BARS.get(right, (right,))[-1]
    return f"{opening}{left}{body}{closing}{right}", after


def _size(tall: set[str], style: int) -> str:
    """Return the size for contents with these tall signs: in a line of prose, only a fraction needs one."""
    if style == DISPLAY and tall:
        return r"\Big" if tall == {"frac"} else r"\bigg"
    return r"\big" if style == TEXT and "frac" in tall else ""


def _delimiter(latex: str, at: int) -> tuple[str, int]:
    while latex[at : at + 1] == " ":
        at += 1
    found = _DELIMITER.match(latex, at)
    assert found is not None
    return found.group(), found.end()


def _closing(latex: str, at: int) -> tuple[int, int]:
    r"""Return where the matching ``\right`` begins and ends."""
    depth = 1
    for found in _PAIR.finditer(latex, at):
        depth += 1 if found.group(1) else -1
        if depth == 0:
            return found.start(), found.end()
    raise AssertionError(rf"\left without \right in {latex}")


def _is_bracket(inside: str) -> bool:
    """Return True when a group holds one bracket and nothing else."""
    if not inside.startswith(r"\left"):
        return False
    _, begin = _delimiter(inside, len(r"\left"))
    _, end = _closing(inside, begin)
    return _delimiter(inside, end)[1] == len(inside)


def without_scripts(body: str) -> str:
    """Return the LaTeX without what stands in sub- and superscripts."""
    out, at = "", 0
    while at < len(body):
        if body[at] in "^_" and body[at - 1 : at] != "\\":
            at = _end(body, at + 1)
            continue
        out += body[at]
        at += 1
    return out
