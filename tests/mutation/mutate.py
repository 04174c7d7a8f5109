"""Plant single errors in the rules, definitions and premises, and report what noticed them.

``python tests/mutation/mutate.py --sample 60 --seed 1`` plants 60 of them, spread over places and kinds, each in a
process of its own, and checks what uses the changed code, the cheapest first. What was found is kept in ``.mutation``
and not tried again while the sources stay as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from equivalent import EQUIVALENT
from single_errors import KINDS, Mutant, mutants

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EVIDENCE = "evidence"
PLACES = {
    "rules": ("derive/rules/*.py",),
    "hypotheses": ("derive/hypotheses.py",),
    "network": ("derive/network.py", "derive/cost.py"),
    "language": tuple(
        f"derive/{name}.py"
        for name in ("averages", "indices", "kinds", "layers", "limits", "notation", "randomness", "setting", "words")
    ),
    "dependence": ("derive/dependence/*.py",),
    "blocks": ("derive/blocks/*.py",),
    "theorems": ("derive/theorems/*.py",),
    "gaussian": ("derive/gaussian/*.py",),
    "maps": ("derive/maps/*.py",),
    "activations": ("derive/activations/*.py",),
    EVIDENCE: ("derive/chances.py", "derive/proof/*.py", "derive/theorems/oracles/*.py", "derive/quadrature/*.py"),
}
"""All that a derivation is made with. Not here: claims, which are what others print, and how things are shown."""
CHECKS = {"at_points", "residual", "_compare", "_value", "_node_value", "_outermost", "EXAMPLES"}
"""What only checks: an error in it makes a check weaker, and nothing wrong is derived. It counts as evidence."""
CLEAR, CRASH, CHECK, SLOW = "clear error", "crash", "check", "time limit"
NOTHING, HARMLESS, EQUAL = "nothing", "no subject changed", "equivalent"
NOTICED = (CLEAR, CRASH, CHECK)
OUTCOMES = (*NOTICED, SLOW, NOTHING, HARMLESS, EQUAL)
_AT_ONCE = 8
"""How many sound subjects are learned before what was found is kept."""


@dataclass(frozen=True)
class Outcome:
    """What noticed a mutant, with which subject, and in what words; ``grade`` of a changed subject that passed."""

    what: str
    subject: str = ""
    words: str = ""
    grade: str = ""
    tried: int = 0
    of: int = 0


@lru_cache(maxsize=1)
def modules() -> dict[str, str]:
    """Return the modules that errors are planted in, each with its place."""
    found = {}
    for place, patterns in PLACES.items():
        for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
            if path.name != "__init__.py":
                found[".".join(path.relative_to(ROOT).with_suffix("").parts)] = place
    return found


def place_of(mutant: Mutant) -> str:
    """Return the part of the product that a mutant is in."""
    return EVIDENCE if CHECKS & set(mutant.place.split(".")) else modules()[mutant.module]


@lru_cache(maxsize=128)
def source(module: str) -> str:
    """Return the text of a module."""
    return (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def all_mutants() -> list[Mutant]:
    """Return every single error of every place."""
    return [m for module in modules() for m in mutants(module, source(module))]


def trial(
    subjects: list[str], chosen: list[str], number: int | None, seconds: float, sound: dict[str, Any]
) -> tuple[list[dict[str, Any]], int]:
    """Return the answers of one fresh process, subject by subject, and how it ended."""
    request = {"modules": chosen, "number": number, "subjects": subjects, "seconds": seconds, "sound": sound}
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(HERE / "trial.py")],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        timeout=60 + 20 * seconds,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode > 0:
        answers.append({"subject": subjects[0], "crash": done.stderr.strip().splitlines()[-1]})
    return answers, done.returncode


class Campaign:
    """What is known of the sound subjects, and what has been tried."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        folder.mkdir(exist_ok=True)
        read = [*sorted((ROOT / "derive").rglob("*.py")), HERE / "subjects.py", HERE / "trial.py"]
        text = "".join(path.read_text(encoding="utf-8") for path in read)
        self.state = sha256(text.encode()).hexdigest()[:16]
        self.sound: dict[str, Any] = {}
        self.kept: dict[str, Outcome] = {}
        for line in self._read("sound"):
            self.sound[line["subject"]] = line
        for line in self._read("outcomes"):
            self.kept[line.pop("name")] = Outcome(**line)

    def _read(self, kind: str) -> list[dict[str, Any]]:
        path = self.folder / f"{kind}-{self.state}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _keep(self, kind: str, line: dict[str, Any]) -> None:
        with (self.folder / f"{kind}-{self.state}.jsonl").open("a") as out:
            out.write(json.dumps(line) + "\n")

    def learn(self, subjects: list[str]) -> None:
        """Derive and check the sound subjects that are not known yet, each in a process, recording what is executed."""
        unknown = [name for name in subjects if name not in self.sound]
        for some in (unknown[k : k + _AT_ONCE] for k in range(0, len(unknown), _AT_ONCE)):
            answers, _ = trial(some, list(modules()), None, 600, {})
            for name, answer in zip(some, answers, strict=True):
                if "says" not in answer:
                    raise SystemExit(f"{name} fails without an error planted: {answer.get('error') or answer['crash']}")
                self.sound[name] = answer
                self._keep("sound", answer)
                print(f"{name}: {answer['cpu']} s", file=sys.stderr, flush=True)

    def using(self, mutant: Mutant) -> list[str]:
        """Return the subjects that execute what a mutant changes: those of its own module, then the cheapest first."""
        found = [name for name, answer in self.sound.items() if self._uses(answer, mutant)]
        return sorted(found, key=lambda n: (self.sound[n]["home"] != mutant.module, self.sound[n]["cpu"]))

    @staticmethod
    def _uses(answer: dict[str, Any], mutant: Mutant) -> bool:
        if mutant.module not in answer["modules"]:
            return False
        if mutant.place.isupper() and (key := key_of(mutant)) is not None:
            return key in answer["keys"]
        path = f"{mutant.module}:{mutant.place}"
        defined = any(h == path or h.startswith(f"{path}.") for h in answer["hits"])
        return defined or not is_defined(mutant)

    def try_one(self, mutant: Mutant) -> Outcome:
        """Plant one error and say what noticed it."""
        if mutant.name in EQUIVALENT:
            return Outcome(EQUAL, words=EQUIVALENT[mutant.name])
        if mutant.name not in self.kept:
            self.kept[mutant.name] = self._tried(mutant)
            self._keep("outcomes", {"name": mutant.name, **vars(self.kept[mutant.name])})
        return self.kept[mutant.name]

    def _tried(self, mutant: Mutant) -> Outcome:
        subjects = self.using(mutant)
        affordable = self._affordable(subjects)
        sound = {n: {k: self.sound[n][k] for k in ("failures", "grade")} for n in affordable}
        answers, code = trial(affordable, [mutant.module], mutant.number, self.seconds, sound)
        count = {"tried": len(answers), "of": len(subjects)}
        changed = None
        for answer in answers:
            for what, key in ((CLEAR, "error"), (CRASH, "crash")):
                if key in answer:
                    return Outcome(what, answer["subject"], answer[key][:300], **count)
            known = self.sound[answer["subject"]]
            new = [f for f in answer["failures"] if f not in known["failures"]]
            if new or answer["grade"] > known["grade"]:
                return Outcome(CHECK, answer["subject"], new[0][:300] if new else "a weaker grade", **count)
            if answer["says"] != known["says"] and changed is None:
                changed = (answer["subject"], difference(known["says"], answer["says"]), GRADES[answer["grade"]])
        if changed is not None:
            return Outcome(NOTHING, *changed, **count)
        return Outcome(SLOW if code < 0 else HARMLESS, **count)

    def _affordable(self, subjects: list[str]) -> list[str]:
        """Return the cheapest subjects that fit in two thirds of the time, and at least one."""
        spent, found = 0.0, []
        for name in subjects:
            spent += self.sound[name]["cpu"]
            if found and spent > self.seconds * 2 / 3:
                break
            found.append(name)
        return found


