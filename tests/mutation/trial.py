"""One process: derive and check subjects with an error planted, or with none and a record of what was executed.

Run as ``python trial.py`` with a request as JSON on standard input; each subject's outcome is a line of JSON. Nothing
is changed on disk: the module is compiled from a changed syntax tree, and no bytecode of it is written.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from time import process_time
from typing import Any

from single_errors import planted

HITS: set[str] = set()
_CODE: dict[str, Any] = {}
"""What modules that many processes record in are compiled to."""


class _Loader(SourceFileLoader):
    """Compiles a module from a changed tree; reads and writes no bytecode."""

    def __init__(self, name: str, path: str, change: Callable[[str, str], ast.Module]) -> None:
        super().__init__(name, path)
        self.change = change

    def get_code(self, fullname: str) -> Any:
        if fullname in _CODE:
            return _CODE[fullname]
        tree = self.change(fullname, Path(self.path).read_text(encoding="utf-8"))
        return compile(tree, self.path, "exec", dont_inherit=True)


class _Finder:
    """Finds the modules that are changed."""

    def __init__(self, modules: set[str], change: Callable[[str, str], ast.Module]) -> None:
        self.modules, self.change = modules, change

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in self.modules else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(name, spec.origin, self.change)
        return spec


def _recorded(module: str, source: str) -> ast.Module:
    """Return the tree of a module in which every function says that it was called."""
    tree = ast.parse(source)

    def mark(node: ast.AST, path: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{path}.{child.name}" if path else child.name
                mark(child, inner)
                if isinstance(child, ast.FunctionDef):
                    # Many calls a second: the name is looked up where a module's own are.
                    call = f"_varprop_hit({f'{module}:{inner}'!r})"
                    child.body[bool(ast.get_docstring(child)) :] = [
                        *ast.parse(call).body,
                        *child.body[bool(ast.get_docstring(child)) :],
                    ]

    mark(tree, "")
    start = ast.parse("_varprop_hit = __import__('sys').modules['__main__'].HITS.add")
    first = next((k for k, node in enumerate(tree.body) if not _is_head(node)), len(tree.body))
    tree.body[first:first] = start.body
    return ast.fix_missing_locations(tree)


def _is_head(node: ast.stmt) -> bool:
    """Return whether a statement must stay first in its module: the docstring, imports from the future."""
    return isinstance(node, ast.Expr) or (isinstance(node, ast.ImportFrom) and node.module == "__future__")


def _inside(derivation: Any) -> Iterator[Any]:
    """Yield a derivation with its lemmas and parts."""
    yield derivation
    for inner in (*derivation.lemmas, *derivation.parts):
        yield from _inside(inner)


def fingerprint(derivation: Any) -> str:
    """Return what a derivation says: statements, steps, hypotheses with their data, and what each step cites."""
    lines = []
    for one in _inside(derivation):
        s = one.statement
        lines.append(f"{one.name}: {s.lhs} {s.relation} {s.rhs}")
        lines += [f"{t.relation} {t.after} {type(t.rule).__name__} {sorted(t.uses)}" for t in one.steps]
        lines.append(f"facts {one.setting.facts.nonnegative} over {one.setting.over}")
        for h in one.setting.hypotheses:
            about = sorted(f"{p.kind.name} {p.families}" for p in h.properties)
            lines.append(f"{h.key} {h.text.objects} {about} {h.equations}")
    return "\n".join(dict.fromkeys(lines))


def tried(name: str) -> dict[str, Any]:
    """Derive and check one subject; return what came of it."""
    import subjects

    before = process_time()
    try:
        made = subjects.build(name)
        checked = made.check()
    except Exception as reason:
        # The product's own errors are in words; another one is a crash.
        kind = "error" if type(reason).__module__.startswith("derive.") else "crash"
        return {"subject": name, kind: f"{type(reason).__name__}: {reason}"}
    return {
        "subject": name,
        "home": subjects.home(name),
        "grade": int(checked.grade),
        "failures": list(checked.failures),
        "says": fingerprint(made),
        "cpu": round(process_time() - before, 2),
        "keys": sorted({h.key for one in _inside(made) for h in one.setting.hypotheses}),
        "modules": sorted(m for m in sys.modules if m.startswith("derive.")),
    }


def main() -> None:
    """Read the request, and answer it subject by subject, up to the first that ``stop`` would notice."""
    request = json.load(sys.stdin)
    modules = set(request["modules"])
    if request["number"] is None:
        change = _recorded
    else:

        def change(module: str, source: str) -> ast.Module:
            return planted(source, request["number"])

    sys.meta_path.insert(0, _Finder(modules, change))  # type: ignore[arg-type]
    limit(request["seconds"])
    if request["number"] is None:
        record(request["subjects"], modules)
        return
    for name in request["subjects"]:
        answer = answered(name)
        print(json.dumps(answer), flush=True)
        if "says" not in answer or noticed(answer, request["sound"].get(name)):
            break


def answered(name: str) -> dict[str, Any]:
    """Derive and check one subject; return what came of it, whatever it was."""
    try:
        return tried(name)
    except Exception as crash:  # While importing.
        return {"subject": name, "crash": f"{type(crash).__name__}: {crash}"}


def record(subjects: list[str], modules: set[str]) -> None:
    """Answer subjects with what each executes: each in a process of its own, which finds the modules compiled."""
    importlib.import_module("sympy")
    for module in modules:
        path = Path(module.replace(".", "/") + ".py")
        _CODE[module] = compile(
            _recorded(module, path.read_text(encoding="utf-8")), str(path), "exec", dont_inherit=True
        )
    for name in subjects:
        child = os.fork()
        if child == 0:
            print(json.dumps(answered(name) | {"hits": sorted(HITS)}), flush=True)
            os._exit(0)
        os.waitpid(child, 0)


def limit(seconds: float) -> None:
    """End the process when it has used this much CPU time, where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))


def noticed(answer: dict[str, Any], sound: dict[str, Any] | None) -> bool:
    """Return whether a check found more than that of the sound subject: a new failure, or a weaker grade."""
    if sound is None:
        return False
    new = {_label(f) for f in answer["failures"]} - {_label(f) for f in sound["failures"]}
    return bool(new) or answer["grade"] > sound["grade"]


def _label(failure: str) -> str:
    """Return which step a failure is of: its words may hold expressions."""
    return failure.split("): ", 1)[0]


if __name__ == "__main__":
    main()
