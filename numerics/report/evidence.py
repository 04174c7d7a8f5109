"""What trained networks show, in a report: the quick studies, drawn and captioned."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from html import escape
from pathlib import Path

from numerics.evidence import Evidence, Settings, evidence
from numerics.evidence.figures import FIGURES, SCALES
from numerics.figures import to_bytes
from numerics.report.contents import Drawing, Progress, Trained
from numerics.report.formulas import pictured
from numerics.report.runs import write

CAPTIONS = {
    "trainable-depth": (
        "Which tanh networks learn in a fixed number of steps, by depth and weight variance, with biases of variance "
        "0.05. Over the accuracies is the depth scale ξ<sub>c</sub>, read off the predicted correlation of two inputs "
        f"(dotted), and {SCALES}ξ<sub>c</sub>: made anew after figure 5 of Schoenholz et al. (2017), who found that "
        "training ends there. With dropout there is no edge of chaos: ξ<sub>c</sub> is finite at every variance.",
        "Two heat maps of accuracy over weight variance and depth. Left, tanh: accuracy falls with depth, least at the "
        "variance where the depth scale is infinite. Right, with dropout: it falls earlier at all variances.",
    ),
    "learning-rhythm": (
        "How much each layer of a ReLU network changes, next to the other layers, from four starts: at the first step "
        "(points; lines are the theory of var_grad_w, see theorem <code>first-step</code>) and over the first "
        "hundred; and the cost of the training batches, median and range over seeds, with the step size that "
        "was best for each of those tried alike. With "
        "Glorot’s gains, too, all layers but the last keep the same rhythm, though variances fall by half a layer.",
        "Three plots. The relative change by layer is nearly flat for Glorot’s, He’s and data-dependent starts, and "
        "jumps by sixteen between the halves of the unbalanced one, as theory says. The cost falls for all.",
    ),
    "independent-gradient": (
        "Mean squares over the predicted ones, from the input to the output, with two standard errors over seeds. "
        "Right, gradients of the cost, and (dotted) drawn ones of the same size, which are independent of the weights "
        "as the theory says.",
        "Two plots against the layer. Signals scatter about 1. Gradients of the cost of a ReLU network rise above 1 "
        "towards the input; those of the other networks, and all drawn ones, stay near 1.",
    ),
    "depth-of-shapes": (
        "ReLU networks with He’s gain: accuracy against depth, and how much the predicted mean square grows on the "
        "way, and the squared gradient on the way back. Chains stop learning, whose variance is constant: plain ones, "
        "and normalised ones, of which some keep samples apart and have growing gradients. Residual streams whose "
        "variance grows go on, until it grows too much. Growth beyond a million is cut off.",
        "Four plots against depth. Above, the accuracy of all chains falls with depth, that of residual streams stays, "
        "but for large branches. Below, predicted growth: of signals and gradients by orders of magnitude for large "
        "branches, and of gradients alone for BatchNorm and for LayerNorm behind ReLU.",
    ),
}
"""What each figure shows, as HTML; and what it says to those who do not see it."""


def trained(
    root: Path, settings: Settings, seed: int, workers: int | None, executor: Executor | None, say: Progress
) -> Trained:
    """Train the networks of the studies; write their table and figures below ``root``."""
    say("training networks")
    found = evidence(None, settings=settings, seed=seed, workers=workers, executor=executor, progress=False)
    write(root / "verification" / "evidence.csv", found.to_csv())
    return Trained(found.notes, tuple(_drawings(root, found)))


def _drawings(root: Path, found: Evidence) -> Iterator[Drawing]:
    for name, draw in FIGURES.items():
        figure = draw(found)
        (root / "figures" / f"{name}.png").write_bytes(to_bytes(figure, "png"))
        yield Drawing(name, *CAPTIONS[name], figure)


def evidence_body(found: Trained | None, numbers: Iterator[int]) -> str:
    """Return what the chapter shows of trained networks, or nothing."""
    if found is None:
        return ""
    parts = ['<h3 id="evidence">What trained networks show</h3>']
    for drawing in found.drawings:
        path = f"figures/{drawing.name}.png"
        caption = f'Figure {next(numbers)}. {drawing.caption} <a href="{path}">{path}</a>'
        parts.append(pictured(drawing.figure, drawing.alt, caption, key=f"figure-{drawing.name}"))
    parts += [f'<p class="dim">{escape(note)}</p>' for note in found.notes]
    parts.append('<p class="dim">All numbers: <a href="verification/evidence.csv">evidence.csv</a>. More and deeper')
    parts.append("networks: <code>varprop evidence -o DIR</code>.</p>")
    return "\n".join(parts)
