"""Engines: the same bytes on each, for any number of workers; workers that die are replaced."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatecast as gc
from gatecast.engines.crew import crew_here
from gatecast.engines.executor import Threads
from gatecast.engines.options import EngineOptions
from gatecast.engines.pools import pool_of
from gatecast.engines.processes import Processes
from gatecast.engines.worker import outcome_of, perform
from gatecast.errors import ConfigError, WindowError

from .engines import ENGINES, SOME

QUICK: dict[str, Any] = {
    "training": {"max_epochs": 3, "steps_per_epoch": 6},
    "network": {"hidden_size": 8},
    "members": 2,
    "candidates": 2,
    "progress": False,
}


def panel() -> gc.Panel:
    random = np.random.default_rng(4)
    return gc.read([random.normal(50, 5, 90).cumsum(), 30 + 10 * np.sin(np.arange(90) / 2)])


def fitted(tmp_path: Path, engine: str, workers: int, **more: Any) -> tuple[bytes, bytes]:
    """Bytes of the model file and of the forecast."""
    model = gc.Forecaster(4, engine=engine, workers=workers, **{**QUICK, **more}).fit(panel())  # type: ignore[arg-type]
    model.save(tmp_path / "model")
    return (tmp_path / "model").read_bytes(), model.predict().values_NHCQ.tobytes()


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    return fitted(tmp_path_factory.mktemp("serial"), "serial", 1)


@pytest.mark.parametrize(("engine", "workers"), ENGINES)
def test_a_fit_has_the_same_bytes(tmp_path: Path, serial: tuple[bytes, bytes], engine: str, workers: int) -> None:
    assert fitted(tmp_path, engine, workers) == serial


def test_other_seeds_have_other_bytes(tmp_path: Path, serial: tuple[bytes, bytes]) -> None:
    """Else the tests above could not fail."""
    assert fitted(tmp_path, "threads", 2, seed=1) != serial


@pytest.mark.parametrize(("engine", "workers"), ENGINES)
def test_a_backtest_has_the_same_bytes(engine: str, workers: int) -> None:
    def made(engine: Any, workers: int) -> bytes:
        model = gc.Forecaster(4, engine=engine, workers=workers, **{**QUICK, "candidates": 1})
        return gc.backtest(model, panel(), origins=3, refit=1, progress=False).evaluation.forecast_BHCQ.tobytes()

    assert made(engine, workers) == made("serial", 1)


@pytest.mark.parametrize(("engine", "workers"), SOME)
def test_a_search_tries_and_finds_the_same(engine: str, workers: int) -> None:
    pytest.importorskip("optuna", reason="Optuna is not installed")

    def made(engine: Any, workers: int) -> Any:
        model = gc.Forecaster(4, engine=engine, workers=workers, **{**QUICK, "members": 1, "candidates": 1})
        found = gc.tune(model, panel(), trials=2, origins=1, time_limit=None, progress=False)
        return [(one["folds"], one["changes"], one["state"]) for one in found.trials], found.model.predict().values

    one, other = made(engine, workers), made("serial", 1)
    assert one[0] == other[0]
    assert one[1].tobytes() == other[1].tobytes()


@pytest.mark.parametrize(("engine", "workers"), [ENGINES[0], ENGINES[1], ENGINES[3]])
def test_recalibrated_intervals_have_the_same_bytes(tmp_path: Path, engine: str, workers: int) -> None:
    newer = gc.read(list(np.random.default_rng(4).normal(50, 5, (2, 120))))

    def made(engine: Any, workers: int) -> bytes:
        model = gc.Forecaster(4, engine=engine, workers=workers, **QUICK).fit(newer.slice(0, 90))
        before = model.predict(newer).values_NHCQ
        after = model.recalibrate(newer).predict(newer).values_NHCQ
        assert (before != after).any()
        return after.tobytes()

    assert made(engine, workers) == made("serial", 1)


def test_rivals_obey_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """That their forecasts do not depend on it is tested where they are fitted."""
    pytest.importorskip("statsforecast", reason="statsforecast is not installed: it is in the extra rivals")
    from gatecast.statistical import rivals

    seen: list[int] = []
    run = rivals.fits_in_processes
    monkeypatch.setattr(rivals, "_START", 1e-9)  # any work is worth a process
    monkeypatch.setattr(
        rivals, "fits_in_processes", lambda setup, tasks, count: seen.append(count) or run(setup, tasks, 1)
    )
    for engine, workers in (("serial", None), ("threads", 1), ("threads", 3)):
        model = gc.Forecaster(4, engine=engine, workers=workers, preset="instant")  # type: ignore[arg-type]
        gc.backtest(model, panel(), origins=2, rivals=["optimized_theta"], progress=False)
    assert seen == [1, 1, 3]


def test_no_file_says_where_a_model_was_trained(serial: tuple[bytes, bytes]) -> None:
    assert not any(word in serial[0] for word in (b'"engine"', b'"workers"'))


def test_a_checkpoint_of_one_engine_serves_another(tmp_path: Path, serial: tuple[bytes, bytes]) -> None:
    for engine in ("threads", "processes"):
        model = gc.Forecaster(4, engine=engine, workers=1, **QUICK)  # type: ignore[arg-type]
        model.fit(panel(), checkpoint=tmp_path / "states").save(tmp_path / "model")
        assert (tmp_path / "model").read_bytes() == serial[0]
    assert list((tmp_path / "states").glob("training-*"))


# ---------------------------------------------------------------- threads


def test_jobs_of_a_job_share_its_threads() -> None:
    """Two outer jobs with three inner ones each: never more than two at a time, and both threads work to the end."""
    at_work, most, lock = [0], [0], threading.Lock()

    def inner(_: int) -> str:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.05)
        with lock:
            at_work[0] -= 1
        return threading.current_thread().name

    def outer(number: int) -> set[str]:
        return set(Threads(2).map(inner, range(6 if number else 0)))

    names = Threads(2).map(outer, range(2))
    assert most[0] == 2
    assert len(names[1]) == 2, "the thread that was idle has helped"
    assert crew_here() is None


def test_a_failure_of_an_inner_job_is_raised_by_the_outermost_list() -> None:
    def inner(item: int) -> None:
        if item == 1:
            raise WindowError("too short")

    with pytest.raises(WindowError, match="too short"):
        Threads(2).map(lambda _: Threads(2).map(inner, range(3)), range(2))


def test_a_job_alone_gets_all_cores() -> None:
    seen: list[int] = []

    def job(item: int) -> None:
        crew = crew_here()
        assert crew is not None
        if item == 0:
            time.sleep(0.3)
            seen.append(crew.cores_each)

    Threads(2).map(job, range(2))
    assert seen == [2]


# ---------------------------------------------------------------- processes


def test_a_worker_that_is_killed_is_replaced_and_its_task_done_again(tmp_path: Path) -> None:
    pool = pool_of(EngineOptions("processes", 1))
    assert isinstance(pool, Processes)
    before = pool.pids()
    killer = threading.Timer(1.0, lambda: [os.kill(pid, signal.SIGKILL) for pid in pool.pids()])
    killer.start()
    longer: dict[str, Any] = {"training": {"max_epochs": 20, "steps_per_epoch": 40}}
    got = fitted(tmp_path, "processes", 1, **longer)
    killer.join()
    assert got == fitted(tmp_path, "serial", 1, **longer)
    assert pool.pids() != before


def test_workers_do_tasks_of_this_package_alone() -> None:
    with pytest.raises(ConfigError, match="no task"):
        outcome_of(perform("os:system", '"true"'))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"engine": "thread"}, "threads"),
        ({"workers": 0}, "at least 1"),
        ({"workers": True}, "whole number"),
        ({"engine": "serial", "address": "auto"}, "Ray cluster"),
    ],
)
def test_what_is_no_engine_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        gc.Forecaster(4, **given)


def test_importing_gatecast_knows_no_ray() -> None:
    import subprocess
    import sys

    program = "import sys, gatecast.forecaster; print('ray' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("False")
