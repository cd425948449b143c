"""The chart in the terminal: as wide as asked for, dots where the values are, ASCII where nothing else can be shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gatecast as gc
from gatecast.forecasts.axes import Axes
from gatecast.forecasts.forecast import Forecast
from gatecast.forecasts.terminal import ROWS, text_chart


def forecast_of(past: np.ndarray, ahead_HQ: np.ndarray, quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)) -> Forecast:
    panel = gc.read(past)
    return Forecast(ahead_HQ[None, :, None, :], quantiles, Axes.after(panel, len(ahead_HQ)), panel)


def ramp(count: int = 40, horizon: int = 10) -> Forecast:
    median = np.arange(count, count + horizon, dtype=float)
    return forecast_of(np.arange(count, dtype=float), np.stack([median - 3, median, median + 3], axis=1))


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [40, 80, 140])
def test_a_chart_is_as_wide_as_asked_for(width: int, ascii_only: bool) -> None:
    lines = ramp().chart(width=width, ascii_only=ascii_only).splitlines()
    assert max(map(len, lines)) == width
    assert len(lines) == ROWS + 4
    assert all(line.isascii() for line in lines) == ascii_only
    assert lines[0] == "y, 10 steps ahead"
    assert lines[-2].split()[-2:] == ["40", "50"]
    assert "80 % interval" in lines[-1]


def test_a_ramp_goes_up_through_every_row() -> None:
    """A naive oracle in plain characters: the line of a ramp fills the diagonal."""
    body = ramp().chart(width=80, ascii_only=True).splitlines()[1 : ROWS + 1]
    marks = np.array([list(line.ljust(80)) for line in body])
    at = [np.flatnonzero((row == "*") | (row == "#")) for row in marks]
    middles = [float(columns.mean()) for columns in at if len(columns)]
    assert middles == sorted(middles, reverse=True)
    origin = next(k for k in range(80) if (marks[:, k] == "|").sum() > ROWS // 2 and k > 10)
    assert all((columns[marks[r, columns] == "#"] >= origin).all() for r, columns in enumerate(at))
    assert (marks[:, : origin - 1] != ":").all(), "the band lies in the future"
    assert (marks == ":").sum() > 10


def test_values_stand_at_the_height_of_the_axis() -> None:
    flat = forecast_of(np.r_[np.zeros(20), np.full(20, 10.0)], np.full((4, 1), 10.0), (0.5,))
    lines = flat.chart(ascii_only=True).splitlines()
    top, bottom = (next(line for line in lines if line.lstrip().startswith(tick)) for tick in ("10 |", "0 |"))
    assert "####" in top
    assert "***" in bottom
    assert "interval" not in lines[-1]


def test_gaps_stay_open_and_one_step_is_drawn() -> None:
    past = np.array([1.0, 2.0, np.nan, np.nan, 2.0, 1.0])
    chart = forecast_of(past, np.array([[0.0, 1.0, 2.0]])).chart(ascii_only=True)
    assert chart.count("#") > 3
    marks = np.array([list(line.ljust(80)) for line in chart.splitlines()[1 : ROWS + 1]])
    drawn = np.flatnonzero((marks == "*").any(axis=0))
    assert max(np.diff(drawn)) > 10, "nothing is drawn between two values with a gap between them"


def test_a_runaway_interval_does_not_flatten_the_series() -> None:
    wild = np.array([[-1e9, 5.0, 1e9]] * 5)
    lines = forecast_of(np.arange(20.0), wild).chart(ascii_only=True).splitlines()
    rows = [r for r, line in enumerate(lines[1 : ROWS + 1]) if "*" in line]
    assert len(rows) >= 3
    assert "1,000,000,000" not in "\n".join(lines)


def test_the_series_is_named(panel_of: object) -> None:
    panel = gc.read([np.arange(9.0), np.arange(9.0)])
    made = Forecast(np.zeros((2, 3, 1, 1)), (0.5,), Axes.after(panel, 3), panel)
    assert made.chart("series_2").splitlines()[0] == "y of series_2, 3 steps ahead"
    with pytest.raises(gc.GatecastError, match="there is no series"):
        made.chart("series_9")
    assert replace(made, history=None).chart().splitlines()[-2].split() == ["9", "12"]


@settings(max_examples=40, deadline=None)
@given(
    past=st.lists(st.floats(-1e12, 1e12) | st.just(float("nan")), min_size=1, max_size=60),
    last=st.floats(-1e12, 1e12),
    ahead=st.lists(st.tuples(*[st.floats(-1e12, 1e12)] * 3), min_size=1, max_size=150),
    width=st.integers(20, 200),
    ascii_only=st.booleans(),
)
def test_any_values_give_a_chart_of_that_width(
    past: list[float], last: float, ahead: list[tuple[float, ...]], width: int, ascii_only: bool
) -> None:
    made = forecast_of(np.array([*past, last]), np.sort(np.array(ahead), axis=1))
    lines = text_chart(made, width=width, ascii_only=ascii_only)
    # of the drawing itself, not of its title
    assert max(len(line.text) for line in lines[1:-1]) <= max(width, 40)
