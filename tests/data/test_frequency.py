"""Frequencies: the grid, its labels, its words, and inference."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.frequency import Frequency, to_utc, to_wall
from gatecast.data.tables.infer import infer_frequency
from gatecast.errors import PanelError

TEXTS = ["step", "3step", "s", "15min", "h", "D", "B", "W", "M", "ME", "3M", "3ME", "12M", "12ME", "M@30"]


def us(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]")


def start_of(frequency: Frequency, days: int) -> np.ndarray:
    """A start on the frequency's own grid."""
    if frequency.unit == "step":
        return np.array([days])
    start = (np.datetime64("2000-01-01", "D") + days).astype("datetime64[us]")
    return frequency.advance(np.array([start]), 0)


@settings(max_examples=150)
@given(st.sampled_from(TEXTS), st.integers(-9000, 9000), st.integers(0, 500))
def test_position_undoes_advance(text: str, days: int, steps: int) -> None:
    frequency = Frequency.from_text(text)
    start = start_of(frequency, days)
    index, on_grid = frequency.position(start, frequency.advance(start, np.array([steps])))
    assert index.tolist() == [steps]
    assert on_grid.all()


@settings(max_examples=150)
@given(st.sampled_from(TEXTS[2:]), st.integers(-900, 900), st.integers(-900, 900), st.booleans())
def test_steps_until_is_the_first_grid_point(text: str, days: int, label_days: int, after: bool) -> None:
    frequency = Frequency.from_text(text)
    start = start_of(frequency, days)
    label = datetime.date(2000, 1, 1) + datetime.timedelta(days=label_days)
    bound = np.datetime64(label + datetime.timedelta(days=int(after)), "us")
    steps = frequency.steps_until(start, label, after=after)
    assert frequency.advance(start, steps)[0] >= bound
    assert frequency.advance(start, steps - 1)[0] < bound


@pytest.mark.parametrize("text", [*TEXTS, "h[Europe/Berlin]", "500ms"])
def test_text_round_trip(text: str) -> None:
    frequency = Frequency.from_text(text)
    assert Frequency.from_text(frequency.to_text()) == frequency


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("h", "H", "hour", "hours", "hourly"), Frequency("fixed", 3_600_000_000)),
        (("M", "MS", "month"), Frequency("month", 1)),
        (("ME",), Frequency("month", 1, 31)),
        (("Q", "QS", "QS-OCT", "quarter"), Frequency("month", 3)),
        (("Y", "YS", "A", "year"), Frequency("month", 12)),
        (("B", "business day"), Frequency("business")),
        (("15min", "15 minutes"), Frequency("fixed", 900_000_000)),
    ],
)
def test_aliases(texts: tuple[str, ...], expected: Frequency) -> None:
    assert {Frequency.from_text(text) for text in texts} == {expected}


@pytest.mark.parametrize("text", ["", "m", "fortnight", "0h", "h h"])
def test_unknown_frequency(text: str) -> None:
    with pytest.raises(PanelError, match="unknown"):
        Frequency.from_text(text)


def test_months_are_clipped_and_month_ends_kept() -> None:
    assert (
        Frequency("month").advance(us("2020-01-31"), np.arange(3)).tolist()
        == us("2020-01-31", "2020-02-29", "2020-03-31").tolist()
    )
    assert (Frequency("month", 1, 31).advance(us("2021-02-28"), np.arange(2)) == us("2021-02-28", "2021-03-31")).all()


def test_partial_labels_take_the_whole_period() -> None:
    daily, start = Frequency.from_text("D"), us("2016-01-01")
    assert daily.steps_until(start, "2018-12", after=True)[0] == 1096
    assert daily.steps_until(start, "2018-12-31", after=True)[0] == 1096
    assert daily.steps_until(start, "2019")[0] == 1096
    assert Frequency("month").steps_until(us("1949-01"), "1960Q4", after=True)[0] == 144
    assert Frequency("step").steps_until(np.array([1]), 97).tolist() == [96]
    assert Frequency("step", 2).steps_until(np.array([1]), 4, after=True).tolist() == [2]


