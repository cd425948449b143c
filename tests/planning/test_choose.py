"""What is chosen from the data, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.errors import ConfigError, WindowError
from gatecast.model.config import LSTMConfig
from gatecast.planning.choose import choose
from gatecast.planning.defaults import DEFAULTS
from gatecast.planning.plan import Plan
from gatecast.planning.probe import probe, quick_error, window_weights
from gatecast.planning.seasonality import autocorrelation, seasonal_periods
from gatecast.planning.settings import Settings
from gatecast.training.config import TrainingConfig
from gatecast.training.ridge import Moments
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing
from gatecast.windows.spans import validation_cut

PanelOf = Callable[..., Panel]
FREE = Settings(3)


def seasonal(panel_of: PanelOf, period: int, steps: int = 120, noise: float = 0.05) -> Panel:
    rng = np.random.default_rng(0)
    shape = rng.normal(size=period) * 3
    return panel_of([20 + shape[np.arange(steps) % period] + noise * rng.normal(size=steps) for _ in range(2)])


# ---------------------------------------------------------------- seasonality


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=6, max_size=40).filter(lambda v: len(set(v)) > 1), st.integers(0, 5))
def test_autocorrelation_is_its_definition(values: list[int], lags: int) -> None:
    x = np.array(values, float) - np.mean(values)
    expected = [float((x[lag:] * x[: len(x) - lag]).sum() / (x * x).sum()) for lag in range(lags + 1)]
    assert autocorrelation(np.array(values, float), lags) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("period", [4, 7, 12, 30])
def test_a_period_is_found_in_the_data(panel_of: PanelOf, period: int) -> None:
    assert seasonal_periods(seasonal(panel_of, period)) == (period,)


def test_the_shortest_of_similar_periods_is_taken(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(1)
    shape = np.tile(rng.normal(size=5), 2) + 0.25 * rng.normal(size=10)
    assert seasonal_periods(panel_of([np.tile(shape, 30)])) == (5,)


def test_the_calendar_speaks_where_there_is_one(panel_of: PanelOf) -> None:
    panel = replace(
        seasonal(panel_of, 5),
        frequency=Frequency("month"),
        starts=np.full(2, np.datetime64("2019-01-01", "us")),
    )
    assert seasonal_periods(panel) == (12,)
    assert seasonal_periods(panel.slice(0, 23)) == ()


def test_there_is_no_period_in_noise_or_in_nothing(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(0)
    assert seasonal_periods(panel_of([rng.normal(size=300)])) == ()
    assert seasonal_periods(panel_of([np.full(50, 3.0)])) == ()
    assert seasonal_periods(panel_of([np.array([1.0])])) == ()


@pytest.mark.parametrize(
    ("day", "steps", "found"),
    [(24, 336, (24, 168)), (24, 335, (24,)), (48, 672, (48, 336)), (48, 671, (48,)), (12, 400, (12,))],
)
def test_a_week_is_tried_beside_a_day(panel_of: PanelOf, day: int, steps: int, found: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    shape = np.sin(2 * np.pi * np.arange(day) / day)
    y = shape[np.arange(steps) % day] + 0.01 * rng.normal(size=steps)
    assert seasonal_periods(panel_of([y])) == found


# ---------------------------------------------------------------- spans


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(1, 12), st.sampled_from([0.05, 0.2, 0.5]))
def test_the_cut_leaves_a_horizon_behind_and_enough_before(
    panel_of: PanelOf, lengths: list[int], horizon: int, share: float
) -> None:
    for T, cut in zip(lengths, validation_cut(panel_of([np.zeros(T) for T in lengths]), horizon, share), strict=True):
        tail = max(int(T * share), horizon)
        fits = T - tail >= max(horizon + 2, T // 3)
        assert cut == (T - tail if fits else T)


# ---------------------------------------------------------------- choice


def test_a_seasonal_series_gets_a_seasonal_plan(panel_of: PanelOf) -> None:
    plan = choose(seasonal(panel_of, 7), FREE)
    assert plan.season == 7
    assert plan.scaling.season == 7
    assert plan.framing.lookback >= 7
    assert plan.network.readout == plan.framing.training_origins
    assert plan.describe().startswith(f"lookback {plan.framing.lookback} · ")
    best = min(plan.candidates, key=lambda tried: tried[1])[0]
    assert best.endswith(f" · {plan.scaling.describe()}")


def test_logarithms_are_tried_only_where_all_values_allow_it(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(0)
    y = np.exp(0.05 * np.arange(80) + 0.1 * rng.normal(size=80))
    assert any(" · log" in name for name, _ in choose(panel_of([y]), FREE).candidates)
    for low in (0.0, -1.0):
        y[40] = low
        assert not any(" · log" in name for name, _ in choose(panel_of([y]), FREE).candidates)


def test_a_category_that_explains_the_target_is_its_base(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 150)
    table = np.column_stack([kind * 50 + rng.normal(size=150).cumsum() * 0.5 - 9, np.eye(2)[kind]])
    plan = choose(panel_of([table], Schema(("y",), future=(Column("kind", ("a", "b")),))), FREE)
    assert plan.scaling.category == "kind"


def test_settings_are_kept(panel_of: PanelOf) -> None:
    panel = seasonal(panel_of, 7)
    scaling, network = Scaling.parse("last"), LSTMConfig(hidden_size=5, readout=3, skip=2)
    training = TrainingConfig(max_epochs=1)
    plan = choose(panel, Settings(3, 20, scaling, network, training, 4))
    assert (plan.scaling, plan.network, plan.training, plan.members) == (scaling, network, training, 4)
    assert (plan.framing.lookback, plan.framing.horizon, plan.framing.training_origins) == (20, 3, 3)
    assert not plan.padded
    every = choose(panel, Settings(3, 20, scaling, replace(network, readout=0), training, 1))
    assert every.framing.training_origins == 20
    assert choose(panel, replace(FREE, recursive=True, horizon=9)).framing.horizon == 1


@pytest.mark.parametrize("sizes", [{"readout": 9}, {"skip": 9}, {"patch": 9}])
def test_sizes_beyond_the_lookback_are_told(panel_of: PanelOf, sizes: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="must not exceed lookback 8"):
        choose(seasonal(panel_of, 7), replace(FREE, lookback=8, network=LSTMConfig(**sizes)))  # type: ignore[arg-type]


def test_a_long_patch_finds_a_lookback(panel_of: PanelOf) -> None:
    plan = choose(seasonal(panel_of, 4), replace(FREE, network=LSTMConfig(patch=30)))
    assert plan.framing.lookback >= 30


def test_holes_and_short_series_are_told_to_the_network(panel_of: PanelOf) -> None:
    panel = seasonal(panel_of, 7)
    fixed = replace(FREE, lookback=10)
    assert not choose(panel, fixed).framing.observed
    holes = panel.values_RV.copy()
    holes[50] = np.nan
    assert choose(replace(panel, values_RV=holes), fixed).framing.observed
    assert not choose(replace(panel, values_RV=holes).slice(0, 45), fixed).framing.observed
    short = panel_of([*(panel.series(n) for n in range(2)), np.arange(6.0)])
    assert choose(short, FREE).framing.observed


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_panel_that_is_too_short_is_told(panel_of: PanelOf, steps: int) -> None:
    with pytest.raises(WindowError, match="needs 5"):
        choose(panel_of([np.arange(float(steps))]), FREE)


@pytest.mark.parametrize("steps", [5, 6, 8, 12])
def test_the_shortest_panels_have_a_window(panel_of: PanelOf, steps: int) -> None:
    panel = panel_of([np.arange(float(steps)) + 1])
    plan: Plan = choose(panel, FREE)
    assert len(plan.spans.all_windows(panel)) > 0


def test_choice_ignores_what_is_not_in_the_panel(panel_of: PanelOf) -> None:
    panel = seasonal(panel_of, 7)
    plans = []
    for put in (1.0, np.nan, -1e9):
        values = panel.values_RV.copy()
        for stop in panel.stop:
            values[stop - 30 : stop] = put
        plans.append(choose(replace(panel, values_RV=values).slice(0, panel.length - 30), FREE))
    assert plans[0] == plans[1] == plans[2]


def test_the_probe_needs_windows_with_known_truths(panel_of: PanelOf) -> None:
    y = np.arange(60.0)
    y[1::2] = np.nan
    assert probe(panel_of([y]), Scaling.parse("difference+standard"), 6, 4, [1, 2]) is None


# ---------------------------------------------------------------- single settings


def test_single_settings_change_what_is_chosen_and_nothing_else(panel_of: PanelOf) -> None:
    panel = seasonal(panel_of, 7)
    chosen = choose(panel, FREE)
    asked = replace(FREE, network={"hidden_size": 5}, training={"batch_size": 9, "lr": 0.1})
    expected = replace(
        chosen,
        network=replace(chosen.network, hidden_size=5),
        training=replace(chosen.training, batch_size=9, lr=0.1),
    )
    assert (chosen.network.hidden_size, chosen.training.batch_size) != (5, 9)
    assert chosen.network.readout > 1
    assert choose(panel, asked) == expected
    assert choose(panel, replace(FREE, network={}, training={})) == chosen


@pytest.mark.parametrize("lookback", [None, 20])
def test_single_sizes_of_the_linear_part_and_the_readout_reach_the_probe(
    panel_of: PanelOf, lookback: int | None
) -> None:
    panel = seasonal(panel_of, 7)
    for sizes in ({"skip": 0, "readout": 1}, {"skip": 3, "readout": 4}, {"skip": 2, "readout": 0}):
        whole = LSTMConfig(hidden_size=5, **sizes)
        parts = {"hidden_size": 5, **sizes}
        asked = replace(FREE, lookback=lookback, scaling=Scaling.parse("last"))
        assert choose(panel, replace(asked, network=parts)) == choose(panel, replace(asked, network=whole))


def test_a_patch_alone_reads_one_step(panel_of: PanelOf) -> None:
    plan = choose(seasonal(panel_of, 7), replace(FREE, network={"patch": 4}))
    assert (plan.network.patch, plan.network.readout, plan.framing.training_origins) == (4, 1, 1)


@pytest.mark.parametrize("sizes", [{"readout": 9}, {"skip": 9}, {"patch": 9}])
def test_single_sizes_beyond_the_lookback_are_told(panel_of: PanelOf, sizes: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="must not exceed lookback 8"):
        choose(seasonal(panel_of, 7), replace(FREE, lookback=8, network=sizes))


def test_a_peak_below_zero_is_no_season(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    below_zero = np.array([1.0, -0.9, -0.5, -0.8, -0.9, -0.9, -0.9])
    monkeypatch.setattr("gatecast.planning.seasonality.autocorrelation", lambda values, lags: below_zero[: lags + 1])
    assert seasonal_periods(panel_of([np.random.default_rng(0).normal(size=13)])) == ()


# ---------------------------------------------------------------- what an error counts


def test_an_error_counts_by_the_steps_and_the_size_of_its_series(panel_of: PanelOf) -> None:
    panel = panel_of([[2.0, 4.0, 2.0, 4.0], [10.0, 11.0, 10.0, 9.0]])  # steps 2 and 1, sizes 3 and 10
    share = (2 / 3 + 1 / 10) / 2
    expected = {0: (1 / 2 + share / 3) / 2, 1: (1 / 1 + share / 10) / 2}
    assert window_weights(panel, np.array([1, 0])) == pytest.approx([expected[1], expected[0]])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.01, 1000), min_size=3, max_size=3))
def test_the_unit_of_a_series_changes_no_relative_error(panel_of: PanelOf, units: list[float]) -> None:
    rng = np.random.default_rng(0)
    values = [rng.normal(size=T) + 9 for T in (20, 30, 30)]
    series_B = np.array([2, 0, 1, 1])
    plain = window_weights(panel_of(values, dtype=np.float64), series_B)
    scaled = [unit * y for unit, y in zip(units, values, strict=True)]
    assert window_weights(panel_of(scaled, dtype=np.float64), series_B) == pytest.approx(
        plain / np.array(units)[series_B]
    )


def test_weights_are_finite_whatever_the_series(panel_of: PanelOf) -> None:
    hole, still, zero, one = np.array([1.0, np.nan, 3.0, 2.0]), np.full(4, 5.0), np.zeros(4), np.array([7.0])
    unknown = np.full(4, np.nan)
    weight_B = window_weights(panel_of([hole, still, zero, one, unknown]), np.arange(5))
    assert np.isfinite(weight_B).all()
    assert (weight_B > 0).all()
    without = window_weights(panel_of([[1.0, 3.0, 2.0]]), np.array([0]))
    assert window_weights(panel_of([hole]), np.array([0])) == pytest.approx(without)
    assert window_weights(panel_of([hole]), np.zeros(0, np.int64)).shape == (0,)


def test_the_quick_error_tells_bases_apart(panel_of: PanelOf) -> None:
    panel, framing = seasonal(panel_of, 12, steps=240), Framing(4, 3)
    season, last = (Scaling.parse(f"{base}+standard") for base in ("seasonal-difference:12", "difference"))
    good, bad = (quick_error(panel, scaling, framing) for scaling in (season, last))
    assert 0 < good < 0.5 * bad
    larger = replace(panel, values_RV=panel.values_RV * 1024)
    assert quick_error(larger, season, framing) == pytest.approx(good, rel=1e-3)


def test_the_quick_error_of_what_cannot_be_checked_is_unknown(panel_of: PanelOf) -> None:
    scaling = Scaling.parse("difference+standard")
    assert np.isnan(quick_error(panel_of([np.arange(6.0)]), scaling, Framing(2, 3)))
    y = np.arange(60.0)
    y[1::2] = np.nan
    assert np.isnan(quick_error(panel_of([y]), scaling, Framing(6, 4)))


# ---------------------------------------------------------------- calendar, training origins, learning rate


def days(panel_of: PanelOf, steps: int, series: int = 1) -> Panel:
    rng = np.random.default_rng(0)
    panel = panel_of([20 + rng.normal(size=steps).cumsum() for _ in range(series)])
    starts = np.full(series, np.datetime64("2024-01-01", "us"))
    return replace(panel, frequency=Frequency.from_text("D"), starts=starts)


def test_the_calendar_is_told_unless_the_whole_network_is_given_or_the_user_says_otherwise(panel_of: PanelOf) -> None:
    panel, network = days(panel_of, 60), LSTMConfig(hidden_size=4, skip=1)
    asked = {
        "default": FREE,
        "changed": replace(FREE, network={"hidden_size": 4}),
        "network": replace(FREE, network=network),
        "network, yes": replace(FREE, network=network, calendar=True),
        "no": replace(FREE, calendar=False),
    }
    told = {name: bool(choose(panel, one).framing.calendar) for name, one in asked.items()}
    assert told == {"default": True, "changed": True, "network": False, "network, yes": True, "no": False}


def test_few_long_series_train_more_steps_of_each_window_a_step_ahead(panel_of: PanelOf) -> None:
    def training_origins(steps: int, horizon: int, series: int = 1) -> int:
        return choose(days(panel_of, steps, series), replace(FREE, horizon=horizon)).framing.training_origins

    assert training_origins(600, 1) == 43, "three times what is only read, and one"
    assert training_origins(120, 1) < 12, "a short series has none to spare"
    assert training_origins(600, 14) <= 12, "each step is a forecast of 14"
    assert training_origins(600, 1, series=40) <= 12, "many series have windows enough"


@pytest.mark.parametrize("steps", [250, 300, 400, 600])
@pytest.mark.parametrize("horizon", [1, 4])
def test_a_window_of_few_long_series_holds_whole_seasons(panel_of: PanelOf, steps: int, horizon: int) -> None:
    plan = choose(days(panel_of, steps), replace(FREE, horizon=horizon))
    assert plan.season == 7
    assert plan.framing.training_origins > plan.season
    assert plan.framing.lookback % plan.season == 0
    assert (plan.framing.lookback - plan.framing.training_origins + 1) % plan.season == 0, (
        "and so does what is only read"
    )


def test_one_whole_season_is_trained_where_there_is_room_for_no_more(panel_of: PanelOf) -> None:
    panel = replace(days(panel_of, 100), frequency=Frequency.from_text("MS"))
    framing = choose(panel, replace(FREE, horizon=1)).framing
    assert (framing.training_origins, framing.lookback) == (13, 36)


def test_larger_data_are_shown_more_windows(panel_of: PanelOf) -> None:
    def shown(total: int) -> tuple[int, int]:
        training = choose(days(panel_of, total // 10, 10), FREE).training
        assert training.steps_per_epoch is not None
        steps = training.steps_per_epoch * training.max_epochs
        return steps, steps * training.batch_size

    assert [shown(total)[0] for total in (290, 300, 1990, 2000)] == [200, 400, 400, 800]
    few = choose(days(panel_of, 199, 10), FREE).training
    assert few.steps_per_epoch == 10, "their best epoch is told finely"
    windows = [shown(total)[1] for total in (290, 300, 2000, 20_000, 50_000)]
    assert windows == sorted(set(windows))


def test_small_data_learn_in_large_steps(panel_of: PanelOf) -> None:
    def lr(total: int, **training: float | str) -> float:
        return choose(days(panel_of, total // 10, 10), replace(FREE, training=training)).training.lr

    assert [lr(total) for total in (1_000, 6_000, 30_000)] == [1e-2, 6e-3, 3e-3]
    assert lr(1_000, loss="gaussian") == lr(1_000, loss="student-t") == 3e-3
    assert lr(1_000, lr=0.5) == 0.5


# ---------------------------------------------------------------- time


def test_a_regression_reads_no_more_columns_than_it_should(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time grows with their third power: 150 categories of a covariate took 25 s of a limit of 5."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 40, 400)
    schema = Schema(("y",), past=(Column("kind", tuple(map(str, range(40)))),))
    panel = panel_of([np.c_[rng.normal(size=400), np.eye(40)[kind]]], schema)
    widths = []

    def spy(x_MP: np.ndarray, y_MY: np.ndarray) -> Moments:
        widths.append(x_MP.shape[1])
        return of(x_MP, y_MY)

    of = Moments.of
    monkeypatch.setattr("gatecast.planning.probe.Moments.of", spy)
    choose(panel, FREE, DEFAULTS.changed({"linear.columns": 200, "linear.quick_columns": 100}))
    assert 150 < max(widths) <= 200
    widths.clear()
    choose(panel, FREE, DEFAULTS.changed({"linear.columns": 10, "linear.quick_columns": 10}))
    assert 40 < max(widths) < 60, "one step is read, however wide it is"
