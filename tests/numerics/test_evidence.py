"""Networks that learn: their gradients, their training, and the cells that studies are made of."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import numpy as np
import pytest
import scipy
from click.testing import CliRunner
from matplotlib.figure import Figure

from derive.errors import InputError
from numerics import Network, predict
from numerics.cli import main
from numerics.evidence import QUICK, Settings, evidence, training
from numerics.evidence import gathering as gathering_module
from numerics.evidence.cells import CELLS, TRAINED, Cell, perform
from numerics.evidence.cost import accuracy, cross_entropy, output_gradient
from numerics.evidence.data import CLASSES, PIXELS, Split, available, task
from numerics.evidence.data import TRAINED as TRAINING_SAMPLES
from numerics.evidence.depth_scale import depth_scales
from numerics.evidence.figures import gradient_ratio
from numerics.evidence.gathering import Measured, _best
from numerics.evidence.initialisation import initial
from numerics.evidence.measurements import measured, seeds
from numerics.evidence.networks import Learner
from numerics.evidence.predictions import predicted_rhythm
from numerics.evidence.studies import ASSUMPTION, DEPTH, FULL, RHYTHM, SHAPES, STUDIES, cells, chain
from numerics.evidence.training import MOMENTUM, train
from numerics.figures import FIGURES
from numerics.phase import phase_diagram
from numerics.report import evidence as report_evidence
from numerics.report.contents import Contents, Drawing, Regime, Trained
from numerics.report.page import index_page
from numerics.stages import Stage, stream

TINY = Settings(
    width=8,
    batch=32,
    copies=2,
    steps=3,
    depths=(3,),
    variances=(1.5,),
    grid_rates=(0.01,),
    rhythm_depth=4,
    rates=(0.01,),
    shape_depths=(4,),
    drawn=3,
    drawn_depths=(3,),
)
MIXED = Network(layers="dense(5), tanh, residual(gelu, dense(5)), dropout(0.2), dense(3)", input=4, gain=1.5)


def streams(count):
    return [np.random.default_rng(child) for child in np.random.SeedSequence(5).spawn(count)]


@pytest.fixture(scope="module")
def learner():
    return Learner(MIXED, 6, "float64")


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(2)
    return rng.standard_normal((6, 4)), np.eye(3)[rng.integers(3, size=6)]


def gradients(learner, values, x, y):
    run = learner.run(learner.program, values, x)
    found = run.gradients(output_gradient(learner.output(run), y) / learner.batch)
    return {key: found[key[0]] for key in learner.weights}


def test_gradients_of_weights_are_finite_differences_of_the_cost(learner, batch):
    """With a residual branch and masks: one weight of every matrix, in two copies."""
    x, y = batch
    values = learner.draw(streams(2)) | learner.masks(streams(2))
    assert (len(learner.weights), len(values)) == (3, 4)  # a mask is no weight
    found = gradients(learner, values, x, y)
    for key in learner.weights:
        costs = []
        for sign in (1, -1):
            moved = {**values, key: values[key].copy()}
            moved[key][:, 1, 2] += sign * 1e-5
            costs.append(cross_entropy(learner.output(learner.run(learner.program, moved, x)), y))
        np.testing.assert_allclose(found[key][:, 1, 2], (costs[0] - costs[1]) / 2e-5, rtol=1e-7)


def test_gradients_are_those_of_pytorch(learner, batch):
    """The same network and cost, written anew."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x, y = batch
    values = learner.draw(streams(1)) | learner.masks(streams(1))
    found = gradients(learner, values, x, y)
    first, inner, last = (torch.tensor(values[key][0], requires_grad=True) for key in learner.weights)
    (mask,) = (torch.tensor(values[key][0]) for key in values if key not in learner.weights)
    h = torch.tanh(torch.tensor(x) @ first)
    h = h + torch.nn.functional.gelu(h) @ inner
    cost = torch.nn.functional.cross_entropy(h * mask @ last, torch.tensor(y))
    cost.backward()
    for key, matrix in zip(learner.weights, (first, inner, last), strict=True):
        np.testing.assert_allclose(found[key][0], matrix.grad.numpy(), rtol=1e-10)


def test_the_cost_of_equal_logits_is_the_logarithm_of_the_number_of_classes():
    """And huge logits neither overflow nor count as right where they are no numbers."""
    y = np.eye(10)[:4]
    assert cross_entropy(np.zeros((1, 4, 10)), y) == pytest.approx(math.log(10), rel=1e-14)
    s = 1e4 * y[None]
    assert cross_entropy(s, y) == 0
    assert accuracy(s, y) == 1
    assert accuracy(np.full((1, 4, 10), np.nan), y) == 0
    np.testing.assert_allclose(output_gradient(np.zeros((1, 4, 10)), y)[0], 0.1 - y)


