"""Irregular rows in regular steps, against plain loops and against pandas."""

from __future__ import annotations

import calendar
import datetime
import statistics
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.tables.reading import read, read_covariates
from gatecast.data.tables.resampling import RULES
from gatecast.errors import ConfigError, GatecastError, PanelError

DAY = datetime.timedelta(1)
When = datetime.datetime


# ---------------------------------------------------------------- the oracle: one row at a time


def midnight(time: When) -> When:
    return When(time.year, time.month, time.day)


def back_to(weekday: int) -> Callable[[When], When]:
    """Midnight of the last such day, 0 = Monday."""

    def label(time: When) -> When:
        day = midnight(time)
        while day.weekday() != weekday:
            day -= DAY
        return day

    return label


def weekday(time: When) -> When:
    day = midnight(time)
    while day.weekday() > 4:
        day -= DAY
    return day


def month_end(time: When) -> When:
    return When(time.year, time.month, calendar.monthrange(time.year, time.month)[1])


def quarter(time: When) -> When:
    return When(time.year, {1: 1, 2: 4, 3: 7, 4: 10}[(time.month + 2) // 3], 1)


def quarter_end(time: When) -> When:
    begin = quarter(time)
    return month_end(When(begin.year, begin.month + 2, 1))


def from_the_15th(time: When) -> When:
    day = midnight(time)
    while day.day != 15:
        day -= DAY
    return day


def fiscal_year(time: When) -> When:
    return When(time.year if time.month >= 7 else time.year - 1, 7, 1)


def two_days(time: When) -> When:
    day = midnight(time)
    return day if (day - When(2000, 1, 3)).days % 2 == 0 else day - DAY


LABELS: dict[str, Callable[[When], When]] = {
    "D": midnight,
    "h": lambda time: When(time.year, time.month, time.day, time.hour),
    "6h": lambda time: When(time.year, time.month, time.day, time.hour - time.hour % 6),
    "15min": lambda time: When(time.year, time.month, time.day, time.hour, time.minute - time.minute % 15),
    "2D": two_days,
    "W": back_to(0),
    "W-SUN": back_to(0),
    "W-SAT": back_to(6),
    "W-WED": back_to(3),
    "B": weekday,
    "MS": lambda time: When(time.year, time.month, 1),
    "ME": month_end,
    "M@15": from_the_15th,
    "QS": quarter,
    "QE": quarter_end,
    "YS": lambda time: When(time.year, 1, 1),
    "YE": lambda time: When(time.year, 12, 31),
    "YS-JUL": fiscal_year,
    "Y-JUN": fiscal_year,
    "YE-JUN": lambda time: month_end(When(fiscal_year(time).year + 1, 6, 1)),
}
VALUE: dict[str, Callable[[list[float]], float]] = {
    "mean": statistics.fmean,
    "sum": sum,
    "median": statistics.median,
    "min": min,
    "max": max,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
}


def by_hand(rows: list[tuple[str, Any, float]], label: Callable[[Any], Any], rule: str) -> dict[tuple[str, Any], float]:
    """Series and label -> the value of each bin that has a row; rows in the order of the table."""
    bins: dict[tuple[str, Any], list[float]] = {}
    for series, time, value in sorted(rows, key=lambda row: (row[0], row[1])):
        held = bins.setdefault((series, label(time)), [])
        if not np.isnan(value):
            held.append(value)
    return {key: VALUE[rule](held) if held else np.nan for key, held in bins.items()}


def in_panel(panel: Panel) -> dict[tuple[str, Any], float]:
    """Series and time -> target, of every row."""
    return {
        (name, time): value
        for name in panel.ids
        for time, value in zip(panel.times(name).tolist(), panel.series(name)[:, 0].tolist(), strict=True)
    }


def assert_same(panel: Panel, expected: dict[tuple[str, Any], float]) -> None:
    found = in_panel(panel)
    assert set(expected) <= set(found)
    ends = [[key for key in found if key[0] == name] for name in panel.ids]
    assert all(keys[0] in expected and keys[-1] in expected for keys in ends), "a series begins and ends with a row"
    for key, value in found.items():
        assert value == pytest.approx(expected.get(key, np.nan), nan_ok=True, rel=1e-12, abs=1e-9), key


MOMENTS = st.integers(0, 4 * 365 * 24 * 60 - 1).map(lambda m: When(1998, 7, 30) + datetime.timedelta(minutes=m))
NUMBERS = st.one_of(st.just(float("nan")), st.integers(-50, 50).map(float), st.floats(-1e3, 1e3, width=32))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(LABELS)),
    st.sampled_from(RULES),
    st.lists(st.tuples(st.sampled_from("ab"), MOMENTS, NUMBERS), min_size=1, max_size=25),
    st.integers(0, 60 * 24 * 5),
)
def test_every_bin_holds_what_a_plain_loop_puts_into_it(
    text: str, rule: Any, rows: list[tuple[str, When, float]], cluster: int
) -> None:
    """Rows all over four years, and a few close to each other."""
    begin = rows[0][1]
    near = [(name, begin + (time - begin) % datetime.timedelta(minutes=cluster + 1), y) for name, time, y in rows]
    rows = [("a", begin, 1.0), ("b", begin, 2.0), *near] if text in ("h", "15min") else [*rows, *near]
    table = pl.DataFrame(rows, schema={"unique_id": pl.String, "ds": pl.Datetime("us"), "y": pl.Float64}, orient="row")
    panel = read(table, frequency=text, resample=rule, dtype=np.float64)
    assert_same(panel, by_hand(rows, LABELS[text], rule))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 9),
    st.sampled_from(RULES),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(-40, 40), NUMBERS), min_size=1, max_size=25),
)
def test_whole_steps(count: int, rule: Any, rows: list[tuple[str, int, float]]) -> None:
    table = pl.DataFrame(rows, schema={"unique_id": pl.String, "ds": pl.Int64, "y": pl.Float64}, orient="row")
    panel = read(table, frequency=f"{count}step", resample=rule, dtype=np.float64)
    assert_same(panel, by_hand(rows, lambda time: time // count * count, rule))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago"]),
    st.sampled_from(["D", "MS", "W", "B"]),
    st.lists(st.tuples(st.just("a"), st.integers(0, 2 * 365 * 24 * 4), NUMBERS), min_size=2, max_size=40),
)
def test_days_and_longer_bins_follow_the_local_date(zone: str, text: str, rows: list[tuple[str, int, float]]) -> None:
    utc = When(2022, 12, 20, tzinfo=datetime.UTC)
    local = [(s, (utc + q * datetime.timedelta(minutes=15)).astimezone(ZoneInfo(zone)), y) for s, q, y in rows]
    times = pl.Series("ds", [time.astimezone(datetime.UTC) for _, time, _ in local]).dt.convert_time_zone(zone)
    table = pl.DataFrame({"unique_id": "a", "ds": times, "y": [y for *_, y in rows]})
    panel = read(table, frequency=text, resample="sum", dtype=np.float64)
    assert panel.frequency.timezone == zone
    expected = by_hand(
        [(s, time.astimezone(datetime.UTC), y) for s, time, y in local],
        lambda time: LABELS[text](time.astimezone(ZoneInfo(zone)).replace(tzinfo=None)),
        "sum",
    )
    assert_same(panel, expected)


def test_clock_changes_double_and_drop_no_hour() -> None:
    """On 29 October 2023 in Berlin 02:30 came twice: two bins; the day has 25 hours, in March 23."""
    for day, hours in (("2023-10-29", 25), ("2023-03-26", 23)):
        begin = pd.Timestamp(day, tz="Europe/Berlin")
        times = pd.date_range(begin, begin + pd.Timedelta(days=3), freq="20min", inclusive="left")
        table = pd.DataFrame({"ds": times, "y": 1.0})
        hourly = read(table, frequency="h", resample="sum")
        assert hourly.series(0)[:, 0].tolist() == [3.0] * (hourly.total)
        daily = read(table, frequency="D", resample="sum")
        assert daily.series(0)[0, 0] == 3 * hours
        assert daily.times(0)[0] == np.datetime64(day)
        assert hourly.starts[0] == begin.tz_convert("UTC").tz_localize(None).to_datetime64()


def test_bins_of_hours_begin_at_local_midnight() -> None:
    times = pd.date_range("2024-01-10 00:00", periods=48, freq="h", tz="Asia/Kathmandu")  # 5:45 ahead of UTC
    table = pd.DataFrame({"ds": times, "y": np.arange(48.0)})
    panel = read(table, frequency="6h", resample="first")
    assert panel.series(0)[:, 0].tolist() == [0, 6, 12, 18, 24, 30, 36, 42]
    assert panel.frequency.label(panel.starts[0]) == "2024-01-10 00:00"
    named = read(table.assign(ds=times.tz_convert("UTC")), frequency="D[Asia/Kathmandu]", resample="sum")
    assert named.series(0)[:, 0].tolist() == [sum(range(24)), sum(range(24, 48))]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("D", {"rule": "D"}),
        ("h", {"rule": "h"}),
        ("15min", {"rule": "15min"}),
        ("W", {"rule": "W-MON", "label": "left", "closed": "left"}),
        ("MS", {"rule": "MS"}),
        ("ME", {"rule": "ME"}),
        ("QS", {"rule": "QS"}),
        ("QE", {"rule": "QE"}),
        ("YS-JUL", {"rule": "YS-JUL"}),
        ("YE-JUN", {"rule": "YE-JUN"}),
    ],
)
def test_pandas_finds_the_same(ours: str, theirs: dict[str, str], rule: Any) -> None:
    rng = np.random.default_rng(3)
    times = pd.Timestamp("2023-11-03") + pd.to_timedelta(np.sort(rng.integers(0, 400 * 24, 500)), unit="h")
    times += pd.to_timedelta(rng.integers(0, 3600, 500), unit="s")
    series = pd.Series(np.where(rng.random(500) < 0.2, np.nan, rng.normal(size=500)), times.sort_values(), name="y")
    panel = read(series, frequency=ours, resample=rule, dtype=np.float64)
    resampler = series.resample(**theirs)  # type: ignore[arg-type]
    expected = resampler.sum(min_count=1) if rule == "sum" else getattr(resampler, rule)()
    assert panel.times(0).tolist() == expected.index.as_unit("us").to_numpy().tolist()
    assert panel.series(0)[:, 0] == pytest.approx(expected.to_numpy(), nan_ok=True)