GRADES = ("exact", "enumerated", "sampled", "assumed", "undecided", "failed")


def key_of(mutant: Mutant) -> str | None:
    """Return the key of the hypothesis that a mutant is in the definition of, if it is in one."""
    text = source(mutant.module)
    _, found, rest = text.partition(f"\n{mutant.place} = Hypothesis(")
    parts = rest.split('"', 2)
    return parts[1] if found and len(parts) > 1 else None


def is_defined(mutant: Mutant) -> bool:
    """Return whether a mutant is in a function or a class, and not in another statement of its module."""
    first = mutant.place.split(".")[0]
    return any(f"\n{word} {first}{end}" in source(mutant.module) for word in ("def", "class") for end in "(:")


def difference(before: str, after: str) -> str:
    """Return the first line that says something else."""
    old = set(before.splitlines())
    return next((line for line in after.splitlines() if line not in old), "something is gone")[:300]


def sample(found: list[Mutant], size: int, seed: int) -> list[Mutant]:
    """Return mutants spread over places and kinds: each pair of a place and a kind has its turn."""
    random = Random(seed)
    cells: dict[tuple[str, str], list[Mutant]] = defaultdict(list)
    for mutant in found:
        cells[place_of(mutant), mutant.kind].append(mutant)
    for members in cells.values():
        random.shuffle(members)
    chosen: list[Mutant] = []
    while len(chosen) < size and any(cells.values()):
        turn = [cell for cell, members in cells.items() if members]
        random.shuffle(turn)
        chosen += [cells[cell].pop() for cell in turn[: size - len(chosen)]]
    return chosen