def test_training_is_gradient_descent_with_momentum():
    """One dense layer, three steps, against a loop by hand."""
    layer = Learner(Network(layers="dense(10)", input=PIXELS, gain=1.0), 16, "float64")
    data = task("made-up")
    root = stream(0, Stage.EVIDENCE, 2, 0)
    seen = train(layer, data, seeds=[root], start="drawn", rate=0.1, steps=3, every=1)
    weights, order, _ = (np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, kind)) for kind in range(3))
    W = layer.draw([np.random.default_rng(weights)])[layer.weights[0]][0]
    places, v = np.random.default_rng(order).permutation(TRAINING_SAMPLES), 0.0
    for step in range(3):
        x, y = (part[places[16 * step : 16 * step + 16]] for part in (data.train.x, data.train.y))
        p = np.exp(x @ W)
        p /= p.sum(axis=1, keepdims=True)
        assert seen.cost[step][0] == pytest.approx(-np.log((p * y).sum(axis=1)).mean(), rel=1e-10)
        v = MOMENTUM * v - 0.1 * x.T @ (p - y) / 16
        assert seen.update[step][0, 0] == pytest.approx(np.linalg.norm(v) / np.linalg.norm(W), rel=1e-10)
        W = W + v
    right = (data.test.x @ W).argmax(axis=1) == data.test.y.argmax(axis=1)
    assert seen.test[0] == pytest.approx(right.mean(), abs=1e-12)


def test_networks_are_tested_without_masks_on_all_whole_batches():
    """By hand, on two batches and a rest that is left out: with ones in place of masks."""
    learner, rng = Learner(MIXED, 6, "float64"), np.random.default_rng(3)
    values, x, y = learner.draw(streams(2)), rng.standard_normal((15, 4)), np.eye(3)[rng.integers(3, size=15)]
    costs, shares = training.tested(learner, values, Split(x, y))
    for copy in range(2):
        first, inner, last = (values[key][copy] for key in learner.weights)
        h = np.tanh(x[:12] @ first)
        s = (h + (h * scipy.special.ndtr(h)) @ inner) @ last
        p = scipy.special.softmax(s, axis=1)
        assert costs[copy] == pytest.approx(-np.log((p * y[:12]).sum(axis=1)).mean(), rel=1e-12)
        assert shares[copy] == pytest.approx((s.argmax(axis=1) == y[:12].argmax(axis=1)).mean())


def test_a_seed_gives_the_same_numbers_whatever_is_trained_beside_it():
    """The first copy of three is the only copy of one; masks of dropout have streams of their own."""
    about = {"study": DEPTH, "label": "", "kind": TRAINED, "depth": 3, "gain": 1.5, "data": "made-up", "seed": 4}
    cell = Cell(**about, layers=chain(8, 3, "tanh, dropout(0.1)"), copies=3, batch=16, rate=0.05, steps=4, every=2)
    three, one = (perform(dataclasses.replace(cell, copies=copies)) for copies in (3, 1))
    assert [costs[:1] for costs in three["cost"]] == one["cost"]
    assert three["test"][:1] == one["test"]
    assert len({*three["cost"][0]}) == 3
    assert perform(dataclasses.replace(cell, seed=5))["cost"] != three["cost"]


def test_weights_that_depend_on_the_data_make_mean_squares_one():
    """At every dense layer, for the batch that they were made with."""
    learner = Learner(Network(layers=chain(8, 5, "relu"), input=PIXELS, gain=0.3), 32, "float64")
    x = task("made-up").train.x[:32]
    values = initial(learner, "data-dependent", streams(2), x)
    run = learner.run(learner.whole, values, x)
    for row, _ in learner.dense:
        np.testing.assert_allclose(np.square(run[row]).mean(axis=(1, 2)), 1, rtol=1e-12)
    assert len(learner.dense) == 5


def test_the_task_is_of_the_shape_of_the_digits():
    """Standardised by its training samples alone; three parts that have no sample in common."""
    made = task("made-up")
    assert "made-up" in made.about
    for part in (made.train, made.validation, made.test):
        assert part.x.shape == (len(part), PIXELS)
        assert part.y.shape == (len(part), CLASSES)
        assert set(part.y.sum(axis=1)) == {1.0}
    assert [len(part) for part in (made.train, made.validation, made.test)] == [1221, 256, 320]
    np.testing.assert_allclose(made.train.x.mean(axis=0), 0, atol=1e-12)
    assert np.square(made.train.x).mean() == pytest.approx(1)
    assert len(np.unique(np.concatenate([part.x for part in (made.train, made.validation, made.test)]), axis=0)) == 1797


