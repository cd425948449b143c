"""What forecasts together: experts with their weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.quantiles import middle
from gatecast.engines.executor import Executor, Serial
from gatecast.ensemble.expert import Expert
from gatecast.ensemble.guard import Pull, pull
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.errors import ConfigError

__all__ = ["Blend", "Blended", "SeriesWeights", "past_of"]


@dataclass(frozen=True)
class SeriesWeights:
    """Weights of single series in place of the common ones.

    Args:
        ids: the N series.
        weight_NE: (N, E) weights of the experts; each row adds up to 1.
    """

    ids: tuple[str, ...]
    weight_NE: np.ndarray

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: n for n, name in enumerate(self.ids)}

    def of(self, ids: Iterable[str], otherwise_E: np.ndarray) -> np.ndarray:
        """(M, E) weights of some series; the common ones for those that are not known."""
        place_M = np.array([self._places.get(name, -1) for name in ids], np.int64)
        result: np.ndarray = np.where(place_M[:, None] >= 0, self.weight_NE[place_M], otherwise_E)
        return result


@dataclass(frozen=True)
class Blended:
    """What a blend forecasts.

    Args:
        values_BHCQ: quantiles in the data's own unit.
        factor_BHC: what experts with the median alone moved them by: a factor,
        offset_BHC: and an offset.
        pulls: what brought each of those whose quantiles are averaged back to the guard; None = nothing did.
    """

    values_BHCQ: np.ndarray
    factor_BHC: np.ndarray
    offset_BHC: np.ndarray
    pulls: tuple[Pull | None, ...]

    @property
    def guarded_B(self) -> np.ndarray:
        """(B,) whether any expert was pulled back."""
        astray = (one.astray_BC.any(axis=1) for one in self.pulls if one is not None)
        return np.logical_or.reduce([np.zeros(len(self.values_BHCQ), np.bool_), *astray])


@dataclass(frozen=True)
class Blend:
    """The weighted mean of some experts.

    The quantiles are the mean of those experts that give quantiles. An expert that gives the median alone moves the
    median of that mean by its weight, and the other quantiles with it.

    Args:
        experts: E of them, those with quantiles first, the heaviest of these at the very first.
        weights: of each; they add up to 1.
        errors: (what, relative validation error) of every candidate, of the smoothing and of the blend.
        own: weights that single series have in place of the common ones; None = none has.
        interrupted: a stop ended the training.
    """

    experts: tuple[Expert, ...]
    weights: tuple[float, ...] = (1.0,)
    errors: tuple[tuple[str, float], ...] = ()
    own: SeriesWeights | None = None
    interrupted: bool = False

    @property
    def trained(self) -> tuple[TrainedCandidate, ...]:
        """The trained candidates among the experts, the heaviest first."""
        return tuple(expert for expert in self.experts if isinstance(expert, TrainedCandidate))

    @property
    def untrained(self) -> bool:
        """No expert was trained on the data."""
        return not self.trained

    @property
    def main(self) -> TrainedCandidate:
        """The trained candidate with the largest weight. Raises ConfigError where nothing was trained."""
        if self.untrained:
            raise ConfigError("nothing was trained on these data, so there is no plan, network or history.")
        return self.trained[0]

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantile levels of the forecasts."""
        return self.experts[0].quantiles

    def each(self, change: Callable[[TrainedCandidate], TrainedCandidate], executor: Executor | None = None) -> Blend:
        """The blend with every trained candidate replaced by what ``change`` makes of it; serially by default."""
        changed = iter((executor or Serial()).map(change, self.trained))
        experts = (next(changed) if isinstance(one, TrainedCandidate) else one for one in self.experts)
        return replace(self, experts=tuple(experts))

    def described(self) -> list[tuple[float, str]]:
        """Weight and description of every expert; a trained candidate is described by its whole plan."""
        names = (e.plan.describe() if isinstance(e, TrainedCandidate) else e.describe() for e in self.experts)
        return list(zip(self.weights, names, strict=True))

    def facts(self) -> dict[str, Any]:
        """The experts, their weights and what validation said, as plain data."""
        return {
            "experts": [{"weight": weight, "name": name} for weight, name in self.described()],
            "errors": [list(pair) for pair in self.errors],
            "own_weights": self.own_weights,
        }

    @property
    def own_weights(self) -> int:
        """Series that have weights of their own."""
        return 0 if self.own is None else len(self.own.ids)

    @property
    def history_needed(self) -> int | None:
        """Steps of history that a forecast reads; None = all of it."""
        needs = [expert.history_needed for expert in self.experts]
        return None if None in needs else max(need for need in needs if need is not None)

    def forecast(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> np.ndarray:
        """Quantiles (B, H, C, Q) after the origin rows, in the data's own unit; see ``Expert.forecast``."""
        return self.blended(panel, series_B, origin_B, known_N).values_BHCQ

    def blended(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> Blended:
        """The same, and how it came about."""
        return self._blended(self._weights(panel, series_B), panel, series_B, origin_B, known_N)

    def paths(
        self,
        panel: Panel,
        series_B: np.ndarray,
        origin_B: np.ndarray,
        known_N: np.ndarray,
        noise_BSHC: np.ndarray,
        joint_HH: np.ndarray,
    ) -> np.ndarray:
        """Sample paths (B, S, H, C) that have the quantiles of ``forecast``; of experts that go all steps at once.

        Args:
            panel: as in ``forecast``.
            series_B: series of each forecast.
            origin_B: row of each origin.
            known_N: as in ``forecast``.
            noise_BSHC: independent standard normal numbers.
            joint_HH: correlation of the normal scores over the steps.
        """
        weight_BE, means, guard = self._weights(panel, series_B), self._means, self._guard(panel)
        drawn = (self.experts[e].paths(panel, series_B, origin_B, known_N, noise_BSHC, joint_HH) for e in means)
        if guard is None and not self._movers:
            return _mean(weight_BE[:, means], _said(drawn))
        blended = self._blended(weight_BE, panel, series_B, origin_B, known_N)
        pulled = (
            paths if one is None else one.paths(paths) for one, paths in zip(blended.pulls, _said(drawn), strict=True)
        )
        values_BSHC = _mean(weight_BE[:, means], pulled)
        if not self._movers:
            return values_BSHC
        moved_BSHC = values_BSHC * blended.factor_BHC[:, None] + blended.offset_BHC[:, None]
        return moved_BSHC.astype(values_BSHC.dtype)

    @property
    def _movers(self) -> list[int]:
        """Places of the experts that give the median alone."""
        return [e for e, expert in enumerate(self.experts) if expert.median_only]

    @property
    def _means(self) -> list[int]:
        """Places of the experts whose quantiles are averaged."""
        return [e for e, expert in enumerate(self.experts) if not expert.median_only]

    def _guard(self, panel: Panel) -> int | None:
        """Place among ``_means`` of the expert that the trained ones are compared with: one with intervals, untrained.

        None where there is none, or nothing but it; nor where covariates change with time: networks read them, and know
        of a holiday that the guard cannot see.
        """
        if panel.schema.past or panel.schema.future:
            return None
        places = [k for k, e in enumerate(self._means) if not isinstance(self.experts[e], TrainedCandidate)]
        return places[0] if places and len(self._means) > 1 else None

    def _weights(self, panel: Panel, series_B: np.ndarray) -> np.ndarray:
        """(B, E) weights of the experts."""
        common_E = np.array(self.weights)
        if self.own is None:
            return np.broadcast_to(common_E, (len(series_B), len(common_E)))
        used, back_B = np.unique(series_B, return_inverse=True)
        return self.own.of((panel.ids[n] for n in used), common_E)[back_B]

    def _blended(
        self, weight_BE: np.ndarray, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray
    ) -> Blended:
        means, movers, guard = self._means, self._movers, self._guard(panel)
        values = list(_said(self.experts[e].forecast(panel, series_B, origin_B, known_N) for e in means))
        pulls = self._pulls(values, guard)
        pulled = (array if one is None else one.quantiles(array) for one, array in zip(pulls, values, strict=True))
        values_BHCQ = _mean(weight_BE[:, means], pulled)
        median_BHC = values_BHCQ[..., middle(self.levels)].astype(np.float64)
        factor_BHC, offset_BHC = np.ones_like(median_BHC), np.zeros_like(median_BHC)
        if not movers:
            return Blended(values_BHCQ, factor_BHC, offset_BHC, pulls)
        wanted_BHC = median_BHC.copy()
        for e in movers:
            moved_BHC = self.experts[e].forecast(panel, series_B, origin_B, known_N)[..., 0]
            moved_BHC = np.where(np.isfinite(moved_BHC), moved_BHC, median_BHC)
            wanted_BHC += weight_BE[:, e, None, None] * (moved_BHC - median_BHC)
        positive_BHC = (values_BHCQ > 0).all(axis=-1) & (wanted_BHC > 0)  # stays so: by a factor
        factor_BHC = np.where(positive_BHC, wanted_BHC / np.where(positive_BHC, median_BHC, 1), 1)
        offset_BHC = np.where(positive_BHC, 0, wanted_BHC - median_BHC)
        moved_BHCQ = values_BHCQ * factor_BHC[..., None] + offset_BHC[..., None]
        return Blended(moved_BHCQ.astype(values_BHCQ.dtype), factor_BHC, offset_BHC, pulls)

    def _pulls(self, values: list[np.ndarray], guard: int | None) -> tuple[Pull | None, ...]:
        """What brings those with quantiles back to the guard, see ``guard``."""
        if guard is None:
            return (None,) * len(values)
        return tuple(None if k == guard else pull(one, values[guard], self.levels) for k, one in enumerate(values))


def _said(values: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """What each expert says; where one cannot say anything, what the first one does."""
    first: np.ndarray | None = None
    for array in values:
        first = array if first is None else first
        yield array if array is first or np.isfinite(array).all() else np.where(np.isnan(array), first, array)


def _mean(weight_BE: np.ndarray, values: Iterable[np.ndarray]) -> np.ndarray:
    """Of one array (B, ...) per expert, by their weights among themselves; all alike where they have none."""
    if weight_BE.shape[1] == 1:
        return next(iter(values))
    whole_B1 = weight_BE.sum(axis=1, keepdims=True)
    weight_BE = np.where(whole_B1 > 0, weight_BE / np.where(whole_B1 > 0, whole_B1, 1), 1 / weight_BE.shape[1])
    total: np.ndarray | None = None
    for weight_B, array in zip(weight_BE.T.astype(np.float32), values, strict=True):
        weighted = array * weight_B.reshape(-1, *(1,) * (array.ndim - 1))
        total = weighted if total is None else np.add(total, weighted, out=total)
    assert total is not None
    return total


def past_of(panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> tuple[Panel, np.ndarray]:
    """The panel without what lies after each series' latest origin, and the steps (N,) up to its earliest one.

    A series without an origin stays whole.
    """
    until_N, known_N = np.zeros(len(panel), np.int64), panel.stop.copy()
    np.maximum.at(until_N, series_B, origin_B + 1 - panel.first[series_B])
    np.minimum.at(known_N, series_B, origin_B + 1)
    return panel.slice(0, np.where(until_N > 0, until_N, panel.length)), known_N - panel.first