def table(title: str, rows: dict[str, Counter[str]]) -> str:
    """Return the outcomes by place or kind as lines of text."""
    lines = [f"{title:14}" + "".join(f"{o:>20}" for o in OUTCOMES) + f"{'noticed':>10}"]
    rows = {**rows, "all": sum(rows.values(), Counter())}
    for name, counts in rows.items():
        errors = sum(counts.values()) - counts[EQUAL] - counts[HARMLESS]
        share = f"{sum(counts[o] for o in NOTICED) / errors:9.0%}" if errors else f"{'-':>9}"
        lines.append(f"{name:14}" + "".join(f"{counts[o]:20}" for o in OUTCOMES) + f" {share}")
    return "\n".join(lines)


def report(outcomes: dict[Mutant, Outcome]) -> str:
    """Return the figures by place and by kind, and the mutants that nothing noticed."""
    by_place: dict[str, Counter[str]] = {place: Counter() for place in PLACES}
    by_kind: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for mutant, outcome in outcomes.items():
        by_place[place_of(mutant)][outcome.what] += 1
        by_kind[mutant.kind][outcome.what] += 1
    lines = [table("place", by_place), "", table("kind", by_kind), ""]
    for mutant, outcome in outcomes.items():
        if outcome.what not in (*NOTICED, EQUAL):
            lines.append(f"{outcome.what} ({outcome.tried} of {outcome.of} subjects): {mutant.name}")
            if outcome.what == NOTHING:
                lines.append(f"    {outcome.subject} is {outcome.grade}: {outcome.words}")
    return "\n".join(lines)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=60, help="how many errors to plant (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (default 0)")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes at a time (default 1)")
    parser.add_argument("--seconds", type=float, default=30, help="CPU time for each error (default 30)")
    parser.add_argument("--only", default="", help="only errors whose name has this in it")
    parser.add_argument("--subjects", default="", help="only subjects whose name this pattern is found in")
    parser.add_argument("--folder", type=Path, default=ROOT / ".mutation", help="where outcomes are kept")
    parser.add_argument("--list", action="store_true", help="list the errors of the sample, and plant none")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    import subjects

    found = [m for m in all_mutants() if options.only in m.name]
    campaign = Campaign(options.folder, options.seconds)
    names = [name for name in subjects.names() if re.search(options.subjects, name)]
    campaign.learn(names)
    campaign.sound = {name: campaign.sound[name] for name in names}
    used = [m for m in found if campaign.using(m)]
    chosen = sample(used, options.sample, options.seed)
    print(f"{len(found)} single errors; {len(used)} in what the subjects execute; {len(chosen)} planted", flush=True)
    if options.list:
        print("\n".join(m.name for m in chosen))
        return
    outcomes: dict[Mutant, Outcome] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        for mutant, outcome in zip(chosen, pool.map(campaign.try_one, chosen), strict=True):
            outcomes[mutant] = outcome
            print(f"{outcome.what:18} {mutant.name}  [{outcome.subject}] {outcome.words[:100]}", flush=True)
    print("\n" + report(outcomes))


if __name__ == "__main__":
    main()
