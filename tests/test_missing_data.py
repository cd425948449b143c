"""Missing data end to end: what was not observed moves nothing, is told to the network, and breaks no forecast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatecast.backtesting.assess import evaluate
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.data.tables.reading import read
from gatecast.forecaster import Forecaster
from gatecast.model.config import LSTMConfig
from gatecast.model.heads import make_head
from gatecast.model.lstm import LSTMNetwork
from gatecast.training.batch import to_tensors
from gatecast.training.config import TrainingConfig
from gatecast.training.engine import TorchEngine
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.reader import WindowReader
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")

SCALINGS = ["none", "standard", "last", "mean", "difference+standard", "seasonal-difference:4+standard"]
SCALINGS += ["standard+fitted", "log+difference+standard", "seasonal-difference:4/2+standard"]
QUICK = TrainingConfig(max_epochs=2, steps_per_epoch=3, batch_size=16)
NAN = np.nan


def tiny(horizon: int = 3, **options: object) -> Forecaster:
    standard: dict[str, object] = {
        "scaling": "difference+standard",
        "network": LSTMConfig(hidden_size=4, skip=2),
        "training": QUICK,
        "members": 1,
        "progress": False,
    }
    return Forecaster(horizon, **standard | options)  # type: ignore[arg-type]


def walk(steps: int = 60, seed: int = 0, level: float = 100.0) -> np.ndarray:
    return level + np.random.default_rng(seed).normal(size=steps).cumsum()


def holed(values: np.ndarray, *holes: slice) -> np.ndarray:
    made = values.astype(float)
    for hole in holes:
        made[hole] = NAN
    return made


def forecast(model: Forecaster, panel: Panel) -> bytes:
    values = model.predict(panel).values_NHCQ
    assert np.isfinite(values).all()
    return values.tobytes()


@pytest.fixture(scope="module")
def gappy_model(panel_of: PanelOf) -> Forecaster:
    """Trained on series with holes, so that its network reads what was observed."""
    return tiny().fit(panel_of([holed(walk(), slice(10, 14), slice(30, 31)), walk(70, 1), walk(20, 2)]))


# ---------------------------------------------------------------- loss and scaling leave it out


@pytest.mark.parametrize("loss", ["pinball", "mse", "mae", "huber"])
@pytest.mark.parametrize("scaling", ["difference+standard", "standard"])
def test_a_truth_that_is_masked_moves_neither_loss_nor_gradient(panel_of: PanelOf, loss: str, scaling: str) -> None:
    panel = panel_of([holed(walk(40), slice(20, 23), slice(30, 31)), walk(9, 1)])
    framing = Framing(12, 4, 3, observed=True)
    reader = WindowReader(panel, Scaling.parse(scaling), framing, CovariateScale.fit(panel, True))
    batch = to_tensors(reader.read(np.array([0, 0, 1, 1]), np.array([18, 27, 43, 46])), torch.device("cpu"))
    assert batch.weight_BKHC is not None
    assert 0 < batch.weight_BKHC.mean() < 1
    results = []
    for wild in (0.0, 1e5, -7.0):
        torch.manual_seed(0)
        head = make_head(loss, (0.1, 0.5, 0.9))
        network = LSTMNetwork(LSTMConfig(hidden_size=3, readout=3), reader.features, 4, 1, head.raws)
        engine = TorchEngine(network, head, TrainingConfig(clip=None, track_mae=True))
        other = replace(batch, target_BKHC=torch.where(batch.weight_BKHC > 0, batch.target_BKHC, wild))
        value, _, error = engine.value_and_grad(other)
        assert error is not None
        results.append((value.item(), error.item(), engine.parameters.gradient.clone(), *engine.errors(other)))
    for result in results[1:]:
        for part, first in zip(result, results[0], strict=True):
            assert torch.equal(torch.as_tensor(part), torch.as_tensor(first))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.sampled_from(["standard", "mean", "last"]))
def test_statistics_of_a_window_are_those_of_what_was_observed(panel_of: PanelOf, seed: int, scaling: str) -> None:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=20) + 5
    y[rng.random(20) < 0.4] = NAN
    y[[8, 9, 15]] = 1.0, 2.0, 3.0  # two neighbours and one more are there
    panel = panel_of([y], dtype=np.float64)
    reader = WindowReader(panel, Scaling.parse(scaling), Framing(9, 2), CovariateScale.fit(panel, True))
    batch = reader.read(np.array([0]), np.array([15]))
    window = y[7:16]
    seen = window[~np.isnan(window)]
    expected = {"standard": (seen.mean(), seen.std()), "mean": (0.0, np.abs(seen).mean())}
    expected["last"] = (3.0, float(np.nanmean(np.abs(np.diff(window)))))
    location, spread = expected[scaling]
    level = batch.context_BLF[0, ~np.isnan(window), 0]
    assert level == pytest.approx((seen - location) / spread, abs=1e-5)
    assert batch.spread_BC.item() == pytest.approx(spread)


def test_statistics_of_covariates_are_those_of_what_was_observed(panel_of: PanelOf) -> None:
    rain = holed(walk(30, 3, 0), slice(4, 9))
    panel = panel_of([np.column_stack([walk(30), rain])], Schema(("y",), past=(Column("rain"),)), dtype=np.float64)
    scale = CovariateScale.fit(panel, True)
    assert (scale.location_V.item(), scale.spread_V.item()) == pytest.approx((np.nanmean(rain), np.nanstd(rain)))
    context = WindowReader(panel, Scaling(), Framing(8, 2), scale).read(np.array([0]), np.array([10])).context_BLF
    assert context[0, :, 1] == pytest.approx(np.nan_to_num((rain[3:11] - np.nanmean(rain)) / np.nanstd(rain)), abs=1e-5)


# ---------------------------------------------------------------- the network is told


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(2, 25), st.sampled_from(SCALINGS))
def test_the_last_channel_is_what_was_observed(panel_of: PanelOf, seed: int, origin: int, scaling: str) -> None:
    """1 where the value was there; 0 in a gap, and before the series begins."""
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(30) < 0.3, NAN, np.abs(walk(30, seed)) + 1)
    y[rng.integers(0, 2)] = 50.0
    panel = panel_of([walk(5, 9), y])
    reader = WindowReader(panel, Scaling.parse(scaling), Framing(8, 2, observed=True), CovariateScale.fit(panel, True))
    if "fitted" in scaling:
        reader.fitted = reader.fit_statistics()
    context = reader.read(np.array([1]), np.array([5 + origin]), targets=False).context_BLF[0]
    padded = np.concatenate([np.full(8, NAN), y])[origin + 1 : origin + 9]
    assert context[:, -1].tolist() == (~np.isnan(padded)).tolist()
    assert np.isfinite(context).all()


def test_whether_a_value_was_there_matters_to_a_trained_network(gappy_model: Forecaster, panel_of: PanelOf) -> None:
    """A gap is no constant stretch: the same filled values, told as observed, give another forecast."""
    assert gappy_model.plan_.framing.observed
    y = walk(40, 5)
    filled = y.copy()
    filled[36:39] = y[35]
    gap, flat = panel_of([holed(y, slice(36, 39))]), panel_of([filled])
    assert forecast(gappy_model, gap) != forecast(gappy_model, flat)


@pytest.mark.parametrize("holes", [[slice(5, 6)], [slice(0, 30)], [slice(50, 59)]])
def test_a_plan_tells_the_network_where_values_are_missing(panel_of: PanelOf, holes: list[slice]) -> None:
    assert tiny().fit(panel_of([holed(walk(), *holes), walk(60, 1)])).plan_.framing.observed
    assert not tiny(lookback=6).fit(panel_of([walk(), walk(60, 1)])).plan_.framing.observed
    assert tiny().fit(panel_of([walk(), walk(4, 1)])).plan_.framing.observed  # a series that has to be padded


# ---------------------------------------------------------------- what cannot matter does not, to the last bit


@pytest.mark.parametrize(
    "scaling", ["difference+standard", "category-difference:kind+standard", "smooth:3/0.5/0.2+standard"]
)
def test_rows_outside_a_series_are_never_read(panel_of: PanelOf, scaling: str) -> None:
    """A slice shares the buffer: what lies before and after it may hold anything."""
    schema = Schema(("y",), past=(Column("rain"),), future=(Column("kind", ("a", "b")),))
    results = []
    for outside in (0.0, 1e9, NAN):
        y = np.column_stack([holed(walk(80), slice(20, 25)), walk(80, 2), np.eye(2)[np.arange(80) // 2 % 2]])
        other = np.column_stack([walk(40, 1), walk(40, 3), np.eye(2)[np.arange(40) // 3 % 2]])
        for rows in (y[:10], y[63:], other[38:]):
            rows[:, :2] = outside
        y[60:63, 0] = other[35:38, 0] = outside  # the horizon, where the kinds are known
        panel = panel_of([y, other], schema)
        past, whole = (panel.slice(np.array([10, 0]), np.array([60, 35]) + more) for more in (0, 3))
        model = tiny(scaling=scaling).fit(past)
        made = model.predict(past, future=whole.future)
        results.append((made.values_NHCQ.tobytes(), str(model.history_[-1]["train_loss"])))
    assert results[0] == results[1] == results[2]


def test_empty_rows_at_the_ends_change_nothing(gappy_model: Forecaster, panel_of: PanelOf) -> None:
    y = holed(walk(40, 5), slice(20, 22))
    nothing = np.full(9, NAN)
    plain = gappy_model.predict(panel_of([y]))
    for ends in ([nothing, y], [y, nothing], [nothing, y, nothing]):
        made = gappy_model.predict(panel_of([np.concatenate(ends)]))
        assert made.values_NHCQ.tobytes() == plain.values_NHCQ.tobytes()
    late = gappy_model.predict(panel_of([np.concatenate([nothing, y])]))
    assert late.origins[0] == plain.origins[0] + 9


def test_a_hole_beyond_the_window_changes_nothing(gappy_model: Forecaster, panel_of: PanelOf) -> None:
    y = walk(60, 5)
    reach = gappy_model.plan_.framing.lookback + gappy_model.horizon + 4
    far = 60 - reach
    assert far > 3
    plain = forecast(gappy_model, panel_of([y]))
    for other in (holed(y, slice(0, far)), holed(y, slice(2, far, 2)), np.concatenate([y[:far] * 7, y[far:]])):
        assert forecast(gappy_model, panel_of([other])) == plain


def test_a_hole_in_one_series_changes_no_other(gappy_model: Forecaster, panel_of: PanelOf) -> None:
    one, two = walk(40, 5), walk(45, 6)
    plain = gappy_model.predict(panel_of([one, two])).values_NHCQ
    for hole in (slice(0, 44), slice(30, 44), slice(43, 44)):
        made = gappy_model.predict(panel_of([one, holed(two, hole)])).values_NHCQ
        assert made[0].tobytes() == plain[0].tobytes()
        assert made[1].tobytes() != plain[1].tobytes()


def test_absent_rows_are_missing_values() -> None:
    """A row that is absent, one without a value, and a bin without a row are the same."""
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 2, 29), eager=True)
    full = pl.DataFrame({"ds": days, "y": walk(60)})
    gone = pl.col("ds").dt.day().is_in([7, 8, 20])
    absent = read(full.filter(~gone), gaps="missing")
    empty = read(full.with_columns(y=pl.when(gone).then(None).otherwise("y")))
    binned = read(full.filter(~gone), frequency="D", resample="sum")
    results = [tiny().fit(panel).predict().values_NHCQ.tobytes() for panel in (absent, empty, binned)]
    assert results[0] == results[1] == results[2]


def test_a_short_series_is_padded_and_masked(gappy_model: Forecaster, panel_of: PanelOf) -> None:
    lookback = gappy_model.plan_.framing.lookback
    for steps in (1, 2, lookback - 1):
        y = walk(steps, 8)
        made = gappy_model.predict(panel_of([y])).values_NHCQ
        late = gappy_model.predict(panel_of([np.concatenate([np.full(3 * lookback, NAN), y])])).values_NHCQ
        assert made.tobytes() == late.tobytes()
        assert np.abs(made - 100).max() < 50


# ---------------------------------------------------------------- nothing breaks


def test_series_begin_late_and_end_early(panel_of: PanelOf) -> None:
    """Each is forecast from its own end, also where the table has the same rows for all."""
    ends = [60, 41, 52]
    arrays = [holed(walk(60, n), slice(0, 7 * n), slice(end, 60)) for n, end in enumerate(ends)]
    made = tiny().fit(panel_of(arrays)).predict()
    assert np.isfinite(made.values_NHCQ).all()
    assert made.origins.tolist() == ends  # steps are counted from 1
    last = np.array([array[end - 1] for array, end in zip(arrays, ends, strict=True)])
    assert np.abs(made.values[:, 0, 0] - last).max() < 15


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("hole", [slice(30, 59), slice(20, 57), slice(25, 58, 2), slice(1, 59)])
def test_a_gap_longer_than_the_lookback(panel_of: PanelOf, scaling: str, hole: slice) -> None:
    """In training and in the window of the forecast; the forecast stays near the level of the series."""
    panel = panel_of([holed(walk(), hole), walk(60, 1)])
    for lookback in (None, 8):
        made = tiny(scaling=scaling, lookback=lookback).fit(panel).predict()
        assert np.isfinite(made.values_NHCQ).all()
        if scaling not in ("none", "mean"):
            assert np.abs(made.values - 100).max() < 60


def test_a_gap_that_training_never_saw_keeps_the_level_without_centring(panel_of: PanelOf) -> None:
    """Levels that hardly vary get large weights in the ridge start; the state after a gap is far from all others."""
    panel = panel_of([holed(walk(), slice(1, 59)), walk(60, 1)])
    made = tiny(scaling="mean", lookback=8).fit(panel).predict()
    assert np.abs(made.values - 100).max() < 60


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.floats(0, 0.97), st.sampled_from(SCALINGS), st.integers(1, 2))
def test_any_holes_give_finite_forecasts_and_scores(
    panel_of: PanelOf, seed: int, share: float, scaling: str, targets: int
) -> None:
    rng = np.random.default_rng(seed)
    arrays = []
    for n in range(3):
        steps = int(rng.integers(12, 50))
        y = np.abs(np.column_stack([walk(steps, seed + 7 * n + c) for c in range(targets)])) + 1
        y[rng.random(y.shape) < share] = NAN
        y[rng.integers(0, len(y), 2)] = 60.0
        arrays.append(y)
    panel = panel_of(arrays, Schema(("a", "b")[:targets]))
    model = tiny(2, scaling=scaling).fit(panel)
    values = model.predict().values_NHCQ
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=-1) >= 0).all()


def test_a_truth_that_is_missing_is_not_scored(panel_of: PanelOf) -> None:
    y = holed(walk(80), slice(20, 24), slice(70, 72), slice(76, 78))
    panel = panel_of([y, walk(80, 1)])
    made = evaluate(tiny(4), panel, origins=4)
    truth_BHC = np.stack(
        [panel.series(n)[o - panel.first[n] + 1 :][:4] for n, o in zip(made.series_B, made.origin_B, strict=True)]
    )
    assert np.isnan(truth_BHC).sum() == 4
    scores = made.scores.to_dict()["scores"]
    for name, forecast_BHC in made.scores.forecasts.items():
        assert np.isfinite(forecast_BHC).all(), name
        assert scores[name]["mae"] == pytest.approx(np.nanmean(np.abs(forecast_BHC - truth_BHC)), rel=1e-5), name


def test_an_origin_inside_a_gap_is_forecast_from_what_came_before(panel_of: PanelOf) -> None:
    y = holed(walk(80), slice(62, 76))
    model = tiny(4).fit(panel_of([y[:60], walk(60, 1)]))
    panel = panel_of([y])
    made = evaluate(model, panel, origins=3)
    assert made.origin_B.tolist() == [67, 71, 75]
    assert np.isfinite(made.forecast_BHCQ).all()
    changed = y.copy()
    changed[76:] = 1e6  # what follows the gap is the future
    other = evaluate(model, panel_of([changed]), origins=3)
    assert other.forecast_BHCQ.tobytes() == made.forecast_BHCQ.tobytes()
