"""Every figure: nothing cut or on top of something else, all named in a legend, one style, and axes of the caller."""

import io
from functools import lru_cache
from itertools import combinations, pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import StepPatch

from derive.activations import activation
from derive.errors import InputError
from numerics.activations import numpy_function
from numerics.curves import predict
from numerics.figures import FIGURES, draw, plot_curves, plot_function, plot_maps, plot_phase, plot_regime, to_bytes
from numerics.figures.line_labels import number_lines
from numerics.network import Network
from numerics.phase import phase_diagram
from numerics.simulation import simulate

SMALL = {"width": 64, "depth": 7}
RELU = Network(widths=[32] * 6, activation="relu", gain=2.0)
GAINS = [0.1, 1.0, 3.0]
RATIOS = {"a": (np.array([0.9, 0.5, 0.2]), np.full(3, 0.01)), "b": (np.array([0.8, 0.4, 0.1]), np.full(3, 0.01))}


@lru_cache
def diagram(name):
    return phase_diagram(name, points=64)


@lru_cache
def simulated(over):
    return simulate(RELU, over=over, networks=30, rng=1, progress=False)


def curves(over, **options):
    return plot_curves(predict(RELU), simulated(over) if over else None, **options)


PLOTS = {
    **{name: (lambda name=name, **options: draw(name, **SMALL, **options)) for name in FIGURES},
    "curves alone": lambda **options: curves(None, **options),
    "curves over networks": lambda **options: curves("network", **options),
    "curves over both": lambda **options: curves("both", **options),
    "regime": lambda **options: plot_regime(GAINS, RATIOS, **options),
    "function": lambda **options: plot_function("relu", **options),
    "maps": lambda **options: plot_maps("tanh", weight_variance=1.5, bias_variance=0.1, q=0.7, **options),
    "phase of gelu": lambda **options: plot_phase(diagram("gelu"), **options),
    "phase of tanh": lambda **options: plot_phase(diagram("tanh"), **options),
}


@pytest.fixture(scope="module", params=PLOTS)
def plot(request):
    """Name, function and figure."""
    return request.param, PLOTS[request.param], PLOTS[request.param]()


@lru_cache(maxsize=1)
def texts(figure):
    """Every text that is seen, with its extent in pixels; found once for the tests of a figure."""
    figure.draw_without_rendering()
    shown = [t for t in figure.findobj(mpl.text.Text) if t.get_visible() and t.get_text().strip()]
    hidden = {
        id(label)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.majorTicks, *axis.minorTicks)
        for label in (tick.label1, tick.label2)
        if not (axis.get_visible() and axes.axison and drawn(axis, tick))
    }
    hidden |= {
        id(label)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        if not (axis.get_visible() and axes.axison)
        for label in (axis.label, axis.offsetText)
    }
    return [(t, t.get_window_extent()) for t in shown if id(t) not in hidden]


def drawn(axis, tick):
    """Whether a tick lies within the axes: others are not drawn."""
    low, high = sorted(axis.get_view_interval())
    return low <= tick.get_loc() <= high


def test_no_text_is_cut(plot):
    """Every text lies within the figure."""
    _, _, figure = plot
    frame = figure.bbox
    for text, box in texts(figure):
        assert box.xmin >= frame.xmin - 0.5, text
        assert box.xmax <= frame.xmax + 0.5, text
        assert box.ymin >= frame.ymin - 0.5, text
        assert box.ymax <= frame.ymax + 0.5, text


def test_no_text_lies_on_another(plot):
    """Boxes of texts that are not turned share no more than three pixels, their margins."""
    _, _, figure = plot
    level = [(text, box) for text, box in texts(figure) if text.get_rotation() in (0, 90)]
    for (one, a), (other, b) in combinations(level, 2):
        across = min(a.xmax, b.xmax) - max(a.xmin, b.xmin)
        up = min(a.ymax, b.ymax) - max(a.ymin, b.ymin)
        assert min(across, up) <= 3, (one, other)


def test_no_bar_is_cut(plot):
    """The edges and the height of every histogram lie within its axes."""
    _, _, figure = plot
    for axes in figure.axes:
        for patch in axes.patches:
            if isinstance(patch, StepPatch):
                density, edges, _ = patch.get_data()
                (left, right), top = axes.get_xlim(), axes.get_ylim()[1]
                assert left < edges.min()
                assert edges.max() < right
                assert density.max() < 0.98 * top


def test_every_line_and_every_series_of_points_is_in_a_legend(plot):
    """By colour and marker: each series that has points is shown with them, each line with its colour."""
    name, _, figure = plot
    if name in ("function", "kaiming-net"):
        return  # one line a panel, which its title names; and a diagram
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    named = {
        (mpl.colors.to_hex(line.get_color()), line.get_marker())
        for legend in legends
        for line in legend.findobj(mpl.lines.Line2D)
    }
    for axes in figure.axes:
        for line in axes.lines:
            if not len(line.get_xdata()) or line.get_gid() == "frame":
                continue
            marks = {mark for colour, mark in named if colour == mpl.colors.to_hex(line.get_color())}
            assert line.get_marker() in marks, line


def test_the_style_is_kept_by_savefig(plot, tmp_path):
    """Saved by matplotlib's own means, in whatever settings: the same picture, but for roundings of the layout."""
    _, _, figure = plot
    for _ in range(2):
        expected = to_bytes(figure, "png")  # matplotlib's layout comes to rest
    with mpl.rc_context({"font.family": "monospace", "mathtext.fontset": "cm", "savefig.dpi": 50, "font.size": 20}):
        figure.savefig(tmp_path / "figure.png")
        shown = figure._repr_png_()
    expected = imread(io.BytesIO(expected))
    for found in (imread(tmp_path / "figure.png"), imread(io.BytesIO(shown))):
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 0.2


