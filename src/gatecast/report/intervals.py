"""How far the intervals can be trusted."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.evaluation.measures import level_key
from gatecast.report.drawing import BLUE, GREEN, GREY, INK, axis, end_labels, frame, line, steps_axis, tint
from gatecast.report.markup import Figure, Key, Row, numbers, table

if TYPE_CHECKING:
    from gatecast.backtesting.backtest import Backtest
    from gatecast.evaluation.scores import Scores

__all__ = ["intervals"]


def intervals(result: Backtest) -> list[Figure]:
    """Quantiles, coverage by step ahead, and where the truths fell; nothing where the model gives the median alone."""
    scores = result.scores
    if not scores.levels or scores.model not in scores.quantile_forecasts:
        return []
    found = [_reliability(scores), _by_step(scores) if scores.horizon > 1 else None, _bins(scores)]
    return [one for one in found if one is not None]


def _reliability(scores: Scores) -> Figure:
    """Share of truths below each quantile, against the share that should be."""
    wanted = np.asarray(scores.quantiles, dtype=np.float64)
    observed = {
        name: _below(scores, name) for name in (scores.model, *scores.ranked_rivals) if _below(scores, name).size
    }
    data = [
        line([0, 100], [0, 100], "perfect", GREY, 1, line={"color": GREY, "width": 1, "dash": "dot"}, hoverinfo="skip")
    ]
    keys = [Key("perfect", GREY, "thin")]
    for k, (name, share) in enumerate(reversed(observed.items())):
        ours = name == scores.model
        colour = BLUE if ours else GREEN if k == len(observed) - 2 else tint(GREY, 0.7)
        data.append(
            line(
                numbers(100 * wanted), 100 * share, scores.title(name), colour, 2.6 if ours else 1.4,
                mode="lines+markers", marker={"size": 8 if ours else 5}, hovertemplate="%{y:.1f} %",
            )
        )  # fmt: skip
        keys.append(Key(scores.title(name), colour))
    layout = frame(
        xaxis=axis("quantile, %", range=[-2, 102], showgrid=False), yaxis=axis("truths below it, %", range=[-2, 102])
    )
    rows = [
        Row(f"{100 * q:g} %", [f"{100 * share[k]:.1f} %" for share in observed.values()]) for k, q in enumerate(wanted)
    ]
    return Figure(
        "quantiles",
        "Nominal against observed",
        _coverage_words(scores),
        "On the dotted line, as many truths lie below a quantile as its name says. Flatter than that line: intervals "
        "too narrow; steeper: too wide; above or below it on the whole: forecasts too high or too low.",
        data,
        layout,
        keys[::-1],
        numbers=table(["quantile", *(scores.title(name) for name in observed)], rows, "Truths below each quantile"),
    )


def _by_step(scores: Scores) -> Figure:
    """Coverage of each level at each step ahead, and what it should be."""
    steps = list(range(1, scores.horizon + 1))
    data, ends, off = [], [], []
    for k, level in enumerate(scores.levels):
        share = 100 * scores.per_step[scores.model][f"coverage_{level_key(level)}"]
        colour = BLUE if k == 0 else tint(BLUE, 0.6)
        name = f"{level_key(level)} % interval"
        data.append(_nominal(steps, level))
        data.append(
            line(steps, share, name, colour, 2.4, mode="lines+markers", marker={"size": 5}, hovertemplate="%{y:.0f} %")
        )
        ends.append(
            (steps[-1], float(share[np.isfinite(share)][-1]) if np.isfinite(share).any() else 0.0, Key(name, BLUE))
        )
        off.append((float(np.nanmax(np.abs(share - 100 * level))), name))
    low = min((float(np.nanmin(one["y"])) for one in data if one["name"] != "nominal"), default=0.0)
    bottom = max(min(low - 5, 50), 0) if np.isfinite(low) else 0.0
    layout = frame(
        280, xaxis=steps_axis("steps ahead", scores.horizon), yaxis=axis("truths inside, %", range=[bottom, 102]),
    )  # fmt: skip
    layout["annotations"] = end_labels(ends, bottom, 102)
    layout["margin"] |= {"r": 110}
    rows = [
        Row(str(h), [f"{one['y'][h - 1]:.0f} %" if one["y"][h - 1] is not None else "-" for one in data[1::2]])
        for h in steps
    ]
    most, which = max(off)
    return Figure(
        "coverage",
        "Coverage by step ahead",
        f"The share of truths inside is farthest from what was promised in the {which}: {most:.0f} points at one step.",
        "Dotted: the share that each interval promises. Below it the interval is too narrow at that step, above it too "
        "wide. One step has few truths: only what many steps agree on says something.",
        data,
        layout,
        [Key(end[2].name, BLUE) for end in ends] + [Key("promised", "var(--ink)", "thin")],
        labelled=True,
        numbers=table(["Step", *(end[2].name for end in ends)], rows, "Coverage by step ahead"),
    )


def _bins(scores: Scores) -> Figure:
    """Truths in each bin between two quantiles, against what they should hold: a coarse PIT histogram."""
    edges = [0.0, *(float(q) for q in scores.quantiles), 1.0]
    wanted = 100 * np.diff(edges)
    held = 100 * _fallen(scores)
    names = [
        f"< {100 * edges[1]:g}",
        *(f"{100 * low:g}–{100 * high:g}" for low, high in pairwise(edges[1:-1])),
        f"> {100 * edges[-2]:g}",
    ]
    bars = {
        "type": "bar", "x": names, "y": numbers(held), "name": "observed", "width": 0.5,
        "marker": {"color": tint(BLUE, 0.75)},
        "hovertemplate": "%{y:.1f} %",
    }  # fmt: skip
    marks = {
        "type": "bar", "x": names, "y": numbers(wanted), "name": "promised", "width": 0.8,
        "marker": {"color": "rgba(0,0,0,0)", "line": {"color": INK, "width": 1.5}},
        "hovertemplate": "%{y:.1f} %",
    }  # fmt: skip
    layout = frame(
        280, barmode="overlay", xaxis=axis("between which quantiles, %", showgrid=False, type="category", nticks=0),
        yaxis=axis("share of truths, %", rangemode="tozero"),
    )  # fmt: skip
    worst = int(np.argmax(np.abs(held - wanted)))
    outside = held[0] + held[-1]
    rows = [Row(name, [f"{h:.1f} %", f"{w:.1f} %"]) for name, h, w in zip(names, held, wanted, strict=True)]
    return Figure(
        "bins",
        "Where the truths fell",
        f"{outside:.1f} % of the truths lie outside all quantiles; {wanted[0] + wanted[-1]:.1f} % should. The bin "
        f"{names[worst]} differs most: {held[worst]:.1f} % instead of {wanted[worst]:.1f} %.",
        "Bars that fill their frames: the forecast distribution is right. Too much in the outer bins: too narrow; too "
        "much on one side: biased.",
        [bars, marks],
        layout,
        [Key("observed", tint(BLUE, 0.75), "band"), Key("promised", "var(--ink)", "box")],
        numbers=table(["bin", "observed", "promised"], rows, "Truths between quantiles"),
    )


# ---------------------------------------------------------------- inside


def _below(scores: Scores, name: str) -> np.ndarray:
    """(Q,) share of truths at or below each quantile; empty where a method has none."""
    forecasts = scores.quantile_forecasts.get(name)
    if forecasts is None:
        return np.empty(0)
    known_BHC = np.isfinite(scores.scored_BHC)
    below_BHCQ = scores.scored_BHC[..., None] <= forecasts
    return np.asarray(below_BHCQ[known_BHC].mean(axis=0)) if known_BHC.any() else np.full(len(scores.quantiles), np.nan)


def _fallen(scores: Scores) -> np.ndarray:
    """(Q + 1,) share of truths in each bin between neighbouring quantiles."""
    known_BHC = np.isfinite(scores.scored_BHC)
    quantile_PQ = scores.quantile_forecasts[scores.model][known_BHC]
    place_P = (scores.scored_BHC[known_BHC][:, None] > quantile_PQ).sum(axis=1)
    count = np.bincount(place_P, minlength=len(scores.quantiles) + 1)
    return np.asarray(count / max(count.sum(), 1))


def _coverage_words(scores: Scores) -> str:
    row = scores.table[scores.model]
    said = [
        f"the {level_key(level)} % interval held {100 * row[f'coverage_{level_key(level)}']:.0f} %"
        for level in scores.levels
    ]
    words = f"Of the truths, {' and '.join(said)}."
    return words if np.isfinite(row[f"coverage_{level_key(scores.levels[0])}"]) else "No truth is known."


def _nominal(steps: list[int], level: float) -> dict[str, Any]:
    style = {"line": {"color": INK, "width": 1, "dash": "dot"}, "hoverinfo": "skip"}
    return line([steps[0], steps[-1]], [100 * level, 100 * level], "nominal", INK, 1, **style)
