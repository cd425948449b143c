"""Forecast fans: what was forecast at some origins, what came, and the naive forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.evaluation.layout import METRIC_TITLES, decimals
from gatecast.evaluation.measures import level_key
from gatecast.report.drawing import BLUE, GRID, INK, VERMILION, axis, band, frame, line, moments, times_axis, tint
from gatecast.report.markup import Figure, Key, numbers

if TYPE_CHECKING:
    from gatecast.backtesting.backtest import Backtest
    from gatecast.backtesting.result import Evaluation

__all__ = ["Pick", "fans", "picked"]

FEW_SERIES = 3  # so many are all shown; of more, the best, the middle and the worst one
MOST_FANS = 4  # origins in one picture
MOST_FIGURES = 6
MOST_STEPS = 600  # of history
SHADES = (0.17, 0.3, 0.42)  # the widest interval is the palest


@dataclass(frozen=True)
class Pick:
    """A series to show, and why: "" or such as "best"."""

    series: int
    word: str
    score: float


def picked(result: Backtest) -> list[Pick]:
    """All series where they are few, else those that the model forecast best, in the middle, and worst."""
    scores = result.scores
    labels, columns = scores.by_group(result.evaluation.series_B)
    error_N = columns[scores.model][scores.headline]
    if len(labels) <= FEW_SERIES:
        return [Pick(int(n), "", float(error)) for n, error in zip(labels, error_N, strict=True)]
    order = [n for n in np.argsort(error_N, kind="stable") if np.isfinite(error_N[n])]
    if not order:
        return [Pick(int(labels[0]), "", float("nan"))]
    chosen = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    return [Pick(int(labels[n]), word, float(error_N[n])) for word, n in chosen.items()]


def fans(result: Backtest, picks: Sequence[Pick]) -> list[Figure]:
    """One figure per series and target, as many as a page can bear."""
    pairs = [(pick, c) for pick in picks for c in range(len(result.evaluation.panel.targets))]
    return [_fan(result, pick, c, number) for number, (pick, c) in enumerate(pairs[:MOST_FIGURES])]


def _fan(result: Backtest, pick: Pick, c: int, number: int) -> Figure:
    found, n = result.evaluation, pick.series
    panel, scores = found.panel, found.scores
    windows = _shown_windows(found, n)
    horizon, frequency = scores.horizon, panel.frequency
    first = int(panel.first[n])
    begin = max(int(found.origin_B[windows[0]]) - first - max(2 * horizon, 24), panel.length[n] - MOST_STEPS, 0)
    truth_T, when_T = panel.series(n)[begin:, c], moments(frequency, panel.times(n)[begin:])
    naive = "seasonal_naive" if "seasonal_naive" in found.baselines else "naive"
    fan = _Fans(found, windows, c)
    levels = scores.levels[::-1]
    bands = [band(fan.times, *fan.bounds(level), tint(BLUE, SHADES[min(k, 2)])) for k, level in enumerate(levels)]
    lines = [
        line(fan.times, fan.of(found.baselines[naive]), scores.title(naive), VERMILION, 1.3, **_dotted(1.3, VERMILION)),
        line(when_T, truth_T, "observed", INK, 1.4),
        line(fan.times, fan.of(found.point_BHC), "LSTM, median", BLUE, 2.2, hovertemplate=_hover(scores.levels))
        | {"customdata": fan.told(scores.levels)},
    ]
    layout = frame(300, shapes=[_origin_mark(time) for time in fan.origins])
    layout["xaxis"] = times_axis("step" if frequency.unit == "step" else "", when_T)
    core = np.concatenate([truth_T, fan.of(found.baselines[naive])])
    drawn = [fan.of(found.point_BHC), *(edge for level in levels for edge in fan.edges(level))]
    layout["yaxis"], cut = _height(core, drawn)
    return Figure(
        f"fan-{number}",
        _title(result, pick, c),
        _finding(found, pick, c, windows, naive),
        f"Dotted vertical lines are origins: what lies right of one was not known to the forecast that begins there. "
        f"{len(windows)} of {result.origins} origins are shown.{cut}",
        [*bands, *lines],
        layout,
        [
            Key("observed", "var(--ink)"),
            Key("LSTM, median", BLUE),
            *(Key(f"{level_key(v)} % interval", tint(BLUE, SHADES[min(k, 2)]), "band") for k, v in enumerate(levels)),
            Key(scores.title(naive), VERMILION, "thin"),
        ],
    )


@dataclass(frozen=True)
class _Fans:
    """Values of several windows one after the other, each from its origin on, with a gap between them."""

    found: Evaluation
    windows: np.ndarray
    c: int

    @property
    def times(self) -> list[Any]:
        panel, n = self.found.panel, int(self.found.series_B[self.windows[0]])
        step_W = self.found.origin_B[self.windows] - panel.first[n]
        steps_W1H = step_W[:, None] + np.arange(self.found.scores.horizon + 1)
        times = moments(panel.frequency, panel.frequency.advance(panel.starts[n], steps_W1H))
        wide = self.found.scores.horizon + 1
        return [item for w in range(len(self.windows)) for item in (*times[w * wide : (w + 1) * wide], None)]

    @property
    def origins(self) -> list[Any]:
        return self.times[:: self.found.scores.horizon + 2]

    def of(self, values_BHC: np.ndarray) -> np.ndarray:
        """(W * (H + 2),) values; a fan opens at the last value observed, where there is one."""
        last_W = self.found.panel.target_RC[self.found.origin_B[self.windows], self.c].astype(np.float64)
        drawn = np.column_stack([last_W, values_BHC[self.windows, :, self.c], np.full(len(last_W), np.nan)])
        return drawn.ravel()

    def bounds(self, level: float) -> tuple[list[Any], list[Any]]:
        """Lower and upper end of an interval, as plain data."""
        both = numbers(np.stack(self.edges(level)))
        return both[0], both[1]

    def edges(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """The same as arrays."""
        low, high = self.found.scores.interval(self.found.scores.model, level)
        return self.of(low), self.of(high)

    def told(self, levels: Sequence[float]) -> list[list[Any]]:
        """For each point the bounds that its label tells."""
        columns = [end for level in levels for end in self.bounds(level)]
        return [list(row) for row in zip(*columns, strict=True)]


def _shown_windows(found: Evaluation, n: int) -> np.ndarray:
    """The last origin of a series and earlier ones that do not overlap, in the order of time."""
    windows = np.flatnonzero(found.series_B == n)
    windows = windows[np.argsort(found.origin_B[windows])]
    shown = [windows[-1]]
    for b in windows[::-1]:
        if len(shown) < MOST_FANS and found.origin_B[shown[-1]] - found.origin_B[b] >= found.scores.horizon:
            shown.append(b)
    return np.array(shown[::-1])


def _title(result: Backtest, pick: Pick, c: int) -> str:
    panel = result.evaluation.panel
    name = panel.ids[pick.series] if len(panel) > 1 else panel.targets[c]
    target = f" · {panel.targets[c]}" if len(panel) > 1 and len(panel.targets) > 1 else ""
    return f"{pick.word.capitalize()} of {len(panel):,} series: {name}{target}" if pick.word else f"{name}{target}"


def _finding(found: Evaluation, pick: Pick, c: int, windows: np.ndarray, naive: str) -> str:
    """The errors of the series and what the intervals held in the picture."""
    scores, n = found.scores, pick.series
    metric = METRIC_TITLES[scores.headline]
    of_series = found.series_B == n
    error_BH = np.abs(scores.scored_BHC[..., c] - scores.forecasts[scores.model][..., c])[of_series]
    theirs_BH = np.abs(scores.scored_BHC[..., c] - scores.forecasts[naive][..., c])[of_series]
    if not np.isfinite(error_BH).any():
        return "There is no truth to compare with."
    ours, theirs = float(np.nanmean(error_BH)), float(np.nanmean(theirs_BH))
    score = (
        f"{metric} {pick.score:.2f} over all its origins; " if np.isfinite(pick.score) and len(found.panel) > 1 else ""
    )
    places = decimals([ours, theirs])
    words = f"{score}mean absolute error {ours:,.{places}f}, {scores.title(naive)} {theirs:,.{places}f}."
    if scores.levels:
        level = scores.levels[0]
        low, high = scores.interval(scores.model, level)
        y = scores.scored_BHC[windows, :, c]
        held = (low[windows, :, c] <= y) & (y <= high[windows, :, c])
        known = int(np.isfinite(y).sum())
        words += f" In the picture, {int(held.sum())} of {known} truths lie inside the {level_key(level)} % interval."
    return words[0].upper() + words[1:]


def _height(core: np.ndarray, drawn: Sequence[np.ndarray]) -> tuple[dict[str, Any], str]:
    """The axis, and a sentence where something leaves it: a runaway interval must not flatten the series.

    Args:
        core: what has to be seen, with room of its own height above and below.
        drawn: everything else.
    """
    known = core[np.isfinite(core)]
    all_drawn = np.concatenate([known, *(one[np.isfinite(one)] for one in drawn)])
    if not len(known) or not np.ptp(known) > 0:
        return axis(), ""
    low, high, span = float(known.min()), float(known.max()), float(np.ptp(known))
    bottom, top = max(float(all_drawn.min()), low - span), min(float(all_drawn.max()), high + span)
    cut = bottom > all_drawn.min() or top < all_drawn.max()
    room = 0.04 * (top - bottom)
    return axis(range=numbers([bottom - room, top + room])), " The forecast goes on beyond the picture." if cut else ""


def _hover(levels: Sequence[float]) -> str:
    """The label of a median, with its intervals."""
    ranges = [
        f"{level_key(v)} %: %{{customdata[{2 * k}]:,.4~g}} to %{{customdata[{2 * k + 1}]:,.4~g}}"
        for k, v in enumerate(levels)
    ]
    return "<br>".join(["%{y:,.4~g}", *ranges])


def _dotted(width: float, colour: str) -> dict[str, Any]:
    return {"line": {"color": colour, "width": width, "dash": "dot"}}


def _origin_mark(time: Any) -> dict[str, Any]:
    return {
        "type": "line", "xref": "x", "yref": "paper", "x0": time, "x1": time, "y0": 0, "y1": 1, "layer": "below",
        "line": {"color": GRID.replace("0.22", "0.6"), "width": 1, "dash": "dot"},
    }  # fmt: skip