# ---------------------------------------------------------------- what the rule is applied to


VISITS = pl.DataFrame(
    {
        "shop": ["x"] * 5 + ["w"] * 2,
        "ds": pl.Series(
            [f"2024-01-{day}:00" for day in ("01 08", "01 20", "01 20", "03 09", "03 08", "02 08", "02 09")]
        ).str.to_datetime("%Y-%m-%d %H:%M", time_unit="us"),
        "y": [1.0, 2.0, None, None, None, 5.0, 7.0],
        "rain": [1.0, 3.0, 5.0, None, 4.0, 1.0, 1.0],
        "mood": ["good", "bad", None, "good", "bad", "bad", "good"],
        "price": [1.0, 2.0, 3.0, 9.0, 8.0, 5.0, 6.0],
        "size": [1, 1, 1, 1, 1, 2, 2],
    }
)
ROLES: dict[str, Any] = {"target": "y", "past": ["rain", "mood"], "future": "price", "static": "size"}


@pytest.mark.parametrize(("rule", "rain"), [("sum", [9, np.nan, 4]), ("mean", [3, np.nan, 4]), ("min", [1, np.nan, 4])])
def test_covariates(rule: Any, rain: list[float]) -> None:
    """Numbers of the past follow the rule; categories and what is known ahead take the last value."""
    panel = read(VISITS, frequency="D", resample=rule, **ROLES)
    assert (panel.ids, panel.length.tolist()) == (("x", "w"), [3, 1])
    rows = panel.rows(0)
    assert panel.past_RP[rows, 0] == pytest.approx(rain, nan_ok=True)
    assert panel.past_RP[rows, 1:] == pytest.approx(np.array([[1, 0], [np.nan] * 2, [0, 1]]), nan_ok=True)
    assert panel.future_RF[rows, 0] == pytest.approx([3, np.nan, 9], nan_ok=True)
    assert panel.static_NS.tolist() == [[1], [2]]
    assert panel.schema.past[1].categories == ("bad", "good")


