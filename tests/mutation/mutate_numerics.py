"""Plant single errors in `numerics`, and report which its tests notice.

``python tests/mutation/mutate_numerics.py --sample 100 --seed 1`` plants 100 of them, spread over packages and kinds,
each in a process of its own that runs the tests which execute the changed block: those that execute little else first,
the cheap ones before the dear ones. Which tests execute what is recorded once, by running them all (``--record``).
"""

from __future__ import annotations

import argparse
import ast
import importlib
import linecache
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from random import Random
from types import CodeType, FunctionType
from typing import Any

import pytest
from equivalent_numerics import EQUIVALENT
from hook import PLANT, RECORD, blocks
from numerical_errors import FACTOR, changes
from single_errors import Mutant, mutants, planted

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TESTS = ("tests/numerics", "numerics")
NOTICED, SURVIVED, SLOW, EQUAL = "noticed", "SURVIVED", "time limit", "equivalent"
OUTCOMES = (NOTICED, SLOW, SURVIVED, EQUAL)
WRITTEN_OUT = {f"numerics.kernels.{name}": "numerics.kernels.quadrature" for name in ("_line_rule", "_plane_rule")}
"""Modules whose source text is what kernels are made of, and the module that does it: tests execute that."""
_OWN = "the driver fails:"
_THEOREMS = ("length-map", "gradient-variance", "rectifier-gradient", "network-variance", "sample-variance-stable")


def warm() -> None:
    """Derive once what tests need and no error is planted in, before processes are forked."""
    from derive.maps import MAPS, Maps
    from numerics.derivations import derivation

    for theorem in _THEOREMS:
        derivation(theorem)
    for name in MAPS:
        getattr(Maps("relu"), name)


