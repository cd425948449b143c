"""Where the error is: by step ahead, by origin, by series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.evaluation.layout import METRIC_TITLES, decimals
from gatecast.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    VERMILION,
    axis,
    end_labels,
    frame,
    line,
    moments,
    steps_axis,
    times_axis,
    tint,
)
from gatecast.report.markup import Figure, Key, Row, table

if TYPE_CHECKING:
    from gatecast.backtesting.backtest import Backtest
    from gatecast.evaluation.scores import Scores

__all__ = ["by_origin", "by_series", "by_step", "cell"]

MOST_ROWS = 20
ROOM = 1.3  # above the lines that matter; a method that goes further up is not drawn
MARKED = 30  # with no more points than that, each is marked


def by_step(result: Backtest) -> Figure | None:
    """Error at each step ahead; None for one step."""
    scores = result.scores
    if scores.horizon == 1:
        return None
    metric = scores.headline
    error = {name: scores.per_step[name][metric] for name in scores.methods}
    ours, best = error[scores.model], _rivals(scores)[0]
    wins = int((ours < error[best]).sum()) if best else 0
    finding = (
        f"The LSTM's {METRIC_TITLES[metric]} goes from {cell(ours[0])} at the first step to {cell(ours[-1])} at step "
        f"{scores.horizon}."
    )
    if best:
        finding += f" It is below that of {scores.title(best)} at {wins} of {scores.horizon} steps."
    steps = list(range(1, scores.horizon + 1))
    layout = frame(xaxis=steps_axis("steps ahead", scores.horizon))
    return _compared(
        "steps", "Error by step ahead", finding, scores, steps, error, layout, [str(step) for step in steps], "Step"
    )


def by_origin(result: Backtest) -> Figure | None:
    """Error from each origin, over all series; None for a single origin."""
    scores, found = result.scores, result.evaluation
    if result.origins == 1 or scores.origin_B is None:
        return None
    labels, columns = scores.by_group(scores.origin_B)
    error = {name: columns[name][scores.headline] for name in scores.methods}
    times, words, title, plain = _origin_times(result, labels)
    ours, best = error[scores.model], _rivals(scores)[0]
    known = np.where(np.isfinite(ours), ours, -np.inf)
    worst = int(np.argmax(known))
    largest = f"{METRIC_TITLES[scores.headline]} {cell(ours[worst])}"
    finding = f"The LSTM's error is largest from origin {words[worst]} ({largest})."
    if best:
        finding += (
            f" It is below that of {scores.title(best)} at {int((ours < error[best]).sum())} of {len(ours)} origins."
        )
    if found.scores.series > 1:
        finding += f" Each point is the mean over {scores.series:,} series."
    layout = frame(xaxis=steps_axis(title, len(times)) if plain else times_axis(title, times))
    return _compared("origins", "Error by origin", finding, scores, times, error, layout, words, "Origin")


def by_series(result: Backtest) -> str:
    """Table of the series that are forecast best and worst; nothing for a single one."""
    scores, panel = result.scores, result.evaluation.panel
    labels, columns = scores.by_group(result.evaluation.series_B)
    ours_N = columns[scores.model][scores.headline]
    order = [n for n in np.argsort(ours_N, kind="stable") if np.isfinite(ours_N[n])]
    if len(order) < 2:
        return ""
    half = MOST_ROWS // 2
    shown = order if len(order) <= MOST_ROWS else [*order[:half], *order[-half:]]
    rivals = [name for name in _rivals(scores) if name]
    metric = METRIC_TITLES[scores.headline]
    covers = [key for key in ("coverage_80", "coverage_95") if key in columns[scores.model]]
    heads = ["series", f"LSTM {metric}", *(f"{scores.title(name)} {metric}" for name in rivals)]
    heads += [f"{key.removeprefix('coverage_')} % covers" for key in covers]
    rows = []
    for place, n in enumerate(shown):
        errors = [float(columns[name][scores.headline][n]) for name in (scores.model, *rivals)]
        least = min((error for error in errors if np.isfinite(error)), default=np.nan)
        cells = [cell(error) for error in errors]
        cells += [f"{100 * float(columns[scores.model][key][n]):.0f} %" for key in covers]
        kind = "cut" if place == half and len(order) > MOST_ROWS else ""
        bold = frozenset(k for k, error in enumerate(errors) if error == least)
        rows.append(Row(panel.ids[int(labels[n])], cells, bold, kind))
    cut = f"The {half} best and the {half} worst of {len(order):,} series" if len(order) > MOST_ROWS else "All series"
    return table(heads, rows, f"{cut}, by the LSTM's {metric}; the least error of a row is bold.")


def cell(value: float) -> str:
    """A score in few digits.

    >>> cell(0.6149), cell(25766.3), cell(float("nan"))
    ('0.61', '25,766', '-')
    """
    return f"{value:,.{min(decimals([value]), 2)}f}" if np.isfinite(value) else "-"


# ---------------------------------------------------------------- inside


def _rivals(scores: Scores) -> tuple[str, ...]:
    """The best naive forecast ("" without one), and the best rival if there is one."""
    return (*(scores.baselines[:1] or ("",)), *scores.ranked_rivals[:1])


def _compared(
    name: str,
    title: str,
    finding: str,
    scores: Scores,
    x: list[Any],
    error: Mapping[str, np.ndarray],
    layout: dict[str, Any],
    words: Sequence[str],
    head: str,
) -> Figure:
    """The model and its best competitors in colour, the others grey behind them."""
    metric = METRIC_TITLES[scores.headline]
    main = {scores.model: BLUE, **dict(zip(_rivals(scores), (VERMILION, GREEN), strict=False))}
    main = {key: colour for key, colour in main.items() if key and np.isfinite(error[key]).any()}
    others = [key for key in scores.methods if key not in main and np.isfinite(error[key]).any()]
    highest = {key: float(np.nanmax(error[key])) for key in (*main, *others)}
    bound = max((highest[key] for key in main), default=1.0)
    inside = [key for key in others if highest[key] < ROOM * bound]
    top = 1.06 * max((highest[key] for key in (*main, *inside)), default=1.0) or 1.0
    mode = {"mode": "lines+markers", "marker": {"size": 5}} if len(x) <= MARKED else {}
    data = [line(x, error[key], scores.title(key), tint(GREY, 0.6), 1.1) for key in inside]
    for key, colour in reversed(main.items()):
        wide = 2.6 if key == scores.model else 1.8
        data.append(line(x, error[key], scores.title(key), colour, wide, **mode))
    layout["yaxis"] = axis(metric, range=[0, top], rangemode="tozero")
    keys = [Key(scores.title(key), colour) for key, colour in main.items()]
    ends = [(x[-1], _last(error[key]), one) for (key, _), one in zip(main.items(), keys, strict=True)]
    layout["annotations"] = end_labels(ends, 0, top)
    layout["margin"] |= {"r": 24 + 8 * max((len(key.name) for key in keys), default=0)}
    for one in data:
        one["hovertemplate"] = "%{y:,.3~g}"
    outside = [scores.title(key) for key in others if key not in inside]
    reading = f"Lower is better. {_greys(scores, inside)}"
    if outside:
        reading += f" Too far up to be drawn: {', '.join(outside)}."
    named = [*main, *others]
    heads = [head, *(scores.title(key) for key in named)]
    rows = [Row(word, [cell(float(error[key][k])) for key in named]) for k, word in enumerate(words)]
    listed = table(heads, rows, f"{metric}, {title.lower()}")
    keys += [Key("other methods", GREY, "thin")] if inside else []
    return Figure(name, title, finding, reading.strip(), data, layout, keys, labelled=True, numbers=listed)


def _greys(scores: Scores, names: Sequence[str]) -> str:
    return f"Grey: {', '.join(scores.title(name) for name in names)}." if names else ""


def _last(values: np.ndarray) -> float:
    return float(values[np.isfinite(values)][-1])


def _origin_times(result: Backtest, labels: Sequence[int]) -> tuple[list[Any], list[str], str, bool]:
    """Where the origins stand, what they are called, the axis' title, and whether they are numbers.

    They stand at their times where all series share them.
    """
    found, panel = result.evaluation, result.evaluation.panel
    number_B = np.asarray(result.scores.origin_B)
    time_B = panel.frequency.advance(panel.starts[found.series_B], found.origin_B - panel.first[found.series_B])
    per_origin = [np.unique(time_B[number_B == label]) for label in labels]
    if all(len(times) == 1 for times in per_origin):
        times = np.concatenate(per_origin)
        return (
            moments(panel.frequency, times),
            [panel.frequency.label(t) for t in times],
            "origin: last value known",
            False,
        )
    plain = [int(label) + 1 for label in labels]
    return plain, [str(n) for n in plain], "origin, 1 = the oldest (the series end at different times)", True
