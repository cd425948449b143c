"""What experts erred on ends of the data that they had not seen: the evidence for the weights of a blend.

    fold 1   train ─────────────────────────┤ fold ├      of all data
    fold 2   train ─────────────────┤ fold ├              small data only: what fold 1 was cut from,
    fold 3   train ─────────┤ fold ├                      and again

Shapes: K experts, the candidates first and the untrained one last; B windows, H steps, C targets, N series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatecast.data.panel import Panel
from gatecast.engines.executor import Executor, Serial
from gatecast.ensemble.expert import Expert
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.planning.defaults import DEFAULTS
from gatecast.planning.plan import Plan
from gatecast.planning.probe import window_weights
from gatecast.windows.index import WindowIndex

__all__ = ["Fold", "FoldErrors", "before_fold", "fold_errors", "joined"]


@dataclass(frozen=True)
class FoldErrors:
    """Errors of all experts on one or several validation folds.

    Args:
        error_KBHC: forecast minus truth; nan = unknown truth.
        weight_B: what an error in each window counts; they are means over all windows.
        series_B: series of each window.
        span_N: spans of one horizon that the folds of each series hold.
    """

    error_KBHC: np.ndarray
    weight_B: np.ndarray
    series_B: np.ndarray
    span_N: np.ndarray


@dataclass(frozen=True)
class Fold:
    """All candidates, trained on what comes before the validation fold of a panel.

    Args:
        trained: in the order of the candidates.
        panel: with the fold at its end.
        errors: theirs on the fold.
    """

    trained: Sequence[TrainedCandidate]
    panel: Panel
    errors: FoldErrors

    def of(self, wanted: Plan) -> TrainedCandidate:
        """What was trained of one candidate."""
        return next(one for one in self.trained if one.plan is wanted)


def before_fold(panel: Panel, plan: Plan) -> Panel:
    """What the trainings that the fold validates have seen."""
    return panel.slice(0, plan.cut(panel))


def fold_errors(
    trained: Sequence[TrainedCandidate],
    untrained: Expert | None,
    panel: Panel,
    windows: int = DEFAULTS.samples.check,
    executor: Executor | None = None,
) -> FoldErrors | None:
    """The errors on the end of a panel, of what was trained on all before it; None without windows.

    Where the untrained expert, if there is one, cannot say anything it counts as the first candidate.
    """
    plan = trained[0].plan
    horizon = plan.framing.horizon
    cut_N = plan.cut(panel)
    series_B, origin_B = _known_windows(panel, plan.spans.tail_windows(panel, cut_N), horizon, windows)
    if not len(series_B):
        return None
    experts: list[Expert] = [*trained, *([] if untrained is None else [untrained])]
    forecasts = (executor or Serial()).map(lambda one: one.median(panel, series_B, origin_B), experts)
    if untrained is not None:
        other_BHC = forecasts.pop()
        forecasts.append(np.where(np.isfinite(other_BHC), other_BHC, forecasts[0]))
    error_KBHC = np.stack(forecasts) - _truth(panel, origin_B, horizon).astype(np.float64)
    weight_B = window_weights(panel, series_B) / len(series_B)
    return FoldErrors(error_KBHC, weight_B, series_B, (panel.length - cut_N) / horizon)


def joined(folds: Sequence[FoldErrors]) -> FoldErrors:
    """All windows of some folds of the same series, each window as heavy as any other."""
    counts = np.array([len(fold.series_B) for fold in folds])
    return FoldErrors(
        np.concatenate([fold.error_KBHC for fold in folds], axis=1),
        np.concatenate([fold.weight_B * share for fold, share in zip(folds, counts / counts.sum(), strict=True)]),
        np.concatenate([fold.series_B for fold in folds]),
        np.sum([fold.span_N for fold in folds], axis=0),
    )


def _known_windows(panel: Panel, index: WindowIndex, horizon: int, windows: int) -> tuple[np.ndarray, np.ndarray]:
    """Series and origins (B,) of evenly spread windows with a known truth at least."""
    series_B, origin_B = index.spread(windows)
    known_B = np.isfinite(_truth(panel, origin_B, horizon)).any(axis=(1, 2))
    return series_B[known_B], origin_B[known_B]


def _truth(panel: Panel, origin_B: np.ndarray, horizon: int) -> np.ndarray:
    truth_BHC: np.ndarray = panel.target_RC[origin_B[:, None] + np.arange(1, horizon + 1)]
    return truth_BHC
