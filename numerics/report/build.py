"""The report: derive, audit, predict and verify, and write it all to a directory with an ``index.html``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import derive
from derive.claims import CLAIMS
from derive.errors import InputError
from derive.theorems import THEOREMS
from numerics.curves import predict
from numerics.figures import FIGURES, draw, to_bytes
from numerics.files import directory_atomic
from numerics.network import Network
from numerics.processes import spread
from numerics.report.chapters import CAPTIONS
from numerics.report.contents import Audited, Contents, Drawing, Progress, Theorem
from numerics.report.evidence import trained
from numerics.report.own_network import own_network
from numerics.report.runs import linear_regime, simulated, write
from numerics.report.tasks import perform
from numerics.report.typeset import find_engine, typeset

if TYPE_CHECKING:
    from numerics.evidence import Settings
    from numerics.report.subject import Subject

GENERATOR = "varprop report"


def write_report(
    directory: str | Path,
    *,
    theorems: Sequence[str] | None = None,
    claims: Sequence[str] | None = None,
    networks: int = 4000,
    seed: int = 0,
    pdf: bool = True,
    workers: int | None = None,
    experiment: Mapping[str, int] | None = None,
    activations: Sequence[str] = (),
    network: Network | None = None,
    evidence: Settings | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the report and return the path of its ``index.html``.

    It is built beside ``directory`` and renamed when complete, so an interrupted run leaves nothing; an older report
    is replaced, any other directory that holds files is not touched.

    Args:
        directory: where to write.
        theorems: names of the theorems to derive and check; all by default.
        claims: ids of the claims to audit; all by default.
        networks: how many networks each simulation draws.
        seed: the seed of the simulations; the same seed gives the same report.
        pdf: whether to typeset the derivations where ``pdflatex`` is installed.
        workers: how many processes derive, audit and train; by default one a processor, at most four.
        experiment: ``width`` and ``depth`` of the network of the figures; by default that of `numerics.figures.draw`.
        activations: names or expressions of activation functions that get a page of their own: maps, critical point,
            gains, and networks in three phases.
        network: a network of one's own, of either form, that gets a chapter: definitions, prediction, simulation.
        evidence: how large the studies of networks that learn are, such as `numerics.evidence.QUICK`; None: there are
            none.
        executor: what derives, audits and trains, in place of processes of this machine.
        progress: called with a few words at each stage.

    Raises:
        InputError: for a directory that is not a report or cannot be written, for unknown names, and for activations
            that have free parameters or of which two would have one file name.
        WorkerLost: when a process that derives or audits is killed.

    """
    from numerics.report.page import audit_page, index_page

    say: Progress = progress or (lambda what: None)
    chosen_theorems = derive.theorems() if theorems is None else list(theorems)
    chosen_claims = derive.claims() if claims is None else list(claims)
    for registry, names in ((THEOREMS, chosen_theorems), (CLAIMS, chosen_claims)):
        for name in names:
            registry.builder(name)
    _check_activations(activations)
    if network is not None:
        _ = predict(network)  # what has no prediction is refused before anything is computed
    with directory_atomic(directory, generator=GENERATOR) as root:
        for part in ("derivations", "curves", "figures", "verification"):
            (root / part).mkdir()
        notes: list[str] = []
        engine = find_engine() if pdf else None
        if pdf and engine is None:
            notes.append("No PDFs: pdflatex is not installed. The .tex files compile on their own.")
        tasks = [("theorem", name) for name in chosen_theorems] + [("claim", name) for name in chosen_claims]
        made = spread(perform, tasks, workers=workers, executor=executor, waiting=lambda task: say(" ".join(task)))
        proved = [t for t in made if isinstance(t, Theorem)]
        contents = Contents(
            theorems=tuple(proved),
            audits=tuple(a for a in made if isinstance(a, Audited)),
            subjects=tuple((str(s.activation), s.page) for s in _subjects(root, activations, networks, seed, say)),
            typeset=tuple(_derivations(root, proved, engine, notes, say)),
            cases=tuple(simulated(root, networks, seed, say)),
            own=None if network is None else own_network(root, network, networks, seed, say),
            regime=linear_regime(root, networks, seed, say),
            trained=None if evidence is None else trained(root, evidence, seed, workers, executor, say),
            drawings={drawing.name: drawing for drawing in _drawings(root, experiment or {}, seed, say)},
            networks=networks,
            seed=seed,
            notes=tuple(notes),
        )
        say("writing the pages")
        audits = [audit.data for audit in contents.audits]
        write(root / "audit.json", json.dumps(audits, indent=2, ensure_ascii=False) + "\n")
        write(root / "audit.html", audit_page(contents))
        write(root / "index.html", index_page(contents))
    return Path(directory) / "index.html"


def _check_activations(names: Sequence[str]) -> None:
    """Refuse what has no page before anything is computed."""
    from derive.activations import activation
    from numerics.activations import formula
    from numerics.report.subject import slug_of

    slugs: dict[str, str] = {}
    for name in names:
        f = activation(name)
        formula(f)
        slug = slug_of(str(f))
        if slug in slugs:
            raise InputError(f"activations {slugs[slug]!r} and {name!r} would both have the page {slug!r}")
        slugs[slug] = name


def _subjects(root: Path, names: Sequence[str], networks: int, seed: int, say: Progress) -> Iterator[Subject]:
    """Write the pages of activation functions."""
    from numerics.report.page import subject_page
    from numerics.report.subject import subject

    for number, name in enumerate(names):
        made = subject(root, name, networks, seed, say, number=number)
        write(root / made.page, subject_page(made))
        yield made


def _derivations(
    root: Path, theorems: Sequence[Theorem], engine: str | None, notes: list[str], say: Progress
) -> Iterator[str]:
    """Write the derivations; yield the names of those that could be typeset."""
    for theorem in theorems:
        stem = root / "derivations" / theorem.name
        write(stem.with_suffix(".html"), theorem.html)
        write(stem.with_suffix(".tex"), theorem.latex)
    if engine is None:
        return
    say("typesetting")
    # Each is a process of its own; the threads wait for them.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(theorems) or 1)) as pool:
        typeset_all = pool.map(lambda theorem: typeset(theorem.latex, engine), theorems)
        for theorem, made in zip(theorems, typeset_all, strict=True):
            if isinstance(made, bytes):
                (root / "derivations" / f"{theorem.name}.pdf").write_bytes(made)
                yield theorem.name
            else:
                notes.append(f"No PDF of {theorem.name}: {made}")


def _drawings(root: Path, experiment: Mapping[str, Any], seed: int, say: Progress) -> Iterator[Drawing]:
    """Draw all figures."""
    for name in FIGURES:
        say(f"drawing {name}")
        figure = draw(name, seed=seed, **experiment)
        (root / "figures" / f"{name}.png").write_bytes(to_bytes(figure, "png"))
        yield Drawing(name, *CAPTIONS[name], figure)
