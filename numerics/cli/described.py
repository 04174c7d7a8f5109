"""``varprop network``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from derive.randomness import Family
from numerics.cli.limits import time_limit
from numerics.cli.narrow import Part as Text
from numerics.cli.narrow import Prose, columns, fitted
from numerics.cli.network_options import USUAL_GAIN, described_options
from numerics.cli.output import emit, table, to_json
from numerics.description import Cited, Description, Part, definition, describe, drawn_data, scalar
from numerics.network import Network


@click.command("network")
@described_options
@click.option("--all", "every", is_flag=True, help="Blocks that are alike one by one (text and latex).")
@click.option("--format", "form", type=click.Choice(["text", "latex", "json"]), default="text", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.")
@time_limit
def network(network: Network, gain_said: bool, every: bool, form: str, output: str | None) -> None:
    """Print what a network is: its blocks, the definitions of its signals, what is drawn, and which lemmas are cited.

    Of blocks that are alike and follow each other, the first stands for all. Weights whose gain is not given have gain
    1, and the text says so.
    """
    described = describe(network)
    if form == "json":
        emit(to_json({**described.to_dict(), **({} if gain_said else {"usual_gain": USUAL_GAIN})}), output)
        return
    groups = [(part, 1) for part in described.parts] if every else described.groups()
    if form == "latex":
        emit(_latex(groups), output)
        return
    width = columns() if output is None else None
    parts = _text(described, groups)
    if not gain_said:
        parts.insert(1, Prose(f"No gain is given: {USUAL_GAIN:g} for all weights that do not say their own (--gain)."))
    emit("\n".join(fitted(part, width) for part in parts), output)


def _layers(part: Part, count: int) -> str:
    first = part.row.layer
    return str(first) if count == 1 else f"{first}-{first + count - 1}"


def _text(described: Description, groups: list[tuple[Part, int]]) -> list[Text]:
    rows = [
        [_layers(part, count), part.row.name, part.shape, "" if part.row.block is None else str(part.row.block)]
        for part, count in groups
    ]
    parts: list[Text] = [Prose(f"{described.headline}."), ""]
    parts.append(table(["layer", "name", "shape", "block"], rows, left=frozenset({"name", "block"})))
    for part, count in groups:
        parts += ["", f"{_layers(part, count)} {part.row.name}", *_part(described.network, part)]
    return parts


def _part(network: Network, part: Part) -> list[Text]:
    from derive.render.text import formula

    found: list[Text] = [f"    {formula(definition(family))}" for family in part.defined]
    for drawn in part.drawn:
        data = drawn_data(drawn)
        size = "x".join(map(str, data["shape"]))
        words = [f"Drawn: {formula(scalar(drawn.family))} ({size}), {data['meaning']}: {_law(data)}"]
        if part.row.layer == 0 and network.inputs is None:
            words.append(f", mean {network.input_mean:g}; two samples have correlation {network.input_correlation:g}")
        found.append(Prose(f"{''.join(words)}.", indent=2, hang=4))
    if part.chain:
        found.append(Prose(f"In the theorems on the chain: {_here(part.chain)}.", indent=2, hang=4))
    return [*found, *(Prose(_citation(cited), indent=2, hang=4) for cited in part.cited)]


def _here(called: Mapping[str, Family]) -> str:
    return ", ".join(f"{name} is {family.name}" for name, family in called.items())


def _law(data: Mapping[str, Any]) -> str:
    if data["law"] == "data":
        return "the samples that are given"
    if data["rate"] is not None:
        return f"0 with probability {data['rate']}, else 1/(1 - {data['rate']})"
    return f"{data['law']}, variance {data['variance']}"


def _citation(cited: Cited) -> str:
    return f"Lemmas of {cited.block}: {', '.join(cited.lemmas)}. In them {_here(cited.called)}."


def _latex(groups: list[tuple[Part, int]]) -> str:
    from derive.render.latex import formula

    lines = []
    for part, count in groups:
        title = rf"\text{{{_layers(part, count)} {part.row.name}}}"
        for family in part.defined:
            equation = definition(family)
            lines.append(f"{formula(equation.lhs)} &= {formula(equation.rhs)} && {title}")
            title = ""
        for drawn in part.drawn:
            law = _law(drawn_data(drawn))
            lines.append(rf"{formula(scalar(drawn.family))} &\sim \text{{{law}}} && {title}")
            title = ""
    rows = " \\\\\n".join(line.removesuffix(" && ") for line in lines)
    return f"\\begin{{align*}}\n{rows}\n\\end{{align*}}"
