"""The report: derive, audit, predict and verify, and write it all to a directory with an ``index.html``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

import derive
from derive.claims import CLAIMS
from derive.theorems import THEOREMS
from numerics.curves import predict
from numerics.figures import plot_curves, plot_regime, to_bytes
from numerics.files import directory_atomic
from numerics.kernels import kernel
from numerics.network import Network
from numerics.report.contents import WIDTHS, Audited, Case, Contents, Progress, Regime, Theorem
from numerics.report.typeset import find_engine, typeset
from numerics.report.workers import run
from numerics.simulation import simulate
from numerics.verification import verify

GENERATOR = "varprop report"

_SWEEP = tuple(float(gain) for gain in np.geomspace(0.01, 4, 10))


def write_report(
    directory: str | Path,
    *,
    theorems: Sequence[str] | None = None,
    claims: Sequence[str] | None = None,
    networks: int = 4000,
    seed: int = 0,
    pdf: bool = True,
    workers: int | None = None,
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
        workers: how many processes derive and audit; by default one a processor, at most four.
        progress: called with a few words at each stage.

    Raises:
        InputError: for a directory that is not a report or cannot be written, and for unknown names.

    """
    from numerics.report.page import audit_page, index_page

    say: Progress = progress or (lambda what: None)
    chosen_theorems, chosen_claims = list(theorems or derive.theorems()), list(claims or derive.claims())
    for registry, names in ((THEOREMS, chosen_theorems), (CLAIMS, chosen_claims)):
        for name in names:
            registry.builder(name)
    with directory_atomic(directory, generator=GENERATOR) as root:
        for part in ("derivations", "curves", "verification"):
            (root / part).mkdir()
        notes: list[str] = []
        engine = find_engine() if pdf else None
        if pdf and engine is None:
            notes.append("No PDFs: pdflatex is not installed. The .tex files compile on their own.")
        tasks = [("theorem", name) for name in chosen_theorems] + [("claim", name) for name in chosen_claims]
        made = run(tasks, workers=workers, say=say)
        proved = [t for t in made if isinstance(t, Theorem)]
        contents = Contents(
            theorems=tuple(proved),
            audits=tuple(a for a in made if isinstance(a, Audited)),
            typeset=tuple(_derivations(root, proved, engine, notes, say)),
            cases=tuple(_cases(root, networks, seed, say)),
            regime=_regime(root, networks, seed, say),
            networks=networks,
            seed=seed,
            notes=tuple(notes),
        )
        say("writing")
        audits = [audit.data for audit in contents.audits]
        _write(root / "audit.json", json.dumps(audits, indent=2, ensure_ascii=False) + "\n")
        _write(root / "audit.html", audit_page(contents))
        _write(root / "index.html", index_page(contents))
    return Path(directory) / "index.html"


def _derivations(
    root: Path, theorems: Sequence[Theorem], engine: str | None, notes: list[str], say: Progress
) -> Iterator[str]:
    """Write the derivations; yield the names of those that could be typeset."""
    for theorem in theorems:
        stem = root / "derivations" / theorem.name
        _write(stem.with_suffix(".html"), theorem.html)
        _write(stem.with_suffix(".tex"), theorem.latex)
        if engine is None:
            continue
        say(f"typesetting {theorem.name}")
        made = typeset(theorem.latex, engine)
        if isinstance(made, bytes):
            stem.with_suffix(".pdf").write_bytes(made)
            yield theorem.name
        else:
            notes.append(f"No PDF of {theorem.name}: {made}")


def _cases(root: Path, networks: int, seed: int, say: Progress) -> list[Case]:
    # The variance of Glorot's compromise is that of its derivation, evaluated at these widths.
    compromise = kernel(derive.theorem("glorot-condition"))(np.arange(len(WIDTHS) - 1), WIDTHS)
    glorot = Network(widths=WIDTHS, weight_variance=compromise.tolist(), weight_law="uniform")
    small = Network(widths=WIDTHS, activation="tanh", gain=0.01)
    large = Network(widths=WIDTHS, activation="tanh", gain=2.0)
    plan = [
        (
            "glorot",
            "Linear units, Glorot’s compromise",
            "Uniform weights of variance 2/(nᵢ + nᵢ₊₁). Widths differ, so neither direction is kept constant.",
            glorot,
        ),
        ("tanh-small", "Tanh units, small weights", "Gain 0.01: pre-activations stay near 0, where tanh s ≈ s.", small),
        ("tanh-large", "Tanh units, large weights", "Gain 2: tanh saturates, and the linear regime is left.", large),
    ]
    cases = []
    for number, (key, title, about, network) in enumerate(plan):
        say(f"simulating {title}")
        prediction = predict(network)
        simulation = simulate(network, rng=[seed, number], networks=networks, progress=False)
        figure = plot_curves(prediction, simulation)
        found = verify(prediction, simulation)
        _write(root / "curves" / f"{key}.csv", prediction.to_csv())
        (root / "curves" / f"{key}.png").write_bytes(to_bytes(figure, "png"))
        _write(root / "verification" / f"{key}.csv", _csv([row.to_dict() for row in found.rows]))
        cases.append(Case(key, title, about, prediction, simulation, found, figure))
    return cases


def _regime(root: Path, networks: int, seed: int, say: Progress) -> Regime:
    """Simulate the tanh network at many gains, and compare its deepest variances with the linear regime's."""
    say("simulating where the linear regime ends")
    last = len(WIDTHS) - 2
    watched = {
        rf"$\mathrm{{Var}}[z^{last}]$": ("var_z", last),
        r"$\mathrm{Var}[\partial\mathrm{Cost}/\partial s^0]$": ("var_grad_s", 0),
    }
    found: dict[str, list[tuple[float, float]]] = {label: [] for label in watched}
    for number, gain in enumerate(_SWEEP):
        network = Network(widths=WIDTHS, activation="tanh", gain=gain)
        prediction = predict(network)
        simulation = simulate(network, rng=[seed, 100 + number], networks=networks, progress=False)
        for label, (name, layer) in watched.items():
            predicted = prediction.columns[name][layer]
            estimate, error = simulation.estimate[name][layer], simulation.standard_error[name][layer]
            found[label].append((estimate / predicted, error / predicted))
    ratios = {label: (np.array(pairs)[:, 0], np.array(pairs)[:, 1]) for label, pairs in found.items()}
    figure = plot_regime(_SWEEP, ratios)
    (root / "curves" / "linear-regime.png").write_bytes(to_bytes(figure, "png"))
    rows = [
        {
            "gain": gain,
            **{
                f"{name}_{layer}_{what}": float(ratios[label][part][k])
                for label, (name, layer) in watched.items()
                for part, what in enumerate(("ratio", "standard_error"))
            },
        }
        for k, gain in enumerate(_SWEEP)
    ]
    _write(root / "curves" / "linear-regime.csv", _csv(rows))
    return Regime(ratios, figure)


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