def test_the_digits_are_those_of_scikit_learn():
    """All 1797, of which no two classes are counted alike."""
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn (the extra evidence) is not installed")
    made = task(available())
    labels = np.concatenate([part.y for part in (made.train, made.validation, made.test)]).sum(axis=0)
    np.testing.assert_array_equal(labels, np.bincount(datasets.load_digits().target))


def test_variances_at_initialisation_are_the_predicted_ones():
    """Signals, and gradients that are drawn, keep to the prediction in a wide network."""
    common = {"study": ASSUMPTION, "label": "", "kind": "measured", "data": "made-up", "seed": 0, "batch": 16}
    wide = Cell(**common, layers=chain(128, 4, "tanh"), depth=4, gain=1.5, bias_variance=0.5, copies=30)
    found = Measured(wide, measured(wide))
    np.testing.assert_allclose(found.array("drawn_grad")[:, -1], found.array("grad")[:, -1], rtol=1e-5)
    for name, columns in (("q", "predicted_q"), ("drawn_grad", "predicted_grad")):
        values = found.array(name)
        values = values / (values[:, -1:] if name == "drawn_grad" else 1)
        error = values.std(axis=0, ddof=1) / math.sqrt(30)
        # The mean over samples of E[f²(q)] is not that at the mean of q: two per cent at most.
        assert np.all(np.abs(values.mean(axis=0) - found.array(columns)) < 4 * error + 0.02 * found.array(columns))


def test_the_gradient_of_a_cost_depends_on_the_weights():
    """In ReLU networks it is larger at the input than a drawn one of the same size; not where logits are near 0."""
    common = {"study": ASSUMPTION, "label": "", "kind": "measured", "data": "made-up", "seed": 0, "batch": 16}
    layers = chain(32, 6, "relu")
    apart = []
    for text in (layers, layers.removesuffix(")") + ", gain=1/100)"):
        found = Measured(cell := Cell(**common, layers=text, depth=6, gain=2.0, copies=200), measured(cell))
        of_cost, drawn = (gradient_ratio(found, name)[:, 0] for name in ("grad", "drawn_grad"))
        apart.append(((of_cost - drawn).mean(), (of_cost - drawn).std(ddof=1) / math.sqrt(200)))
    (far, error), (near, its_error) = apart
    assert far > 4 * error
    assert abs(near) < 4 * its_error


def test_the_depth_scale_of_a_curve_is_that_of_the_phase_diagram():
    """Ordered and chaotic tanh networks: fixed points found by another way. Dropout shortens both."""
    variances = [1.0, 1.5, 2.5]
    scales = depth_scales("tanh", variances, bias_variance=0.05)
    diagram = phase_diagram("tanh", weight_variance=(1.0, 2.5), bias_variance=(0.05, 0.06), points=4)
    np.testing.assert_allclose(scales, diagram.xi_c[0][[0, 1, 3]], rtol=1e-5)
    assert np.all(depth_scales("tanh, dropout(0.05)", variances, bias_variance=0.05) < scales)


def test_the_predicted_rhythm_is_flat_where_gains_are_equal():
    """ReLU layers of one width: the same for He's and for Glorot's gains, and as 1/gain for unequal ones."""
    by_label = {cell.label: cell for cell in cells(QUICK, seed=0, data="made-up") if cell.study == RHYTHM}
    for label in ("He", "Glorot"):
        rhythm = predicted_rhythm(by_label[label])
        np.testing.assert_allclose(rhythm[1:-1], rhythm[1], rtol=1e-6)
    unequal = predicted_rhythm(by_label["unbalanced"])
    assert unequal[7] / unequal[1] == pytest.approx(16, rel=1e-6)
    assert predicted_rhythm(by_label["data-dependent"]) is None
    for layers in (chain(8, 3, "tanh"), chain(8, 3, "relu, dropout(0.1)"), chain(8, 3, "relu, layernorm")):
        assert predicted_rhythm(dataclasses.replace(by_label["He"], layers=layers)) is None