def test_axes_of_the_caller(plot):
    """As many as there are panels are drawn on, and no other figure is made; another number is refused."""
    _, function, figure = plot
    count = len(figure.axes)
    mine = Figure(figsize=(4 * count, 4), layout="constrained")
    axes = mine.subplots(1, count, squeeze=False)
    assert function(ax=axes if count > 1 else axes[0, 0]) is mine
    assert all(one.has_data() for one in axes.flat)
    assert len(mine.axes) == count
    with pytest.raises(InputError, match=rf"ax must be matplotlib axes, as many as there are panels \({count}\), got"):
        function(ax=mine.subplots(1, count + 1))
    with pytest.raises(InputError, match="ax must be"):
        function(ax="here")


def test_one_panel_of_curves():
    """By its title, alone or on axes; an unknown one is refused."""
    figure = curves("both", panels=["correlation of two samples"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["correlation of two samples"]
    with pytest.raises(InputError, match="unknown panel 'correlations'"):
        curves("both", panels=["correlations"])


def test_axes_of_two_figures_are_refused():
    axes = [Figure().subplots(), Figure().subplots()]
    with pytest.raises(InputError, match="ax must be axes of one figure, got those of 2"):
        plot_function("tanh", ax=axes)


def test_a_plot_of_a_function_is_its_values():
    """On axes of the caller: f and f' themselves."""
    left, right = Figure().subplots(1, 2)
    plot_function("tanh", ax=[left, right])
    for axes, order in ((left, 0), (right, 1)):
        s, values = axes.lines[0].get_data()
        np.testing.assert_array_equal(values, numpy_function(activation("tanh"), order)(s) if order else np.tanh(s))


@pytest.mark.parametrize("name", ["gelu", "tanh"])
def test_numbers_of_contours_keep_clear(name):
    """Each lies whole within the axes, on no other number, and no other line runs through it."""
    figure = plot_phase(diagram(name))
    (axes,) = figure.axes
    figure.draw_without_rendering()
    frame = axes.get_window_extent()
    numbers = [text for text in axes.texts if text.get_text()]
    assert len(numbers) >= 6
    boxes = []
    for text in numbers:
        box = text.get_window_extent()
        assert frame.contains(box.xmin, box.ymin), text
        assert frame.contains(box.xmax, box.ymax), text
        boxes.append(box)
    for a, b in combinations(boxes, 2):
        assert not a.overlaps(b)
    edge = axes.transData.transform(np.column_stack(axes.lines[0].get_data()))
    edge = edge[np.isfinite(edge).all(axis=1)]
    for text, box in zip(numbers, boxes, strict=True):
        centre = np.array([(box.xmin + box.xmax) / 2, (box.ymin + box.ymax) / 2])
        assert np.hypot(*(edge - centre).T).min() > text.get_fontsize() / 2


def test_a_line_without_room_has_no_number():
    """Lines that lie closer than a number is high have none; apart, each has one."""

    def numbers(gap):
        axes = Figure(figsize=(4, 4)).subplots()
        x = np.linspace(0, 1, 60)
        found = axes.contour(x, x, np.add.outer(0 * x, x), levels=[0.5, 0.5 + gap, 0.5 + 2 * gap])
        number_lines(axes, [found], lambda level: f"{level:.3f}")
        return [text.get_text() for text in axes.texts]

    assert numbers(0.005) == []
    assert numbers(0.15) == ["0.500", "0.650", "0.800"]


def test_edge_of_chaos():
    """Theory of three tanh networks: alike exponentially, as 1/l, and to a fixed difference; points lie on it."""
    left, right = draw("edge-of-chaos", width=256, depth=30).axes
    ordered, edge, chaotic = (line.get_ydata() for line in right.lines if line.get_marker() == "None")
    rates = ordered[1:] / ordered[:-1]
    assert rates[-5:] == pytest.approx(rates[-1], rel=0.01)
    assert rates[-1] < 0.9
    assert edge[-1] * 30 == pytest.approx(edge[14] * 15, rel=0.25)
    assert chaotic[-1] == pytest.approx(chaotic[-4], rel=0.01)
    assert chaotic[-1] > 0.5
    for bar, line in zip(right.containers, (ordered, edge, chaotic), strict=True):
        layers, values = bar.lines[0].get_data()
        assert values == pytest.approx(line[layers - 1], rel=0.25)
    places = [line.get_xydata()[0] for line in left.lines if line.get_marker() != "None"]
    assert [b for _, b in places] == [0.05] * 3
    assert all(a[0] < b[0] for a, b in pairwise(places))


def test_contours_of_a_coarse_diagram_stay_on_their_side_of_the_critical_line():
    """From 50 layers on each is one line, as a level of a smooth function is, and none crosses the critical line."""
    diagram = phase_diagram("tanh", points=32)
    (axes,) = plot_phase(diagram).axes
    found = next(c for c in axes.collections if isinstance(c, QuadContourSet))  # of xi_c
    edge = diagram.edge[np.isfinite(diagram.edge).all(axis=1)]
    for level, segments in zip(found.levels, found.allsegs, strict=True):
        if abs(level) <= 1 / 50:
            pieces = [segment for segment in segments if segment[:, 1].max() > 0.05]
            assert 1 <= len(pieces) <= 2  # its number may interrupt it
            inside = np.concatenate(pieces)
            inside = inside[inside[:, 1] > 0.05]
            at = np.interp(inside[:, 1], edge[:, 1], edge[:, 0])
            assert ((inside[:, 0] < at) if level > 0 else (inside[:, 0] > at)).all()
