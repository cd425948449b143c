"""The inner origins: what trials are scored on, and what they may be trained on.

data      ───────────────── search ──────────────────────┤o1··o2··o3·|    outer origins: nobody looks
fold 1    ───── train ─────┤ o  o  o  o                  │
fold 2    ────────── train ────────────┤ o  o  o  o      │                 scored first: it is nearest to what comes
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gatecast.backtesting.folds import Fold, make_folds, training_panel
from gatecast.data.panel import Panel
from gatecast.errors import WindowError
from gatecast.evaluation.scales import mase_scale
from gatecast.statistical.naive import baseline_forecasts
from gatecast.windows.index import last_origins

__all__ = ["Inner", "cut_outer", "inner_origins", "naive_scores", "outer_stride"]

FOLDS = 3
ORIGINS = 4  # per fold: more of them make a score less a matter of luck, and cost no training
OUTER_SHARE, INNER_SHARE = 4, 3  # the fourth part at most of a typical series, and the third part of what is left


@dataclass(frozen=True, eq=False)
class Inner:
    """Rolling origins inside the search panel.

    Args:
        panel: what the search may see, of the series that are long enough.
        origin_NO: (N, O) origin rows.
        folds: one training each, newest first.
        horizon: steps H.
        season: m of MASE.
    """

    panel: Panel
    origin_NO: np.ndarray
    folds: tuple[Fold, ...]
    horizon: int
    season: int

    @cached_property
    def train(self) -> dict[int, Panel]:
        """Number of the fold -> what may be trained on: views, made once."""
        return {f.number: training_panel(self.panel, self.origin_NO, f, "expanding") for f in self.folds}

    def windows(self, fold: Fold) -> tuple[np.ndarray, np.ndarray]:
        """(B,) series and (B,) origin rows of a fold's windows."""
        origin_NK = self.origin_NO[:, fold.origins]
        return np.repeat(np.arange(len(self.panel)), origin_NK.shape[1]), origin_NK.ravel()

    def score(self, fold: Fold, point_BHC: np.ndarray) -> float:
        """MASE of point forecasts of a fold's windows; the mean absolute error where no series has a MASE."""
        series_B, origin_B = self.windows(fold)
        truth_BHC = self.panel.target_RC[origin_B[:, None] + np.arange(1, self.horizon + 1)].astype(np.float64)
        missing_BHC = np.isnan(truth_BHC)
        error_BHC = np.where(missing_BHC, 0.0, np.abs(point_BHC - truth_BHC))
        known_BC = (~missing_BHC).sum(axis=1)
        scale_BC = self._scale_NC[series_B]
        use_BC = (known_BC > 0) & np.isfinite(scale_BC)
        if not use_BC.any():
            return float("nan")
        error_BC = error_BHC.sum(axis=1)[use_BC] / known_BC[use_BC]
        return float((error_BC / scale_BC[use_BC]).mean())

    @property
    def metric(self) -> str:
        """What the score is: "MASE" or "MAE"."""
        return "MASE" if self._has_scale else "MAE"

    @cached_property
    def _raw_scale_NC(self) -> np.ndarray:
        panel = self.panel
        known_N = self.origin_NO[:, 0] + 1 - panel.first
        scale_NC = mase_scale(panel.target_RC, panel.first, known_N, self.season)
        return np.where(scale_NC > 0, scale_NC, np.nan)

    @property
    def _has_scale(self) -> bool:
        return bool(np.isfinite(self._raw_scale_NC).any())

    @cached_property
    def _scale_NC(self) -> np.ndarray:
        return self._raw_scale_NC if self._has_scale else np.ones_like(self._raw_scale_NC)


def outer_stride(panel: Panel, horizon: int, origins: int) -> int:
    """Steps between two outer origins: the horizon, or less where they would take more than a quarter of a series."""
    room = int(np.median(panel.length)) // OUTER_SHARE - horizon
    return int(np.clip(room // max(origins - 1, 1), 1, horizon))


def cut_outer(panel: Panel, horizon: int, origins: int, stride: int) -> tuple[Panel, Panel]:
    """(what lies before the first outer origin, that origin's step included; the whole) of the series long enough.

    Raises:
        WindowError: no series is.
    """
    held = horizon + (origins - 1) * stride
    whole = panel.drop_short(held + 2)
    if not len(whole):
        raise WindowError(
            f"no series has more than {held + 1} steps, which {origins} origins of {horizon} steps, {stride} apart, "
            f"need. Use fewer origins, a smaller stride or a shorter horizon."
        )
    return whole.slice(0, whole.length - held), whole


def inner_origins(search: Panel, horizon: int, season: int) -> Inner:
    """Twelve origins in three folds, as far apart as the data allow; fewer where they allow no more.

    Raises:
        WindowError: what lies before the outer origins is too short to be cut again.
    """
    spare = int(np.median(search.length)) // INNER_SHARE - horizon
    folds = FOLDS if spare >= FOLDS - 1 else 1
    each = int(np.clip((spare + 1) // folds, 1, ORIGINS))
    count = folds * each
    stride = int(np.clip(spare // max(count - 1, 1), 1, horizon))
    held = horizon + (count - 1) * stride
    panel = search.drop_short(held + horizon + 2)
    if not len(panel):
        raise WindowError(
            f"no series has {held + horizon + 2} steps before the first held-out origin, which the search needs: it "
            f"trains and scores there. Use fewer origins, a smaller stride or a shorter horizon."
        )
    origin_NO = last_origins(panel, horizon, count, stride)
    return Inner(panel, origin_NO, tuple(reversed(make_folds(count, each))), horizon, season)


def naive_scores(inner: Inner) -> dict[str, float]:
    """Score of each naive forecast that needs no covariate, mean over the folds."""
    panel, sums = inner.panel, dict[str, float]()
    for fold in inner.folds:
        series_B, origin_B = inner.windows(fold)
        made = baseline_forecasts(panel.target_RC, panel.first[series_B], origin_B, inner.horizon, inner.season)
        for name, point_BHC in made.items():
            sums[name] = sums.get(name, 0.0) + inner.score(fold, point_BHC) / len(inner.folds)
    return sums
