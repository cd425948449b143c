"""Batches against one window at a time, built in plain Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.reader import WindowReader
from gatecast.windows.reference import Category, LastValue, NoReference, Reference, Seasonal
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing

PanelOf = Callable[..., Panel]
SCHEMA = Schema(
    ("y",),
    past=(Column("rain"),),
    future=(Column("price"), Column("kind", ("a", "b", "c"))),
    static=(Column("size"),),
)


def random_panel(panel_of: PanelOf, rng: np.random.Generator, gaps: float) -> Panel:
    """Up to three positive series with all kinds of covariates, and holes in targets and past covariates."""
    tables = []
    for _ in range(rng.integers(1, 4)):
        T = int(rng.integers(6, 25))
        kind_T3 = np.eye(3)[rng.integers(0, 3, T)]
        y_T = np.exp(rng.normal(size=T).cumsum() * 0.3 + 3)
        y_T[rng.random(T) < gaps] = np.nan
        y_T[rng.integers(0, T)] = 9.0
        rain_T = np.where(rng.random(T) < gaps, np.nan, rng.normal(size=T))
        tables.append(np.column_stack([y_T, rain_T, rng.normal(size=T) * 5, kind_T3]))
    return panel_of(tables, SCHEMA, static=rng.normal(size=(len(tables), 1)), dtype=np.float64)


@dataclass
class Slow:
    """One series, one window, one value at a time."""

    y: list[float]
    kinds: list[int]
    scaling: Scaling

    def value(self, t: int, origin: int) -> float:
        """The observed value, or the last one before it."""
        assert t <= origin
        while not np.isfinite(self.y[t]):
            t -= 1
        return float(np.log(self.y[t])) if self.scaling.log else self.y[t]

    def reference(self, origin: int, step: int, begun: int) -> float:
        kind = self.scaling.reference
        if isinstance(kind, LastValue):
            return self.value(origin, origin)
        if isinstance(kind, Seasonal):
            row = origin + step
            while row > origin:
                row -= kind.season
            return self.value(row if row >= begun else origin, origin)
        assert isinstance(kind, Category)
        wanted, depth = self.kinds[origin + step], kind.depth
        rows = [t for t in range(begun, origin + 1) if self.kinds[t] == wanted and np.isfinite(self.y[t])]
        same = [self.value(t, origin) for t in rows]
        return float(np.median(([same[0]] * depth + same)[-depth:])) if same else self.value(origin, origin)


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 10**9),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from([NoReference(), LastValue(), Seasonal(3), Category("kind", 2)]),
    st.booleans(),
    st.integers(1, 3),
    st.integers(1, 4),
)
def test_every_part_of_a_batch(
    panel_of: PanelOf, seed: int, gaps: float, reference: Reference, log: bool, training_origins: int, horizon: int
) -> None:
    rng = np.random.default_rng(seed)
    panel = random_panel(panel_of, rng, gaps)
    scaling = Scaling(log, reference)
    lookback = int(rng.integers(max(4, training_origins), 9))
    covariates = CovariateScale.fit(panel, True)
    reader = WindowReader(panel, scaling, Framing(lookback, horizon, training_origins, observed=True), covariates)
    n = int(rng.integers(0, len(panel)))
    rows = panel.rows(n)
    table = panel.values_RV[rows]
    slow = Slow(table[:, 0].tolist(), table[:, 3:6].argmax(axis=1).tolist(), scaling)
    begun = int(np.isfinite(table[:, 0]).argmax())
    T = len(table)
    low, high = begun + lookback - 1, T - 2
    if low > high:
        return
    origin = int(rng.integers(low, high + 1))
    others = rng.integers(0, len(panel), 3)  # other windows of the batch change nothing
    batch = reader.read(
        np.array([*others, n]),
        np.array([*(panel.stop[others] - 1 - horizon).clip(panel.first[others]), rows.start + origin]),
    )

    anchored = reference != NoReference()
    loc, spread = covariates.location_V, covariates.spread_V
    for i, t in enumerate(range(origin - lookback + 1, origin + 1)):
        level = slow.value(t, origin)
        back = 3 if reference == Seasonal(3) else 1
        known = t - back >= begun and np.isfinite(table[t, 0])
        residual = [level - slow.reference(t - 1, 1, begun) if known else 0.0] if anchored else []
        rain = (table[t, 1] - loc[0]) / spread[0]
        price = (table[t + 1, 2] - loc[1]) / spread[1]
        size = (panel.static_NS[n, 0] - loc[5]) / spread[5]
        rest = [0.0 if np.isnan(rain) else rain, price, *table[t + 1, 3:6], size, float(np.isfinite(table[t, 0]))]
        assert batch.context_BLF[-1, i] == pytest.approx([level, *residual, *rest], abs=1e-5), (i, t)
    for k in range(training_origins):
        at = origin - training_origins + 1 + k
        for h in range(1, horizon + 1):
            known = at + h < T and bool(np.isfinite(table[at + h, 0]))
            if batch.weight_BKHC is not None:
                assert batch.weight_BKHC[-1, k, h - 1, 0] == float(known)
            else:
                assert known
            if at + h < T:
                future = [(table[at + h, 2] - loc[1]) / spread[1], *table[at + h, 3:6]]
                assert batch.future_BKHF[-1, k, h - 1] == pytest.approx(future, abs=1e-5)
                expected = slow.reference(at, h, begun) if anchored else 0.0
                assert batch.reference_BKHC[-1, k, h - 1, 0] == pytest.approx(expected)
            if known:
                assert batch.target_BKHC is not None
                truth = np.log(table[at + h, 0]) if log else table[at + h, 0]
                assert batch.target_BKHC[-1, k, h - 1, 0] == pytest.approx(truth - expected, rel=1e-5, abs=1e-5)


def read_one(panel: Panel, scaling: str, framing: Framing, origin: int) -> list[np.ndarray]:
    """All arrays of one window of the first series."""
    covariates = CovariateScale.fit(panel, True)
    batch = WindowReader(panel, Scaling.parse(scaling), framing, covariates).read(np.array([0]), np.array([origin]))
    weight = np.ones_like(batch.target_BKHC) if batch.weight_BKHC is None else batch.weight_BKHC
    assert batch.target_BKHC is not None
    return [batch.context_BLF, batch.target_BKHC, weight, batch.reference_BKHC, batch.spread_BC]


@pytest.mark.parametrize("scaling", ["standard", "last", "difference+standard", "log+seasonal-difference:3+standard"])
def test_rows_that_are_missing_before_a_series_begins_are_not_there(panel_of: PanelOf, scaling: str) -> None:
    """A series that begins with missing values is the series without them."""
    rng = np.random.default_rng(5)
    y = 1e6 + rng.normal(size=20).cumsum()
    late = np.concatenate([np.full(15, np.nan), y])
    framing = Framing(8, 2, 3, observed=True)
    for origin in range(2, 18):
        short = read_one(panel_of([y], dtype=np.float64), scaling, framing, origin)
        long = read_one(panel_of([late], dtype=np.float64), scaling, framing, origin + 15)
        for one, other in zip(short, long, strict=True):
            assert np.array_equal(one, other), origin
        assert np.abs(long[0]).max() < 100


def test_a_target_that_begins_later_than_the_other_is_zero_until_then(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(5)
    two = 1e6 + rng.normal(size=(30, 2)).cumsum(axis=0)
    two[:22, 1] = np.nan
    panel = panel_of([two], Schema(("a", "b")), dtype=np.float64)
    for scaling in ("standard", "last", "mean", "difference+standard", "seasonal-difference:3/2+standard"):
        context, target, weight, reference, spread = read_one(panel, scaling, Framing(12, 2, 2, observed=True), 25)
        for part in (context, target, weight, reference, spread):
            assert np.isfinite(part).all(), scaling
        assert (context[0, :8, 1] == 0).all()
        context, target, _, reference, _ = read_one(panel, scaling, Framing(12, 2, 2, observed=True), 20)
        assert np.isfinite(context).all(), scaling
        assert np.isfinite(reference).all(), scaling


def test_a_gap_as_long_as_the_warm_up_keeps_the_numbers_small(panel_of: PanelOf) -> None:
    """No raw value of a million reaches the network because nothing was observed where the statistics look."""
    y = 1e6 + np.arange(40.0)
    y[12:33] = np.nan
    panel = panel_of([y], dtype=np.float64)
    for scaling in ("standard", "last", "mean", "difference+standard", "seasonal-difference:4+standard"):
        context, target, weight, _, _ = read_one(panel, scaling, Framing(14, 2, 6, observed=True), 36)
        assert np.abs(context).max() < 100, scaling
        assert np.abs(target * weight).max() < 100, scaling


def test_a_missing_day_says_nothing_of_its_category(panel_of: PanelOf) -> None:
    """A filled value is that of the day before, which was of another category."""
    kind = np.eye(2)[[0, 1] * 6]
    y = np.where(np.arange(12) % 2 == 0, 10.0, 50.0)
    y[9] = np.nan
    panel = panel_of([np.column_stack([y, kind])], Schema(("y",), future=(Column("kind", ("a", "b")),)))
    reader = WindowReader(
        panel, Scaling.parse("category-difference:kind"), Framing(4, 1), CovariateScale.fit(panel, True)
    )
    assert reader.read(np.array([0]), np.array([10])).reference_BKHC.item() == 50


def test_a_window_sees_only_its_own_series(panel_of: PanelOf) -> None:
    one, other = np.arange(1.0, 12.0), np.full(9, 1e9)
    alone = read_one(panel_of([one]), "difference+standard", Framing(6, 2, 2, observed=True), 3)
    for arrays in ([one, other], [one, np.full(9, np.nan)]):
        between = read_one(panel_of(arrays), "difference+standard", Framing(6, 2, 2, observed=True), 3)
        for part, same in zip(alone, between, strict=True):
            assert np.array_equal(part, same)


def test_an_empty_covariate_is_no_covariate(panel_of: PanelOf) -> None:
    """All values missing: the mean is unknown, and no warning is given out."""
    schema = Schema(("y",), past=(Column("rain"),))
    table = np.column_stack([np.arange(20.0), np.full(20, np.nan)])
    context = read_one(panel_of([table], schema), "standard", Framing(6, 2), 10)[0]
    assert (context[..., 1] == 0).all()


def test_a_large_covariate_keeps_its_digits(panel_of: PanelOf) -> None:
    schema = Schema(("y",), past=(Column("meter"),))
    meter = 1e8 + np.sin(np.arange(40.0))
    context = read_one(
        panel_of([np.column_stack([np.arange(40.0), meter])], schema, dtype=np.float64), "standard", Framing(6, 2), 30
    )[0]
    expected = ((meter - meter.mean()) / meter.std())[25:31]
    assert context[0, :, 1] == pytest.approx(expected, abs=1e-5)