def test_nothing_observed_is_missing_and_not_zero() -> None:
    for rule in RULES:
        panel = read(VISITS, frequency="D", resample=rule, **ROLES)
        assert np.isnan(panel.series("x")[1:]).all(), rule
        assert np.isfinite(panel.series("x")[0]).all(), rule


def test_equal_values_have_that_value_as_their_mean() -> None:
    table = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=30, freq="h"), "y": 0.1 + 0.2})
    panel = read(table, frequency="D", resample="mean", dtype=np.float64)
    assert panel.series(0)[:, 0].tolist() == [0.1 + 0.2] * 2


def test_wide_tables_and_bad_rows() -> None:
    wide = pl.DataFrame(
        {
            "ds": VISITS["ds"],
            "a": [1.0, 2.0, 3.0, None, None, 4.0, 5.0],
            "b": [None, None, None, 1.0, 2.0, None, 3.0],
        }
    )
    panel = read(wide, frequency="D", resample="sum")
    assert panel.ids == ("a", "b")
    assert panel.series("a")[:, 0] == pytest.approx([6, 9, np.nan], nan_ok=True)
    assert panel.series("b")[:, 0].tolist() == [3, 3]
    with pytest.raises(PanelError, match="row 2 without a time"):
        read(
            wide.with_columns(ds=pl.col("ds").set_sorted()).with_columns(
                ds=pl.when(pl.int_range(7) == 1).then(None).otherwise(pl.col("ds"))
            ),
            frequency="D",
            resample="sum",
        )


