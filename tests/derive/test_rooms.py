"""Rooms import downwards only, wherever in a file the import stands; what is above provides methods by name."""

import ast
import inspect
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import derive
from derive.errors import InputError
from derive.methods import METHODS
from derive.provided import provided, provider

HOME = Path(derive.__file__).parent
ROOMS = ("proof", "rules", "blocks", "maps", "theorems", "claims", "lookup", "render", "equations")
"""From below to above; below them all is the language, and the top package knows them all."""
ENGINES = ("gaussian", "quadrature", "activations", "expressions")
"""Rooms whose files lie at several heights: their files import no circle, that is all."""
TOP = ("derive", "derive.methods")


@cache
def imports():
    """The files that each file imports at run time, in its functions too."""
    paths = {_name(path): path for path in HOME.rglob("*.py")}
    return {name: frozenset(_imported(path, paths)) - {name} for name, path in paths.items()}


def _name(path):
    return ".".join(("derive", *path.relative_to(HOME).with_suffix("").parts)).removesuffix(".__init__")


def _imported(path, names):
    waiting = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.ImportFrom):
            whole = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in names else node.module for name in whole if node.module in names)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)


def room(name):
    inside = name.split(".")[1]
    return inside if inside in (*ROOMS, *ENGINES) else "language"


def above(one):
    """All files that a file rests on."""
    found, waiting = set(), [one]
    while waiting:
        new = imports()[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_no_file_imports_itself_through_others():
    TopologicalSorter(imports()).prepare()
    with pytest.raises(CycleError):
        TopologicalSorter({**imports(), "derive.words": {"derive.render.text"}}).prepare()


def test_no_two_files_have_one_name():
    names = [path.name for path in HOME.rglob("*.py") if path.name != "__init__.py"]
    assert len({*names}) == len(names)


def test_a_room_imports_only_rooms_below():
    order = ["language", *ROOMS]
    wrong = {
        (name, other)
        for name, others in imports().items()
        if name not in TOP and room(name) in order
        for other in others
        if other in TOP or (room(other) in order and order.index(room(other)) > order.index(room(name)))
    }
    assert not wrong
    assert {room(name) for name in imports() if name not in TOP} == {*order, *ENGINES}


def _class_of(method):
    owner = method.partition(".")[0]
    (found,) = {
        value
        for name in imports()
        for value in vars(import_module(name)).values()
        if inspect.isclass(value) and value.__name__ == owner and value.__module__.startswith("derive.")
    }
    return found


@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_provided_by_a_file_that_knows_its_class(method):
    """It takes what the method takes, and lies above the class."""
    kind, function = _class_of(method), provider(method)
    declared = inspect.getattr_static(kind, method.partition(".")[2])
    declared = declared.fget if isinstance(declared, property) else declared
    taken, given = (list(inspect.signature(f).parameters.values()) for f in (declared, function))
    assert [(p.name, p.kind, p.default) for p in given[1:] if p.default is p.empty] == [
        (p.name, p.kind, p.default) for p in taken[1:] if p.default is p.empty
    ]
    assert {p.name for p in taken[1:]} <= {p.name for p in given[1:]}
    assert kind.__module__ in above(function.__module__)


def test_every_method_that_is_to_be_provided_is():
    files = (ast.parse(path.read_text(encoding="utf-8")) for path in HOME.rglob("*.py"))
    kinds = [node for file in files for node in ast.walk(file) if isinstance(node, ast.ClassDef)]
    declared = {
        f"{kind.name}.{f.name}"
        for kind in kinds
        for f in kind.body
        if isinstance(f, ast.FunctionDef) and any(getattr(d, "id", "") == "provided" for d in f.decorator_list)
    }
    assert declared == {*METHODS}


def test_what_no_room_provides_says_so():
    class Alone:
        @provided
        def method(self):
            raise NotImplementedError

    with pytest.raises(InputError, match=r"no room provides .*Alone\.method"):
        Alone().method()
