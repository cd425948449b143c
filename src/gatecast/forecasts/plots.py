"""Pictures: panel, fan chart, backtest, split, truth against prediction, loss curves.

Each function returns a matplotlib ``Figure`` of its own and saves it if a path is given. Nothing global is touched: no
pyplot, no window. Colours are of the palette of Okabe and Ito, which colour-blind readers can tell apart.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.quantiles import middle
from gatecast.errors import PanelError, listed
from gatecast.forecasts.canvas import (
    INK,
    PIXELS,
    PathLike,
    dress,
    empty_figure,
    finish,
    left_out,
    on_axis,
    panel_name,
    panels,
    require_size,
    title_and_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gatecast.backtesting.result import Evaluation
    from gatecast.data.frequency import Frequency
    from gatecast.data.panel import Panel
    from gatecast.forecasts.forecast import Forecast

__all__ = ["backtest_chart", "fan_chart", "loss_chart", "panel_chart", "split_chart", "truth_chart"]

GREY = "#8a8a8a"
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
SHADES = ("#c7dfee", "#8fc0de", "#57a0cd")  # the blue, ever less mixed with white
TITLE_WIDTH = 95  # letters of a title that fit into a line


def panel_chart(panel: Panel, series: Sequence[int | str] | None = None, path: PathLike = None) -> Figure:
    """The targets of a panel over time; a gap is what is missing, and a value between two gaps is a dot.

    Args:
        panel: what to draw: N series of C targets, each in its own panel, at most 12 of them.
        series: which series, by position or name; None = the first ones.
        path: file to save to: .png, .pdf or .svg.

    Raises:
        PanelError: there is no such series, or no target at all.
        ConfigError: the file cannot be written.
    """
    chosen = [panel.position(s) for s in series] if series is not None else list(range(len(panel)))
    pairs = [(n, c) for n in chosen for c in range(len(panel.targets))]
    if not pairs:
        raise PanelError(f"there is nothing to draw: {panel.describe()}.")

    def draw(axes: Axes, pair: tuple[int, int]) -> None:
        n, c = pair
        value_T, when_T = panel.series(n)[:, c].astype(float), panel.times(n)
        seen_T = np.pad(np.isfinite(value_T), 1)
        alone_T = seen_T[1:-1] & ~seen_T[:-2] & ~seen_T[2:]
        axes.plot(on_axis(when_T, panel.frequency), value_T, color=INK, lw=1.2 if len(when_T) < 500 else 0.7)
        axes.plot(on_axis(when_T[alone_T], panel.frequency), value_T[alone_T], color=INK, marker=".", ms=4, ls="")
        dress(axes, panel.frequency, when_T, "")

    shown = left_out(pairs, len(panel) * len(panel.targets))
    title = textwrap.fill(f"{panel.describe()}{shown}", TITLE_WIDTH)
    names = [panel_name(panel.ids, panel.targets, pair) for pair in pairs]
    return finish(panels(pairs, names, draw, title, panel.targets, panel.frequency), path)


def fan_chart(
    forecast: Forecast,
    series: Sequence[int | str] | None = None,
    path: PathLike = None,
    *,
    title: str | None = None,
    size: tuple[int, int] | None = None,
) -> Figure:
    """The end of the history, the median, and the intervals around it.

    Args:
        forecast: what to draw: N series of C targets, each in its own panel, at most 12 of them.
        series: which series, by position or name; None = the first ones.
        path: file to save to: .png, .pdf or .svg.
        title: title of the picture; None = target and horizon, "" = none.
        size: width and height of a PNG in pixels, such as (1600, 900); other kinds have 200 of them to the inch.

    Raises:
        PanelError: there is no such series.
        ConfigError: the file cannot be written, or has no such size.
    """
    require_size(size)
    chosen = [forecast.position(s) for s in series] if series is not None else list(range(len(forecast)))
    pairs = [(n, c) for n in chosen for c in range(len(forecast.targets))]

    def draw(axes: Axes, pair: tuple[int, int]) -> None:
        _fan(axes, forecast, *pair)

    ahead = f"{forecast.horizon:,} {forecast.frequency.plural(forecast.horizon)} ahead"
    if title is None:
        title = f"{listed(forecast.targets, 3)}: {ahead}{left_out(pairs, len(forecast) * len(forecast.targets))}"
    wide = TITLE_WIDTH if size is None else max(TITLE_WIDTH * size[0] // (8 * PIXELS), 10)
    title = textwrap.fill(title, wide)
    names = [panel_name(forecast.ids, forecast.targets, pair) for pair in pairs]
    return finish(panels(pairs, names, draw, title, forecast.targets, forecast.frequency, size), path)


def backtest_chart(
    evaluation: Evaluation, series: Sequence[int | str] | None = None, path: PathLike = None, baseline: bool = True
) -> Figure:
    """Held-out forecasts of every origin over the truth, and the best naive forecast.

    Args:
        evaluation: what ``evaluate`` returned.
        series: which series, by position or name; None = the first ones.
        path: file to save to.
        baseline: draw the best naive forecast as well.
    """
    panel = evaluation.panel
    chosen = [panel.position(s) for s in series] if series is not None else list(range(len(panel)))
    pairs = [(n, c) for n in chosen for c in range(len(panel.targets))]

    def draw(axes: Axes, pair: tuple[int, int]) -> None:
        _backtest(axes, evaluation, *pair, baseline=baseline)

    horizon = evaluation.forecast_BHCQ.shape[1]
    what = f"{horizon:,} {panel.frequency.plural(horizon)} ahead, held out from training"
    title = f"{listed(panel.targets, 3)}: {what}{left_out(pairs, len(panel) * len(panel.targets))}"
    names = [panel_name(panel.ids, panel.targets, pair) for pair in pairs]
    return finish(panels(pairs, names, draw, title, panel.targets, panel.frequency), path)


def split_chart(
    times_T: np.ndarray,
    truth_T: np.ndarray,
    predictions: Mapping[str, tuple[np.ndarray, np.ndarray]],
    split: Any = None,
    *,
    title: str = "",
    label: str = "value",
    frequency: Frequency | None = None,
    path: PathLike = None,
) -> Figure:
    """A series with the predictions of its parts, each at the time that it is about.

    Args:
        times_T: (T,) times, as a panel stores them.
        truth_T: (T,) values.
        predictions: such as {"train": (times, values), "test": (times, values)}, each of its own length.
        split: time where the second part begins; or several.
        title: title of the picture.
        label: what the values are, with their unit.
        frequency: of the times, for the axis.
        path: file to save to.
    """
    figure = empty_figure(8, 4.5)
    axes = figure.subplots()
    axes.plot(on_axis(times_T, frequency), truth_T, color=INK, lw=1.1, label="truth")
    for (name, (times, values)), colour in zip(predictions.items(), (ORANGE, BLUE, GREEN), strict=False):
        axes.plot(on_axis(times, frequency), values, color=colour, lw=1.3, label=name)
    for time in np.atleast_1d(np.asarray(split)) if split is not None else ():
        axes.axvline(on_axis(np.asarray([time]), frequency)[0], color=GREY, lw=1, ls="--")
    dress(axes, frequency, np.asarray(times_T), label)
    title_and_legend(figure, title)
    return finish(figure, path)


def truth_chart(
    truth: np.ndarray, prediction: np.ndarray, *, title: str = "", label: str = "value", path: PathLike = None
) -> Figure:
    """Truth against prediction: on the line the prediction is perfect.

    Args:
        truth: values of any shape; missing ones are left out.
        prediction: of the same shape.
        title: title of the picture.
        label: what the values are, with their unit.
        path: file to save to.
    """
    x, y = np.ravel(truth).astype(float), np.ravel(prediction).astype(float)
    kept = np.isfinite(x) & np.isfinite(y)
    x, y = x[kept], y[kept]
    figure = empty_figure(5.6, 5.4)
    axes = figure.subplots()
    ends = [min(x.min(), y.min()), max(x.max(), y.max())] if len(x) else [0.0, 1.0]
    axes.plot(ends, ends, color=GREY, lw=1, ls="--", label="perfect")
    few = len(x) < 300
    axes.scatter(x, y, s=20 if few else 7, color=BLUE, alpha=0.75 if few else 0.35, lw=0, label="prediction")
    dress(axes, None, np.zeros(0), f"predicted {label}")
    axes.set_xlabel(f"true {label}", color=INK)
    axes.set_aspect("equal", adjustable="box")
    title_and_legend(figure, title)
    return finish(figure, path)


def loss_chart(history: Sequence[Mapping[str, Any]], path: PathLike = None, title: str = "Loss by epoch") -> Figure:
    """Loss curves of all members, training and validation.

    Args:
        history: rows such as ``Forecaster.history_``: "epoch", "train_loss", perhaps "validation_loss" and "member".
        path: file to save to.
        title: title of the picture.
    """
    figure = empty_figure(8, 4.5)
    axes = figure.subplots()
    members = sorted({int(row.get("member", 0)) for row in history})
    values: list[float] = []
    for key, name, colour in (("train_loss", "training", ORANGE), ("validation_loss", "validation", BLUE)):
        for member in members:
            rows = [row for row in history if row.get("member", 0) == member and row.get(key) is not None]
            if rows:
                losses = [float(row[key]) for row in rows]
                values += losses
                shown = name if member == members[0] else None
                alpha, marker = (0.8 if len(members) == 1 else 0.6), "o" if len(rows) == 1 else None
                epochs = [row["epoch"] for row in rows]
                axes.plot(epochs, losses, color=colour, lw=1.4, alpha=alpha, marker=marker, label=shown)
    if values and min(values) > 0 and max(values) > 10 * min(values):
        axes.set_yscale("log")
    dress(axes, None, np.zeros(1, np.int64), "loss")
    axes.set_xlabel("epoch", color=INK)
    if history and axes.get_xlim()[1] - axes.get_xlim()[0] < 1:
        axes.set_xlim(0, 2)
    many = f", {len(members)} members" if len(members) > 1 else ""
    title_and_legend(figure, f"{title}{many}")
    return finish(figure, path)


# ---------------------------------------------------------------- one panel


def _fan(axes: Axes, forecast: Forecast, n: int, c: int) -> None:
    """History and fan of one target of one series."""
    frequency, values_HQ = forecast.frequency, forecast.values_NHCQ[n, :, c].astype(float)
    times_H = forecast.times[n]
    middle_H = forecast.values[n, :, c].astype(float)
    start: tuple[np.ndarray, float] | None = None
    if forecast.history is not None:
        tail = _tail(forecast.horizon)
        past_T, when_T = forecast.history.series(n)[-tail:, c].astype(float), forecast.history.times(n)[-tail:]
        axes.plot(on_axis(when_T, frequency), past_T, color=INK, lw=1.2, label="history")
        start = (when_T[-1:], past_T[-1]) if np.isfinite(past_T[-1]) else None
    if start is not None:
        # the fan opens at the last value observed
        times_H = np.concatenate([start[0], times_H])
        values_HQ = np.concatenate([np.full((1, values_HQ.shape[1]), start[1]), values_HQ])
        middle_H = np.concatenate([[start[1]], middle_H])
    _shade(axes, on_axis(times_H, frequency), values_HQ, forecast.quantiles)
    axes.plot(on_axis(times_H, frequency), middle_H, color=BLUE, lw=1.6, label="forecast")
    axes.axvline(on_axis(np.asarray(forecast.origins)[n : n + 1], frequency)[0], color=GREY, lw=1, ls="--")
    dress(axes, frequency, times_H, "")


def _backtest(axes: Axes, evaluation: Evaluation, n: int, c: int, *, baseline: bool) -> None:
    """Truth, and the forecasts from each origin of one series."""
    panel, quantiles = evaluation.panel, evaluation.scores.quantiles
    windows = np.flatnonzero(evaluation.series_B == n)
    horizon = evaluation.forecast_BHCQ.shape[1]
    if horizon == 1 and len(windows) > 1:
        _one_step(axes, evaluation, windows, c, baseline=baseline)
        return
    begin = int(evaluation.origin_B[windows].min()) - int(panel.first[n]) - _tail(horizon) // 2
    truth_T, when_T = panel.series(n)[max(begin, 0) :, c], panel.times(n)[max(begin, 0) :]
    axes.plot(on_axis(when_T, panel.frequency), truth_T, color=INK, lw=1.2, label="truth")
    best = evaluation.scores.baselines[0] if baseline and evaluation.scores.baselines else None
    for k, b in enumerate(windows):
        when_H = on_axis(evaluation.times_BH[b], panel.frequency)
        values_HQ = evaluation.forecast_BHCQ[b, :, c].astype(float)
        _shade(axes, when_H, values_HQ, quantiles, first=k == 0)
        axes.plot(when_H, values_HQ[:, middle(quantiles)], color=BLUE, lw=1.6, label=_once("forecast", k))
        if best is not None:
            naive_H = evaluation.baselines[best][b, :, c]
            axes.plot(when_H, naive_H, color=VERMILION, lw=1, ls=":", label=_once(evaluation.scores.title(best), k))
        axes.axvline(when_H[0], color=GREY, lw=0.8, ls="--")
    dress(axes, panel.frequency, when_T, "")


def _one_step(axes: Axes, evaluation: Evaluation, windows: np.ndarray, c: int, *, baseline: bool) -> None:
    """Truth and forecasts of one step ahead, each at the time that it is about, joined to lines."""
    panel, scores = evaluation.panel, evaluation.scores
    windows = windows[np.argsort(evaluation.origin_B[windows])]
    times_B = evaluation.times_BH[windows, 0]
    when_B = on_axis(times_B, panel.frequency)
    _shade(axes, when_B, evaluation.forecast_BHCQ[windows, 0, c].astype(float), scores.quantiles)
    axes.plot(when_B, np.asarray(scores.truth_BHC)[windows, 0, c], color=INK, lw=1.4, label="truth")
    if baseline and scores.baselines:
        best = scores.baselines[0]
        naive_B = evaluation.baselines[best][windows, 0, c]
        axes.plot(when_B, naive_B, color=VERMILION, lw=1, ls=":", label=scores.title(best))
    axes.plot(when_B, evaluation.point_BHC[windows, 0, c], color=BLUE, lw=1.6, label="forecast")
    dress(axes, panel.frequency, times_B, "")


def _shade(
    axes: Axes, when_H: np.ndarray, values_HQ: np.ndarray, quantiles: Sequence[float], first: bool = True
) -> None:
    """The central intervals, the inner ones darker."""
    pairs = [(q, len(quantiles) - 1 - q) for q in range(len(quantiles) // 2)]
    for n, (low, high) in enumerate(pairs):
        share = quantiles[high] - quantiles[low]
        name = f"{100 * share:g} % interval" if abs(quantiles[low] + quantiles[high] - 1) < 1e-9 else "quantiles"
        label = name if first else None
        colour = SHADES[min(n, len(SHADES) - 1)]
        axes.fill_between(when_H, values_HQ[:, low], values_HQ[:, high], color=colour, lw=0, label=label)


def _once(name: str, k: int) -> str | None:
    """A label for the first of several lines alone."""
    return name if k == 0 else None


def _tail(horizon: int) -> int:
    """Steps of history to show before H steps of forecast."""
    return max(4 * horizon, 36)
