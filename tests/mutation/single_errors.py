"""Single errors to plant in a module, by its syntax tree: which there are, and the tree with one of them in it.

A mutant is named by what it changes, so that a list of equivalent ones stays valid when lines move.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

INDEX, SIGN, POWER, CONSTANT, TERM = "index", "sign", "power", "constant", "dropped term"
OBLIGATION, RELATION, LEMMA, FAMILY, GUARD = "obligation", "relation", "lemma", "family", "guard"
PREMISE = "premise"
KINDS = (INDEX, SIGN, POWER, CONSTANT, TERM, OBLIGATION, RELATION, LEMMA, FAMILY, GUARD, PREMISE)

_FAMILIES = {"W": "b", "b": "W", "x": "g", "g": "x", "s": "z", "z": "s"}
_OBLIGING = {"require", "independent", "families_independent", "all_independent", "apart", "stays", "of_one_law"}
_OBLIGING |= {"centred_factor", "positive", "_obligations"}
_BY_LEMMA = {"ByLemma", "ByDifference", "ByProductVariance", "ByHalfVariance", "SameByLemma", "ByComplement", "Solve"}
_RELATIONS = {"<=": "=", "=>": "<=>", "~": "=", "->": "="}
"""Each becomes one that says more: an error. With => for <=> what is said would be less, and true."""
_KINDS = ("ENTRIES_INDEPENDENT", "IDENTICAL", "SHARED_VARIANCE", "ZERO_MEAN", "SYMMETRIC", "GAUSSIAN", "NONDEGENERATE")
_LAYERS = {"i", "d", "layer"}
_WORDING = {"remarks", "intro", "symbols", "source", "meaning", "title", "words"}
"""Arguments that are prose: an error in it changes nothing that is derived."""
_COMPARISONS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}


Change = tuple[str, ast.AST, str, ast.AST]
"""Place, node, kind of the error, and what comes in the node's stead."""
Changes = Callable[[ast.Module], Iterable[Change]]


@dataclass(frozen=True)
class Mutant:
    """One error: the ``number``-th of a module. ``place`` is the function, class or name that it is in."""

    module: str
    number: int
    place: str
    kind: str
    was: str
    now: str
    line: int
    repeated: int = 0

    @property
    def name(self) -> str:
        """What is changed, and where; stays when lines move."""
        again = f" #{self.repeated + 1}" if self.repeated else ""
        return f"{self.module}:{self.place}: {self.kind}: {self.was} -> {self.now}{again}"


def mutants(module: str, source: str, changes: Changes | None = None) -> list[Mutant]:
    """Return every error that can be planted in a module; ``changes`` yields them, by default those of derivations."""
    made: list[Mutant] = []
    seen: Counter[tuple[str, ...]] = Counter()
    for number, (place, node, kind, new) in enumerate((changes or _changes)(ast.parse(source))):
        was, now = _short(node), _short(new)
        key = (place, kind, was, now)
        made.append(Mutant(module, number, place, kind, was, now, node.lineno, seen[key]))  # type: ignore[attr-defined]
        seen[key] += 1
    return made


def planted(source: str, number: int, changes: Changes | None = None) -> ast.Module:
    """Return the tree of a module with one error in it."""
    tree = ast.parse(source)
    _, node, _, new = list((changes or _changes)(tree))[number]
    changed = _Swap(node, new).visit(tree)
    return ast.fix_missing_locations(changed)  # type: ignore[no-any-return]


class _Swap(ast.NodeTransformer):
    def __init__(self, node: ast.AST, new: ast.AST) -> None:
        self.node, self.new = node, new

    def visit(self, node: ast.AST) -> ast.AST:
        return ast.copy_location(self.new, node) if node is self.node else self.generic_visit(node)


def _short(node: ast.AST) -> str:
    return " ".join(ast.unparse(ast.fix_missing_locations(node)).split())[:100]


