"""What every registered reference keeps to, and a toy one that is added in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.errors import ConfigError
from gatecast.forecaster import Forecaster, load
from gatecast.model.config import LSTMConfig
from gatecast.training.config import TrainingConfig
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.reader import WindowReader
from gatecast.windows.reference import (
    REFERENCES,
    Block,
    BoundReference,
    Category,
    LastValue,
    NoReference,
    Reference,
    Seasonal,
    Smooth,
    parse_reference,
)
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing
from gatecast.windows.targets import TargetRows

PanelOf = Callable[..., Panel]
KIND = Schema(("y", "z"), future=(Column("kind", ("a", "b")),))


# ---------------------------------------------------------------- a toy


def recent_mean(u_RC: np.ndarray | TargetRows, first_BX: np.ndarray, row_BX: np.ndarray, count: int) -> np.ndarray:
    """Mean of ``count`` rows up to each; the first one is repeated."""
    return sum(u_RC[np.maximum(row_BX - back, first_BX)] for back in range(count)) / count


@dataclass(frozen=True)
class RecentMean(Reference):
    count: int
    word: ClassVar[str] = "mean-difference"

    @classmethod
    def parse(cls, argument: str) -> Self:
        return cls(int(argument))

    def describe(self) -> str:
        return f"{self.word}:{self.count}"

    def bind(self, panel: Panel, rows: TargetRows) -> BoundReference:
        return RecentMeanRows(self.count, rows)

    @property
    def reach(self) -> int:
        return self.count

    @property
    def walk_rows(self) -> int:
        return self.count

    def next(self, u_PTC: np.ndarray, first_P: np.ndarray, at: int) -> np.ndarray:
        begin_P = np.arange(len(u_PTC)) * u_PTC.shape[1]
        flat_RC = u_PTC.reshape(-1, u_PTC.shape[2])
        return recent_mean(flat_RC, begin_P + np.maximum(first_P, 0), begin_P + at, self.count)


@dataclass(frozen=True)
class RecentMeanRows(BoundReference):
    count: int
    rows: TargetRows

    def at(self, series_B: np.ndarray, first_B1: np.ndarray, origin_BK: np.ndarray, horizon: int) -> np.ndarray:
        mean_BKC = recent_mean(self.rows, first_B1, origin_BK, self.count)
        return np.repeat(mean_BKC[:, :, None], horizon, axis=2)


# ---------------------------------------------------------------- examples

EXAMPLES: tuple[Reference, ...] = (
    NoReference(),
    LastValue(),
    Seasonal(1),
    Seasonal(5),
    Seasonal(3, 2),
    Seasonal(2, 5),
    Category("kind"),
    Category("kind", 2),
    Smooth(1, 0.4, 0.2),
    Smooth(4, 0.3, 0.5),
    RecentMean(3),
)
every = pytest.mark.parametrize("reference", EXAMPLES, ids=lambda one: one.describe())
anchored = pytest.mark.parametrize(
    "reference", [one for one in EXAMPLES if one.anchored], ids=lambda one: one.describe()
)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REFERENCES, RecentMean.word, RecentMean)


def test_every_registered_reference_is_held_to_the_contract() -> None:
    assert {type(one) for one in EXAMPLES} == set(REFERENCES.values())
    assert all(word == kind.word for word, kind in REFERENCES.items())


def table(rng: np.random.Generator, steps: int, gaps: float = 0.0) -> np.ndarray:
    """Two walks and a category; the first row is observed."""
    values = np.exp(rng.normal(size=(steps, 2)).cumsum(axis=0) * 0.1 + 2)
    values[1:][rng.random((steps - 1, 2)) < gaps] = np.nan
    return np.column_stack([values, np.eye(2)[rng.integers(0, 2, steps)]])


def panel_with(panel_of: PanelOf, seed: int, gaps: float = 0.0, lengths: tuple[int, ...] = (40, 9, 25)) -> Panel:
    rng = np.random.default_rng(seed)
    return panel_of([table(rng, steps, gaps) for steps in lengths], KIND, dtype=np.float64)


def bound(reference: Reference, panel: Panel) -> BoundReference:
    return reference.bind(panel, TargetRows(panel, Scaling()))


def reader_of(reference: Reference, panel: Panel, framing: Framing, scale: str = "standard") -> WindowReader:
    scaling = Scaling(reference=reference, scale=scale)  # type: ignore[arg-type]
    return WindowReader(panel, scaling, framing, CovariateScale.fit(panel, True))


def with_future(panel: Panel, origin: int, rng: np.random.Generator) -> Panel:
    """Other targets after a row."""
    values_RV = panel.values_RV.copy()
    later_RC = values_RV[origin + 1 :, :2]
    later_RC[:] = rng.choice([1e9, -3.0, 0.5], later_RC.shape)
    return replace(panel, values_RV=values_RV)


# ---------------------------------------------------------------- text


@every
def test_its_text_reads_back(reference: Reference) -> None:
    word, _, argument = reference.describe().partition(":")
    assert parse_reference(word, argument) == reference
    for scaling in (Scaling(reference=reference), Scaling(True, reference, "mean", True, 0.1)):
        assert Scaling.parse(scaling.describe()) == scaling
        assert hash(Scaling.parse(scaling.describe())) == hash(scaling)


@every
def test_what_it_cannot_read_is_told_with_its_name(reference: Reference) -> None:
    with pytest.raises(ConfigError, match=reference.word):
        parse_reference(reference.word, '"')


# ---------------------------------------------------------------- two ways to read it


@every
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([0.0, 0.1]), st.integers(1, 7))
def test_the_regular_way_gives_what_the_general_way_gives(
    panel_of: PanelOf, reference: Reference, seed: int, gaps: float, horizon: int
) -> None:
    rng = np.random.default_rng(seed)
    panel = panel_with(panel_of, seed, gaps)
    origins = int(rng.integers(1, 6))
    reader = reader_of(reference, panel, Framing(int(rng.integers(origins, 9)), horizon, origins))
    series_B = rng.integers(0, len(panel), 30)
    origin_B = panel.first[series_B] + (rng.random(30) * panel.length[series_B]).astype(np.int64)
    mixed, general = reader.read(series_B, origin_B), reader._read_any(series_B, origin_B, True, origins)
    assert mixed.target_BKHC is not None
    assert general.target_BKHC is not None
    np.testing.assert_allclose(mixed.context_BLF, general.context_BLF, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(mixed.reference_BKHC, general.reference_BKHC, rtol=1e-12)
    np.testing.assert_allclose(mixed.target_BKHC, general.target_BKHC, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("reference", [one for one in EXAMPLES if one.in_blocks], ids=lambda one: one.describe())
@pytest.mark.parametrize("horizon", [1, 4, 7])
def test_its_blocks_hold_the_reference_of_every_row(panel_of: PanelOf, reference: Reference, horizon: int) -> None:
    panel, lookback, origins = panel_with(panel_of, 1, lengths=(60, 60)), 8, 3
    rows = TargetRows(panel, Scaling())
    over = reference.bind(panel, rows)
    series_B, origin_B = np.array([0, 1, 1]), np.array([30, 60 + 25, 60 + 50])
    begin_B = origin_B - lookback + 1 - reference.lead
    u_BTC = rows.windows(begin_B, reference.lead + lookback + horizon)
    row_BTC, ahead_BKHC = over.blocks(Block(u_BTC, series_B, origin_B, lookback, horizon, origins))
    first_B1 = panel.first[series_B][:, None]
    before_BL = origin_B[:, None] + np.arange(-lookback, 0)
    origin_BK = origin_B[:, None] + np.arange(1 - origins, 1)
    assert row_BTC.shape[1] >= lookback
    assert np.array_equal(row_BTC[:, :lookback], over.at(series_B, first_B1, before_BL, 1)[:, :, 0])
    assert np.array_equal(ahead_BKHC, over.at(series_B, first_B1, origin_BK, horizon))
    if row_BTC.shape[1] == lookback + horizon:
        assert np.array_equal(row_BTC[:, lookback:], over.at(series_B, first_B1, origin_B[:, None], horizon)[:, 0])


# ---------------------------------------------------------------- time


@every
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 38), st.integers(1, 6), st.sampled_from([0.0, 0.2]))
def test_what_comes_after_the_origin_changes_nothing(
    panel_of: PanelOf, reference: Reference, seed: int, origin: int, horizon: int, gaps: float
) -> None:
    panel = panel_with(panel_of, seed, gaps)
    other = with_future(panel, origin, np.random.default_rng(seed))
    origin_1K = np.arange(max(origin - 4, 0), origin + 1)[None]
    series_1, first_11 = np.zeros(1, np.int64), np.zeros((1, 1), np.int64)
    known, changed = (bound(reference, one).at(series_1, first_11, origin_1K, horizon) for one in (panel, other))
    assert known.tobytes() == changed.tobytes()
    reads = [
        reader_of(reference, one, Framing(6, horizon, observed=True)).read(series_1, origin_1K[0, -1:], targets=False)
        for one in (panel, other)
    ]
    np.testing.assert_allclose(reads[0].context_BLF, reads[1].context_BLF, rtol=1e-6, atol=1e-6)
    assert reads[0].reference_BKHC.tobytes() == reads[1].reference_BKHC.tobytes()


@every
def test_the_history_that_it_needs_is_enough(panel_of: PanelOf, reference: Reference) -> None:
    framing = Framing(5, 4)
    panel = panel_with(panel_of, 3, lengths=(80,))
    origin = 70
    before = reference.history_needed
    begin = 0 if before is None else origin + 1 - framing.lookback - framing.horizon - before
    series_1 = np.zeros(1, np.int64)
    whole = reader_of(reference, panel, framing).read(series_1, np.array([origin]))
    short = panel.slice(begin, panel.length)
    cut = reader_of(reference, short, framing).read(series_1, short.first + origin - begin)
    assert begin > 0 or reference.history_needed is None
    np.testing.assert_allclose(whole.reference_BKHC, cut.reference_BKHC, rtol=1e-12)
    for had, has in ((whole.context_BLF, cut.context_BLF), (whole.target_BKHC, cut.target_BKHC)):
        assert had is not None
        assert has is not None
        np.testing.assert_allclose(had[..., :4], has[..., :4], rtol=1e-6)


@anchored
def test_residuals_are_known_from_the_step_that_it_says(panel_of: PanelOf, reference: Reference) -> None:
    panel = panel_with(panel_of, 4, lengths=(30,))
    batch = reader_of(reference, panel, Framing(12, 1), "none").read(np.zeros(1, np.int64), np.array([9]))
    residual_L = batch.context_BLF[0, :, 2]
    known_T = np.arange(-2, 10) >= reference.residual_from
    assert (residual_L != 0).tolist() == known_T.tolist()


@every
def test_as_many_real_steps_are_waited_for_as_it_says(panel_of: PanelOf, reference: Reference) -> None:
    panel = panel_with(panel_of, 5, lengths=(30,))
    batch = reader_of(reference, panel, Framing(14, 1, 14)).read(np.zeros(1, np.int64), np.array([11]))
    assert batch.weight_BKHC is not None
    trained_T = np.arange(-2, 12) >= reference.real_steps - 1
    assert batch.weight_BKHC[0, :, 0, 0].astype(bool).tolist() == trained_T.tolist()


# ---------------------------------------------------------------- one step at a time


@pytest.mark.parametrize(
    "reference", [one for one in EXAMPLES if one.walk_rows is not None], ids=lambda one: one.describe()
)
@pytest.mark.parametrize("young", [-4, 0, 3])
def test_one_step_over_private_rows_gives_what_the_general_way_gives(
    panel_of: PanelOf, reference: Reference, young: int
) -> None:
    """Two paths, one of which begins ``young`` steps after its first private row."""
    assert reference.walk_rows is not None
    steps = max(reference.walk_rows, 4) + 6
    panel = panel_with(panel_of, 6, lengths=(steps, steps))
    u_PTC = panel.target_RC.reshape(2, steps, 2).copy()
    first_P = np.array([0, young])
    first_B1 = panel.first[:, None] + np.maximum(first_P, 0)[:, None]
    for at in range(max(reference.walk_rows - 1, 3), steps):
        later_PTC = u_PTC.copy()
        later_PTC[:, at + 1 :] = 1e9
        origin_BK = panel.first[:, None] + at
        expected = bound(reference, panel).at(np.arange(2), first_B1, origin_BK, 1)[:, 0, 0]
        assert np.array_equal(reference.next(later_PTC, first_P, at), expected), at


@every
def test_it_says_whether_it_can_walk(reference: Reference) -> None:
    if reference.walk_rows is None:
        with pytest.raises(NotImplementedError):
            reference.next(np.zeros((1, 1, 1)), np.zeros(1, np.int64), 0)


# ---------------------------------------------------------------- missing values


@every
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9))
def test_missing_values_leave_numbers(panel_of: PanelOf, reference: Reference, seed: int) -> None:
    """Where nothing was observed the residual is 0. All else is finite, also where a whole window is missing, or where
    one target begins later than the other."""
    rng = np.random.default_rng(seed)
    values = table(rng, 40, 0.4)
    values[12:26, :2] = np.nan
    values[:4, 1] = np.nan
    panel = panel_of([values], KIND, dtype=np.float64)
    origin_B = np.arange(40)
    batch = reader_of(reference, panel, Framing(8, 3, 2, observed=True)).read(np.zeros(40, np.int64), origin_B)
    for part in (batch.context_BLF, batch.reference_BKHC, batch.target_BKHC, batch.spread_BC):
        assert part is not None
        assert np.isfinite(part).all()
    if reference.anchored:
        row_BL = origin_B[:, None] + np.arange(-7, 1)
        missing_BLC = np.isnan(values[np.maximum(row_BL, 0), :2]) | (row_BL < 0)[..., None]
        assert (batch.context_BLF[..., 2:4][missing_BLC] == 0).all()


@every
def test_rows_missing_before_the_series_begins_are_not_there(panel_of: PanelOf, reference: Reference) -> None:
    values = table(np.random.default_rng(7), 20)
    late = np.concatenate([np.column_stack([np.full((9, 2), np.nan), np.eye(2)[[0] * 9]]), values])
    short, long = (panel_of([one], KIND, dtype=np.float64) for one in (values, late))
    for origin in range(20):
        reads = [
            reader_of(reference, panel, Framing(6, 2, observed=True), "none").read(np.zeros(1, np.int64), np.array([o]))
            for panel, o in ((short, origin), (long, origin + 9))
        ]
        np.testing.assert_allclose(reads[0].context_BLF[..., :4], reads[1].context_BLF[..., :4], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(reads[0].reference_BKHC, reads[1].reference_BKHC, rtol=1e-12)


# ---------------------------------------------------------------- the toy at work


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("recursive", [False, True])
def test_a_toy_reference_fits_forecasts_and_is_saved(panel_of: PanelOf, recursive: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    panel = panel_of([rng.normal(size=60).cumsum() + 20 for _ in range(2)])
    model = Forecaster(
        3, lookback=8, scaling="mean-difference:3+standard", network=LSTMConfig(hidden_size=4, skip=2), members=1,
        training=TrainingConfig(max_epochs=2, steps_per_epoch=5), recursive=recursive, progress=False,
    ).fit(panel)  # fmt: skip
    assert model.plan_.scaling.reference == RecentMean(3)
    values = model.predict(panel).values_NHCQ
    assert np.isfinite(values).all()
    assert np.isfinite(model.sample(panel, paths=3).values_NSHC).all()
    model.save(tmp_path / "m.gatecast")
    assert load(tmp_path / "m.gatecast").predict(panel).values_NHCQ.tobytes() == values.tobytes()
