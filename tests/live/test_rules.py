"""What is taken, ignored and refused of the rows that come in, and what is said of each."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.live.conftest import model_of, table

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError, CovariateError, PanelError

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
DAY = datetime.date(2024, 1, 1)


def daily(begin: int = 0, count: int = 60, name: str = "a", **more: Any) -> pl.DataFrame:
    """Rows of a daily series."""
    days = [DAY + datetime.timedelta(days=d) for d in range(begin, begin + count)]
    y = 20 + 5 * np.sin(np.arange(begin, begin + count) * 2 * np.pi / 7)
    return pl.DataFrame({"unique_id": [name] * count, "ds": days, "y": y, **more})


def instant(data: Any = None, horizon: int = 3, **more: Any) -> gc.Forecaster:
    """A model that needs no training."""
    return gc.Forecaster(horizon, preset="instant", **more).fit(daily() if data is None else data)


def row(day: int, y: float | None = None, name: str = "a") -> dict[str, Any]:
    frame = daily(day, 1, name)
    return {**frame.row(0, named=True), **({} if y is None else {"y": y})}


def values(live: gc.Live, name: str = "a") -> np.ndarray:
    return live.forecast(name).values_NHCQ


# ---------------------------------------------------------------- forms of rows


FORMS: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "lazy": lambda frame: frame.lazy(),
    "pandas": lambda frame: frame.to_pandas(),
    "pandas with an index": lambda frame: frame.to_pandas().set_index("ds"),
    "pyarrow": lambda frame: frame.to_arrow(),
    "columns": lambda frame: frame.to_dict(as_series=False),
    "arrays": lambda frame: {name: frame[name].to_numpy() for name in frame.columns},
    "series of pandas": lambda frame: dict(frame.to_pandas().items()),
    "series of polars": lambda frame: frame.to_dict(),
    "records": lambda frame: frame.to_dicts(),
    "text": lambda frame: {name: [str(cell) for cell in frame[name].to_list()] for name in frame.columns},
    "one name for all": lambda frame: {"unique_id": "a", "ds": frame["ds"].to_list(), "y": frame["y"].to_numpy()},
    "panel": gc.read,
    "the other way round": lambda frame: frame[::-1],
}


@pytest.mark.parametrize("form", FORMS)
def test_rows_come_in_any_form(form: str) -> None:
    model = instant()
    live, other = model.live(), model.live()
    told = live.observe(FORMS[form](daily(60, 5)))
    for r in range(5):
        other.observe(row(60 + r))
    np.testing.assert_array_equal(values(live), values(other))
    assert set(told.kinds) == {"new"}
    assert sorted(str(time)[:10] for time in told.times) == [str(DAY + datetime.timedelta(60 + d)) for d in range(5)]


def test_a_row_of_scalars_of_numpy_is_one_row() -> None:
    live = instant().live()
    live.observe({"unique_id": np.str_("a"), "ds": np.datetime64("2024-03-01"), "y": np.float32(3)})
    assert live.observe({"ds": pd.Timestamp("2024-03-02"), "y": np.int64(3)}).ids.tolist() == ["a"]


def test_whole_steps_without_a_time_follow_each_other() -> None:
    model = gc.Forecaster(2, preset="instant").fit(np.sin(np.arange(40.0)))
    live = model.live()
    live.observe({"y": [1.0, 2.0]})
    live.observe({"y": 3.0})
    np.testing.assert_array_equal(
        values(live, "y"), model.predict(np.r_[np.sin(np.arange(40)), 1, 2, 3]).values_NHCQ
    )  # fmt: skip


def test_series_side_by_side_come_as_the_history_did() -> None:
    model = gc.Forecaster(2, preset="instant").fit(np.random.default_rng(0).normal(size=(40, 3)))
    live = model.live()
    told = live.observe({"ds": 41, "series_1": 1.0, "series_3": 3.0})
    assert told.ids.tolist() == ["series_1", "series_3"]
    assert told.values_RC[:, 0].tolist() == [1.0, 3.0]


def test_nothing_is_nothing() -> None:
    live = instant().live()
    before = values(live)
    for empty in ({}, [], daily()[:0], {"unique_id": [], "ds": [], "y": []}):
        assert len(live.observe(empty)) == 0
    np.testing.assert_array_equal(values(live), before)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"ds": DAY, "z": 1.0}, "no column 'y'; they have ds, z"),
        ({"y": 1.0}, "no column 'ds'"),
        ({"ds": 5, "y": 1.0}, "whole numbers; those of the model are dates"),
        ({"ds": "2024-03-01T00:00:00Z", "y": 1.0}, "no time zone"),
        ({"ds": "soon", "y": 1.0}, "soon"),
        ({"ds": "2024-03-01", "y": "much"}, "'much' in column 'y'"),
        ({"ds": "2024-03-01", "y": np.inf}, "is infinite"),
        ([{"ds": "2024-03-01", "y": 1.0}, {"ds": "2024-03-02"}], "row 2 has no 'y'"),
        ({"ds": ["2024-03-01", "2024-03-02"], "y": [1.0]}, "different numbers of rows: 'ds' 2, 'y' 1"),
        ({"ds": None, "y": 1.0}, "is no time"),
        ({"ds": "01/02/2024", "y": 1.0}, "read in two ways .*'01/02/2024' is read as 2024-02-01.*Write times as"),
        ({"ds": "2024-03-01", "y": "1,5"}, "read in two ways|is no number"),
        ({"ds": ["02/03/24", "03/03/24"], "y": 1.0}, "two dates|two ways"),

        ({"ds": "2024-03-01 05:00", "y": 1.0}, "off the grid of one day: 'a' at 2024-03-01 05:00:00"),
        (7, "data of type int cannot be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_and_changes_nothing(rows: Any, message: str) -> None:
    live = instant().live()
    before = values(live)
    with pytest.raises(PanelError, match=message):
        live.observe(rows)
    np.testing.assert_array_equal(values(live), before)


def test_whole_steps_are_steps_though_they_look_like_years() -> None:
    live = gc.Forecaster(2, preset="instant").fit(np.sin(np.arange(1999.0))).live()
    assert live.observe({"ds": 2000, "y": 1.0}).times.tolist() == [2000]
    assert live.observe({"ds": "2001", "y": 1.0}).times.tolist() == [2001]
    for cell, message in {2002.5: "2002.5 in column 'ds', row 1 is no whole step", "x": "is no number"}.items():
        with pytest.raises(PanelError, match=message):
            live.observe({"ds": cell, "y": 1.0})
    with pytest.raises(PanelError, match="without a time"):
        live.observe({"ds": [2002, None], "y": 1.0})


# ---------------------------------------------------------------- known rows


def test_a_repeated_row_is_ignored() -> None:
    live = instant().live()
    live.observe(row(60, 5.0))
    before = values(live)
    told = live.observe([row(60, 5.0), row(59)])
    assert told.kinds.tolist() == ["known", "known"]
    assert np.isnan(told.forecast_RC).all()
    np.testing.assert_array_equal(values(live), before)


def test_a_number_that_float32_rounds_repeats_itself() -> None:
    live = instant(daily(y=np.arange(60) * 0.1)).live()
    assert live.observe({"ds": DAY + datetime.timedelta(days=57), "y": 5.7}).kinds.tolist() == ["known"]


def test_a_contradiction_is_refused_or_revised() -> None:
    model = instant()
    live = model.live()
    with pytest.raises(
        PanelError, match=r"nothing was observed: rows that contradict .* 'a' at 2024-02-20.*revise=True"
    ):
        live.observe([row(50, 99.0), row(60)])
    assert values(live).tobytes() == model.predict().values_NHCQ.tobytes()
    told = live.observe([row(50, 99.0), row(60)], revise=True)
    assert told.kinds.tolist() == ["revised", "new"]
    whole = daily(0, 61).with_columns(y=pl.when(pl.int_range(61) == 50).then(99.0).otherwise("y"))
    np.testing.assert_allclose(values(live), model.predict(whole).values_NHCQ, rtol=1e-6)


def test_a_missing_value_never_replaces_a_known_one() -> None:
    live = instant().live()
    before = values(live)
    assert live.observe(row(59) | {"y": None}, revise=True).kinds.tolist() == ["known"]
    np.testing.assert_array_equal(values(live), before)


def test_two_rows_of_one_time_must_say_the_same() -> None:
    live = instant().live()
    with pytest.raises(PanelError, match="several rows of one series and time that differ: 'a' at 2024-03-01"):
        live.observe([row(60, 1.0), row(60, 2.0)], revise=True)
    assert live.observe([row(60, 1.0), row(60, 1.0)]).kinds.tolist() == ["new", "known"]


# ---------------------------------------------------------------- gaps and the past


def test_a_gap_becomes_missing_steps_up_to_a_limit() -> None:
    model = instant()
    live = model.live(most_missing=5)
    with pytest.raises(
        PanelError, match=r"more than 5 missing steps after the last observed one: 'a' at 2024-03-07.*most"
    ):
        live.observe(row(66))
    live.observe(row(65))
    gap = pl.concat([daily(), daily(65, 1)])
    np.testing.assert_allclose(values(live), model.predict(gc.read(gap, gaps="missing")).values_NHCQ, rtol=1e-6)
    assert live.observe([row(71), row(77)]).kinds.tolist() == ["new", "new"], "each gap counts by itself"
    with pytest.raises(ConfigError, match="most_missing must be at least 0; got -1"):
        model.live(most_missing=-1)
    with pytest.raises(ConfigError, match="most_missing must be at least 0, a whole number; got 'some'"):
        model.live(most_missing="some")  # type: ignore[arg-type]


def test_a_row_of_the_past_is_refused_with_its_time() -> None:
    live = instant().live()
    with pytest.raises(PanelError, match="rows of the past, before the steps that are kept: 'a' at 2023-12-31"):
        live.observe(row(-1), revise=True)
    live.observe(row(65))
    with pytest.raises(PanelError, match="fill what was missing in the past: 'a' at 2024-03-02"):
        live.observe(row(61))
    assert live.observe(row(61), revise=True).kinds.tolist() == ["revised"]


def test_a_missing_step_that_is_given_is_one_that_is_not() -> None:
    live, other = instant().live(), instant().live()
    assert live.observe([row(60) | {"y": None}, row(61)]).kinds.tolist() == ["missing", "new"]
    other.observe(row(61))
    np.testing.assert_array_equal(values(live), values(other))


def test_all_that_is_wrong_is_told_at_once() -> None:
    live = instant().live()
    with pytest.raises(PanelError) as caught:
        live.observe([row(50, 1.0), row(-3), row(5000), row(60, 1.0), row(60, 2.0)])
    for words in ("the past", "contradict", "more than 1,000 missing", "several rows of one"):
        assert words in str(caught.value)


# ---------------------------------------------------------------- new series


def test_a_new_series_is_cold_until_it_has_enough(panel_of: PanelOf) -> None:
    model, panel = model_of(panel_of, "log season"), table(panel_of, 3, (30,))
    live = model.live()
    rows = panel.to_frame().with_columns(unique_id=pl.lit("new"))
    for t in range(12):
        told = live.observe(rows[t : t + 1])
        ahead = live.forecast("new", future={"kind": "a"})
        assert ahead.cold == (("new",) if t + 1 < 8 else ())
        assert told.cold_R.tolist() == [0 < t < 8]
        assert np.isfinite(ahead.values).all()
        if t + 1 < 8:
            np.testing.assert_allclose(ahead.values[0], np.tile(panel.series(0)[t], (3, 1)), rtol=1e-6)
            assert np.isnan(ahead.quantile(0.1)).any() == (t < 2), "no steps yet"
        else:
            whole = model.predict(panel.slice(0, t + 1), future={"kind": "a"})
            np.testing.assert_allclose(ahead.values_NHCQ, whole.values_NHCQ, rtol=1e-6)
    assert "new" in live.ids


def test_cold_intervals_are_those_of_a_random_walk(panel_of: PanelOf) -> None:
    live = gc.Live(model_of(panel_of, "difference").fitted_)
    live.observe({"ds": [1, 2, 3], "y": [1.0, 2.0, 4.0], "z": [1.0, 1.0, 1.0], "rain": 0.0, "kind": "a"})
    spread_H = live.forecast().quantile(0.9)[0, :, 0] - 4
    np.testing.assert_allclose(spread_H, 1.2815516 * np.sqrt([2.5, 5.0, 7.5]), rtol=1e-6)


def test_series_are_asked_for_by_name_or_number() -> None:
    live = instant(daily(name="7").cast({"unique_id": pl.Int64})).live()
    for ids in ("7", 7, ["7"], [7], (7,), np.array([7]), None):
        assert live.forecast(ids).to_frame()["unique_id"].to_list() == [7, 7, 7]


def test_an_unknown_or_empty_series_is_not_forecast() -> None:
    live = instant().live()
    with pytest.raises(PanelError, match=r"there is no series 'b'; 1 are followed"):
        live.forecast(["a", "b"])
    live.observe(row(60, name="b") | {"y": None})
    assert live.forecast().ids == ("a",)
    with pytest.raises(PanelError, match="no target was observed yet in 'b'"):
        live.forecast("b")
    with pytest.raises(PanelError, match="no series was asked for"):
        live.forecast([])
    with pytest.raises(PanelError, match="no series is followed yet"):
        gc.Live(instant().fitted_).forecast()
    with pytest.raises(PanelError, match="which series they are of: there is no column 'unique_id'"):
        live.observe({"ds": DAY, "y": 1.0})


# ---------------------------------------------------------------- covariates


def test_future_covariates_come_before_with_or_after_their_row(panel_of: PanelOf) -> None:
    model, panel = model_of(panel_of, "difference"), table(panel_of, 3, (40,))
    rows = panel.to_frame().with_columns(unique_id=pl.lit("s0"))
    ahead = rows.select("unique_id", "ds", "kind")
    expected = model.predict(panel, future={"kind": "b"}).values_NHCQ
    before, beside, after = (model.live(panel.slice(0, 30)) for _ in range(3))
    assert set(before.observe(ahead[30:40]).kinds) == {"ahead"}
    before.observe(rows[30:40].drop("kind"))
    beside.observe(rows[30:40])
    assert set(after.observe(rows[30:40].drop("kind")).kinds) == {"new"}
    assert set(after.observe(ahead[30:40]).kinds) == {"completed"}
    for live in (before, beside, after):
        np.testing.assert_allclose(live.forecast(future={"kind": "b"}).values_NHCQ, expected, rtol=1e-6)


def test_a_forecast_takes_covariates_that_were_observed_ahead(panel_of: PanelOf) -> None:
    model, panel = model_of(panel_of, "category"), table(panel_of, 3, (40,))
    live = model.live(panel)
    with pytest.raises(CovariateError, match=r"future covariate 'kind' is missing for 41\.\.43"):
        live.forecast()
    live.observe({"ds": [41, 42, 43], "kind": ["b", "a", "b"]})
    given = model.predict(panel, future=pl.DataFrame({"unique_id": "s0", "ds": [41, 42, 43], "kind": ["b", "a", "b"]}))
    np.testing.assert_allclose(live.forecast().values_NHCQ, given.values_NHCQ, rtol=1e-6)
    with pytest.raises(PanelError, match="contradict what is known"):
        live.observe({"ds": 42, "kind": "b"})
    assert live.observe({"ds": 42, "kind": "b"}, revise=True).kinds.tolist() == ["revised"]


def test_an_unknown_category_is_refused(panel_of: PanelOf) -> None:
    live = model_of(panel_of, "category").live()
    with pytest.raises(CovariateError, match="unknown categories 'c'"):
        live.observe({"unique_id": "s0", "ds": 99, "y": 1.0, "z": 1.0, "rain": 0.0, "kind": "c"})
    with pytest.raises(PanelError, match="no column 'rain'"):
        live.observe({"unique_id": "s0", "ds": 99, "y": 1.0, "z": 1.0, "kind": "a"})


def test_a_target_without_logarithm_is_refused(panel_of: PanelOf) -> None:
    live = model_of(panel_of, "log season").live()
    with pytest.raises(PanelError, match=r"takes logarithms, and targets are not above 0: 's1' at 46\. Give them as"):
        live.observe({"unique_id": "s1", "ds": 46, "y": 0.0, "z": 1.0, "rain": 0.0, "kind": "a"})


def test_new_series_bring_their_static_covariates() -> None:
    data = pl.concat([daily(name="a", region="n"), daily(name="b", region="s")])
    panel = gc.read(data, static="region")
    training = {"max_epochs": 1, "steps_per_epoch": 1}
    model = gc.Forecaster(2, lookback=7, scaling="standard", network={"hidden_size": 2}, training=training,
                          members=1, progress=False).fit(panel)  # fmt: skip
    live = model.live()
    live.observe(daily(60, 1, "b"))
    with pytest.raises(CovariateError, match="new series need their static covariates 'region'; missing in 'c'"):
        live.observe(daily(60, 1, "c"))
    live.observe(daily(50, 9, "c", region="n"))
    expected = model.predict(gc.read(pl.concat([data, daily(50, 9, "c", region="n")]), static="region"))
    np.testing.assert_allclose(values(live, "c"), expected.values_NHCQ[2:], rtol=1e-6)


# ---------------------------------------------------------------- time zones, precision


def test_the_hours_of_a_clock_change_are_as_many_as_there_are() -> None:
    instants = pl.datetime_range(datetime.datetime(2024, 10, 20), datetime.datetime(2024, 10, 28), "1h", eager=True,
                                 time_zone="UTC").dt.convert_time_zone("Europe/Berlin")  # fmt: skip
    data = pl.DataFrame({"ds": instants, "y": np.sin(np.arange(len(instants)) / 4)})
    model = gc.Forecaster(2, preset="instant").fit(data[:160])
    live = model.live()
    for r in range(160, len(instants)):
        assert live.observe(data[r : r + 1]).kinds.tolist() == ["new"]
    np.testing.assert_allclose(live.forecast().values_NHCQ, model.predict(data).values_NHCQ, rtol=1e-6)
    assert str(live.forecast().to_frame()["ds"].dtype) == "Datetime(time_unit='us', time_zone='Europe/Berlin')"
    with pytest.raises(PanelError, match="Add it to the times"):
        live.observe({"ds": "2024-10-28 02:00", "y": 1.0})


def test_digits_that_float32_loses_are_kept() -> None:
    data = daily(0, 40).with_columns(y=1e8 + pl.int_range(40) % 7)
    model = instant(daily(0, 30))
    live = gc.Live(model.fitted_)
    for r in range(0, 40, 4):
        live.observe(data[r : r + 4])
    whole = model.predict(data)
    assert whole.values_NHCQ.dtype == live.forecast().values_NHCQ.dtype == np.float64
    np.testing.assert_allclose(values(live) - 1e8, whole.values_NHCQ - 1e8, atol=1e-5)