@lru_cache(maxsize=1)
def modules() -> dict[str, Path]:
    """Return the modules of `numerics`, each with its file."""
    found = {}
    for path in sorted((ROOT / "numerics").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name not in ("numerics", "numerics.derivations"):  # Imported before processes are forked.
            found[name] = path
    return found


def package(module: str) -> str:
    """Return the part of `numerics` that a module is in; single modules are one part, but for the verification."""
    parts = module.split(".")
    if modules()[module].name == "__init__.py" or len(parts) > 2 or parts[1] == "verification":
        return parts[1]
    return "modules"


@lru_cache(maxsize=1)
def all_mutants() -> list[Mutant]:
    """Return every single error of every module."""
    return [m for name, path in modules().items() for m in mutants(name, path.read_text(encoding="utf-8"), changes)]


@dataclass
class Record:
    """Which tests reach which block, and the CPU time of each test."""

    reach: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    breadth: Counter[str] = field(default_factory=Counter)
    cpu: dict[str, float] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read what `hook` wrote: a test and a block, or a test and its time, a line."""
        made = cls()
        for line in set(path.read_text(encoding="utf-8").splitlines()):
            test, what = line.rsplit("\t", 1)
            if what.startswith("cpu "):
                made.cpu[test] = float(what[4:])
            elif what == "failed":
                made.failed.add(test)
            elif test:
                made.reach[what].add(test)
                made.breadth[test] += 1
        return made

    def using(self, mutant: Mutant) -> list[str]:
        """Return the tests that execute what a mutant changes, the likeliest and cheapest first."""
        block = None if mutant.module in WRITTEN_OUT else self._block(mutant)
        module = WRITTEN_OUT.get(mutant.module, mutant.module)
        found = self.reach.get(block, set()) if block else self._of_module(module)
        sound = [test for test in found if test in self.cpu and test not in self.failed]
        return sorted(sound, key=lambda test: ((0.05 + self.cpu[test]) * self.breadth[test], test))

    def _of_module(self, module: str) -> set[str]:
        return set().union(*(tests for block, tests in self.reach.items() if block.split(":")[0] == module))

    @staticmethod
    def _block(mutant: Mutant) -> str | None:
        """Return the innermost block inside a function that holds a mutant's line, if one does."""
        spans = [(line, body[-1].end_lineno or line) for line, body in _blocks(mutant.module)]
        inside = [(last - first, first) for first, last in spans if first <= mutant.line <= last]
        return f"{mutant.module}:{min(inside)[1]}" if inside else None


@lru_cache(maxsize=16)
def _blocks(module: str) -> list[tuple[int, list[ast.stmt]]]:
    return blocks(ast.parse(modules()[module].read_text(encoding="utf-8")))


def sample(found: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """Return mutants spread over packages, and within each over kinds: each pair has its turn."""
    random = Random(seed)
    cells: dict[str, dict[str, list[Mutant]]] = defaultdict(lambda: defaultdict(list))
    for mutant in found:
        cells[package(mutant.module)][mutant.kind].append(mutant)
    turns: dict[str, list[Mutant]] = {}
    for place, kinds in cells.items():
        for members in kinds.values():
            random.shuffle(members)
        turns[place] = []
        while any(kinds.values()):
            turn = [kind for kind, members in kinds.items() if members]
            random.shuffle(turn)
            turns[place] += [kinds[kind].pop() for kind in turn]
    chosen: list[Mutant] = []
    while len(chosen) < size and any(turns.values()):
        places = [place for place, members in turns.items() if members]
        random.shuffle(places)
        chosen += [turns[place].pop(0) for place in places[: size - len(chosen)]]
    return chosen


class Planter:
    """A plugin of pytest: the tests are collected once, and each error is planted in a process forked from there.

    In place of running the tests, every forked process has the code of one function replaced, wherever it is referred
    to, and runs those that execute the changed block up to the first that fails.
    """

    def __init__(self, campaign: Campaign, chosen: Sequence[Mutant]) -> None:
        self.campaign, self.chosen = campaign, chosen
        self.outcomes: dict[Mutant, tuple[str, str]] = {}
        self.first = ""
        self.out = os.fdopen(os.dup(1), "w")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep the first test that fails, and why."""
        if report.failed and not self.first:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.first = f"{report.nodeid}: {crash.message if crash else report.longrepr}"[:300]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Plant one error after the other."""
        items = {item.nodeid: item for item in session.items}
        warm()
        for mutant in self.chosen:
            what, words = self.outcomes[mutant] = self._try(mutant, items)
            text = " ".join(words.split())[:200]
            print(f"{what:10} {mutant.name}\n           line {mutant.line}: {text}", file=self.out, flush=True)
        print("\n" + table(self.outcomes), file=self.out, flush=True)
        return True

    def _try(self, mutant: Mutant, items: dict[str, pytest.Item]) -> tuple[str, str]:
        if mutant.name in EQUIVALENT:
            return EQUAL, EQUIVALENT[mutant.name]
        using = [test for test in self.campaign.record.using(mutant) if test in items]
        tests = self.campaign.affordable(using)
        if not tests:
            return SURVIVED, "no test executes it"
        limit = int(20 + 2 * self.campaign.seconds)
        if function_of(mutant) is None:
            what, words = in_a_new_process(mutant, tests, limit)
        else:
            what, words = in_a_fork(lambda: self._run(mutant, [items[test] for test in tests]), limit)
        return what, words or f"{len(tests)} of {len(using)} tests run"

    def _run(self, mutant: Mutant, items: Sequence[pytest.Item]) -> str:
        """Run tests with an error planted, in processes that they start too; return what failed, if something did."""
        os.environ[PLANT] = f"{mutant.module}:{mutant.number}"
        function = function_of(mutant)
        assert function is not None
        function.__code__ = code_of(mutant)
        if mutant.module in WRITTEN_OUT:
            path = str(modules()[mutant.module])
            lines = ast.unparse(_tree(mutant)).splitlines(keepends=True)
            linecache.cache[path] = (0, None, lines, path)
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.first:
                break
        return self.first


def _outermost(mutant: Mutant) -> str:
    """Return the path of the function of a module or of a class that a mutant is in."""
    first, *rest = mutant.place.split(".")
    is_class = isinstance(vars(importlib.import_module(mutant.module)).get(first), type)
    return ".".join([first, *rest[:1]] if is_class else [first])


def function_of(mutant: Mutant) -> FunctionType | None:
    """Return the function that a mutant is in, without what it is wrapped in; None for other statements of a module."""
    found: Any = importlib.import_module(mutant.module)
    for name in _outermost(mutant).split("."):
        found = vars(found).get(name)
    inner = ("__func__", "fget", "func", "callback", "__wrapped__")
    while not isinstance(found, FunctionType) or hasattr(found, "__wrapped__"):
        found = next((getattr(found, name) for name in inner if getattr(found, name, None) is not None), None)
        if found is None:
            return None
    return found if found.__module__ == mutant.module else None


def code_of(mutant: Mutant) -> CodeType:
    """Return the code of the function that a mutant is in, with the error."""
    codes = [compile(_tree(mutant), str(modules()[mutant.module]), "exec", dont_inherit=True)]
    for code in codes:
        codes += [c for c in code.co_consts if isinstance(c, CodeType)]
    (found,) = [code for code in codes if code.co_qualname == _outermost(mutant)]
    return found


def _tree(mutant: Mutant) -> ast.Module:
    return planted(modules()[mutant.module].read_text(encoding="utf-8"), mutant.number, changes)


def in_a_fork(run: Callable[[], str], limit: int) -> tuple[str, str]:
    """Return what came of a run in a process forked from this one."""
    import resource

    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
            said = run()
        except BaseException as crash:
            said = f"{_OWN} {type(crash).__name__}: {crash}"
        os.write(writing, said.encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return SLOW, f"signal {os.WTERMSIG(status)}"
    if said.startswith(_OWN):
        raise SystemExit(said)
    return (NOTICED, said) if said else (SURVIVED, "")


def in_a_new_process(mutant: Mutant, tests: Sequence[str], limit: int) -> tuple[str, str]:
    """Return what came of a run with an error in what a module does when it is imported."""
    environment = os.environ | {PLANT: f"{mutant.module}:{mutant.number}"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20 * limit)
    except subprocess.TimeoutExpired:
        return SLOW, "no end"
    said = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return (NOTICED, (said or ["pytest stops"])[0]) if done.returncode else (SURVIVED, "")


class Campaign:
    """What is recorded of the tests, and what has been tried."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        site = folder / "site"
        site.mkdir(parents=True, exist_ok=True)
        (site / "sitecustomize.py").write_text("import hook\n\nhook.install()\n")
        os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (site, HERE, ROOT)))
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        state = sha256("".join(path.read_text(encoding="utf-8") for path in modules().values()).encode()).hexdigest()
        self.path = folder / f"record-{state[:16]}"  # Blocks are known by their lines.
        self.record = Record.read(self.path) if self.path.exists() else Record()

    def learn(self, tests: Sequence[str]) -> None:
        """Run tests once without an error, and write down what each reaches."""
        environment = {**os.environ, RECORD: str(self.path)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "hook", "-p", "no:cacheprovider", *tests]
        subprocess.run(command, cwd=ROOT, env=environment, check=False)
        self.record = Record.read(self.path)

    def affordable(self, tests: Sequence[str]) -> list[str]:
        """Return the first tests that fit in the time, and at least one."""
        spent, found = 0.0, []
        for test in tests:
            if not found or spent + self.record.cpu[test] <= self.seconds:
                spent += self.record.cpu[test]
                found.append(test)
        return found


def table(outcomes: dict[Mutant, tuple[str, str]]) -> str:
    """Return the outcomes by package as lines of text."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant, (what, _) in outcomes.items():
        for row in (package(mutant.module), "all", *(["of 5 %"] if mutant.kind == FACTOR else [])):
            rows[row][what] += 1
    lines = [f"{'package':14}" + "".join(f"{o:>12}" for o in OUTCOMES) + f"{'noticed':>10}"]
    for name in sorted(rows, key=lambda name: (name in ("all", "of 5 %"), name)):
        errors = rows[name].total() - rows[name][EQUAL]
        share = f"{(rows[name][NOTICED] + rows[name][SLOW]) / errors:9.0%}" if errors else f"{'-':>9}"
        lines.append(f"{name:14}" + "".join(f"{rows[name][o]:12}" for o in OUTCOMES) + f" {share}")
    return "\n".join(lines)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=60, help="how many other errors to plant (default 60)")
    parser.add_argument("--factors", type=int, default=12, help="how many errors of 5 %% in a number (default 12)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (default 0)")
    parser.add_argument("--seconds", type=float, default=60, help="CPU time of tests for each error (default 60)")
    parser.add_argument("--only", default="", help="only errors whose name has this in it")
    parser.add_argument("--folder", type=Path, default=ROOT / ".mutation" / "numerics", help="where the record is kept")
    parser.add_argument("--record", nargs="*", help="run these tests (by default all) and record what they execute")
    parser.add_argument("--names", type=Path, help="a file with the names of the errors to plant, in place of a sample")
    parser.add_argument("--list", action="store_true", help="list the errors of the sample, and plant none")
    options = parser.parse_args()
    campaign = Campaign(options.folder.resolve(), options.seconds)
    if options.record is not None or not campaign.path.exists():
        campaign.learn(options.record or TESTS)
    found = [m for m in all_mutants() if options.only in m.name]
    if options.names:
        known = {m.name: m for m in found}
        chosen = [known[name] for name in options.names.read_text(encoding="utf-8").splitlines() if name in known]
    else:
        chosen = sample([m for m in found if m.kind != FACTOR], options.sample, options.seed)
        chosen += sample([m for m in found if m.kind == FACTOR], options.factors, options.seed)
    print(f"{len(found)} single errors; {len(chosen)} planted", flush=True)
    if options.list:
        print("\n".join(m.name for m in chosen))
        return
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    planter = Planter(campaign, chosen)
    pytest.main(["-q", "-p", "no:cacheprovider", "--capture=sys", *TESTS], plugins=[planter])


if __name__ == "__main__":
    main()
