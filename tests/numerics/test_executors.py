"""Whatever runs in parallel runs on any executor, with the same numbers."""

from __future__ import annotations

import json
import pickle
import time
import warnings
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import pytest
from click.testing import CliRunner

from derive.errors import InputError
from numerics import Network, processes, simulate
from numerics.cli import main
from numerics.curves import sweep as sweeping
from numerics.curves.sweep import sweep
from numerics.processes import WorkerLost, completed, engine, spread

BLOCKS = Network(layers="dense(6), repeat(3, tanh, dropout(0.1), dense(6))", input=4, gain=1.5)
CHAIN = Network(depth=3, width=8, activation="relu", gain=2.0)


class Elsewhere(Executor):
    """Runs each task when it is given, as text that has gone to another process and back."""

    def __init__(self) -> None:
        self.tasks = 0

    def submit(self, function, /, *arguments, **options):
        self.tasks += 1
        function, arguments, options = pickle.loads(pickle.dumps((function, arguments, options)))
        future = Future()
        try:
            future.set_result(pickle.loads(pickle.dumps(function(*arguments, **options))))
        except Exception as error:
            future.set_exception(error)
        return future


class Gone(Executor):
    def submit(self, function, /, *arguments, **options):
        future = Future()
        future.set_exception(BrokenExecutor("gone"))
        return future


def double(x):
    if x < 0:
        raise InputError(f"x must not be negative, got {x}")
    return 2 * x


@pytest.mark.parametrize(
    ("network", "networks", "options"),
    [
        (BLOCKS, 4000, {}),
        (CHAIN, 4000, {"record_layers": [1]}),
        (CHAIN, 4000, {"over": "both", "samples": 100}),
    ],
    ids=["blocks", "chain", "both"],
)
def test_a_simulation_has_the_same_numbers_on_any_executor(network, networks, options):
    """Seeds belong to groups of networks: whoever computes a group gets the same."""
    here = simulate(network, seed=3, networks=networks, **options)
    away = Elsewhere()
    there = simulate(network, seed=3, networks=here.networks, executor=away, **options)
    assert away.tasks > 1
    for name, values in here.estimate.items():
        np.testing.assert_array_equal(values, there.estimate[name])
        np.testing.assert_array_equal(here.standard_error[name], there.standard_error[name])
    for layer, kept in here.recorded.items():
        np.testing.assert_array_equal(kept, there.recorded[layer])


def test_two_runs_on_one_executor_do_not_share_their_methods():
    """A thread keeps the buffers of the run that it worked for last; another run makes its own."""
    with ThreadPoolExecutor(1) as pool:
        wide, narrow = (
            simulate(Network(depth=2, width=width, activation="relu", gain=2.0), seed=1, networks=50, executor=pool)
            for width in (16, 4)
        )
    alone = simulate(narrow.network, seed=1, networks=50)
    np.testing.assert_array_equal(narrow.estimate["var_s"], alone.estimate["var_s"])
    assert wide.estimate["var_s"][-1] != narrow.estimate["var_s"][-1]


def test_a_sweep_has_the_same_numbers_on_any_executor(monkeypatch):
    """Its parts are of a fixed size, whoever computes them."""
    monkeypatch.setattr(sweeping, "TOGETHER", 2)
    asked = {"input": 8, "gain": [0.5, 1.0, 2.0, 3.0, 4.0], "depth": [2, 3]}
    here, away = sweep("dense(8), repeat({depth}, tanh, dense(8))", **asked), Elsewhere()
    there = sweep("dense(8), repeat({depth}, tanh, dense(8))", **asked, executor=away)
    assert away.tasks == 6
    assert here.to_dict() == there.to_dict()
    assert [row["gain"] for row in there.rows() if row["layer"] == 0] == 2 * [0.5, 1.0, 2.0, 3.0, 4.0]


def test_results_come_in_order_and_as_they_are_done():
    """`spread` keeps the order of tasks, `completed` tells their places; both hand on what a task raises."""
    with ThreadPoolExecutor(2) as pool:
        assert spread(double, [3, 1, 2], executor=pool) == [6, 2, 4]
        assert dict(completed(double, [3, 1, 2], executor=pool)) == {0: 6, 1: 2, 2: 4}
        with pytest.raises(InputError, match="got -1"):
            spread(double, [3, -1], executor=pool)


@pytest.mark.parametrize(
    "options",
    [
        ["--layers", "dense(8), repeat(2, relu, dense(8))", "--input", "8", "--networks", "9000", "--width-bias"],
        ["--depth", "3", "--width", "8", "--activation", "relu", "--over", "both", "--networks", "9000"],
    ],
    ids=["blocks", "chain"],
)
def test_verify_has_the_same_rows_on_any_executor(monkeypatch, options):
    """The option that names a cluster hands its executor to the simulation, and to that of narrower networks."""
    away, command = Elsewhere(), ["verify", *options, "--gain", "2", "--format", "json"]
    monkeypatch.setattr(processes, "engine", lambda dask: nullcontext(away if dask else None))
    here = CliRunner().invoke(main, command)
    assert away.tasks == 0
    there = CliRunner().invoke(main, [*command, "--dask", "somewhere"])
    assert here.exit_code in (0, 1), here.output
    assert (there.output, there.exit_code) == (here.output, here.exit_code)
    assert away.tasks > 1


def test_a_lost_worker_is_told():
    """An executor that breaks ends the work with one clear error."""
    with pytest.raises(WorkerLost, match="a worker ended before it was done"):
        spread(double, [1, 2], executor=Gone())


def test_fewer_than_one_worker_is_refused():
    """The number 0 is not the default."""
    with pytest.raises(InputError, match="workers must be an integer of at least 1, got 0"):
        spread(double, [1, 2], workers=0)


def test_an_address_without_a_scheduler_is_refused():
    """With or without dask installed, the error is of the option."""
    with pytest.raises(InputError, match=r"--dask (needs dask.distributed|must be the address)"), engine("nowhere"):
        pass


@pytest.fixture
def cluster():
    """Two workers, each a process of its own."""
    distributed = pytest.importorskip("distributed", reason="dask.distributed (the extra dask) is not installed")
    with (
        warnings.catch_warnings(),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
    ):
        warnings.simplefilter("ignore")
        yield cluster


def slow_double(x):
    time.sleep(0.05)
    return 2 * x


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_a_worker_ends_and_counts_all_once(cluster):
    """One of two workers is killed in the middle: nothing is lost or counted twice, and the numbers are the same."""
    tasks = list(range(60))
    with engine(cluster.scheduler_address) as executor:
        seen = []
        for place, made in completed(slow_double, tasks, executor=executor):
            seen.append((place, made))
            if len(seen) == 10:
                next(iter(cluster.workers.values())).process.process.kill()
        assert sorted(seen) == [(x, 2 * x) for x in tasks]
        here = simulate(CHAIN, seed=3, networks=20_000)
        there = simulate(CHAIN, seed=3, networks=20_000, executor=executor)
    command = ["verify", "--depth", "3", "--width", "8", "--gain", "2", "--networks", "9000", "--format", "json"]
    found = [CliRunner().invoke(main, [*command, *end]) for end in ([], ["--dask", cluster.scheduler_address])]
    assert found[0].output == found[1].output
    assert json.loads(found[1].output)["networks"] == 9000
    np.testing.assert_array_equal(here.estimate["var_s"], there.estimate["var_s"])
