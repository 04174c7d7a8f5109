"""The run: groups of networks through a method, moments streamed, progress shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from derive.errors import InputError
from numerics.network import Network
from numerics.simulation.batch import Recorder
from numerics.simulation.brute import weight_count
from numerics.simulation.collector import Collector
from numerics.simulation.forward import ForwardPass
from numerics.simulation.gram import GramMatrices
from numerics.simulation.methods import BackAndForth, Forward, ManySamples, Method
from numerics.simulation.norm_law import NormLaw
from numerics.simulation.of_blocks import refuse_for_blocks, simulate_blocks
from numerics.simulation.plan import Plan, at_least, plan
from numerics.simulation.progress import progress_bar
from numerics.simulation.result import SPREAD, Simulation, beyond_float64
from numerics.simulation.single import batches, over_samples, over_units
from numerics.simulation.streams import RNG, Seed, generator, groups
from numerics.simulation.workers import Recipe, run_groups

Floats = NDArray[np.float64]
Columns = dict[str, Floats]

MOST_GIB = 256
"""Brute force draws networks of up to so many weights, about ten minutes each."""


def simulate(
    network: Network,
    *,
    over: str = "network",
    seed: int | Sequence[int] | None = None,
    rng: RNG = None,
    networks: int | None = None,
    samples: int | None = None,
    method: str | None = None,
    quantities: Sequence[str] | None = None,
    inputs: str | Sequence[float] | NDArray[Any] = "random",
    spread: bool = False,
    dtype: str = "float64",
    record_layers: Iterable[int] = (),
    record_units: int | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Simulation:
    """Estimate the variances of every layer, over what is said, by drawing networks and inputs.

    Args:
        network: what is drawn. One of ``layers`` is simulated over networks with two samples each (or those of its
            ``inputs``, or its batch), from the definitions of its blocks; of the arguments below it takes ``seed``,
            ``rng``, ``networks``, ``workers``, ``executor`` and ``progress``, and ``samples`` where its batch is
            infinite: as many samples then stand for it.
        over: what the variances are taken over. ``"network"`` is the randomness of Glorot & Bengio (2010): input,
            weights, biases and output gradient together, each drawn once per network (or with one input, see
            ``inputs``). ``"sample"`` is one network and many inputs, ``"layer"`` the units of each layer in one network
            with one input, and ``"both"`` many networks with many inputs each, decomposed in ``m2`` and ``v2``.
            `Simulation` says what is estimated in each.
        seed: of all that is drawn. The same seed gives the same numbers whatever the number of workers; another
            ``method`` draws other numbers, of the same law. Without it (and without ``rng``), each call draws anew.
        rng: in place of ``seed``: a NumPy generator, or whatever else `numpy.random.default_rng` takes.
        networks: how many networks to draw; by default 1000, or 100 for ``"both"`` (at least 2), or 1.
        samples: how many inputs each network sees: by default 1000 for ``"sample"`` (at least 4), 100 for ``"both"``
            (at least 2), 1 otherwise.
        method: ``"brute"`` draws every weight; ``"conditional"`` (normal weights, forward) draws pre-activations given
            the activations that enter the layer; ``"gram"`` (the same, over both) does so for many networks at once,
            and is the fastest for a few samples; ``"norm-law"`` (normal weights, (leaky) ReLU, ``var_s`` over networks)
            draws only norms. All are exact in distribution at any width. By default the cheapest that can do it, by
            `numerics.simulation.costs.seconds`.
        quantities: which of ``var_z``, ``var_s``, ``var_grad_s`` and ``var_grad_w`` to estimate with ``"network"``; by
            default all (brute force only), or all that the ``method`` asked for can give.
        inputs: ``"random"``; or for ``"network"`` one input for all networks: ``"fixed"`` draws it once, an array gives
            it. Variances are then over weights and biases alone, and of the pre-activations only.
        spread: whether to estimate the fluctuation from network to network, too: ``sd_q`` and ``sd_v2`` (over both, by
            method gram).
        dtype: ``"float64"``, or ``"float32"`` for the products of brute force (moments are in float64 still). In
            float32 a fluctuation below 1e-7 of its mean is rounding, and squares beyond 1e38 overflow.
        record_layers: layers whose single pre-activations are kept in ``Simulation.recorded``.
        record_units: how many units of each; by default 1, or 3 for ``"sample"``, or all for ``"layer"``.
        workers: how many threads draw and run networks; a single network runs in one.
        executor: what draws and runs groups of networks, in place of threads: processes, or a cluster; it is left open.
        progress: whether to show a progress bar on standard error; by default, when that is a terminal.

    Memory does not grow with ``networks``: each worker holds one group of networks. With gradients their weights take
    4 MiB or, if that is more, what one network needs (8 bytes a weight, up to 256 MiB: beyond, weights are drawn in
    blocks, twice). Without, it is one layer's matrix, up to 16 MiB, and three arrays of a block of samples by the
    widest layer (16 MiB each at most for brute force, all samples for ``"conditional"``), and for one network 64
    numbers a unit. What is recorded comes on top, 8 bytes a number.

    Raises:
        InputError: for unknown names, numbers out of range, a method that cannot do what is asked (with the reason),
            both ``seed`` and ``rng`` or what NumPy does not take for them, or a network that does not fit in memory or
            has too many weights to draw.

    >>> simulation = simulate(Network(widths=[3, 4, 2], gain=1.0), seed=1, networks=100)
    >>> [name for name, values in simulation.estimate.items() if len(values) == 2]
    ['var_z', 'var_s', 'var_grad_s', 'var_grad_w']
    >>> simulate(Network(widths=[9] * 4, gain=2.0, activation="relu"), over="both", seed=1).method
    'brute'

    """
    parent = generator(rng, seed)
    workers = at_least("workers", workers, 1)
    if not network.is_chain:
        refuse_for_blocks(
            over=over,
            method=method,
            quantities=quantities,
            inputs=inputs,
            spread=spread,
            dtype=dtype,
            record_layers=record_layers,
            record_units=record_units,
        )
        return simulate_blocks(
            network,
            networks=networks,
            samples=samples,
            rng=parent,
            workers=workers,
            executor=executor,
            progress=progress,
        )
    start = Seed.of(parent)
    request = plan(
        network,
        over=over,
        method=method,
        networks=networks,
        samples=samples,
        quantities=quantities,
        dtype=dtype,
        fixed=_fixed_input(network, inputs, parent),
        record_layers=record_layers,
        record_units=record_units,
        spread=spread,
    )
    size = 8 * weight_count(network) / 2**30
    if request.method == "brute" and size > MOST_GIB:
        limit = f"more than the {MOST_GIB} GiB that are drawn for one"
        raise InputError(f"widths: the weights of one network take {size:.3g} GiB, {limit}")
    try:
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            if request.over in ("sample", "layer"):
                return _one_network(network, request, parent, start, progress)
            return _many_networks(network, request, parent, start, workers, executor, progress)
    except MemoryError:
        raise InputError(f"widths: a network of {sum(network.widths)} units does not fit in memory") from None


def _fixed_input(network: Network, inputs: Any, rng: Generator) -> Floats | None:
    if isinstance(inputs, str):
        if inputs == "random":
            return None
        if inputs != "fixed":
            raise InputError(f"inputs must be 'random', 'fixed' or an array, got {inputs!r}")
        drawn = network.input_law.sample(network.widths[0], variance=network.input_variance, rng=rng.spawn(1)[0])
        drawn.setflags(write=False)
        return drawn
    try:
        given = np.array(inputs, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"inputs must be 'random', 'fixed' or an array, got {inputs!r}") from None
    if given.shape != (network.widths[0],) or not np.isfinite(given).all():
        raise InputError(
            f"inputs must be one input of {network.widths[0]} finite numbers, got an array of shape {given.shape}"
        )
    given.setflags(write=False)
    return given


def _passing(network: Network, request: Plan, largest: int) -> ForwardPass:
    return ForwardPass(
        network,
        method=request.method,
        samples=request.samples,
        fixed=request.fixed,
        dtype=request.dtype,
        largest=largest,
    )


def _one_network(network: Network, request: Plan, parent: Generator, seed: Seed, progress: bool | None) -> Simulation:
    passing = _passing(network, request, 1)
    recorder = Recorder(request.record_layers, request.record_units)
    over_what = over_samples if request.over == "sample" else over_units
    (rng,) = parent.spawn(1)
    with progress_bar("simulating layers", passing.blocks * (network.d + 1), progress) as advance:
        estimate, error, network_error = over_what(passing, recorder, rng, lambda: advance(1))
    freedom = batches(request.samples) - 1 if request.over == "sample" else max(1, min(network.widths[1:]) - 1)
    return _result(network, request, seed, estimate, error, freedom, recorder.collected(), network_error)


def _many_networks(
    network: Network,
    request: Plan,
    parent: Generator,
    seed: Seed,
    workers: int,
    executor: Executor | None,
    progress: bool | None,
) -> Simulation:
    first = _method(network, request)
    parts = groups(parent, networks=request.networks, size=first.group)
    decomposed = request.over == "both"
    kept = None if decomposed else _rows(first.names, request.quantities, network.d + 1)
    collector = Collector(kept, equal_powers=decomposed)
    with progress_bar("simulating networks", request.networks, progress) as advance:
        for batch in run_groups(first, Recipe.of(_method, network, request), parts, workers, executor):
            collector.add(batch)
            advance(batch.features.shape[-1])
    if decomposed:
        estimate, error = collector.decomposition()
    else:
        estimate, error = collector.variances(request.quantities)
    return _result(
        network,
        request,
        seed,
        estimate,
        error,
        request.networks - 1,
        collector.recorded(),
        {},
        collector.tails(request.quantities),
    )


def _method(network: Network, request: Plan) -> Method:
    recorder = Recorder(request.record_layers, request.record_units)
    if request.method == "norm-law":
        return NormLaw(network, recorder, request.fixed)
    if request.method == "gram":
        return GramMatrices(network, recorder, request.samples, spread=SPREAD[0] in request.quantities)
    if any("grad" in name for name in request.quantities):
        return BackAndForth(network, recorder, request.networks, request.dtype)
    passing = _passing(network, request, request.networks)
    return ManySamples(passing, recorder) if request.over == "both" else Forward(passing, recorder)


def _rows(names: Sequence[str], wanted: Sequence[str], layers: int) -> NDArray[np.intp]:
    return np.concatenate([names.index(name) * layers + np.arange(layers) for name in wanted])


def _result(
    network: Network,
    request: Plan,
    seed: Seed,
    estimate: Columns,
    error: Columns,
    freedom: int,
    recorded: dict[int, Floats],
    network_error: Columns,
    tails: tuple[Columns, Columns] = ({}, {}),
) -> Simulation:
    # A single unit has no variance over units; all else that is not a number came of an overflow.
    undefined = np.array(network.widths[1:]) == 1 if request.over == "layer" else np.zeros(network.d + 1, bool)
    beyond_float64(estimate, error, network_error, ~undefined)
    for values in (*estimate.values(), *error.values(), *network_error.values(), *recorded.values()):
        values.setflags(write=False)
    return Simulation(
        network=network,
        over=request.over,
        networks=request.networks,
        seed=seed,
        estimate=estimate,
        standard_error=error,
        samples=request.samples,
        method=request.method,
        dtype=request.dtype,
        fixed_input=request.fixed,
        freedom=freedom,
        network_error=network_error,
        tail_error=tails[0],
        tail_skewness=tails[1],
        recorded=recorded,
    )
