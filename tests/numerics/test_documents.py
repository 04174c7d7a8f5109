"""What the documents show is what the program does."""

import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import derive
from derive.claims.claim import Finding
from derive.proof.verdict import Grade
from numerics.cli import main
from numerics.criticality.point import AT_ZERO, HALF_STABLE, NONE, SCALE_INVARIANT
from numerics.criticality.stability import STABLE, UNDECIDED, UNSTABLE
from numerics.figures import draw, save_figure

ROOT = Path(__file__).parents[2]
SHOWN = re.findall(
    r"```console\n\$ varprop ([^\n]*)\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
)


@pytest.mark.parametrize(("line", "output"), SHOWN, ids=[line.split()[0] for line, _ in SHOWN])
def test_readme_shows_real_output(line, output):
    """Every command of the README, run as it stands there, words as a shell takes them."""
    assert not set("*()<>$&|;") & set(re.sub(r"'[^']*'", "", line)), "a shell would take this for its own"
    assert CliRunner().invoke(main, shlex.split(line)).stdout == output


def test_readme_opens_with_an_answer():
    """A question and a command come before anything on how to install."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(SHOWN) >= 3
    assert text.index("$ varprop") < text.index("make report")


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*.py")), ids=lambda path: path.stem)
def test_example_runs(path):
    """As a script of its own, with warnings as errors."""
    done = subprocess.run([sys.executable, "-W", "error", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 10


def test_documentation_names_every_option():
    """docs/command-line.md is complete: every command and every long option stands in it."""
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    context = click.Context(main)
    for name in main.list_commands(context):
        assert f"varprop {name}" in text
        for parameter in main.get_command(context, name).params:
            for option in parameter.opts:
                assert not option.startswith("--") or f"`{option}" in text, f"{name} {option}"


def test_documentation_gives_the_time_limits():
    """The commands that stop by themselves, after how long, and that a report has an hour."""
    text = " ".join((ROOT / "docs" / "command-line.md").read_text(encoding="utf-8").split())
    named, seconds = re.findall(r"compute with a function \(([^)]*)\) stop after (\d+) seconds", text)[0]
    limits = {name: float(seconds) for name in re.findall(r"`(\w+)`", named)} | {"report": 3600.0}
    assert "A report has an hour" in text
    context = click.Context(main)
    found = {
        name: parameter.default
        for name in main.list_commands(context)
        for parameter in main.get_command(context, name).params
        if "--time-limit" in parameter.opts
    }
    assert found == limits


def test_documentation_gives_the_sizes_of_the_figures():
    """What `draw` is called with, what the command says, and what a figure written to a file has."""
    text = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    defaults = {
        name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", re.search(r"draw\(name, ([^)]*)", text)[1])
    }
    assert set(defaults) == {"seed", "width", "depth"}
    command = {
        parameter.name: parameter.default for parameter in main.get_command(click.Context(main), "figure").params
    }
    assert defaults.items() <= command.items()
    for function in (draw, save_figure):
        parameters = inspect.signature(function).parameters
        assert {name: parameters[name].default for name in defaults} == defaults


def _anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))], ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    """Files exist, and so do the headings that are pointed to."""
    for target in re.findall(r"\]\(([^)]*)\)", path.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            name, _, anchor = target.partition("#")
            page = (path.parent / name).resolve() if name else path
            assert page.exists(), target
            assert not anchor or anchor in _anchors(page), target


def test_the_glossary_has_the_words_that_are_printed():
    """Grades, verdicts, classes, stabilities, columns, quantities of maps: most from where the program has them."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = {str(grade) for grade in Grade} | {str(finding) for finding in Finding}
    words |= {SCALE_INVARIANT, AT_ZERO, HALF_STABLE, NONE, STABLE, UNSTABLE, UNDECIDED}
    words |= {"var_z", "var_s", "var_grad_s", "var_grad_w", "m2", "v2", "rho", "sigma_w2", "sigma_b2"}
    missing = {word for word in words if not re.search(rf"(`|\*\*|, ){re.escape(word)}(`|\*\*|,|:)", text)}
    assert not missing
    for name in (
        "chi_perp",
        "chi_par",
        "xi_q",
        "xi_c",
        "Fan-in",
        "Length map",
        "Edge of chaos",
        "Tiny world",
        "Torch gain",
        "slope_at_zero, slope_at_one",
        "mean_square_map",
        "half-stable",
        "Skewness",
    ):
        assert re.search(rf"^- \*\*[^:]*{name}", text, re.MULTILINE), name


def test_the_scope_counts_the_claims():
    """As many as there are."""
    text = (ROOT / "docs" / "scope.md").read_text(encoding="utf-8")
    assert int(re.search(r"Whether (\d+) printed", text)[1]) == len(derive.claims())
