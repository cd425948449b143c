"""Windows read in blocks equal those read the long way, and no window depends on its neighbours in the batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.windows.calendar import Cycle
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.reader import WindowReader
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Batch, Framing
from gatecast.windows.smoothing import SmoothedAsRead

PanelOf = Callable[..., Panel]
SCHEMA = Schema(("y", "z"), past=(Column("rain"),), future=(Column("kind", ("a", "b")),), static=(Column("size"),))
SCALINGS = (
    "none",
    "standard",
    "mean",
    "log+last",
    "difference+standard",
    "log+difference+mean",
    "seasonal-difference:3+standard",
    "seasonal-difference:2/3+mean+unit:10",
    "seasonal-difference:7",
    "seasonal-difference:3/2+standard",
    "seasonal-difference:2/4+mean",
    "log+smooth:3/0.3/0.2+standard",
    "smooth:7/0.5/0+last+unit:10",
    "smooth:2/1/1+mean",
    "smooth:1/0.4/0.2+standard",
    "smooth:2/0.1/0.3+standard+fitted",
    "standard+fitted",
    "difference+standard+fitted",
)


def random_reader(panel_of: PanelOf, seed: int, gaps: float, scaling: str, horizon: int) -> WindowReader:
    rng = np.random.default_rng(seed)
    tables = []
    for steps in rng.integers(6, 60, 4):
        values = np.exp(rng.normal(size=(steps, 2)).cumsum(axis=0) * 0.1 + 2)
        values[1:][rng.random((steps - 1, 2)) < gaps] = np.nan
        tables.append(np.column_stack([values, rng.normal(size=steps), np.eye(2)[rng.integers(0, 2, steps)]]))
    panel = panel_of(tables, SCHEMA, static=rng.normal(size=(4, 1)), dtype=np.float64)
    panel = panel.slice(0, panel.length - int(rng.integers(0, 4)))
    starts = np.datetime64("2024-02-20", "us") + rng.integers(0, 400, len(panel)).astype("timedelta64[D]")
    panel = replace(panel, frequency=Frequency.from_text("D"), starts=starts)
    training_origins, observed = int(rng.integers(1, 7)), bool(rng.integers(0, 2))
    calendar: tuple[Cycle, ...] = ("week", "year") if rng.integers(0, 2) else ()
    framing = Framing(int(rng.integers(training_origins, 10)), horizon, training_origins, observed, calendar)
    reader = WindowReader(panel, Scaling.parse(scaling), framing, CovariateScale.fit(panel, True))
    reader.fitted = reader.fit_statistics() if reader.scaling.fitted else None
    return reader


def windows(reader: WindowReader, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows anywhere: at the beginning of a series, at its end, within it."""
    rng, panel = np.random.default_rng(seed), reader.panel
    series_B = rng.integers(0, len(panel), count)
    return series_B, panel.first[series_B] + (rng.random(count) * panel.length[series_B]).astype(np.int64)


def values(batch: Batch) -> dict[str, np.ndarray]:
    """All arrays, with weights of 1 where none are given."""
    if batch.target_BKHC is not None and batch.weight_BKHC is None:
        batch = replace(batch, weight_BKHC=np.ones(batch.target_BKHC.shape, np.float32))
    return {f.name: part for f in fields(batch) if (part := getattr(batch, f.name)) is not None}


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**9),
    st.sampled_from([0.0, 0.05, 0.3]),
    st.sampled_from(SCALINGS),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
)
def test_both_ways_give_the_same(
    panel_of: PanelOf, seed: int, gaps: float, scaling: str, horizon: int, targets: bool, last: bool
) -> None:
    reader = random_reader(panel_of, seed, gaps, scaling, horizon)
    origins = 1 if last else reader.framing.training_origins
    at = windows(reader, seed, 20)
    long = values(reader._read_any(*at, targets, origins))
    mixed = values(reader.read(*at, targets=targets, origins=origins))
    assert mixed.keys() == long.keys()
    for name, part in mixed.items():
        assert part.dtype == long[name].dtype, name
        np.testing.assert_allclose(part, long[name], rtol=2e-6, atol=2e-6, err_msg=name)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([0.0, 0.05]), st.sampled_from(SCALINGS))
def test_a_window_is_the_same_alone_and_among_others(panel_of: PanelOf, seed: int, gaps: float, scaling: str) -> None:
    reader = random_reader(panel_of, seed, gaps, scaling, 3)
    series_B, origin_B = windows(reader, seed, 12)
    together = values(reader.read(series_B, origin_B))
    for b in range(0, 12, 5):
        alone = values(reader.read(series_B[b : b + 1], origin_B[b : b + 1]))
        for name, part in alone.items():
            assert np.array_equal(part[0], together[name][b]), name


@pytest.mark.parametrize("scaling", ["seasonal-difference:6+standard", "smooth:6/0.3/0.2+standard"])
def test_most_windows_of_a_long_series_are_regular(panel_of: PanelOf, scaling: str) -> None:
    panel = panel_of([np.arange(1.0, 301.0)])
    reader = WindowReader(panel, Scaling.parse(scaling), Framing(12, 4, 5), CovariateScale.fit(panel, True))
    origin_B = np.arange(300)
    first_B = np.zeros(300, np.int64)
    found_B = reader._regular.finds(first_B, first_B, origin_B, 5, measured=True, targets=True)
    assert found_B[11 + 6 : 296].all()
    assert not found_B[: 11 + 6].any()
    assert not found_B[296:].any()


@pytest.mark.parametrize(
    "scaling", ["standard", "difference+standard", "seasonal-difference:3+standard", "smooth:3/0.3/0.2"]
)
def test_what_is_read_can_be_written_to(panel_of: PanelOf, scaling: str) -> None:
    panel = panel_of([np.arange(1.0, 41.0)])
    before = panel.values_RV.copy()
    reader = WindowReader(panel, Scaling.parse(scaling), Framing(6, 1), CovariateScale.fit(panel, True))
    batch = reader.read(np.zeros(3, np.int64), np.array([20, 21, 22]))
    assert batch.target_BKHC is not None
    batch.context_BLF[:] = 0
    batch.target_BKHC[:] = 0
    assert (panel.values_RV == before).all()


def test_a_reader_smooths_once(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, fill = [], SmoothedAsRead._fill

    def counted(self: SmoothedAsRead, series: np.ndarray) -> None:
        calls.append(series)
        fill(self, series)

    monkeypatch.setattr(SmoothedAsRead, "_fill", counted)
    panel = panel_of([np.arange(1.0, 41.0), np.arange(1.0, 31.0)])
    reader = WindowReader(panel, Scaling.parse("smooth:3/0.3/0.2+mean"), Framing(6, 2), CovariateScale.fit(panel, True))
    assert not calls
    for origin in (2, 20, 30, 39):
        reader.read(np.array([0]), np.array([origin]), targets=False)
    reader.fit_statistics()
    assert len(calls) == 1


def test_windows_behind_a_gap_are_regular_for_a_smooth_base(panel_of: PanelOf) -> None:
    values = np.arange(1.0, 61.0)
    values[20] = np.nan
    panel = panel_of([values])
    reader = WindowReader(panel, Scaling.parse("smooth:6/0.3/0.2"), Framing(5, 2), CovariateScale.fit(panel, True))
    first_B = np.zeros(60, np.int64)
    found_B = reader._regular.finds(first_B, first_B, np.arange(60), 1, measured=False, targets=True)
    assert np.flatnonzero(found_B).tolist() == [*range(10, 18), *range(25, 58)]
