"""A notebook of a derivation, a curve, a verification and a phase diagram, run by Jupyter as a reader would."""

from __future__ import annotations

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

CELLS = {
    "import derive, numerics\nfrom numerics import *": None,
    'derive.theorem("backward-variance")': "<math",
    "derive.theorem('backward-variance').steps[0]": None,
    'derive.claim("glorot-2010-eq-6").audit()': "<math",
    'network = Network(depth=3, width=64, activation="tanh", gain=1.5)\nnetwork': None,
    "prediction = predict(network)\nprediction": "<table>",
    "prediction.plot()": "png",
    "simulation = simulate(network, seed=0, networks=50)\nsimulation": "<table>",
    "verification = verify(prediction, simulation)\nverification": "<table>",
    "verification.plot()": "png",
    'diagram = phase_diagram("tanh", points=16)\ndiagram': "<table>",
    "diagram.plot()": "png",
    'numerics.figures.draw("kaiming-net")': "png",
    "import matplotlib.pyplot\ndiagram.plot()": "png",
    'critical("tanh", bias_variance=0.04)': "<table>",
    'fixed_points("tanh", weight_variance=1.5)': "<table>",
    'recommended_gains("tanh")': "<table>",
    'NumericalMaps("tanh").length_map([0.5, 1.0])': "<table>",
    'NumericalMaps("tanh").at()': "<table>",
    'derive.Maps("erf")': "<table>",
}


@pytest.fixture(scope="module")
def outputs():
    """Return what each cell shows, by its MIME type."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    return {cell.source: [o.get("data", o) for o in cell.outputs] for cell in book.cells}


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("source", CELLS)
def test_a_cell_shows_what_it_should(outputs, source):
    """Derivations as mathematics, tables as tables, figures as pictures; and the text beside it is short."""
    wanted, shown = CELLS[source], outputs[source]
    if source.startswith("import derive"):
        assert shown == []
        return
    (data,) = shown
    assert len(data["text/plain"]) < 400
    if wanted == "png":
        assert len(data["image/png"]) > 5000
    elif wanted is not None:
        assert wanted in data["text/html"]
