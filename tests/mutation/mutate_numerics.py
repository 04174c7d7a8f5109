"""Plant single errors in `numerics`, and report which its tests notice.

``python tests/mutation/mutate_numerics.py --sample 100 --seed 1`` plants 100 of them, spread over packages and kinds, each
in a process of its own that runs the tests which execute the changed block: those that execute little else first, the
cheap ones before the dear ones. Which tests execute what is recorded once, by running them all (``--record``).
"""

from __future__ import annotations

import argparse
import ast
import importlib

import os
import resource
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from equivalent_numerics import EQUIVALENT
from hook import PLANT, RECORD, blocks
from numerical_errors import FACTOR, changes
from single_errors import Mutant, mutants

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TESTS = ("tests/numerics", "numerics")
NOTICED, SURVIVED, SLOW, EQUAL = "noticed", "SURVIVED", "time limit", "equivalent"
OUTCOMES = (NOTICED, SLOW, SURVIVED, EQUAL)
WARM = ("numpy", "scipy.special", "scipy.stats", "scipy.integrate", "sympy", "mpmath", "matplotlib.figure", "derive.claims")
_OWN = "the driver fails:"
_THEOREMS = ("length-map", "gradient-variance", "rectifier-gradient", "network-variance", "sample-variance-stable")


def warm() -> None:
    """Import and derive once what tests need and no error is planted in, before processes are forked."""
    sys.path.insert(0, str(ROOT))
    for name in WARM:
        importlib.import_module(name)
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
        block = self._block(mutant)
        found = self.reach.get(block, set()) if block else self._of_module(mutant.module)
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


class _First:
    """A plugin of pytest: the first test that fails, and why."""

    def __init__(self) -> None:
        self.said = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._take(report)

    def pytest_collectreport(self, report: Any) -> None:
        self._take(report)

    def _take(self, report: Any) -> None:
        if report.failed and not self.said:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.said = f"{report.nodeid}: {crash.message if crash else report.longrepr}"[:300]


def planted_run(mutant: Mutant, tests: Sequence[str], seconds: float) -> tuple[str, str]:
    """Run tests in a forked process with an error planted; return what came of it, and what noticed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            said = _in_child(mutant, tests, seconds)
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


def _in_child(mutant: Mutant, tests: Sequence[str], seconds: float) -> str:
    import hook

    limit = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 5))
    os.environ[PLANT] = f"{mutant.module}:{mutant.number}"
    hook.install()
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    first = _First()
    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--capture=sys", *tests], plugins=[first])
    return first.said or ("" if code == 0 else f"pytest ends with {code!r}")


class Campaign:
    """What is recorded of the tests, and what has been tried."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        site = folder / "site"
        site.mkdir(parents=True, exist_ok=True)
        (site / "sitecustomize.py").write_text("import hook\n\nhook.install()\n")
        os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (site, HERE, ROOT)))
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        self.path = folder / "record"
        self.record = Record.read(self.path) if self.path.exists() else Record()

    def learn(self, tests: Sequence[str]) -> None:
        """Run tests once without an error, and write down what each reaches."""
        environment = {**os.environ, RECORD: str(self.path)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "hook", "-p", "no:cacheprovider", *tests]
        subprocess.run(command, cwd=ROOT, env=environment, check=False)
        self.record = Record.read(self.path)

    def try_one(self, mutant: Mutant) -> tuple[str, str]:
        """Plant one error, and return what came of it with what noticed it."""
        if mutant.name in EQUIVALENT:
            return EQUAL, EQUIVALENT[mutant.name]
        using = self.record.using(mutant)
        tests = self.affordable(using)
        if not tests:
            return SURVIVED, "no test executes it"
        what, words = planted_run(mutant, tests, 20 + 2 * self.seconds)
        return what, words or f"{len(tests)} of {len(using)} tests run"

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
        wanted = set(options.names.read_text(encoding="utf-8").splitlines())
        chosen = [m for m in found if m.name in wanted]
    else:
        chosen = sample([m for m in found if m.kind != FACTOR], options.sample, options.seed)
        chosen += sample([m for m in found if m.kind == FACTOR], options.factors, options.seed)
    print(f"{len(found)} single errors; {len(chosen)} planted", flush=True)
    if options.list:
        print("\n".join(m.name for m in chosen))
        return
    os.chdir(ROOT)
    warm()
    outcomes = {}
    for mutant in chosen:
        what, words = outcomes[mutant] = campaign.try_one(mutant)
        print(f"{what:10} {mutant.name}\n           line {mutant.line}: {' '.join(words.split())[:200]}", flush=True)
    print("\n" + table(outcomes))


if __name__ == "__main__":
    main()