def test_covariates_of_the_horizon_are_put_into_the_same_steps() -> None:
    table = pd.DataFrame({"ds": pd.date_range("2024-01-03", periods=60, freq="12h"), "y": 1.0, "price": 2.0})
    panel = read(table, target="y", future="price", frequency="W-SAT", resample="sum")
    ahead = pd.DataFrame({"ds": pd.date_range("2024-02-02 07:00", periods=20, freq="29h"), "price": np.arange(20.0)})
    with pytest.raises(PanelError, match="off the grid"):
        read_covariates(ahead, panel)
    covariates = read_covariates(ahead, panel, resample=True)
    assert covariates.times(0).astype("datetime64[D]").astype(str).tolist() == [
        "2024-01-28",
        "2024-02-04",
        "2024-02-11",
        "2024-02-18",
        "2024-02-25",
    ]
    last = ahead.resample("W-SUN", on="ds", label="left", closed="left").last()
    assert covariates.values_RV[:, 0].tolist() == last["price"].tolist()


# ---------------------------------------------------------------- the step that is not named


def jittered(step: pd.Timedelta, rows: int = 200, share: float = 0.05, seed: int = 0) -> pd.DataFrame:
    """Times about one step apart, some of them missing."""
    rng = np.random.default_rng(seed)
    seconds = (np.arange(rows) + share * rng.normal(size=rows)) * step.total_seconds()
    times = pd.Timestamp("2024-01-01 00:30") + pd.to_timedelta(seconds.round(3), unit="s")
    return pd.DataFrame({"ds": times, "y": rng.normal(size=rows)})[rng.random(rows) > 0.05]


@pytest.mark.parametrize(
    ("step", "text"), [("1h", "h"), ("15min", "15min"), ("1D", "D"), ("7D", "W"), ("30s", "30s"), ("10min", "10min")]
)
def test_a_clear_median_step_is_taken(step: str, text: str) -> None:
    panel = read(jittered(pd.Timedelta(step)), resample="mean")
    assert panel.frequency.to_text() == text


def test_months_and_business_days_and_odd_steps_are_clear_too() -> None:
    months = pd.DataFrame({"ds": pd.date_range("2020-01-31", periods=30, freq="ME"), "y": 1.0})
    assert read(months, resample="sum").frequency == Frequency("month")
    years = pd.DataFrame({"ds": pd.date_range("2000-02-01", periods=9, freq="YS-FEB"), "y": 1.0})
    assert read(years, resample="sum").frequency == Frequency("month", 12)
    work = pd.DataFrame({"ds": pd.bdate_range("2024-01-01", periods=60) + pd.Timedelta("9h"), "y": 1.0})
    assert read(work, resample="last").frequency == Frequency("business")
    odd = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=50, freq="7min"), "y": 1.0})
    assert read(odd, resample="last").frequency.to_text() == "7min"
    steps = pl.DataFrame({"ds": [0, 5, 10, 15, 20, 20, 30], "y": [1.0] * 7})
    assert read(steps, resample="sum").series(0)[:, 0] == pytest.approx([1, 1, 1, 1, 2, np.nan, 1], nan_ok=True)
    tokyo = work.assign(ds=work["ds"].dt.tz_localize("Asia/Tokyo") - pd.Timedelta("1h"))  # Monday at 8 is Sunday in UTC
    assert read(tokyo, resample="last").frequency == Frequency("business", timezone="Asia/Tokyo")
    zoned = jittered(pd.Timedelta("1h")).assign(ds=lambda table: table["ds"].dt.tz_localize("Europe/Berlin"))
    assert read(zoned, resample="mean").frequency.to_text() == "h[Europe/Berlin]"