def _changes(tree: ast.Module) -> Iterator[Change]:
    """Yield place, node, kind and what comes in its stead, for the whole module."""
    builders = {
        f.name: range(len(f.args.args) - len(f.args.defaults), len(f.args.args) + 1)
        for f in tree.body
        if isinstance(f, ast.FunctionDef) and _short(f.returns or f) == "Derivation"
    }
    network = _imported(tree, "derive.network")
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom) and not _is_words(node):
            yield from _within(node, _own_name(node), builders, network)


def _imported(tree: ast.Module, module: str) -> set[str]:
    if any(isinstance(n, ast.Assign) and _short(n.targets[0]) == "Cost" for n in tree.body):
        return set(_FAMILIES)
    found = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == module]
    return {a.name for n in found for a in n.names if a.asname is None}


def _own_name(node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return _short(target) if target is not None else "module"


def _is_words(node: ast.AST) -> bool:
    """Return whether something is prose, a message, or a list of names."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.keyword):
        return node.arg in _WORDING
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Assign) and _short(node.targets[0]) in ("__all__", "CATALOGUE")
    )


def _is_types(node: ast.AST) -> bool:
    """Return whether an expression is a union of types."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _is_types(node.left) and _is_types(node.right)
    return isinstance(node, ast.Name) and node.id[0].isupper()


def _within(node: ast.AST, place: str, builders: dict[str, range], network: set[str]) -> Iterator[Change]:
    """Yield the changes of a node and of all inside it: annotations, decorators and words stay."""
    if isinstance(node, ast.Raise) or _is_types(node):
        return
    if isinstance(node, ast.Call) and _short(node.func) == "Words":
        for equation in (a for a in node.args if isinstance(a, ast.Call) and _short(a.func) == "Eq"):
            yield from _within(equation, place, builders, network)
        return
    for kind, new in _of(node, builders, network):
        yield place, node, kind, new
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args") and not isinstance(node, ast.Call):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_words(child):
                inner = f"{place}.{child.name}" if isinstance(child, ast.FunctionDef | ast.ClassDef) else place
                if isinstance(node, ast.BinOp) and isinstance(child, ast.Constant):
                    continue  # Changed with the operation.
                yield from _within(child, inner, builders, network)


def _of(node: ast.AST, builders: dict[str, range], network: set[str]) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield SIGN, node.operand
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield CONSTANT, ast.Constant(node.value + 1)
    elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.BitOr):
        yield OBLIGATION, ast.Pass()
    elif isinstance(node, ast.Assign):
        yield from _of_assignment(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node, builders)
    elif isinstance(node, ast.Name) and node.id in network and node.id in _FAMILIES and isinstance(node.ctx, ast.Load):
        yield FAMILY, _elsewhere("derive.network", _FAMILIES[node.id])
    elif isinstance(node, ast.Tuple):
        yield from _of_tuple(node)
    else:
        yield from _of_guard(node)