def test_the_predicted_rhythm_is_that_of_the_curves():
    """By another way: the predicted variances of the weights' gradients, of unequal widths and gains."""
    widths, gains = [PIXELS, 20, 50, 8, 10], [0.5, 3.0, 1.0, 2.0]
    layers = ", relu, ".join(f"dense({n}, gain={g})" for n, g in zip(widths[1:], gains, strict=True))
    (cell, *_) = (cell for cell in cells(QUICK, seed=0, data="made-up") if cell.study == RHYTHM)
    found = predicted_rhythm(dataclasses.replace(cell, layers=layers, depth=4))
    network = Network(widths=widths, activation="relu", gain=gains)
    relative = np.sqrt(predict(network).columns["var_grad_w"] / np.array(network.weight_variance))
    np.testing.assert_allclose(found, relative / np.exp(np.log(relative).mean()), rtol=1e-12)
    assert found.max() > 2 * found.min()


def point(rate, validation, cost=1.0):
    cell = Cell("depth", "tanh", TRAINED, "dense(10)", 1, 1.0, "made-up", 0, 2, 16, rate=rate)
    return Measured(cell, {"validation": validation, "validation_cost": [cost, cost], "test": validation})


def test_the_step_size_is_the_best_on_the_validation_samples():
    """Of equal accuracies the lower cost; whether it is at an end of those tried is said."""
    few = [point(0.1, [0.9, 0.9]), point(0.01, [0.9, 0.9], cost=0.5), point(0.001, [0.5, 0.6])]
    assert (_best(few).cell.rate, _best(few).at_end) == (0.01, "")
    assert _best([*few, point(1.0, [1.0, 0.9])]).at_end == "largest"
    assert _best(few[:1]).at_end == "only"
    assert _best([point(0.1, [0.1, 0.1], cost=None), point(0.01, [0.1, 0.1])]).cell.rate == 0.01


class Interrupted(Exception):
    pass


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path, monkeypatch):
    """Every finished cell is in its file; the next run computes the others alone, and finds what one run finds."""
    done = []

    def counted(cell):
        if len(done) == 5:
            raise Interrupted
        done.append(cell)
        return perform(cell)

    monkeypatch.setattr(gathering_module, "perform", counted)
    with pytest.raises(Interrupted):
        evidence(tmp_path, settings=TINY, data="made-up", progress=False)
    files = sorted((tmp_path / CELLS).iterdir())
    assert len(files) == 5
    files[0].write_text(files[0].read_text()[:40])
    began, done[:] = done[:], []
    monkeypatch.setattr(gathering_module, "perform", lambda cell: done.append(cell) or perform(cell))
    found = evidence(tmp_path, settings=TINY, data="made-up", progress=False)
    again = [cell for cell in done if cell in began]
    assert [cell.file for cell in again] == [files[0].name]
    assert len(done) == len(cells(TINY, seed=0, data="made-up")) - 4
    assert {cell.study for cell in done} | {cell.study for cell in began} == set(STUDIES)
    monkeypatch.undo()
    with ThreadPoolExecutor(2) as pool:
        alone = evidence(None, settings=TINY, data="made-up", progress=False, executor=pool)
    assert alone.to_dict() == found.to_dict()
    assert [one.result for one in alone.found] == [one.result for one in found.found]
    assert json.loads(files[1].read_text())["result"] in [one.result for one in found.found]


def test_bad_requests_are_refused(tmp_path):
    """Each names the argument, and writes nothing."""
    for options, words in (
        ({"seed": -1}, "seed must be"),
        ({"data": "mnist"}, "data must be one of digits, made-up"),
    ):
        with pytest.raises(InputError, match=words):
            evidence(tmp_path / "new", settings=TINY, **options)
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        evidence(tmp_path / "file", settings=TINY, data="made-up")


def test_the_full_studies_reach_a_hundred_layers_with_five_seeds():
    """As the command says; all networks of one study are trained with the same step sizes."""
    for settings in (FULL, QUICK):
        made = cells(settings, seed=0, data="made-up")
        assert len({cell.file for cell in made}) == len(made)
        trained = [cell for cell in made if cell.kind == TRAINED]
        assert min(cell.copies for cell in made) >= 5
        for study in {cell.study for cell in trained}:
            tried = {}
            for cell in (cell for cell in trained if cell.study == study):
                tried.setdefault((cell.label, cell.depth, cell.gain), set()).add(cell.rate)
            assert len(set(map(frozenset, tried.values()))) == 1
    assert {min(cell.depth for cell in cells(FULL, seed=0, data="made-up"))} == {5}
    assert {max(cell.depth for cell in cells(FULL, seed=0, data="made-up"))} == {100}


