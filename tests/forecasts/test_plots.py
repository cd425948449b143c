"""Pictures: what is drawn where, and nothing global touched."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import gatecast as gc
from gatecast.forecasts.axes import Axes
from gatecast.forecasts.forecast import Forecast
from gatecast.forecasts.plots import fan_chart, loss_chart, split_chart, truth_chart


def forecast_of(series: int, targets: int = 1, quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)) -> Forecast:
    values = np.random.default_rng(0).normal(size=(series, 6, targets, len(quantiles)))
    values.sort(axis=3)
    axes = Axes(
        tuple(f"s{n}" for n in range(series)),
        tuple(f"t{c}" for c in range(targets)),
        np.full(series, np.datetime64("2020-12-01", "us")),
        6,
        gc.Frequency.from_text("MS"),
    )
    return Forecast(values, quantiles, axes)


def test_a_panel_draws_its_values_and_leaves_gaps_open() -> None:
    panel = gc.read([1, 2, np.nan, 4, np.nan, 6, 7])
    (axes,) = panel.plot().axes
    line, dots = axes.lines
    np.testing.assert_array_equal(line.get_ydata(), panel.series(0)[:, 0])
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 8))
    assert np.asarray(dots.get_xydata()).tolist() == [[4, 4]]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("y", "step")


@pytest.mark.parametrize(("series", "panels"), [(1, 1), (3, 3), (12, 12), (30, 12)])
def test_a_panel_draws_at_most_twelve_series_and_says_so(series: int, panels: int) -> None:
    figure = gc.read([np.arange(5.0) + n for n in range(series)]).plot()
    assert sum(bool(axes.lines) for axes in figure.axes) == panels
    assert ("(12 of 30 shown)" in figure.get_suptitle()) == (series > 12)


def test_a_panel_draws_the_series_that_are_named(tmp_path: Path) -> None:
    panel = gc.read([np.arange(5.0) + n for n in range(4)])
    figure = panel.plot(["series_3", 0], tmp_path / "panel.png")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["series_3", "series_1"]
    assert (tmp_path / "panel.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(gc.GatecastError, match="there is no series 'series_9'"):
        panel.plot(["series_9"])
    with pytest.raises(gc.GatecastError, match="nothing to draw"):
        panel.future.plot()


def test_fan_draws_the_median_at_its_own_months() -> None:
    forecast = forecast_of(1)
    (axes,) = fan_chart(forecast).axes
    line = next(line for line in axes.lines if line.get_label() == "forecast")
    np.testing.assert_array_equal(line.get_ydata(), forecast.values[0, :, 0])
    np.testing.assert_array_equal(np.asarray(line.get_xdata()), forecast.times[0])
    assert axes.get_ylabel() == "t0"


def test_fan_opens_at_the_last_value_of_the_history() -> None:
    panel = gc.load_example("airline")
    forecast = Forecast(np.full((1, 3, 1, 1), 500.0), (0.5,), Axes.after(panel, 3), panel)
    assert forecast.origins.tolist() == np.array(["1960-12-01"], "datetime64[us]").tolist()
    (axes,) = fan_chart(forecast).axes
    line = next(line for line in axes.lines if line.get_label() == "forecast")
    assert np.asarray(line.get_ydata()).tolist() == [432.0, 500.0, 500.0, 500.0]


@pytest.mark.parametrize(("series", "targets", "panels"), [(1, 1, 1), (1, 2, 2), (5, 1, 5), (30, 2, 12)])
def test_at_most_twelve_panels_and_the_title_says_so(series: int, targets: int, panels: int) -> None:
    figure = fan_chart(forecast_of(series, targets))
    assert sum(bool(axes.lines) for axes in figure.axes) == panels
    title = figure.get_suptitle()
    assert ("(12 of 60 shown)" in title) == (series * targets > 12)


def test_series_by_name_and_saved(tmp_path: Path) -> None:
    figure = fan_chart(forecast_of(5), ["s3"], tmp_path / "fan.png")
    assert len(figure.axes) == 1
    assert (tmp_path / "fan.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(gc.GatecastError, match="cannot be written"):
        fan_chart(forecast_of(1), path=tmp_path / "absent" / "fan.png")
    with pytest.raises(gc.GatecastError, match="ends in"):
        fan_chart(forecast_of(1), path=tmp_path / "fan.nothing")


def test_split_puts_each_prediction_at_its_own_time() -> None:
    times, truth = np.arange(20), np.arange(20.0)
    parts = {"train": (times[2:10], truth[2:10] + 1), "test": (times[12:], truth[12:] - 1)}
    (axes,) = split_chart(times, truth, parts, 10, label="riders").axes
    drawn = {line.get_label(): np.asarray(line.get_xdata()).tolist() for line in axes.lines}
    assert drawn["train"] == list(range(2, 10))
    assert drawn["test"] == list(range(12, 20))
    assert [10, 10] in [np.asarray(line.get_xdata()).tolist() for line in axes.lines]


def test_truth_leaves_out_what_is_missing() -> None:
    (axes,) = truth_chart(np.array([1.0, np.nan, 3.0]), np.array([1.5, 2.0, np.nan])).axes
    assert np.asarray(axes.collections[0].get_offsets()).tolist() == [[1.0, 1.5]]


def test_loss_has_a_line_per_member_and_kind() -> None:
    rows = [
        {"member": k, "epoch": e, "train_loss": 1 / e, "validation_loss": 2 / e} for k in range(2) for e in range(1, 30)
    ]
    (axes,) = loss_chart(rows).axes
    assert len(axes.lines) == 4
    assert axes.get_yscale() == "log"
    assert loss_chart([]).axes


def test_forecasts_of_one_step_are_joined_to_a_line_at_their_own_times(tmp_path: Path) -> None:
    panel = gc.load_example("airline")
    model = gc.Forecaster(horizon=1, preset="instant").fit(panel.between(end="1959-12"))
    found = gc.evaluate(model, panel, begin="1960-01", season=12)
    (axes,) = found.plot(path=tmp_path / "found.png").axes
    lines = {line.get_label(): line for line in axes.lines}
    best = found.scores.baselines[0]
    assert set(lines) == {"truth", found.scores.title(best), "forecast"}
    np.testing.assert_array_equal(lines["truth"].get_ydata(), panel.series(0)[132:, 0])
    naive = lines[found.scores.title(best)]
    np.testing.assert_array_equal(naive.get_ydata(), found.baselines[best][:, 0, 0])
    np.testing.assert_array_equal(np.asarray(lines["forecast"].get_xdata()), panel.times(0)[132:])
    assert (tmp_path / "found.png").read_bytes().startswith(b"\x89PNG")


def test_no_pyplot() -> None:
    fan_chart(forecast_of(1))
    assert "matplotlib.pyplot" not in sys.modules


def pixels_of(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[16:24]
    return int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")


def test_pictures_are_drawn_at_twice_the_size_of_a_screen(tmp_path: Path) -> None:
    fan_chart(forecast_of(1), path=tmp_path / "fan.png")
    assert pixels_of(tmp_path / "fan.png") == (1600, 900)


def test_title_and_size_are_as_asked_for(tmp_path: Path) -> None:
    figure = forecast_of(1).plot(path=tmp_path / "fan.png", title="Sales in $ and $", size=(1200, 800))
    assert pixels_of(tmp_path / "fan.png") == (1200, 800)
    assert figure.get_suptitle() == "Sales in $ and $"
    assert forecast_of(1).plot(title="").get_suptitle() == ""
    with pytest.raises(gc.GatecastError, match="a picture of 20 x 800 pixels"):
        forecast_of(1).plot(size=(20, 800))