def _of_operation(node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    number = node.right.value if isinstance(node.right, ast.Constant) and type(node.right.value) is int else None
    if isinstance(node.op, ast.Add | ast.Sub):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield SIGN, ast.BinOp(node.left, other, node.right)
        yield TERM, node.left
        if isinstance(node.op, ast.Add):
            yield TERM, node.right
        if number is not None:
            yield INDEX, ast.BinOp(node.left, node.op, ast.Constant(number + 1))
        if isinstance(node.left, ast.Constant) and type(node.left.value) is int:
            yield CONSTANT, ast.BinOp(ast.Constant(node.left.value + 1), node.op, node.right)
    elif isinstance(node.op, ast.Mult | ast.Div):
        yield TERM, node.left
        if isinstance(node.op, ast.Mult):
            yield TERM, node.right
        for left, right in ((1, 0), (0, 1)):
            part = node.left if left else node.right
            if isinstance(part, ast.Constant) and type(part.value) is int:
                more = ast.Constant(part.value + 1)
                yield CONSTANT, ast.BinOp(more if left else node.left, node.op, more if right else node.right)
    elif isinstance(node.op, ast.Pow):
        if number is not None:
            yield POWER, ast.BinOp(node.left, node.op, ast.Constant(number + 1))
        yield POWER, node.left
    elif isinstance(node.op, ast.BitOr):
        yield OBLIGATION, node.left
        yield OBLIGATION, node.right


def _of_assignment(node: ast.Assign) -> Iterator[tuple[str, ast.AST]]:
    target = _short(node.targets[0])
    if target == "relation" and isinstance(node.value, ast.Constant) and node.value.value in _RELATIONS:
        yield RELATION, ast.Assign(node.targets, ast.Constant(_RELATIONS[node.value.value]))


def _of_call(node: ast.Call, builders: dict[str, range]) -> Iterator[tuple[str, ast.AST]]:
    called = _short(node.func).rsplit(".", 1)[-1]
    if called in _OBLIGING:
        yield OBLIGATION, ast.Call(ast.Name("frozenset", ast.Load()), [], [])
    if called in ("n", "W", "b", "s", "z", "SharedVariance", "chain"):
        for place, arg in enumerate(node.args):
            if (isinstance(arg, ast.Name) and arg.id in _LAYERS) or getattr(arg, "attr", "") == "layer":
                more = ast.BinOp(arg, ast.Add(), ast.Constant(1))
                yield INDEX, ast.Call(node.func, [*node.args[:place], more, *node.args[place + 1 :]], node.keywords)
                break
    if called in _BY_LEMMA:
        yield from _other_lemmas(node, builders)
    if called in ("Property", "require", "citing") and node.args and _short(node.args[0]).startswith("Kind."):
        kind = _short(node.args[0]).removeprefix("Kind.")
        if kind in _KINDS:
            other = _KINDS[(_KINDS.index(kind) + 1) % len(_KINDS)]
            new = ast.Attribute(ast.Name("Kind", ast.Load()), other, ast.Load())
            yield (
                PREMISE if called == "Property" else OBLIGATION,
                ast.Call(node.func, [new, *node.args[1:]], node.keywords),
            )


def _other_lemmas(node: ast.Call, builders: dict[str, range]) -> Iterator[tuple[str, ast.AST]]:
    """Yield the call with another theorem of the module in the place of each lemma."""
    for place, arg in enumerate(node.args):
        if isinstance(arg, ast.Call) and isinstance(arg.func, ast.Name):
            others = [name for name in builders if name != arg.func.id and len(arg.args) in builders[name]]
            if others:
                other = ast.Call(ast.Name(others[0], ast.Load()), arg.args, arg.keywords)
                yield LEMMA, ast.Call(node.func, [*node.args[:place], other, *node.args[place + 1 :]], node.keywords)


def _of_tuple(node: ast.Tuple) -> Iterator[tuple[str, ast.AST]]:
    """Yield a tuple without one of its properties, and without one of its rules or hypotheses (names in capitals)."""
    if not isinstance(node.ctx, ast.Load) or any(isinstance(part, ast.Constant) for part in node.elts):
        return
    for place, part in enumerate(node.elts):
        rest = ast.Tuple([*node.elts[:place], *node.elts[place + 1 :]], node.ctx)
        is_property = isinstance(part, ast.Call) and _short(part.func) == "Property"
        is_hypothesis = isinstance(part, ast.Name) and len(part.id) > 2 and part.id.isupper()
        if is_property or is_hypothesis:
            yield PREMISE, rest


def _of_guard(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.If) and len(node.body) == 1 and _refuses(node.body[0]):
        yield GUARD, ast.If(ast.Constant(False), node.body, node.orelse)
    elif isinstance(node, ast.BoolOp):
        for part in node.values:
            rest = [v for v in node.values if v is not part]
            yield GUARD, rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        yield GUARD, ast.Compare(node.left, [_COMPARISONS[type(node.ops[0])](), *node.ops[1:]], node.comparators)


def _refuses(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Return):
        return statement.value is None or _short(statement.value) in ("None", "False")
    return isinstance(statement, ast.Raise | ast.Continue)


def _elsewhere(module: str, name: str) -> ast.expr:
    """Return the expression of a name of another module, whatever is imported here."""
    return ast.parse(f"__import__({module!r}, fromlist=['_']).{name}", mode="eval").body
