"""LaTeX cut into tokens: commands with their arguments, scripts, pairs of brackets that stretch, environments."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[^\\]", re.DOTALL)
_COMMANDS = {r"\frac": 2} | dict.fromkeys(
    (r"\sqrt", r"\operatorname", r"\mathbb", r"\mathcal", r"\mathrm", r"\mathit", r"\text", r"\substack", r"\overline"),
    1,
)
"""How many arguments a command takes."""


def tokens(formula: str) -> Iterator[str]:
    """Yield commands with their braced arguments and scripts, single characters and separators."""
    position = 0
    while position < len(formula):
        found = _TOKEN.match(formula, position)
        assert found is not None
        token, position = found.group(), found.end()
        if token == r"\left":
            position = _matching(formula, position, _BRACKETS)
        elif token == r"\begin":
            position = _matching(formula, position, ENVIRONMENTS)
        elif token == "{":
            position = _closing(formula, found.start())
        elif token in "^_":
            position = argument(formula, position)
        else:
            for _ in range(_COMMANDS.get(token, 0)):
                position = argument(formula, position)
        yield formula[found.start() : position]


def clusters(formula: str) -> Iterator[tuple[str, str]]:
    """Yield every token with the sub- and superscripts that stand at it."""
    base, scripts = "", ""
    for token in tokens(formula):
        if base and token[0] in "^_":
            scripts += token
            continue
        if base:
            yield base, scripts
        base, scripts = token, ""
    if base:
        yield base, scripts


def argument(formula: str, position: int) -> int:
    """Return where the argument that begins at a position ends, an optional one before it included."""
    if formula[position : position + 1] == "[":
        position = formula.index("]", position) + 1
    if formula[position : position + 1] == "{":
        return _closing(formula, position)
    found = _TOKEN.match(formula, position)
    return found.end() if found else position


def _closing(formula: str, position: int) -> int:
    depth = 0
    for n in range(position, len(formula)):
        depth += {"{": 1, "}": -1}.get(formula[n], 0)
        if depth == 0:
            return n + 1
    return len(formula)


_BRACKETS = re.compile(r"\\(?:(left)|right)(?![A-Za-z])(?:\\[A-Za-z]+|\\.|.)")
ENVIRONMENTS = re.compile(r"\\(?:(begin)|end)\{\w+\*?\}")


def _matching(formula: str, position: int, pair: re.Pattern[str]) -> int:
    depth = 1
    for found in pair.finditer(formula, position):
        depth += 1 if found.group(1) else -1
        if depth == 0:
            return found.end()
    return len(formula)


def bare(argument: str) -> str:
    """Return an argument without its braces."""
    return argument[1:-1] if argument[:1] in "{[" else argument


def table(environment: str) -> list[list[str]]:
    """Return the cells of an environment, row by row; tables inside a cell stay whole."""
    head = ENVIRONMENTS.match(environment)
    assert head is not None
    rows: list[list[str]] = [[""]]
    for token in tokens(environment[head.end() : environment.rindex(r"\end{")]):
        if token == r"\\":
            rows.append([""])
        elif token == "&":
            rows[-1].append("")
        else:
            rows[-1][-1] += token
    return rows
