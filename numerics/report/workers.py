"""The slow part of a report, spread over processes: theorems to derive and check, claims to audit.

A worker is a Python that runs `serve`: it reads tasks, one JSON line each, and answers each with one. Being a program
of its own, it needs nothing from the script that asked for the report (`multiprocessing` would).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from queue import SimpleQueue
from typing import Any

import derive
from derive.proof.checking import Checker
from derive.randomness import EVERYTHING
from derive.render.brackets import Brackets
from derive.render.html import fragment
from derive.render.outline import Outline, Section
from derive.render.sentences import average_sentences
from numerics.kernels import kernel
from numerics.report.audits import audit_row
from numerics.report.contents import Audited, Progress, Theorem
from numerics.report.formulas import formula, stated

Task = tuple[str, str]
"""A kind, ``"theorem"`` or ``"claim"``, and a name."""

_MOST = 4
_CHECKER = Checker()


def run(tasks: Sequence[Task], *, workers: int | None, say: Progress) -> list[Theorem | Audited]:
    """Return what becomes of each task, in their order; one worker works in this process."""
    count = min(workers or min(os.cpu_count() or 1, _MOST), len(tasks))
    if count <= 1:
        made = []
        for task in tasks:
            say(" ".join(task))
            made.append(perform(task))
        return made
    # The processes end first, so that no thread waits for one that is not wanted any more.
    with ThreadPoolExecutor(count) as pool, _processes(count) as idle:

        def ask(task: Task) -> Theorem | Audited:
            worker = idle.get()
            try:
                say(" ".join(task))
                return _ask(worker, task)
            finally:
                idle.put(worker)

        futures = [pool.submit(ask, task) for task in tasks]
        try:
            return [future.result() for future in futures]
        finally:
            # Failed or interrupted: what has not begun shall not.
            for future in futures:
                future.cancel()


def perform(task: Task) -> Theorem | Audited:
    """Derive, check and render a theorem, or audit and render a claim."""
    kind, name = task
    if kind == "claim":
        audit = derive.claim(name).audit()
        return Audited(name, audit.verdict, audit_row(audit), audit.to_dict())
    # One checker a process: what several theorems rest on is checked once.
    checked = _CHECKER.check(derive.theorem(name))
    derivation = checked.derivation
    outline = Outline(derivation)
    try:
        source = kernel(derivation).source.rstrip()
    except (ValueError, TypeError):  # a condition, or a mean that has no closed form, has no value to compute
        source = None
    return Theorem(
        name=name,
        title=derivation.title,
        source=derivation.source,
        grade=str(checked.grade),
        passed=checked.passed,
        failures=list(checked.failures),
        statements=[_statement(section) for section in (outline.theorem, *outline.parts)],
        averages=_averages(outline.brackets),
        fragment=fragment(derivation, style=False),
        html=derivation.html(),
        latex=derivation.latex(standalone=True),
        kernel=source,
    )


def _statement(section: Section) -> tuple[str, str]:
    title = "" if section.kind == "theorem" else section.derivation.title
    return title, stated(section.derivation.statement, section.brackets)


def _averages(brackets: Brackets) -> list[str]:
    """Return what the averages of a theorem are over, unless they are those that the page explains at its beginning."""
    if all(over == EVERYTHING for over, _ in brackets.legend()):
        return []
    return average_sentences(brackets, formula)


@contextmanager
def _processes(count: int) -> Iterator[SimpleQueue[subprocess.Popen[str]]]:
    """Start workers; they end with the block, however it ends."""
    command = [sys.executable, "-c", "from numerics.report.workers import serve; serve()"]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    workers = [subprocess.Popen(command, **pipes) for _ in range(count)]
    idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
    for worker in workers:
        idle.put(worker)
    try:
        yield idle
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def _ask(worker: subprocess.Popen[str], task: Task) -> Theorem | Audited:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(json.dumps(task) + "\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    if not answer:
        raise RuntimeError(f"the worker for {' '.join(task)} ended before it was done")
    data = json.loads(answer)
    return Audited(**data) if task[0] == "claim" else Theorem(**data)


def serve() -> None:
    """Perform tasks from standard input as they come in, until there are no more."""
    try:
        for line in sys.stdin:
            print(json.dumps(asdict(perform(tuple(json.loads(line))))), flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
