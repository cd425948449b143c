"""A time limit holds within 20 %, with the choice of the candidates in it."""

from __future__ import annotations

import time

import numpy as np
import polars as pl
import pytest

import gatecast as gc
from gatecast.data.panel import Panel

LIMIT = 6.0  # seconds
TRIES = 4  # others on the machine can only make a fit longer


def one_long_series() -> Panel:
    steps = np.arange(100_000)
    values = 100 + 10 * np.sin(steps * 2 * np.pi / 240) + np.random.default_rng(0).normal(0, 1, len(steps))
    times = np.datetime64("2020-01-01", "us") + steps * np.timedelta64(15, "s")
    return gc.read(pl.DataFrame({"ds": times, "y": values}))


def many_categories() -> Panel:
    rng, steps = np.random.default_rng(0), np.arange(2_000)
    kinds = [f"kind {k}" for k in rng.integers(0, 100, len(steps))]
    values = 100 + 10 * np.sin(steps * 2 * np.pi / 7) + rng.normal(0, 1, len(steps))
    return gc.read(pl.DataFrame({"ds": steps, "y": values, "kind": kinds}), target="y", past="kind")


def many_series() -> Panel:
    values = np.random.default_rng(0).normal(100, 5, (3_000, 120))
    ids, steps = np.repeat([f"s{n}" for n in range(3_000)], 120), np.tile(np.arange(120), 3_000)
    return gc.read(pl.DataFrame({"unique_id": ids, "ds": steps, "y": values.ravel()}))


@pytest.mark.slow
@pytest.mark.parametrize("make", [one_long_series, many_categories, many_series])
def test_a_limit_holds(make: object) -> None:
    panel = make()  # type: ignore[operator]
    for _ in range(TRIES):
        begun = time.monotonic()
        gc.Forecaster(14, time_limit=LIMIT, progress=False).fit(panel)
        seconds = time.monotonic() - begun
        if seconds < 1.2 * LIMIT:
            break
    assert seconds < 1.2 * LIMIT
