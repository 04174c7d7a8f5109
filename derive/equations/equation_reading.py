"""An equation, read: the statements that it makes, and what a reader should be told of how it was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sympy import Basic, Expr, Function, Symbol, Tuple, preorder_traversal

from derive.averages import Bracket, SharedVariance
from derive.equations import tree
from derive.equations.grammar import parse, parse_value
from derive.equations.lexer import located
from derive.equations.meaning import Meaning
from derive.equations.part_reader import PartReader
from derive.equations.vocabulary import Vocabulary, network_vocabulary, sign_of
from derive.errors import InputError
from derive.indices import bound_indices
from derive.layers import d, i
from derive.limits import within
from derive.network import Width
from derive.proof.derivation import Statement
from derive.randomness import EVERYTHING, Entry, Over

SECONDS = 2.0
"""How long a reading may take."""
READ_AS_EQUAL = "≈ is read as ="


@dataclass(frozen=True)
class Reading:
    """What an equation says: more than one statement where it is a chain, a = b = c.

    ``notes`` tell how it was read where the text leaves a doubt; `averages` what each bracket is over.
    """

    text: str
    statements: tuple[Statement, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " and ".join(map(str, self.statements))

    @property
    def averages(self) -> dict[str, Over]:
        """What each bracket is over, by its sign."""
        nodes = (n for s in self.statements for side in (s.lhs, s.rhs) for n in preorder_traversal(side))
        return {sign_of(n): n.over for n in nodes if isinstance(n, Bracket)}

    def explained(self) -> list[str]:
        """Return the notes, and a sentence on what each average is over."""
        shown = {"⟪": "⟪·⟫", "⟨": "⟨·⟩", "E": "E[·]", "Var": "Var[·]", "Cov": "Cov[·]"}
        return [*self.notes, *(f"{shown[sign]} is over {over.describe()}" for sign, over in self.averages.items())]


@dataclass(frozen=True)
class Rename:
    """What a name of the text stands for: ``y_l = s^l``, with its indices as parameters, or a plain ``y = s``.

    ``arguments`` are those in brackets, as in ``y(w, t)``.
    """

    word: str
    parameters: tuple[str, ...]
    meaning: tree.Node
    above: str | None = None
    plain: str | None = field(default=None)
    arguments: tuple[str, ...] = ()

    def __call__(self, meaning: PartReader, node: tree.Name, arguments: tuple[tree.Node, ...] = ()) -> Expr:
        """Return what the name means with its indices; further ones below are units, and what is above is a power."""
        if len(arguments) != len(self.arguments):
            meaning.fail(f"{self.word} takes {len(self.arguments)} arguments, as in its --let", node)
        below = node.below or ()
        if len(below) < len(self.parameters):
            meaning.fail(f"{self.word} takes the index {', '.join(self.parameters)} below, as in its --let", node)
        values: dict[str, tree.Node] = dict(zip(self.parameters, below, strict=False))
        values |= dict(zip(self.arguments, arguments, strict=True))
        more, above = below[len(self.parameters) :], node.above
        if self.above is not None:
            if above is None:
                meaning.fail(f"{self.word} takes the index {self.above} above, as in its --let", node)
            values[self.above], above = above, None
        found = _put(self.meaning, values)
        if more:
            if not isinstance(found, tree.Name):
                meaning.fail(f"{self.word} takes {len(self.parameters)} indices below, got {len(below)}", node)
            found = replace(found, below=(*(found.below or ()), *more))
        # The name may be its own new name: W_l = W^l.
        with meaning.without(self.word):
            value = meaning.value_at(found, node.at)
        return value if above is None else meaning.raised(value, above)


def read(
    text: str,
    *,
    over: Over = EVERYTHING,
    let: Sequence[str] = (),
    names: Vocabulary | None = None,
    what: str = "equation",
) -> Reading:
    r"""Return what an equation says, read with the names of the fully connected network or with others.

    Args:
        text: LaTeX or Unicode text, as papers and varprop print it.
        over: what E, Var and Cov are over, where they do not say so.
        let: what names of the text stand for: ``"y_l = s^l"``.
        names: other names than the network's.
        what: what the text is called in an error.

    Raises:
        InputError: with the column, the part and what was expected.

    >>> print(read(r"Var[z^i] = Var[x] \prod_{i'=0}^{i-1} n_{i'} Var[W^{i'}]"))
    Var[z^i_k] = Var[x] · ∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}]

    """
    known = names or network_vocabulary(over)
    with within(SECONDS, remedy="shorten the equation"):
        laws = dict(_law(one, known) for one in let if "~" in one)
        aliases = {}
        for one in let:
            if "~" not in one:
                made = _renamed(one, known)
                aliases[made.word] = made
        for alias in aliases.values():
            if not alias.arguments:
                known.symbols.setdefault((alias.word, 0), [])
        meaning = Meaning(text, known, what, aliases, laws)
        found = meaning.statements(parse(text, known, what))
    notes = list(meaning.notes)
    if any(s.relation == "≈" for s in found):
        notes.append(READ_AS_EQUAL)
        found = tuple(replace(s, relation="=" if s.relation == "≈" else s.relation) for s in found)
    found, renamed = _layer_called_i(found)
    return Reading(text, found, (*notes, *renamed))


def _law(text: str, names: Vocabulary) -> tuple[str, tree.Law]:
    """Return the variable of a ``--let`` that gives its law, ``ν ~ N(0, v^2)``, and the law."""
    what = f"--let {text!r}"
    found = parse_value(f"E[1; {text}]", names, what)
    if not isinstance(found, tree.Mean) or len(found.laws) != 1:
        raise InputError(f"{what} must be a name, ~ and its law: 'ν ~ N(0, v^2)'")
    (law,) = found.laws
    variable = law.variables[0]
    if not isinstance(variable, tree.Name) or len(law.variables) > 1:
        raise InputError(f"{what} must give the law of one name")
    return variable.word, law


def _renamed(text: str, names: Vocabulary) -> Rename:
    """Return what a ``--let`` says."""
    what = f"--let {text!r}"
    left, sign, right = text.partition("=")
    left, bracket, _ = left.partition("(")
    word = left.strip().split("_")[0].split("^")[0].strip("{} \\").removeprefix("mathbf{")
    if not sign or not word or not right.strip():
        raise InputError(f"{what} must be a name, = and what it stands for: 'y_l = s^l'")
    if bracket:
        names.functions.setdefault((word, 0), lambda *arguments: Tuple(*arguments))
    else:
        names.symbols.setdefault((word, 0), [])
    node = parse(text, names, what)
    name, meaning = node.sides if isinstance(node, tree.Relation) and len(node.sides) == 2 else (node, node)
    arguments: tuple[str, ...] = ()
    if isinstance(name, tree.Call):
        arguments = tuple(_letter(part, text, what) for part in name.arguments)
        name = name.name
    if not isinstance(name, tree.Name) or name is meaning:
        raise located(text, "a name with its indices expected before =", 0, what)
    below = tuple(_letter(part, text, what) for part in name.below or ())
    above = None if name.above is None else _letter(name.above, text, what)
    bare = isinstance(meaning, tree.Name) and not below and above is None and not arguments
    if isinstance(meaning, tree.Name) and bare and meaning.below is None and meaning.above is None:
        _same_as(name.word, meaning, names)
        return Rename(name.word, (), meaning, plain=meaning.word)
    return Rename(name.word, below, meaning, above, arguments=arguments)


def _same_as(word: str, meaning: tree.Name, names: Vocabulary) -> None:
    """Let a name mean all that another one does."""
    known = (meaning.word, meaning.primes)
    if known in names.families:
        names.families[word, 0] = names.families[known]
    if known in names.functions:
        names.functions[word, 0] = names.functions[known]
    if meaning.word in names.indexed:
        names.indexed[word] = names.indexed[meaning.word]


def _letter(node: tree.Node, text: str, what: str) -> str:
    if isinstance(node, tree.Name) and node.below is None and node.above is None:
        return node.word + "'" * node.primes
    if isinstance(node, tree.Number):
        return node.text
    raise located(text, "an index of a --let is a letter", node.at, what)


def _put(node: tree.Node, values: dict[str, tree.Node]) -> tree.Node:
    """Return a tree with other trees in place of names."""
    if isinstance(node, tree.Name) and node.below is None and node.above is None:
        return values.get(node.word + "'" * node.primes, node)
    changes: dict[str, object] = {}
    for key, value in vars(node).items():
        if isinstance(value, tree.Node):
            changes[key] = _put(value, values)
        elif isinstance(value, tuple) and value and isinstance(value[0], tree.Node):
            changes[key] = tuple(_put(v, values) for v in value)
        elif isinstance(value, tuple) and value and isinstance(value[0], tuple):
            changes[key] = tuple(
                tuple(_put(v, values) if isinstance(v, tree.Node) else v for v in row) for row in value
            )
    return replace(node, **changes)  # type: ignore[arg-type]


def layer_symbols(*expressions: Basic) -> set[Symbol]:
    """Return the free symbols that stand for a layer, the depth aside."""
    places: list[Basic] = []
    for e in expressions:
        inner = bound_indices(e)
        places += [n.layer for n in e.atoms(Entry) if n.layer is not None]
        places += [layer for n in e.atoms(SharedVariance) for layer in n.layer]
        places += [n.args[0] for n in e.atoms(Function) if isinstance(n, Width)]
        places = [p for p in places if not p.free_symbols & inner]
    return {s for p in places for s in p.free_symbols if isinstance(s, Symbol)} - {d}


def _layer_called_i(statements: tuple[Statement, ...]) -> tuple[tuple[Statement, ...], list[str]]:
    """Call the layer i, as the theorems do, where the text has one layer and calls it otherwise."""
    sides = [side for s in statements for side in (s.lhs, s.rhs)]
    layers = layer_symbols(*sides)
    used = set().union(*(side.free_symbols | bound_indices(side) for side in sides))
    if len(layers) != 1 or i in layers or i in used:
        return statements, []
    (layer,) = layers
    put: Callable[[Basic], Basic] = lambda e: e.xreplace({layer: i})  # noqa: E731
    made = tuple(Statement(put(s.lhs), s.relation, put(s.rhs)) for s in statements)
    return made, [f"the layer {layer} is called i"]
