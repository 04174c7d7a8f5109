"""Single errors to plant in numerical code: those of `single_errors` that make sense there, and 5 % in a number.

A number's error is at an operation (a product, a quotient, a power, a root) or at a decimal constant. What is only a
choice has no right value, and is left out: sizes and places in figures, messages, tolerances, limits on work, and how
many units of rounding (EPS) a bound allows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from single_errors import CONSTANT, GUARD, INDEX, OBLIGATION, POWER, SIGN, TERM, Change
from single_errors import _is_types as is_types
from single_errors import _is_words as is_words
from single_errors import _of_guard as of_guard
from single_errors import _of_operation as of_operation
from single_errors import _own_name as own_name
from single_errors import _short as short

RELATION, BRANCH, OTHER_END, FACTOR = "comparison", "branch", "min or max", "5 % in a number"
KINDS = (INDEX, SIGN, POWER, CONSTANT, TERM, RELATION, GUARD, BRANCH, OTHER_END, FACTOR)

_RENAMED = {OBLIGATION: GUARD}
"""One of two conditions that are joined by ``|`` is dropped."""
_ENDS = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "floor": "ceil", "ceil": "floor"}
_ROOTS = {"sqrt", "exp", "log", "log1p", "expm1"}
_OPPOSITES = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
_BOUNDARIES = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_MESSAGES = re.compile("InputError|echo|secho|warn|getLogger|TypeVar|ParamSpec|lru_cache|option|argument")
_CHOICES = re.compile(
    "fontsize|linewidth|alpha|pad|labelpad|columnspacing|handlelength|dpi|figsize|zorder|markersize|size|maxsize|indent|"
    "width_ratios|height_ratios|hspace|wspace|linestyle|dash|rtol|atol|tolerance|timeout|nbins|ncols|xytext|rotation|s|"
    "lw|ms|rect|margins"
)
"""Arguments that have no right value: how a figure looks, how exact something has to be, how long it may take."""


def changes(tree: ast.Module) -> Iterator[Change]:
    """Yield place, node, kind and what comes in its stead, for the whole module."""
    for node in tree.body:
        left_out = isinstance(node, ast.Import | ast.ImportFrom | ast.AugAssign) or is_words(node) or _is_choice(node)
        if not left_out:
            yield from _within(node, own_name(node))


def _is_choice(node: ast.AST) -> bool:
    """Return whether a statement of a module only sets a constant in capitals: limits, tolerances, colours, layouts."""
    if isinstance(node, ast.Assign):
        return short(node.targets[0]).isupper() or isinstance(node.value, ast.BinOp)  # A union of types.
    return False


def _within(node: ast.AST, place: str) -> Iterator[Change]:
    """Yield the changes of a node and of all inside it: annotations, decorators, messages and choices stay."""
    if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr) or is_types(node):
        return
    if isinstance(node, ast.keyword) and node.arg and _CHOICES.fullmatch(node.arg):
        return
    if isinstance(node, ast.Call) and _MESSAGES.fullmatch(short(node.func).rsplit(".", 1)[-1]):
        return
    for kind, new in _of(node):
        yield place, node, kind, new
    for name, value in ast.iter_fields(node):
        arguments = name == "args" and isinstance(node, ast.FunctionDef)
        if arguments or name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not is_words(child) and not _changed_already(node, child):
                inner = f"{place}.{child.name}" if isinstance(child, ast.FunctionDef | ast.ClassDef) else place
                yield from _within(child, inner)


def _changed_already(node: ast.AST, child: ast.AST) -> bool:
    """Return whether a constant is changed with the operation or the index that it is in."""
    return isinstance(node, ast.BinOp | ast.Subscript | ast.UnaryOp) and isinstance(child, ast.Constant)


def _of(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.BinOp):
        if not _joins(node):
            rounding = "EPS" in short(node)
            for kind, new in of_operation(node):
                if not rounding or kind in (SIGN, TERM):
                    yield _RENAMED.get(kind, kind), new
            if isinstance(node.op, ast.Mult | ast.Div | ast.Pow) and not rounding:
                yield FACTOR, _times(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield SIGN, node.operand
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node)
    elif isinstance(node, ast.Subscript):
        yield from _of_index(node)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from _of_comparison(node)
    elif isinstance(node, ast.IfExp):
        yield BRANCH, ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.If | ast.BoolOp):
        yield from of_guard(node)


def _joins(node: ast.BinOp) -> bool:
    """Return whether an operation is of words, lists or paths, and not of numbers."""
    words = ast.JoinedStr | ast.List | ast.ListComp | ast.Tuple | ast.Dict | ast.Set
    parts = list(ast.walk(node))
    return any(isinstance(p, words) or isinstance(getattr(p, "value", None), str) for p in parts)


def _times(node: ast.expr) -> ast.expr:
    return ast.BinOp(node, ast.Mult(), ast.Constant(1.05))


def _of_constant(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    if type(node.value) is int:
        yield CONSTANT, ast.Constant(node.value + 1)
    elif type(node.value) is float and node.value and 1e-3 < abs(node.value) < 1e3:
        yield FACTOR, ast.Constant(node.value * 1.05)


def _of_index(node: ast.Subscript) -> Iterator[tuple[str, ast.AST]]:
    def at(part: ast.expr) -> ast.Subscript:
        return ast.Subscript(node.value, part, node.ctx)

    place = node.slice
    if isinstance(place, ast.Constant) and type(place.value) is int:
        yield INDEX, at(ast.Constant(place.value + 1 if place.value == 0 else place.value - 1))
    elif isinstance(place, ast.UnaryOp) and isinstance(place.operand, ast.Constant):
        yield INDEX, at(ast.Constant(0))
    elif isinstance(place, ast.Slice) and place.step is None:
        for end in ("lower", "upper"):
            if getattr(place, end) is not None:
                rest = {e: getattr(place, e) for e in ("lower", "upper") if e != end}
                yield INDEX, at(ast.Slice(**rest))


def _of_comparison(node: ast.Compare) -> Iterator[tuple[str, ast.AST]]:
    op, right = type(node.ops[0]), node.comparators[0]
    if op in _OPPOSITES:
        yield RELATION, ast.Compare(node.left, [_OPPOSITES[op]()], node.comparators)
    if op in _BOUNDARIES and isinstance(right, ast.Constant) and type(right.value) is int:
        yield RELATION, ast.Compare(node.left, [_BOUNDARIES[op]()], node.comparators)


def _of_call(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    name = short(node.func).rsplit(".", 1)[-1]
    if name in _ROOTS:
        if name == "sqrt" and len(node.args) == 1:
            yield POWER, node.args[0]
        yield FACTOR, _times(node)
    elif name in _ENDS:
        other: ast.expr = ast.Name(_ENDS[name], ast.Load())
        if isinstance(node.func, ast.Attribute):
            other = ast.Attribute(node.func.value, _ENDS[name], ast.Load())
        yield OTHER_END, ast.Call(other, node.args, node.keywords)
    elif name == "range" and len(node.args) == 2:
        yield INDEX, ast.Call(node.func, [node.args[0], ast.BinOp(node.args[1], ast.Sub(), ast.Constant(1))], [])
