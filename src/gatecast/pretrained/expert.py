"""The pretrained gate as an expert: it forecasts at once, without any training on the data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np

from gatecast.data.panel import Panel
from gatecast.ensemble.blend import Blend
from gatecast.ensemble.blending import Untrained
from gatecast.ensemble.expert import smoothing_beside
from gatecast.ensemble.sampling import interpolated, joined_quantiles
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.evaluation.blended import GATE
from gatecast.pretrained.bank import EXPERTS, Seasons, history_for
from gatecast.pretrained.gate import LEVELS, MIDDLE
from gatecast.pretrained.weights import NEWEST, gate_named, is_there
from gatecast.pretrained.zero_shot import forecasts

__all__ = ["PretrainedExpert", "at_levels", "gate_beside", "gate_in", "leading", "mean_shares", "untrained_beside"]

_NORMAL = NormalDist()
SERIES_SHOWN = 100


@dataclass(frozen=True)
class PretrainedExpert:
    """A gate over simple forecasts that was trained on made-up series.

    Args:
        horizon: steps H.
        periods: seasonal periods in steps, in any order; () = none.
        quantiles: levels to give out.
        weights: name of the weights in this package.
    """

    horizon: int
    periods: tuple[int, ...]
    quantiles: tuple[float, ...]
    weights: str = NEWEST

    median_only = False

    @property
    def season(self) -> int:
        """The main seasonal period; 1 = none."""
        return self.seasons.short

    @property
    def seasons(self) -> Seasons:
        """The periods that the bank works with."""
        return Seasons.of(self.periods)

    @property
    def history_needed(self) -> int:
        """Steps of history that a forecast reads."""
        return history_for(self.seasons)

    def describe(self) -> str:
        """What the screens call it."""
        return GATE

    def median(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """(B, H, C) the medians, float64. See ``Expert.median``."""
        by_target = self._asked(panel, series_B, origin_B)
        return np.stack([values_BHQ[..., MIDDLE] for values_BHQ, _ in by_target], axis=2)

    def forecast(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> np.ndarray:
        """Quantiles (B, H, C, Q); nan where a target has no value up to the origin. See ``Expert.forecast``."""
        by_target = self._asked(panel, series_B, origin_B)
        values_BHCQ = np.stack([at_levels(values_BHQ, self.quantiles) for values_BHQ, _ in by_target], axis=2)
        return values_BHCQ.astype(panel.values_RV.dtype)

    def paths(
        self,
        panel: Panel,
        series_B: np.ndarray,
        origin_B: np.ndarray,
        known_N: np.ndarray,
        noise_BSHC: np.ndarray,
        joint_HH: np.ndarray,
    ) -> np.ndarray:
        """(B, S, H, C) its quantiles, joined by a Gaussian copula. See ``Expert.paths``."""
        values_BHCQ = self.forecast(panel, series_B, origin_B, known_N)
        return joined_quantiles(values_BHCQ, self.quantiles, noise_BSHC, joint_HH)

    def shares(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """(B, H, C, K) weights of the simple forecasts, ``EXPERTS`` by name; 1 in all at each step."""
        return np.stack([share_BHK for _, share_BHK in self._asked(panel, series_B, origin_B)], axis=2)

    def _asked(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each target the quantiles (B, H, Q) at ``LEVELS`` and the weights (B, H, K)."""
        gate, first_B = gate_named(self.weights), panel.first[series_B]
        given = first_B, origin_B + 1 - first_B, self.horizon, self.seasons
        return [forecasts(gate, values_R, *given) for values_R in panel.target_RC.T]


def gate_beside(periods: tuple[int, ...], trained: TrainedCandidate, weights: str = NEWEST) -> PretrainedExpert:
    """The gate that goes with a candidate: the same horizon and levels."""
    return PretrainedExpert(trained.plan.framing.horizon, periods, trained.calibration.quantiles, weights)


def untrained_beside(periods: tuple[int, ...], wanted: bool = True) -> Untrained:
    """Makes the expert beside trained ones: the gate, or a smoothing where there is none or it is not wanted."""
    return partial(gate_beside, periods) if wanted and is_there() else smoothing_beside


def gate_in(blend: Blend) -> PretrainedExpert | None:
    """The gate among the experts of a blend; None where it takes no part."""
    return next((expert for expert in blend.experts if isinstance(expert, PretrainedExpert)), None)


def mean_shares(expert: PretrainedExpert, panel: Panel) -> np.ndarray:
    """(K,) weights of the simple forecasts at the end of a panel, on average over steps, targets and some series."""
    some = np.unique(np.linspace(0, len(panel) - 1, min(len(panel), SERIES_SHOWN)).astype(np.int64))
    mean_K: np.ndarray = expert.shares(panel, some, panel.stop[some] - 1).mean(axis=(0, 1, 2), dtype=np.float64)
    return mean_K


def at_levels(values_BHQ: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """(B, H, len(levels)) quantiles at other levels than ``LEVELS``: on straight lines over the normal score.

    Beyond the outermost levels the line through the last two goes on, as a normal distribution's does.
    """
    if levels == LEVELS:
        return values_BHQ
    score_Q, score_W = (np.array([_NORMAL.inv_cdf(level) for level in some]) for some in (LEVELS, levels))
    return interpolated(np.broadcast_to(score_W, (*values_BHQ.shape[:-1], len(levels))), score_Q, values_BHQ)


def leading(share_K: np.ndarray, most: int = 3) -> str:
    """The heaviest simple forecasts in words: "0.41 damped trend, 0.22 seasonal naive, ...".

    >>> leading(np.eye(len(EXPERTS))[6])
    '1.00 last value'
    """
    order = [k for k in np.argsort(-share_K, kind="stable")[:most] if share_K[k] >= 0.005]
    return ", ".join(f"{share_K[k]:.2f} {EXPERTS[k]}" for k in order)
