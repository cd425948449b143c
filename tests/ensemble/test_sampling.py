"""Sample paths against loops written out, against the quantiles of predict, and against simulated data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.data.tables.reading import read
from gatecast.ensemble.copula import default_correlation, known_correlation, leaned
from gatecast.ensemble.fitted import _correlation_of_errors
from gatecast.ensemble.sampling import interpolated, scores_of, step_correlation, stepwise_paths
from gatecast.errors import ConfigError, InputError, PanelError
from gatecast.forecaster import Forecaster, load
from gatecast.forecasts.axes import Axes
from gatecast.forecasts.paths import SamplePaths
from gatecast.model.config import LSTMConfig
from gatecast.training.config import TrainingConfig
from gatecast.training.counts import require_counts
from gatecast.windows.reader import WindowReader

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
QUICK = TrainingConfig(max_epochs=2, steps_per_epoch=5, batch_size=32)
LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
LOSSES = ("pinball", "mae", "gaussian", "student-t", "negative-binomial")


def tiny(horizon: int = 4, loss: str = "pinball", **options: Any) -> Forecaster:
    standard: dict[str, Any] = {
        "lookback": 8,
        "scaling": "difference+standard",
        "network": LSTMConfig(hidden_size=4, skip=2),
        "training": replace(QUICK, loss=loss),  # type: ignore[arg-type]
        "members": 2,
        "quantiles": LEVELS,
        "progress": False,
    }
    return Forecaster(horizon, **standard | options)


def counts(series: int = 3, steps: int = 60, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.poisson(5 + 3 * np.sin(np.arange(steps + n) / 3)).astype(float) for n in range(series)]


# ---------------------------------------------------------------- one step at a time


def oracle(model: Forecaster, panel: Panel, horizon: int, series: int, noise_SHC: np.ndarray) -> np.ndarray:
    """Each path of one series by itself: the whole history is read again for every step."""
    predictor, plan = model.fitted_.main.predictor, model.plan_
    scores = torch.special.ndtri(torch.tensor(LEVELS, dtype=torch.float64)).numpy()
    history = panel.select([series])
    last = int(history.length[0])
    paths = []
    for s in range(len(noise_SHC)):
        network = predictor.networks[s % len(predictor.networks)]
        alone = replace(predictor, networks=[network])
        values_RV = np.concatenate([history.values_RV[history.rows(0)], np.zeros((horizon, 1), np.float32)])
        for h in range(horizon):
            grown = replace(history, values_RV=values_RV, first=np.zeros(1, np.int64), length=np.array([last + h]))
            framing = replace(plan.framing, lookback=plan.framing.lookback + h)
            reader = WindowReader(grown, plan.scaling, framing, model.fitted_.main.covariates)
            if plan.scaling.fitted:
                reader.fitted = model.fitted_.main.statistics[[series]]
            at = np.zeros(1, np.int64), np.array([last + h - 1])
            batch = reader.read(*at, targets=False, origins=1)
            quantiles_1HCQ = predictor.calibration.apply(alone.outputs(reader, *at))
            drawn = interpolated(noise_SHC[None, s, h : h + 1, :, None], scores, quantiles_1HCQ)
            values_RV[last + h, 0] = reader.restore(batch, drawn)[0, 0, 0, 0]
        paths.append(values_RV[last:, 0])
    return np.array(paths)


@pytest.mark.parametrize(
    "scaling", ["none", "standard+fitted", "difference+standard+fitted", "seasonal-difference:5/2+standard+fitted"]
)
@pytest.mark.parametrize("layers", [1, 2])
def test_paths_are_what_reading_the_whole_history_again_would_give(
    panel_of: PanelOf, scaling: str, layers: int
) -> None:
    panel = panel_of([c / 4 for c in counts()])
    model = tiny(recursive=True, scaling=scaling, network=LSTMConfig(hidden_size=4, num_layers=layers, skip=3)).fit(
        panel
    )
    noise_BSHC = np.random.default_rng(0).normal(size=(3, 5, 7, 1))
    reader = model.fitted_.main.reader(panel)
    found = stepwise_paths(model.fitted_.main.predictor, reader, np.arange(3), panel.stop - 1, noise_BSHC)
    for n in range(3):
        assert found[n, :, :, 0] == pytest.approx(oracle(model, panel, 7, n, noise_BSHC[n]), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("steps", [1, 3, 6, 9])
def test_paths_of_a_series_younger_than_its_seasons(panel_of: PanelOf, steps: int) -> None:
    scaling = "seasonal-difference:5/2+standard+fitted"
    model = tiny(recursive=True, scaling=scaling, lookback=None).fit(panel_of(counts()))
    young = panel_of([counts()[0][:steps]])
    noise_BSHC = np.random.default_rng(0).normal(size=(1, 4, 12, 1))
    reader = model.fitted_.main.reader(young)
    found = stepwise_paths(model.fitted_.main.predictor, reader, np.zeros(1, np.int64), young.stop - 1, noise_BSHC)
    assert found[0, :, :, 0] == pytest.approx(oracle(model, young, 12, 0, noise_BSHC[0]), rel=1e-3, abs=1e-3)


def test_paths_without_noise_follow_the_recursive_forecast(panel_of: PanelOf) -> None:
    panel = panel_of(counts(2, 150))
    model = tiny(6, recursive=True, members=1, lookback=60, scaling="standard+fitted").fit(panel)
    lstm = model.fitted_.main.members[0].network.lstm
    with torch.no_grad():  # what lies beyond the lookback must be forgotten: the recursive forecast never reads it
        lstm.bias_ih_l0.chunk(4)[1].fill_(-3)
    reader = model.fitted_.main.reader(panel)
    at = np.arange(2), panel.stop - 1
    path = stepwise_paths(model.fitted_.main.predictor, reader, *at, np.zeros((2, 1, 6, 1)))[:, 0]
    fed_back = model.fitted_.main.predictor.recursive(reader, *at, 6)[..., 2]
    assert path == pytest.approx(fed_back, rel=1e-3)


def test_the_history_is_encoded_once(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panel_of(counts())
    model = tiny(6, recursive=True, members=1).fit(panel)
    steps = []
    lstm = model.fitted_.main.members[0].network.lstm
    for name in ("forward", "last"):
        kept = getattr(lstm, name)
        monkeypatch.setattr(lstm, name, lambda x, *more, kept=kept: steps.append(x.shape[:2]) or kept(x, *more))
    model.sample(panel, paths=10)
    assert sum(length for _, length in steps) == model.plan_.framing.lookback + 6 - 1
    assert steps[0][0] == 3
    assert {rows for rows, _ in steps[1:]} == {30}


@pytest.mark.parametrize("holes", [False, True])
def test_covariates_known_ahead_are_read_and_past_ones_are_not(panel_of: PanelOf, holes: bool) -> None:
    rng = np.random.default_rng(0)
    promo, weather = rng.integers(0, 2, (2, 80)).astype(float)
    y = 5 * promo + 0.1 * rng.normal(size=80)
    y[10:13] = np.nan if holes else y[10:13]
    schema = Schema(("y",), past=(Column("weather"),), future=(Column("promo"),))
    table = np.column_stack([y, weather, promo])
    training = TrainingConfig(max_epochs=10, steps_per_epoch=20, batch_size=32)
    model = tiny(8, recursive=True, scaling="standard+fitted", training=training).fit(panel_of([table[:70]], schema))
    ahead = table.copy()
    ahead[70:, 0] = np.nan
    paths = model.sample(panel_of([ahead], schema), paths=40).values_NSHC[0, :, :, 0]
    assert np.abs(paths.mean(0) - 5 * promo[70:78]).max() < 1.5
    at = np.array([0]), np.array([69])
    ahead[70:, 1] = 1e6
    assert model.sample(panel_of([ahead], schema), paths=40).values_NSHC[0, :, :, 0].tobytes() == paths.tobytes()
    intervals = [model.forecast_from(panel_of([rows], schema), *at) for rows in (table, ahead)]
    assert intervals[0].tobytes() == intervals[1].tobytes()


def test_recursive_intervals_widen_as_those_of_the_process(panel_of: PanelOf) -> None:
    panel = panel_of(simulated("gaussian", 20, 200, 0))
    training = TrainingConfig(max_epochs=10, steps_per_epoch=20, batch_size=64)
    model = tiny(6, recursive=True, scaling="standard", lookback=40, training=training).fit(panel)
    forecast = model.predict()
    low, high = forecast.interval(0.8)
    deviation_H = np.sqrt(np.cumsum(0.36 ** np.arange(6)))
    assert (high - low).mean(axis=(0, 2)) / (2 * 1.2816) == pytest.approx(deviation_H, rel=0.12)
    assert (np.diff(forecast.values_NHCQ, axis=-1) >= 0).all()
    assert forecast.values_NHCQ.tobytes() == model.predict().values_NHCQ.tobytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"network": LSTMConfig(hidden_size=4, patch=2)}, "patch = 2"),
        ({"quantiles": (0.5,)}, "the median alone"),
    ],
)
def test_what_cannot_be_sampled_is_told(panel_of: PanelOf, options: dict[str, Any], words: str) -> None:
    model = tiny(3, recursive=True, **options).fit(panel_of(counts()))
    model.predict()
    with pytest.raises(ConfigError, match=words):
        model.sample()


# ---------------------------------------------------------------- all steps at once


@pytest.mark.parametrize("loss", LOSSES)
def test_quantiles_of_the_paths_are_those_of_predict(panel_of: PanelOf, loss: str) -> None:
    panel = panel_of(counts())
    model = tiny(loss=loss).fit(panel)
    forecast, paths = model.predict(), model.sample(paths=4000)
    width = forecast.values_NHCQ[..., 3] - forecast.values_NHCQ[..., 1]
    allowed = 0.12 * width + (1 if loss == "negative-binomial" else 0)
    for level in LEVELS:
        assert (
            np.abs(paths.quantile(level) - forecast.quantile(level)) <= allowed * (1 + (abs(level - 0.5) > 0.45))
        ).all()
    if loss == "negative-binomial":
        assert (paths.values_NSHC == np.rint(paths.values_NSHC)).all()
        assert paths.values_NSHC.min() >= 0


def test_steps_of_a_path_go_together_as_the_errors_do(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(0)
    panel = panel_of([rng.normal(size=120).cumsum() for _ in range(20)])
    model = tiny(4, members=1, training=TrainingConfig(max_epochs=3, steps_per_epoch=20)).fit(panel)
    values = model.sample(paths=500).values_NSHC[..., 0]
    found = np.mean([np.corrcoef(path.T) for path in values], axis=0)
    steps = np.arange(1, 5)
    walk = np.sqrt(np.minimum(steps[:, None], steps) / np.maximum(steps[:, None], steps))
    assert found == pytest.approx(walk, abs=0.12)


def test_correlation_of_errors_leans_to_the_default_where_windows_are_few(panel_of: PanelOf) -> None:
    panel = panel_of(counts())
    model = tiny().fit(panel)
    reader = model.fitted_.main.reader(panel)
    none = model.plan_.spans.tail_windows(panel, panel.length)
    assert step_correlation(model.fitted_.main.predictor, reader, none) == pytest.approx(default_correlation(4))
    some = step_correlation(model.fitted_.main.predictor, reader, model.plan_.spans.all_windows(panel))
    assert np.diag(some) == pytest.approx(1)
    assert np.linalg.eigvalsh(some).min() > 0


def test_correlations_are_those_of_numpy_and_stay_proper() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 4)).cumsum(axis=1)
    known = known_correlation(rows, np.ones_like(rows))
    assert known == pytest.approx(np.corrcoef(rows.T))
    assert leaned(known, 0.0) == pytest.approx(known)
    assert leaned(known, 1.0) == pytest.approx(default_correlation(4, float(np.diag(known, 1).mean())))
    holes = known_correlation(rows, (np.random.default_rng(1).random(rows.shape) > 0.9).astype(float))
    assert np.linalg.eigvalsh(leaned(holes, 0.0)).min() > 0


def test_interpolation_is_that_of_numpy_inside_and_goes_on_outside() -> None:
    known, values = np.array([-2.0, 0.0, 1.0]), np.array([[1.0, 2.0, 5.0], [0.0, 0.0, 7.0]])
    score = np.array([[-3.0, -2.0, -1.0, 0.5, 1.0, 2.0]] * 2)
    found = interpolated(score, known, values)
    assert found[0].tolist() == [0.5, 1.0, 1.5, 3.5, 5.0, 8.0]
    assert found[1].tolist() == [0.0, 0.0, 0.0, 3.5, 7.0, 14.0]
    assert scores_of(found[0], known, np.tile(values[0], (6, 1))).tolist() == score[0].tolist()
    assert interpolated(score, np.zeros(1), np.ones((2, 1))).tolist() == np.ones((2, 6)).tolist()


# ---------------------------------------------------------------- seeds, files, frames


@pytest.mark.parametrize("recursive", [False, True])
def test_same_seed_same_bytes_whatever_the_order_of_the_series(panel_of: PanelOf, recursive: bool) -> None:
    panel = panel_of(counts(5))
    model = tiny(recursive=recursive).fit(panel)
    order = [3, 0, 4, 2, 1]
    straight, mixed, other = model.sample(panel), model.sample(panel.select(order)), model.sample(panel, seed=1)
    assert straight.values_NSHC.tobytes() == model.sample(panel).values_NSHC.tobytes()
    assert mixed.values_NSHC == pytest.approx(straight.values_NSHC[order], abs=1e-5)
    assert straight.values_NSHC.tobytes() != other.values_NSHC.tobytes()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loaded_model_gives_the_same_forecasts_and_paths(panel_of: PanelOf, loss: str, tmp_path: Path) -> None:
    panel = panel_of(counts())
    model = tiny(loss=loss).fit(panel)
    model.save(tmp_path / "m.gatecast")
    again = load(tmp_path / "m.gatecast")
    assert again.predict(panel).values_NHCQ.tobytes() == model.predict(panel).values_NHCQ.tobytes()
    assert again.sample(panel).values_NSHC.tobytes() == model.sample(panel).values_NSHC.tobytes()


def test_paths_become_a_table(panel_of: PanelOf) -> None:
    panel = panel_of(counts(2))
    paths = tiny().fit(panel).sample(paths=3)
    frame = paths.to_frame("pandas")
    assert list(frame.columns) == ["unique_id", "ds", "path", "y"]
    assert len(frame) == 2 * 3 * 4
    row = frame[(frame.unique_id == "s1") & (frame.path == 2)]
    assert row.y.tolist() == paths.values_NSHC[1, 2, :, 0].tolist()
    assert row.ds.tolist() == [62, 63, 64, 65]
    assert repr(paths) == "<SamplePaths of 2 series · 3 paths · 4 steps>"


def test_crps_is_its_double_sum() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 7, 3, 1))
    paths = SamplePaths(values, Axes(("a", "b"), ("y",), np.zeros(2), 3, Frequency("step")))
    truth = rng.normal(size=(2, 3))
    truth[1, 2] = np.nan
    found = paths.crps(truth)
    for n in range(2):
        for h in range(3):
            x = values[n, :, h, 0]
            pairs = sum(abs(x[i] - x[j]) for i in range(7) for j in range(7)) / (7 * 6)
            expected = np.abs(x - truth[n, h]).mean() - pairs / 2
            assert found[n, h, 0] == pytest.approx(expected, nan_ok=True)
    with pytest.raises(InputError, match="the truth has shape"):
        paths.crps(truth[:, :2])
    with pytest.raises(ConfigError, match="between 0 and 1"):
        paths.quantile(1.0)


# ---------------------------------------------------------------- counts


def test_counts_are_checked_before_anything_is_trained(panel_of: PanelOf) -> None:
    for wrong in (np.arange(60) - 3.0, np.arange(60) / 2):
        with pytest.raises(PanelError, match=r"needs counts.*'s1' \(1 of 2 series\)"):
            tiny(loss="negative-binomial").fit(panel_of([np.arange(60.0), wrong]))
    with pytest.raises(ConfigError, match="without logarithm; got 'log"):
        tiny(loss="negative-binomial", scaling="log+standard").fit(panel_of([np.arange(1.0, 61)]))
    gappy = np.arange(60.0)
    gappy[3] = np.nan
    require_counts("negative-binomial", panel_of([gappy]))


def test_forecasts_of_counts_are_counts_and_never_chosen_in_logarithms(panel_of: PanelOf) -> None:
    panel = panel_of([c + 1 for c in counts()])
    options: dict[str, Any] = {"scaling": None, "network": None, "lookback": None}
    model = tiny(training={"loss": "negative-binomial", "max_epochs": 2}, **options).fit(panel)
    assert not any("log" in name for name, _ in model.plan_.candidates)
    values = model.predict().values_NHCQ
    assert (values == np.rint(values)).all()
    assert values.min() >= 0


# ---------------------------------------------------------------- coverage


def simulated(loss: str, series: int, steps: int, seed: int) -> list[np.ndarray]:
    """Autoregressions whose innovations are those of the head."""
    rng = np.random.default_rng(seed)
    y_TN = np.zeros((steps, series))
    for t in range(1, steps):
        if loss == "negative-binomial":
            mean_N = 1 + 0.6 * y_TN[t - 1]
            y_TN[t] = rng.negative_binomial(2, 2 / (2 + mean_N))
        else:
            innovation_N = rng.normal(size=series) if loss == "gaussian" else rng.standard_t(3, series)
            y_TN[t] = 0.6 * y_TN[t - 1] + innovation_N
    return list(y_TN.T)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["gaussian", "student-t", "negative-binomial"])
@pytest.mark.parametrize("recursive", [False, True])
def test_simulated_data_are_covered_as_promised(panel_of: PanelOf, loss: str, recursive: bool) -> None:
    """80 series x 46 origins; the bounds allow for sampling error and for what so short a training misses."""
    data = simulated(loss, 80, 200, 0)
    model = Forecaster(
        4, quantiles=LEVELS, training={"loss": loss}, scaling="standard", members=1, recursive=recursive, progress=False
    )
    model.fit(panel_of([series[:150] for series in data]))
    panel = panel_of(data)
    origin_B = (panel.first[:, None] + np.arange(149, 195)).ravel()
    values_BHCQ = model.forecast_from(panel, np.repeat(np.arange(80), 46), origin_B)
    truth_BH1 = panel.target_RC[origin_B[:, None] + np.arange(1, 5)]
    below_Q = (truth_BH1[..., None] <= values_BHCQ).mean(axis=(0, 1, 2))
    if loss == "negative-binomial":  # whole numbers: at least the level, and less of it strictly below
        strictly_Q = (truth_BH1[..., None] < values_BHCQ).mean(axis=(0, 1, 2))
        assert (below_Q > np.array(LEVELS) - 0.03).all()
        assert (strictly_Q < np.array(LEVELS) + 0.03).all()
    else:
        assert below_Q == pytest.approx(LEVELS, abs=0.04)
        assert below_Q[3] - below_Q[1] == pytest.approx(0.8, abs=0.03)
        assert below_Q[4] - below_Q[0] == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("kind", "low", "high"), [("noise", -0.2, 0.25), ("walk", 0.6, 0.98), ("short", 0.6, 0.98)])
def test_paths_without_training_hang_together_as_the_errors_do(kind: str, low: float, high: float) -> None:
    random = np.random.default_rng(2)
    noise = random.normal(size=(30, 8 if kind == "short" else 96))
    panel = read(list(100 + (noise if kind == "noise" else noise.cumsum(axis=1))))
    paths_NSH = Forecaster(6, preset="instant").fit(panel).sample(paths=200).values_NSHC[..., 0].astype(np.float64)
    neighbours = [np.corrcoef(paths_SH.T)[h, h + 1] for paths_SH in paths_NSH for h in range(5)]
    assert low < np.mean(neighbours) < high


def test_errors_are_correlated_in_any_unit() -> None:
    random = np.random.default_rng(3)
    common = random.normal(size=(400, 1, 1))
    truth_MHC = common + 0.1 * random.normal(size=(400, 4, 1))
    values_MHCQ = np.tile(np.array([-1.3, 0.0, 1.3]), (400, 4, 1, 1))
    levels = (0.1, 0.5, 0.9)
    made = _correlation_of_errors(truth_MHC, values_MHCQ, levels, 400, 400)
    assert made[0, 3] > 0.9
    tiny = _correlation_of_errors(1e-9 * truth_MHC, 1e-9 * values_MHCQ, levels, 400, 400)
    np.testing.assert_allclose(tiny, made, rtol=1e-6)
    truth_MHC[:100, 2] = np.nan
    np.testing.assert_allclose(_correlation_of_errors(truth_MHC, values_MHCQ, levels, 400, 400), made, atol=0.03)