def test_seeds_are_the_same_in_all_cells():
    """Networks are compared in pairs: the same samples in the same order."""
    first, *_, last = cells(TINY, seed=3, data="made-up")
    assert [s.spawn_key for s in seeds(first)][:2] == [s.spawn_key for s in seeds(last)][:2]
    assert len(Split(np.zeros((3, 2)), np.zeros((3, 2)))) == 3


@pytest.fixture(scope="module")
def tiny():
    return evidence(None, settings=TINY, data="made-up", progress=False)


def test_a_report_shows_what_trained_networks_show(tmp_path, monkeypatch, tiny):
    """Four figures with captions, the table, and what was learnt; nothing where it was not asked for."""
    monkeypatch.setattr(report_evidence, "evidence", lambda *_, **__: tiny)
    for folder in ("figures", "verification"):
        (tmp_path / folder).mkdir()
    made = report_evidence.trained(tmp_path, TINY, 0, 1, None, lambda what: None)
    body = report_evidence.evidence_body(made, count(1))
    assert re.findall(r"<figcaption>Figure (\d+)\.", body) == ["1", "2", "3", "4"]
    assert body.count("<svg") == 4
    assert "made-up task" in body
    assert sorted(p.stem for p in (tmp_path / "figures").iterdir()) == sorted(report_evidence.CAPTIONS)
    assert (tmp_path / "verification" / "evidence.csv").read_text() == tiny.to_csv()
    assert report_evidence.evidence_body(None, count(1)) == ""


def test_figures_of_a_report_are_numbered_where_they_stand_with_trained_networks_among_them(monkeypatch):
    """From one on, in the order of the page, in chapters before, with and behind those of trained networks."""
    monkeypatch.setattr("numerics.report.formulas.to_inline_svg", lambda figure, alt: "<svg/>")
    drawn = {name: Drawing(name, "", "", Figure()) for name in FIGURES}
    trained = Trained((), tuple(Drawing(name, "", "", Figure()) for name in report_evidence.CAPTIONS))
    text = index_page(Contents((), (), (), (), Regime({}, Figure()), drawn, 1, 0, (), (), None, trained))
    found = re.findall(r'<figure id="figure-([\w-]+)">.*?<figcaption>Figure (\d+)\.', text, re.DOTALL)
    assert {name for name, _ in found} >= {*FIGURES, *report_evidence.CAPTIONS}
    numbers = [int(number) for number in re.findall(r"<figcaption>Figure (\d+)\.", text)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_command_writes_cells_table_and_figures(tmp_path, monkeypatch):
    """A second run computes nothing; a third, of other data, is bad input without scikit-learn alone."""
    monkeypatch.setattr("numerics.evidence.QUICK", TINY)
    arguments = ["evidence", "--quick", "-o", str(tmp_path), "--data", "made-up"]
    first = CliRunner().invoke(main, arguments)
    assert first.exit_code == 0, first.stderr
    assert {"rhythm", "depth", "dropout", "shapes"} <= set(first.stdout.split())
    assert "Learnt: a made-up task" in " ".join(first.stdout.split())
    monkeypatch.setattr(gathering_module, "perform", None)
    again = CliRunner().invoke(main, [*arguments, "--format", "csv"])
    assert again.stdout == (tmp_path / "evidence.csv").read_text()
    assert len(list(tmp_path.glob("*.png"))) == 4
    refused = CliRunner().invoke(main, [*arguments, "--seed", "-1"])
    assert refused.exit_code == 2


def test_normalised_networks_learn_like_the_others(tiny):
    """Each is a network of the study and has a cost; BatchNorm's mean over the batch is gone."""
    made = {cell.label: cell for cell in cells(TINY, seed=0, data="made-up") if cell.study == SHAPES}
    assert made["batchnorm"].layers.count("batchnorm, relu, dense") == 2
    assert "residual(layernorm, relu, dense(8), scale=1)" in made["residual, layernorm"].layers
    found = {point.cell.label: point for point in tiny.of(SHAPES)}
    assert list(found) == list(made)
    for label in ("layernorm", "layernorm after", "batchnorm", "residual, layernorm"):
        assert np.isfinite(found[label].best.array("cost")[0]).all()
    learner, x = Learner(made["batchnorm"].network, 32, "float64"), task("made-up").train.x[:32]
    run = learner.run(learner.whole, learner.draw(streams(2)), x)
    names = ["input", *(type(row.block).__name__ for row in learner._rows[1:])]
    behind = run[learner.rows[names.index("BatchNorm")]]
    np.testing.assert_allclose(behind.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.square(behind).mean(axis=1), 1, atol=1e-3)
