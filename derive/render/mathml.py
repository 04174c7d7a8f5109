"""The LaTeX of our printers as MathML Core, which browsers set without a script."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import escape

from derive.render.order import TIMES
from derive.render.tokens import argument, bare, clusters, table

_OPENING = {
    "(": "(",
    "[": "[",
    r"\{": "{",
    r"\langle": "⟨",
    r"\lvert": "|",
    r"\lVert": "‖",
    r"\lfloor": "⌊",
    r"\lceil": "⌈",
}
_CLOSING = {
    ")": ")",
    "]": "]",
    r"\}": "}",
    r"\rangle": "⟩",
    r"\rvert": "|",
    r"\rVert": "‖",
    r"\rfloor": "⌋",
    r"\rceil": "⌉",
}
_SIZES = {r"\big": "1.2em", r"\Big": "1.8em", r"\bigg": "2.4em", r"\Bigg": "3em"}
_RELATIONS = {"=": "=", "<": "<", ">": ">", r"\neq": "≠", r"\leq": "≤", r"\geq": "≥", r"\sim": "∼", r"\to": "→"}
_RELATIONS |= {r"\Rightarrow": "⇒", r"\Leftrightarrow": "⇔", r"\in": "∈", r"\approx": "≈", r"\rightarrow": "→"}
_BINARY = {"+": "+", "-": "−", r"\cdot": "⋅", r"\times": "×", r"\pm": "±", r"\wedge": "∧", r"\vee": "∨"}
_BIG = {r"\sum": "∑", r"\prod": "∏", r"\int": "∫", r"\iint": "∬"}
_SPACES = {r"\,": 0.1667, r"\:": 0.2222, r"\;": 0.2778, r"\ ": 0.25, r"\!": -0.1667, r"\quad": 1.0, r"\qquad": 2.0}
_NAMED = {r"\partial": "∂", r"\infty": "∞", r"\ell": "ℓ", r"\varphi": "φ", r"\phi": "ϕ", r"\epsilon": "ϵ", r"\Im": "ℑ"}
_NAMED |= {r"\varepsilon": "ε", r"\vartheta": "ϑ", r"\varrho": "ϱ", r"\varsigma": "ς", r"\hbar": "ℏ", r"\Re": "ℜ"}
_ALPHABETS = {
    r"\mathbb": ("MATHEMATICAL DOUBLE-STRUCK", "DOUBLE-STRUCK"),
    r"\mathcal": ("MATHEMATICAL SCRIPT", "SCRIPT"),
}
_ACCENTS = {r"\overline": "‾", r"\bar": "‾", r"\tilde": "~", r"\hat": "^", r"\dot": "˙"}
_TABLES = {
    "pmatrix": ("(", ")"),
    "bmatrix": ("[", "]"),
    "cases": ("{", ""),
    "matrix": ("", ""),
    "smallmatrix": ("", ""),
}
_COMMAND = re.compile(r"\\[A-Za-z]+\*?")
_NUMBER = re.compile(r"[\d.]")


@dataclass
class _Node:
    """One piece of a row: its kind tells what spaces and brackets make of it, ``inner`` what is between two marks."""

    xml: str
    kind: str = "ordinary"
    size: str = ""


def mathml(latex: str, *, display: bool = False) -> str:
    """Return LaTeX as one ``<math>`` element.

    >>> mathml("a^{2}")
    '<math display="inline"><mrow><msup><mi>a</mi><mrow><mn>2</mn></mrow></msup></mrow></math>'
    """
    return f'<math display="{"block" if display else "inline"}">{_row(latex, display=display)}</math>'


def _row(latex: str, *, display: bool = False) -> str:
    """Return LaTeX as one ``<mrow>``: brackets that belong together round a row of their own, scripts at the whole."""
    open_rows: list[list[_Node]] = [[]]
    size = ""
    for base, scripts in clusters(latex):
        if base.rstrip("lr") in _SIZES:
            size = _SIZES[base.rstrip("lr")]
            continue
        row = open_rows[-1]
        if base in _OPENING:
            open_rows.append([_Node(_OPENING[base], "open", size)])
        elif base in _CLOSING:
            close = _Node(_CLOSING[base], "close", size)
            node = _Node(_bracketed(open_rows.pop(), close)) if len(open_rows) > 1 else _Node(_fence(close))
            open_rows[-1].append(_Node(_scripted(node.xml, scripts, over=False)))
        elif base == "'":
            before = row.pop().xml if row else "<mrow/>"
            row.append(
                _Node(_scripted(f'<mrow>{before}<mo lspace="0em" rspace="0em">′</mo></mrow>', scripts, over=False))
            )
        elif _NUMBER.fullmatch(base) and row and row[-1].kind == "number":
            row[-1] = _Node(row[-1].xml[:-5] + base + "</mn>", "number")
            if scripts:
                row[-1] = _Node(_scripted(row[-1].xml, scripts, over=False))
        else:
            node = _piece(base, display=display)
            if scripts:
                kind = "ordinary" if node.kind == "number" else node.kind
                node = _Node(_scripted(node.xml, scripts, over=display and base in _BIG), kind)
            row += [node] if node.xml else []
        size = ""
    return _wrap([n for row in open_rows for n in row])


def _wrap(nodes: list[_Node]) -> str:
    """Return a row of nodes; signs and names get the space that their neighbours ask for."""
    out: list[str] = []
    before = "start"
    for n, node in enumerate(nodes):
        shown = _fence(node) if node.kind == "open" else node.xml
        after = nodes[n + 1].kind if n + 1 < len(nodes) else "end"
        if node.kind == "sign":
            unary = before in ("start", "open", "sign", "relation", "comma")
            shown = f'<mo form="{"prefix" if unary else "infix"}">{node.xml}</mo>'
        elif node.kind == "name":
            shown = _space(0.1667) * (before in ("ordinary", "number", "name")) + shown
            shown += _space(0.1667) * (after in ("number", "letter"))
        out.append(shown)
        before = "ordinary" if node.kind == "letter" else node.kind
    return f"<mrow>{''.join(out)}</mrow>"


def _bracketed(row: list[_Node], close: _Node) -> str:
    """Return a row between its brackets, which stretch with it unless they are of the plain size."""
    first, *inside = row
    stretch = "true" if first.size or close.size else "false"
    left, right = (
        f'<mo stretchy="{stretch}" form="{form}" lspace="0em" rspace="0em">{c}</mo>'
        for c, form in ((first.xml, "prefix"), (close.xml, "postfix"))
    )
    return f"<mrow>{left}{_wrap(inside)}{right}</mrow>"


def _fence(node: _Node) -> str:
    """Return a bracket whose partner stands on another line, in its fixed size."""
    size = f' minsize="{node.size}" maxsize="{node.size}"' if node.size else ""
    form = "prefix" if node.kind == "open" else "postfix"
    return f'<mo stretchy="{"true" if size else "false"}" form="{form}"{size}>{node.xml}</mo>'


def _scripted(base: str, scripts: str, *, over: bool) -> str:
    """Return a base with its sub- and superscript, or with its limits below and above."""
    if not scripts:
        return base
    found = {mark: _row(bare(script)) for mark, script in _pairs(scripts)}
    below, above = found.get("_"), found.get("^")
    if below and above:
        tag = "munderover" if over else "msubsup"
        return f"<{tag}>{base}{below}{above}</{tag}>"
    tag = ("munder" if over else "msub") if below else ("mover" if over else "msup")
    return f"<{tag}>{base}{below or above}</{tag}>"


def _pairs(scripts: str) -> list[tuple[str, str]]:
    """Return the marks ``_`` and ``^`` with their arguments."""
    found, at = [], 0
    while at < len(scripts):
        end = argument(scripts, at + 1)
        found.append((scripts[at], scripts[at + 1 : end]))
        at = end
    return found


def _piece(token: str, *, display: bool) -> _Node:
    """Return what one token is, brackets and primes apart."""
    if token.isspace() or token in (TIMES, r"\limits", r"\allowbreak", r"\displaystyle"):
        return _Node("")
    if token in _SPACES:
        return _Node(_space(_SPACES[token]), "space")
    if token in _RELATIONS:
        return _Node(f'<mo form="infix">{escape(_RELATIONS[token])}</mo>', "relation")
    if token in _BINARY:
        return _Node(_BINARY[token], "sign")
    if token in _BIG:
        return _Node(f"<mo>{_BIG[token]}</mo>")
    if token == ",":
        return _Node("<mo>,</mo>", "comma")
    if token == "/":
        return _Node('<mo lspace="0em" rspace="0em">/</mo>', "open")
    if _NUMBER.fullmatch(token):
        return _Node(f"<mn>{token}</mn>", "number")
    if len(token) == 1:
        return _Node(f"<mi>{escape(token)}</mi>" if token.isalnum() else f"<mo>{escape(token)}</mo>", "letter")
    if token[0] == "{":
        return _Node(_row(bare(token), display=display))
    return _command(token, display=display)


def _command(token: str, *, display: bool) -> _Node:
    found = _COMMAND.match(token)
    name = found.group() if found else token
    rest = token[len(name) :]
    if name == r"\left":
        return _Node(_stretching(token, display=display))
    if name == r"\begin":
        return _Node(_environment(token))
    if name == r"\frac":
        middle = argument(rest, 0)
        return _Node(f"<mfrac>{_row(bare(rest[:middle]))}{_row(bare(rest[middle:]))}</mfrac>")
    if name == r"\sqrt":
        inside = _row(bare(rest[rest.index("{") :]))
        index = rest[1 : rest.index("]")] if rest[0] == "[" else ""
        return _Node(f"<mroot>{inside}{_row(index)}</mroot>" if index else f"<msqrt>{inside}</msqrt>")
    if name in _ACCENTS:
        return _Node(f"<mover>{_row(bare(rest))}<mo>{_ACCENTS[name]}</mo></mover>")
    if name in _ALPHABETS:
        return _Node(f"<mi>{''.join(_letter(c, *_ALPHABETS[name]) for c in bare(rest))}</mi>")
    if name == r"\substack":
        rows = "".join(f"<mtr><mtd>{_row(r)}</mtd></mtr>" for r in bare(rest).split(r"\\"))
        return _Node(f"<mtable>{rows}</mtable>")
    if name == r"\text":
        return _Node(f"<mtext>{escape(bare(rest)).replace(' ', chr(160))}</mtext>")
    if name in (r"\mathrm", r"\mathit", r"\operatorname", r"\operatorname*"):
        word = escape(bare(rest))
        look = ' mathvariant="normal"' if len(word) == 1 and name != r"\mathit" else ""
        return _Node(f"<mi{look}>{word}</mi>", "name" if name.startswith(r"\operatorname") else "ordinary")
    return _symbol(name)


def _symbol(name: str) -> _Node:
    if name in _NAMED:
        return _Node(f"<mi>{_NAMED[name]}</mi>", "letter")
    kind = "CAPITAL" if name[1].isupper() else "SMALL"
    try:
        letter = unicodedata.lookup(f"GREEK {kind} LETTER {name[1:].upper().replace('LAMBDA', 'LAMDA')}")
    except KeyError:
        return _Node(f"<mi>{escape(name.lstrip(chr(92)))}</mi>", "name")
    return _Node(f'<mi mathvariant="normal">{letter}</mi>' if kind == "CAPITAL" else f"<mi>{letter}</mi>", "letter")


def _letter(character: str, *alphabets: str) -> str:
    """Return a letter of an alphabet; some have their place among the older signs."""
    kind = "CAPITAL" if character.isupper() else "SMALL"
    for alphabet in alphabets:
        try:
            return unicodedata.lookup(f"{alphabet} {kind} {character.upper()}")
        except KeyError:
            continue
    return character


def _space(width: float) -> str:
    return f'<mspace width="{width}em"/>'


_LEFT = re.compile(r"\\left\s*(\\[A-Za-z]+|\\.|.)(.*)\\right\s*(\\[A-Za-z]+|\\.|.)$", re.DOTALL)


def _stretching(token: str, *, display: bool) -> str:
    found = _LEFT.match(token)
    assert found is not None
    left, inside, right = found.groups()
    signs = {**_OPENING, **_CLOSING, ".": "", "|": "|"}
    return _between(signs.get(left, left), _row(inside, display=display), signs.get(right, right))


def _between(left: str, inside: str, right: str) -> str:
    opening, closing = (
        f'<mo stretchy="true" form="{form}" lspace="0em" rspace="0em">{c}</mo>' if c else ""
        for c, form in ((left, "prefix"), (right, "postfix"))
    )
    return f"<mrow>{opening}{inside}{closing}</mrow>"


def _environment(token: str) -> str:
    name = token[len(r"\begin{") : token.index("}")]
    aligned, small = name == "aligned", name == "smallmatrix"
    align = ' columnalign="left"' if aligned or name == "cases" else ""
    cells = [[_row(cell, display=aligned) for cell in row] for row in table(token)]
    if aligned:
        cells = [["".join(row)] for row in cells]
    rows = "".join(f"<mtr>{''.join(f'<mtd{align}>{cell}</mtd>' for cell in row)}</mtr>" for row in cells)
    style = ' displaystyle="true"' if aligned else ' class="small"' if small else ""
    return _between(_TABLES.get(name, ("", ""))[0], f"<mtable{style}>{rows}</mtable>", _TABLES.get(name, ("", ""))[1])
