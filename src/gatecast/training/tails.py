"""What the candidates of a blend erred on ends of the data that they had not seen: the evidence for its weights.

    tail 1   train ─────────────────────────┤ tail ├      of all data
    tail 2   train ─────────────────┤ tail ├              small data only: what tail 1 was cut from,
    tail 3   train ─────────┤ tail ├                      and again

Shapes: K candidates, the structures first and the exponential smoothing last; B windows, H steps, C targets, N series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.windows import WindowIndex
from gatecast.evaluation.exponential import exponential_smoothing
from gatecast.selection.choose import Plan
from gatecast.selection.probe import SMALL, window_weights
from gatecast.training.ensemble import Ensemble

__all__ = ["Candidate", "Judged", "Tail", "before_tail", "joined", "measured", "smoothed", "tails_of"]

WINDOWS = 2048
MOST_TAILS = 3  # a single one may lie in a part of the year that is like no other
Candidate = tuple[Plan, Ensemble]


@dataclass(frozen=True)
class Tail:
    """Errors of all candidates on one or several tails.

    Args:
        error_KBHC: forecast minus truth; nan = unknown truth.
        weight_B: what an error in each window counts; they are means over all windows.
        series_B: series of each window.
        span_N: spans of one horizon that the tails of each series hold.
    """

    error_KBHC: np.ndarray
    weight_B: np.ndarray
    series_B: np.ndarray
    span_N: np.ndarray


@dataclass(frozen=True)
class Judged:
    """All structures, trained without the tail of a panel.

    Args:
        candidates: in the order of the structures.
        panel: with its tail.
        tail: their errors there.
    """

    candidates: Sequence[Candidate]
    panel: Panel
    tail: Tail

    def of(self, wanted: Plan) -> Ensemble:
        """What was trained of one structure."""
        return next(ensemble for plan, ensemble in self.candidates if plan is wanted)


def tails_of(panel: Panel) -> int:
    """How many tails are looked at: several where one holds little and a training takes no time."""
    return MOST_TAILS if panel.total < SMALL else 1


def before_tail(panel: Panel, plan: Plan) -> Panel:
    """What the trainings that the tail judges have seen."""
    return panel.slice(0, plan.cut(panel))


def measured(candidates: Sequence[Candidate], panel: Panel) -> Tail | None:
    """The errors on the tail of a panel, of networks that were trained on what comes before; None without windows."""
    plan = candidates[0][0]
    horizon = plan.framing.horizon
    cut_N = plan.cut(panel)
    series_B, origin_B = _known_windows(panel, plan.spans.tail_windows(panel, cut_N), horizon)
    if not len(series_B):
        return None
    forecasts = [_median(candidate, panel, series_B, origin_B) for candidate in candidates]
    forecasts.append(smoothed(plan, panel, series_B, origin_B, forecasts[0]))
    error_KBHC = np.stack(forecasts) - _truth(panel, origin_B, horizon).astype(np.float64)
    weight_B = window_weights(panel, series_B) / len(series_B)
    return Tail(error_KBHC, weight_B, series_B, (panel.length - cut_N) / horizon)


def joined(tails: Sequence[Tail]) -> Tail:
    """All windows of some tails of the same series, each window as heavy as any other."""
    counts = np.array([len(tail.series_B) for tail in tails])
    return Tail(
        np.concatenate([tail.error_KBHC for tail in tails], axis=1),
        np.concatenate([tail.weight_B * share for tail, share in zip(tails, counts / counts.sum(), strict=True)]),
        np.concatenate([tail.series_B for tail in tails]),
        np.sum([tail.span_N for tail in tails], axis=0),
    )


def smoothed(
    plan: Plan, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, instead_BHC: np.ndarray
) -> np.ndarray:
    """(B, H, C) the exponential smoothing; where a target has no value up to the origin, what is given instead."""
    first_B, horizon = panel.first[series_B], plan.framing.horizon
    smooth_BHC = exponential_smoothing(panel.target_RC, first_B, origin_B, horizon, plan.season)
    result: np.ndarray = np.where(np.isfinite(smooth_BHC), smooth_BHC, instead_BHC)
    return result


def _known_windows(panel: Panel, index: WindowIndex, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Series and origins (B,) of evenly spread windows with a known truth at least."""
    series_B, origin_B = index.spread(WINDOWS)
    known_B = np.isfinite(_truth(panel, origin_B, horizon)).any(axis=(1, 2))
    return series_B[known_B], origin_B[known_B]


def _truth(panel: Panel, origin_B: np.ndarray, horizon: int) -> np.ndarray:
    truth_BHC: np.ndarray = panel.target_RC[origin_B[:, None] + np.arange(1, horizon + 1)]
    return truth_BHC


def _median(candidate: Candidate, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
    """(B, H, C) point forecasts in the data's own unit."""
    plan, ensemble = candidate
    values_BHCQ = ensemble.predictor.forecast(ensemble.reader(plan, panel), series_B, origin_B)
    middle = ensemble.calibration.middle
    return values_BHCQ[..., min(middle, values_BHCQ.shape[-1] - 1)].astype(np.float64)