@pytest.mark.parametrize("label", ["soon", "2019-13", None, True, 3.5, np.datetime64("NaT"), "today"])
def test_wrong_labels(label: object) -> None:
    with pytest.raises(PanelError, match="is no date"):
        Frequency("month").steps_until(us("2019-01"), label)  # type: ignore[arg-type]
    with pytest.raises(PanelError, match="is no step"):
        Frequency("step").steps_until(np.array([1]), label)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "label", "name", "plural", "seasons"),
    [
        ("M", "2019-06", "month", "months", (12,)),
        ("Q", "2019-06", "quarter", "quarters", (4,)),
        ("Y", "2019", "year", "years", ()),
        ("W", "2019-06-01", "week", "weeks", (52,)),
        ("D", "2019-06-01", "day", "days", (7,)),
        ("B", "2019-06-01", "business day", "business days", (5,)),
        ("h", "2019-06-01 13:00", "hour", "hours", (24, 168)),
        ("30min", "2019-06-01 13:00", "30 minutes", "steps of 30 minutes", (48, 336)),
        ("min", "2019-06-01 13:00", "minute", "minutes", (60, 1440)),
        ("s", "2019-06-01 13:00:00", "second", "seconds", (60, 3600)),
    ],
)
def test_words(text: str, label: str, name: str, plural: str, seasons: tuple[int, ...]) -> None:
    frequency = Frequency.from_text(text)
    assert frequency.label(us("2019-06-01 13:00")[0]) == label
    assert (frequency.name, frequency.plural(2), frequency.seasonal_periods) == (name, plural, seasons)


def test_hours_with_a_zone_are_labelled_by_the_clock() -> None:
    hourly = Frequency.from_text("h[Europe/Berlin]")
    assert hourly.label(us("2019-03-30T23:00")[0]) == "2019-03-31 00:00"
    assert hourly.steps_until(us("2019-03-30T23:00"), "2019-04-01").tolist() == [23]  # the day of the clock change


def test_wall_times_that_a_clock_change_skips_or_repeats() -> None:
    walls = us("2024-03-31T02:30", "2024-10-27T02:30")
    assert (to_utc(walls, "Europe/Berlin") == us("2024-03-31T01:30", "2024-10-27T00:30")).all()
    assert (to_wall(us("2024-07-01T12:00"), "Europe/Berlin") == us("2024-07-01T14:00")).all()


@settings(max_examples=150)
@given(st.sampled_from(TEXTS), st.integers(-3000, 3000), st.sets(st.integers(4, 37), max_size=8))
def test_inference_finds_the_frequency_in_spite_of_gaps(text: str, days: int, absent: set[int]) -> None:
    frequency = Frequency.from_text(text)
    steps = np.array([step for step in range(40) if step not in absent])
    times = frequency.advance(start_of(frequency, days), steps)
    found = infer_frequency(times, np.array([0]), np.array([len(times)]))
    index, on_grid = found.position(times[:1], times)
    assert on_grid.all()
    assert (index == steps).all()


def test_one_row_series_follow_the_others() -> None:
    times = us("2019-01-01", "2019-02-01", "2019-03-01", "2020-05-01")
    assert infer_frequency(times, np.array([0, 3]), np.array([3, 1])) == Frequency("month")
    with pytest.raises(PanelError, match="Pass frequency="):
        infer_frequency(times[2:], np.array([0, 1]), np.array([1, 1]))


def test_mixed_frequencies_name_one_series_of_each() -> None:
    times = np.concatenate([np.arange(5), np.arange(0, 50, 10), np.arange(4)])
    with pytest.raises(PanelError, match=r"2 series \(e.g. 'a'\).*1 series \(e.g. 'b'\)"):
        infer_frequency(times, np.array([0, 5, 10]), np.array([5, 5, 4]), ("a", "b", "c"))