def test_an_unclear_step_is_asked_for() -> None:
    rng = np.random.default_rng(0)
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.exponential(3600, 100).cumsum(), unit="s")
    with pytest.raises(PanelError, match=r"half of them lie between .* minutes and .* hours\)\. Pass frequency="):
        read(pd.DataFrame({"ds": times, "y": 1.0}), resample="mean")
    two = pd.concat(
        [jittered(pd.Timedelta("1h"), 3000).assign(unique_id="a"), jittered(pd.Timedelta("1D")).assign(unique_id="b")]
    )
    with pytest.raises(PanelError, match=r"1 hour.* over all, .* in 'b'\)\. Pass frequency="):
        read(two, resample="mean")
    uneven = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.tile([10, 60, 60, 200], 30).cumsum(), unit="min")
    with pytest.raises(PanelError, match=r"between 1 hour and 3\.33 hours"):
        read(pd.DataFrame({"ds": uneven, "y": 1.0}), resample="mean")
    with pytest.raises(PanelError, match=r"between 6\.\d+ minutes and 7\.\d+ minutes"):  # no usual step is near
        read(jittered(pd.Timedelta("7min")), resample="mean")
    with pytest.raises(PanelError, match="frequency="):
        read(pd.DataFrame({"ds": pd.to_datetime(["2024-01-01"] * 2), "y": 1.0}), resample="mean")
    with pytest.raises(PanelError, match="frequency="):
        read(pl.DataFrame({"ds": [1, 2, 4, 8, 16, 32], "y": [1.0] * 6}), resample="mean")


# ---------------------------------------------------------------- what is refused, and what is advised


def test_wrong_words_are_told() -> None:
    table = jittered(pd.Timedelta("1h"))
    with pytest.raises(ConfigError, match="did you mean 'mean'"):
        read(table, resample="meen")  # type: ignore[arg-type]
    with pytest.raises(PanelError, match=r"'W-SUX': 'SUX' is no weekday \(did you mean 'SUN'"):
        read(table, frequency="W-SUX", resample="mean")
    with pytest.raises(PanelError, match="whole numbers"):
        read(table, frequency="step", resample="mean")
    with pytest.raises(PanelError, match="no time zone"):
        read(table, frequency="D[Europe/Berlin]", resample="mean")


def test_a_wrong_year_does_not_ask_for_all_memory() -> None:
    table = pd.DataFrame({"ds": pd.to_datetime(["2024-01-01", "2024-01-02", "2924-01-03"]), "y": 1.0})
    with pytest.raises(PanelError, match=r"3 rows would become 28,\d+,\d+,\d+ seconds .*2924-01-03.*longer step"):
        read(table, frequency="s", resample="mean")


def test_what_is_told_of_irregular_and_doubled_times_names_the_remedy() -> None:
    with pytest.raises(PanelError, match=r"irregular.*resample='mean'"):
        read(jittered(pd.Timedelta("1h")))
    doubled = pl.DataFrame({"ds": [1, 2, 2, 3], "y": [1.0, 2.0, 3.0, 4.0]})
    with pytest.raises(PanelError, match=r"2 rows for 2 .*resample='sum'"):
        read(doubled)
    assert read(doubled, frequency="step", resample="sum").series(0)[:, 0].tolist() == [1, 5, 4]
    mixed = pl.DataFrame({"unique_id": ["a"] * 3 + ["b"] * 3, "ds": [1, 2, 3, 10, 20, 30], "y": [1.0] * 6})
    with pytest.raises(PanelError, match=r"different frequencies.*frequency= and resample="):
        read(mixed)


def test_the_order_of_rows_matters_only_among_equal_times() -> None:
    table = jittered(pd.Timedelta("20min"), 300)
    straight = read(table, frequency="h", resample="last", dtype=np.float64)
    mixed = read(table.sample(frac=1, random_state=1), frequency="h", resample="last", dtype=np.float64)
    assert np.array_equal(straight.values_RV, mixed.values_RV, equal_nan=True)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet='date,y;\n"0123456789-/.: nax', max_size=120), st.sampled_from([None, "D", "step", "ME"]))
def test_no_text_gives_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str, frequency: str | None) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text)
    try:
        read(path, frequency=frequency, resample="median")
    except GatecastError as error:
        assert "\n" not in str(error)  # noqa: PT017  most texts are refused, some are tables


def test_a_million_rows_take_a_blink() -> None:
    import time

    rng = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "unique_id": np.repeat([f"s{n}" for n in range(100)], 10_000),
            "ds": (
                np.datetime64("2024-01-01", "us") + rng.integers(0, 90 * 86_400, 1_000_000).astype("timedelta64[s]")
            ),
            "y": rng.normal(size=1_000_000),
        }
    )
    begin = time.perf_counter()
    panel = read(table, frequency="h", resample="median")
    assert time.perf_counter() - begin < 5
    assert panel.total == pytest.approx(100 * 90 * 24, rel=0.01)
