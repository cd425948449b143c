"""The forecaster end to end, with tiny networks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.data.tables.reading import read
from gatecast.errors import ConfigError, CovariateError, ModelFileError, PanelError, TrainingError, WindowError
from gatecast.forecaster import Forecaster, load
from gatecast.model.config import LSTMConfig
from gatecast.planning.choose import candidates, choose
from gatecast.planning.settings import Settings
from gatecast.training.config import TrainingConfig

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
QUICK = TrainingConfig(max_epochs=2, steps_per_epoch=3, batch_size=16)
KIND = Schema(("y",), future=(Column("promo"), Column("kind", ("a", "b"))))


def tiny(horizon: int = 3, **options: object) -> Forecaster:
    standard: dict[str, object] = {
        "lookback": 8,
        "scaling": "difference+standard",
        "network": LSTMConfig(hidden_size=4, skip=2),
        "training": QUICK,
        "members": 1,
        "progress": False,
    }
    return Forecaster(horizon, **standard | options)  # type: ignore[arg-type]


def walks(count: int = 3, steps: int = 40, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=steps + 3 * n).cumsum() + 20 * n for n in range(count)]


# ---------------------------------------------------------------- the same again


def test_same_seed_same_bytes_and_another_seed_other_ones(panel_of: PanelOf) -> None:
    panel = panel_of(walks())
    one, same, other = (
        tiny(training=replace(QUICK, seed=seed), members=2).fit(panel).predict().values_NHCQ for seed in (0, 0, 1)
    )
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


def test_order_of_the_series_changes_no_byte_of_a_forecast(panel_of: PanelOf) -> None:
    panel = panel_of(walks(7))
    model = tiny().fit(panel)
    order = np.random.default_rng(1).permutation(7)
    straight, mixed = model.predict(panel), model.predict(panel.select(order))
    assert mixed.ids == tuple(straight.ids[n] for n in order)
    assert mixed.values_NHCQ.tobytes() == straight.values_NHCQ[order].tobytes()


@pytest.mark.parametrize("scaling", ["difference+standard", "standard+fitted"])
def test_order_of_the_series_hardly_changes_a_training_on_all_windows(panel_of: PanelOf, scaling: str) -> None:
    panel = panel_of(walks(4))
    order = np.array([2, 0, 3, 1])
    training = TrainingConfig(max_epochs=3, batch_size=1000, shuffle=False)
    straight = tiny(scaling=scaling, training=training).fit(panel).predict()
    mixed = tiny(scaling=scaling, training=training).fit(panel.select(order)).predict()
    assert mixed.values_NHCQ == pytest.approx(straight.values_NHCQ[order], abs=2e-3)


def test_a_forecast_does_not_depend_on_how_much_history_is_handed_over(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=200).cumsum() + 50
    for scaling in ("difference+standard", "seasonal-difference:5/3+standard", "log+last"):
        model = tiny(scaling=scaling).fit(panel_of([np.abs(y) + 1]))
        for holes in (slice(0), slice(150, 185), slice(165, 176)):
            gappy = np.abs(y) + 1
            gappy[holes] = np.nan
            panel = panel_of([gappy])
            whole = model.forecast_from(panel, np.array([0]), np.array([199]))
            assert model.predict(panel).values_NHCQ.tobytes() == whole.tobytes(), (scaling, holes)


# ---------------------------------------------------------------- series of every kind


def test_unseen_series_are_forecast(panel_of: PanelOf) -> None:
    for scaling in ("difference+standard", "standard+fitted"):
        model = tiny(scaling=scaling).fit(panel_of(walks()))
        new = replace(panel_of([1e4 + w for w in walks(2, seed=5)]), ids=("new", "newer"))
        forecast = model.predict(new)
        assert forecast.ids == ("new", "newer")
        assert np.abs(forecast.values[:, 0, 0] - [s[-1] + 1e4 for s in walks(2, seed=5)]).max() < 30


def test_a_constant_series_goes_on(panel_of: PanelOf) -> None:
    for level in (0.0, 7.0, -1e6):
        forecast = (
            Forecaster(4, progress=False, training=QUICK, members=1).fit(panel_of([np.full(40, level)])).predict()
        )
        assert forecast.values == pytest.approx(level, abs=max(0.2 * abs(level), 1))


@pytest.mark.parametrize("holes", [slice(10, 14), slice(1, None, 2), slice(12, 38), slice(0, 25)])
@pytest.mark.parametrize("chosen", [True, False])
def test_missing_values_inside_are_no_obstacle(panel_of: PanelOf, holes: slice, chosen: bool) -> None:
    y = walks(1, 60)[0] + 1e4
    y[holes] = np.nan
    y[-1] = 1e4
    other = walks(1, 60, seed=2)[0] + 1e4
    model = Forecaster(4, progress=False, training=QUICK, members=1) if chosen else tiny(4)
    forecast = model.fit(panel_of([y, other])).predict()
    assert np.abs(forecast.values_NHCQ - 1e4).max() < 500


def test_a_panel_where_no_window_is_complete(panel_of: PanelOf) -> None:
    y = walks(1, 80)[0] + 100
    y[1::2] = np.nan
    forecast = Forecaster(5, progress=False, training=QUICK, members=1).fit(panel_of([y])).predict()
    assert np.abs(forecast.values_NHCQ - 100).max() < 100


def test_large_readings_that_move_by_one_are_forecast_to_about_one(panel_of: PanelOf) -> None:
    y = 1e8 + np.arange(120.0) + np.sin(np.arange(120))
    model = tiny(scaling=None, network=None, lookback=None, training=TrainingConfig(max_epochs=3, steps_per_epoch=10))
    forecast = model.fit(panel_of([y[:-3]], dtype=np.float64)).predict()
    assert forecast.values_NHCQ.dtype == np.float64
    assert np.abs(forecast.values[0, :, 0] - y[-3:]).max() < 3


def test_several_targets(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(0)
    two = np.column_stack([rng.normal(size=60).cumsum(), 1000 + rng.normal(size=60).cumsum()])
    forecast = tiny().fit(panel_of([two], Schema(("small", "large")))).predict()
    assert forecast.values.shape == (1, 3, 2)
    assert np.abs(forecast.values[0] - two[-1]).max() < 10


def test_series_of_very_different_length_take_part(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(0)
    arrays = [1e6 + rng.normal(size=T).cumsum() for T in (1, 2, 4, 9, 80, 120)]
    forecast = Forecaster(5, progress=False, training=QUICK, members=1).fit(panel_of(arrays)).predict()
    last = np.array([a[-1] for a in arrays])
    assert np.abs(forecast.values_NHCQ[2:] - last[2:, None, None, None]).max() < 200
    assert np.abs(forecast.values_NHCQ / 1e6 - 1).max() < 0.1  # of one or two values nobody knows how they move


# ---------------------------------------------------------------- one step at a time


@pytest.mark.parametrize("quantiles", [(0.1, 0.5, 0.9), (0.5, 0.9), (0.05, 0.1, 0.5)])
def test_recursive_forecast_is_a_loop_of_single_steps(panel_of: PanelOf, quantiles: tuple[float, ...]) -> None:
    arrays = walks(2)
    model = tiny(4, recursive=True, quantiles=quantiles, scaling="seasonal-difference:5+standard").fit(panel_of(arrays))
    forecast = model.predict()
    model.horizon = 1
    for n, history in enumerate(arrays):
        longer = history.astype(np.float32).tolist()
        for step in range(4):
            one = model.predict(panel_of([np.array(longer)])).values_NHCQ[0, 0, 0]
            same = slice(None) if step == 0 else quantiles.index(0.5)  # later intervals come from sample paths
            assert forecast.values_NHCQ[n, step, 0, same] == pytest.approx(one[same], abs=1e-4)
            longer.append(one[quantiles.index(0.5)])


# ---------------------------------------------------------------- future covariates


def with_promo(panel_of: PanelOf, steps: int = 60, known: int = 0) -> Panel:
    """Two series whose covariates are known some steps longer than the target."""
    rng = np.random.default_rng(4)
    tables = []
    for T in (steps, steps + 5):
        kind = rng.integers(0, 2, T + known)
        promo = rng.normal(size=T + known)
        y = 5 * kind + promo + rng.normal(size=T + known) * 0.1
        y[T:] = np.nan
        tables.append(np.column_stack([y, promo, np.eye(2)[kind]]))
    return panel_of(tables, KIND)


def test_future_covariates_come_in_many_forms(panel_of: PanelOf) -> None:
    panel = with_promo(panel_of)
    model = tiny().fit(panel)
    by_constants = model.predict(future={"promo": 0.5, "kind": "b"})
    rows = [(f"s{n}", int(T) + step, 0.5, "b") for n, T in enumerate(panel.length) for step in (1, 2, 3)]
    frame = pl.DataFrame(rows, schema=["unique_id", "ds", "promo", "kind"], orient="row")
    by_frame = model.predict(future=frame)
    by_pandas = model.predict(future=frame.sample(fraction=1, shuffle=True, seed=1).to_pandas())
    tables = [np.tile([0.5, 0.0, 1.0], (3, 1))] * 2
    ahead = replace(panel_of(tables, Schema((), future=KIND.future)), starts=panel.starts + panel.length)
    by_panel = model.predict(future=ahead)
    early = replace(ahead.select([1, 0]), starts=panel.starts[::-1] + panel.length[::-1])
    by_mixed_panel = model.predict(future=early)
    for other in (by_frame, by_pandas, by_panel, by_mixed_panel):
        assert other.values_NHCQ.tobytes() == by_constants.values_NHCQ.tobytes()
    assert not np.allclose(model.predict(future={"promo": 0.5, "kind": "a"}).values, by_constants.values)


def test_covariates_after_the_last_target_are_used(panel_of: PanelOf) -> None:
    panel = with_promo(panel_of, known=5)
    model = tiny().fit(panel)
    cut = panel.length - 5
    given = model.predict(panel.slice(0, cut), future=panel.slice(cut, cut + 3).future)
    assert model.predict().values_NHCQ.tobytes() == given.values_NHCQ.tobytes()
    later = model.predict(panel.slice(0, cut), future=panel.future)
    assert later.values_NHCQ.tobytes() == given.values_NHCQ.tobytes()


def test_missing_future_covariates_are_told_with_series_and_span(panel_of: PanelOf) -> None:
    panel = with_promo(panel_of)
    model = tiny().fit(panel)
    with pytest.raises(CovariateError) as told:
        model.predict()
    assert "future covariate 'promo' is missing for 61..63 in 's0' and 1 more series" in str(told.value)
    assert "'kind'" in str(told.value)
    assert "all 3 steps" in str(told.value)
    ahead = panel_of([np.tile([0.5, 0, 1], (3, 1))] * 2, Schema((), future=KIND.future))
    for shift, span in ((1, "61..61"), (-2, "62..63"), (7, "61..63"), (-9, "61..63")):
        moved = replace(ahead, starts=panel.starts + panel.length + shift)
        with pytest.raises(CovariateError, match=f"'promo' is missing for {span} in 's0'"):
            model.predict(future=moved)


@pytest.mark.parametrize(
    ("future", "words"),
    [
        ({"promo": 1, "kind": "c"}, "unknown categor"),
        ({"promo": 1}, "missing future covariates: 'kind'"),
        ({"promo": 1, "kind": "a", "extra": 2}, "no future covariate 'extra'"),
        ({"promo": "much", "kind": "a"}, "is a number"),
    ],
)
def test_wrong_constants_are_told(panel_of: PanelOf, future: dict[str, object], words: str) -> None:
    model = tiny().fit(with_promo(panel_of))
    with pytest.raises(CovariateError, match=words):
        model.predict(future=future)


def test_future_covariates_of_another_frequency_are_refused(panel_of: PanelOf) -> None:
    panel = with_promo(panel_of)
    model = tiny().fit(panel)
    ahead = panel_of([np.tile([0.5, 0, 1], (3, 1))] * 2, Schema((), future=KIND.future))
    every_second = replace(ahead, starts=panel.starts + panel.length, frequency=Frequency("step", 2))
    with pytest.raises(CovariateError, match="steps of"):
        model.predict(future=every_second)


def test_covariates_that_the_model_does_not_know_are_refused(panel_of: PanelOf) -> None:
    with pytest.raises(CovariateError, match="trained without any"):
        tiny().fit(panel_of(walks())).predict(future={"promo": 1})


def test_unknown_category_in_new_data_is_told(panel_of: PanelOf) -> None:
    table = pl.DataFrame({"y": np.arange(40.0), "kind": ["a", "b"] * 20})
    model = tiny().fit(read(table, target="y", future="kind"))
    with pytest.raises(CovariateError, match="unknown categor"):
        model.predict(table.with_columns(kind=pl.lit("z")))


# ---------------------------------------------------------------- what does not fit


def test_a_model_that_is_not_fitted_says_so(panel_of: PanelOf) -> None:
    with pytest.raises(ConfigError, match="not fitted yet"):
        tiny().predict(panel_of(walks()))


def test_another_frequency_is_refused(panel_of: PanelOf) -> None:
    model = tiny().fit(panel_of(walks()))
    with pytest.raises(ConfigError, match="steps of one"):
        model.predict(replace(panel_of(walks()), frequency=Frequency("step", 2)))


def test_other_columns_are_refused(panel_of: PanelOf) -> None:
    model = tiny().fit(panel_of(walks()))
    with pytest.raises(ModelFileError, match="'y'"):
        model.predict(panel_of(walks(), Schema(("z",))))


def test_too_short_series_are_told(panel_of: PanelOf) -> None:
    with pytest.raises(WindowError, match="lookback 8 \\+ horizon 3 needs 11"):
        tiny().fit(panel_of([np.arange(10.0)]))
    with pytest.raises(WindowError, match="needs"):
        Forecaster(12, progress=False).fit(panel_of([np.arange(5.0)]))
    model = tiny().fit(panel_of(walks()))
    with pytest.raises(WindowError, match="lookback 8 needs 8"):
        model.predict(panel_of([np.arange(7.0)]))
    longer = np.concatenate([np.arange(5.0), np.full(30, np.nan)])
    with pytest.raises(WindowError, match="has 5 steps"):
        model.predict(panel_of([longer]))


def test_series_without_any_value_are_told(panel_of: PanelOf) -> None:
    with pytest.raises(PanelError, match="every target value is missing in 's1'"):
        tiny().fit(panel_of([*walks(1), np.full(30, np.nan)]))


def test_bidirectional_is_refused_with_its_reason() -> None:
    with pytest.raises(ConfigError, match="no future to read backwards from"):
        tiny(network=LSTMConfig(bidirectional=True))


@pytest.mark.parametrize(
    "wrong", [{"horizon": 0}, {"lookback": 0}, {"members": 0}, {"candidates": 0}, {"time_limit": 0.0}]
)
def test_settings_out_of_range_are_told(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Forecaster(**{"horizon": 3} | wrong)  # type: ignore[arg-type]


# ---------------------------------------------------------------- time and interruption


def test_the_time_limit_is_kept_roughly(panel_of: PanelOf) -> None:
    training = TrainingConfig(max_epochs=100_000, steps_per_epoch=10, schedule="constant")
    begun = time.monotonic()
    model = tiny(training=training, members=2, time_limit=1.0).fit(panel_of(walks()))
    assert 0.5 < time.monotonic() - begun < 3
    assert np.isfinite(model.predict().values).all()


@pytest.mark.slow
def test_the_time_limit_holds_for_the_choice_and_a_large_panel_too(panel_of: PanelOf) -> None:
    panel = panel_of(walks(1, 500) * 200)
    begun = time.monotonic()
    model = Forecaster(12, time_limit=5.0, progress=False).fit(panel)
    assert time.monotonic() - begun < 10
    assert model.plan_.scaling.reference.anchored
    begun = time.monotonic()
    model.refit_on(panel, time_limit=1.0)
    assert time.monotonic() - begun < 4


def test_no_further_candidate_is_tried_after_the_deadline(panel_of: PanelOf) -> None:
    settings = Settings(3, members=1)
    panel = panel_of(walks())
    assert len(choose(panel, settings).candidates) > 2
    ((tried, _),) = candidates(panel, settings, deadline=0.0)[0].candidates
    assert tried.endswith(" · difference+standard")


def test_a_second_training_that_is_cut_short_replaces_nothing(panel_of: PanelOf) -> None:
    training = TrainingConfig(max_epochs=8, steps_per_epoch=3, start="random", batch_size=16)
    model = tiny(training=training, members=2).fit(panel_of(walks()))
    assert model.fitted_.main.common_epoch > 2
    before = model.predict().values_NHCQ
    other = panel_of(walks(seed=9))
    model.refit_on(other, time_limit=1e-9)
    assert model.predict(panel_of(walks())).values_NHCQ.tobytes() == before.tobytes()
    model.refit_on(other, time_limit=1e9)
    assert model.predict(panel_of(walks())).values_NHCQ.tobytes() != before.tobytes()
    with pytest.raises(ConfigError, match="time_limit"):
        model.refit_on(other, time_limit=0)


def test_every_step_can_be_trained_without_a_lookback_given(panel_of: PanelOf) -> None:
    model = tiny(lookback=None, network=LSTMConfig(hidden_size=4, readout=0), scaling="none").fit(panel_of(walks()))
    assert model.plan_.framing.training_origins == model.plan_.framing.lookback
    assert np.isfinite(model.predict().values).all()


# ---------------------------------------------------------------- single settings


def test_single_settings_are_kept_beside_what_is_chosen(panel_of: PanelOf) -> None:
    panel = panel_of(walks())
    training = {"max_epochs": 1, "steps_per_epoch": 2}
    fixed = {"network": {"num_layers": 2}, "training": training, "members": 1, "candidates": 1}
    model = Forecaster(3, **fixed, seed=4, progress=False).fit(panel)  # type: ignore[arg-type]
    chosen = choose(panel, Settings(3, members=1, seed=4))
    assert model.plan_.network == replace(chosen.network, num_layers=2)
    assert model.plan_.training == replace(chosen.training, max_epochs=1, steps_per_epoch=2)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"network": {"hidden_sise": 3, "skip": 1}}, r"network has no setting 'hidden_sise' \(did you mean 'hidden_"),
        ({"training": {"epochs": 3}}, "training has no setting 'epochs'"),
        ({"network": {"skip": -1}}, "skip = -1"),
        ({"network": {"patch": 4, "readout": 2}}, "patch = 4 with readout = 2"),
        ({"network": {"bidirectional": True}}, "cannot be bidirectional"),
        ({"training": {"lr": 0}}, "lr = 0"),
    ],
)
def test_single_settings_that_cannot_be_are_told_at_once(wrong: dict[str, dict[str, object]], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Forecaster(3, **wrong)  # type: ignore[arg-type]


# ---------------------------------------------------------------- quantiles


def test_quantiles_without_the_point_forecast_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"lack 0.5.*quantiles=\(0.1, 0.5, 0.9\)"):
        Forecaster(3, quantiles=(0.1, 0.9))


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_a_point_loss_without_validation_shows_no_interval(panel_of: PanelOf, loss: str, tmp_path: Path) -> None:
    panel = panel_of(walks())
    model = tiny(training=replace(QUICK, loss=loss, validation=0.0)).fit(panel)
    model.save(tmp_path / "m.gatecast")
    for one in (model, load(tmp_path / "m.gatecast"), model.refit_on(panel)):
        forecast = one.predict(panel)
        assert (forecast.quantiles, forecast.widest, forecast.values_NHCQ.shape[-1]) == ((0.5,), None, 1)
    checked = tiny(training=replace(QUICK, loss=loss)).fit(panel).predict()
    assert checked.quantiles == (0.025, 0.1, 0.5, 0.9, 0.975)
    low, high = checked.interval(0.8)
    assert (high > low).all()


def test_a_training_that_fails_leaves_the_earlier_one_whole(panel_of: PanelOf) -> None:
    panel = panel_of(walks())
    model = tiny().fit(panel)
    before = model.predict().values_NHCQ
    model.training = TrainingConfig(max_epochs=1, steps_per_epoch=20, lr=1e30, clip=None, optimizer="sgd", loss="mse")
    model.lookback = 6
    with pytest.raises(TrainingError, match="Lower lr"):
        model.fit(panel)
    assert model.predict().values_NHCQ.tobytes() == before.tobytes()


def test_a_table_is_read_with_the_names_of_the_training() -> None:
    rows = [(f"{n}", f"g{n}", t, float(t % 5 + 10 * n)) for n in range(2) for t in range(40)]
    table = pl.DataFrame(rows, schema=["shop", "label", "step", "units"], orient="row")
    table = table.with_columns(other=pl.col("step") + 100)
    panel = read(table, series="label", time="other", target="units")
    model = tiny().fit(panel)
    forecast = model.predict(table)
    assert forecast.ids == panel.ids
    assert forecast.axes.names == ("label", "other")
    assert forecast.times[0, 0] == 140
    alone = model.predict(table.filter(pl.col("shop") == "0").select("other", "units"))
    assert alone.times[0, 0] == 140


# ---------------------------------------------------------------- newer data


def test_intervals_follow_newer_data_and_the_forecast_itself_stays(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(0)
    calm, wild = rng.normal(size=(8, 200)), 4 * rng.normal(size=(8, 200))
    train, newer = panel_of(list(calm)), panel_of(list(np.concatenate([calm, wild], axis=1)))
    model = tiny(2, scaling="none", lookback=4, quantiles=(0.1, 0.5, 0.9)).fit(train)
    before = model.predict(newer)
    after = model.recalibrate(newer, origins=150).predict(newer)
    np.testing.assert_array_equal(after.values, before.values)
    narrow, wide = (np.subtract(*forecast.interval(0.8)[::-1]).mean() for forecast in (before, after))
    assert 2.5 < wide / narrow < 5
    with pytest.raises(ConfigError, match="origins must be at least 1"):
        model.recalibrate(newer, origins=0)
    with pytest.raises(WindowError, match="no series has 2 new steps"):
        model.recalibrate(train)
