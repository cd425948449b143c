"""Several structures and an exponential smoothing, blended as suits the validation tail.

1  every structure trains on ──────────────────┤ tail ├    errors there (on several tails of small data, see
                                                           ``tails``) say which mean is best, see ``weights``
2  those that are in it train on ───────────────────────   see ``ensemble``
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from gatecast.data.batches import WindowReader
from gatecast.data.panel import Panel
from gatecast.prediction import Predictor
from gatecast.progress import Progress
from gatecast.sampling import joined_paths
from gatecast.selection.choose import Plan
from gatecast.training.copies import copied, insured, worth_trying
from gatecast.training.ensemble import Ensemble, Trainer, fit_ensemble, pooled, train_again
from gatecast.training.tails import Candidate, Judged, Tail, before_tail, joined, measured, smoothed, tails_of
from gatecast.training.weights import belief_in, mean_error, own_shares, shares, sharpness, twins_of

__all__ = ["Blend", "OwnShares", "Part", "fit_blend", "past_of", "trained_again"]


@dataclass(frozen=True)
class Part:
    """One structure of a blend: what was trained, and its weight."""

    plan: Plan
    ensemble: Ensemble
    weight: float = 1.0


@dataclass(frozen=True)
class OwnShares:
    """Weights of single series in place of the common ones.

    Args:
        ids: the N series.
        share_NK: (N, K) weights of the parts and, last, of the smoothing; each row adds up to 1.
    """

    ids: tuple[str, ...]
    share_NK: np.ndarray

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: n for n, name in enumerate(self.ids)}

    def of(self, ids: Iterable[str], otherwise_K: np.ndarray) -> np.ndarray:
        """(M, K) weights of some series; the common ones for those that are not known."""
        place_M = np.array([self._places.get(name, -1) for name in ids], np.int64)
        result: np.ndarray = np.where(place_M[:, None] >= 0, self.share_NK[place_M], otherwise_K)
        return result


@dataclass(frozen=True)
class Blend:
    """What forecasts together: the weights of the parts and of the exponential smoothing add up to 1.

    Args:
        parts: the structures, the heaviest first.
        smoothing: weight of the exponential smoothing.
        errors: (what, relative validation error) of every structure, of the smoothing and of the blend.
        own: weights that single series have in place of the common ones; None = none has.
        halted: Ctrl-C came while a structure was trained that is no part of it.
    """

    parts: tuple[Part, ...]
    smoothing: float = 0.0
    errors: tuple[tuple[str, float], ...] = ()
    own: OwnShares | None = None
    halted: bool = False

    @property
    def interrupted(self) -> bool:
        """Ctrl-C came during training."""
        return self.halted or any(part.ensemble.interrupted for part in self.parts)

    def each(self, change: Callable[[Part], Ensemble]) -> Blend:
        """The blend with every ensemble replaced by what ``change`` makes of its part."""
        return replace(self, parts=tuple(replace(part, ensemble=change(part)) for part in self.parts))

    @property
    def own_weights(self) -> int:
        """Series that have weights of their own."""
        return 0 if self.own is None else len(self.own.ids)

    @property
    def history_needed(self) -> int | None:
        """Steps of history that a forecast reads; None = all of it."""
        needs = [part.plan.history_needed for part in self.parts]
        return None if self.smoothing or None in needs else max(need for need in needs if need is not None)

    def forecast(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> np.ndarray:
        """Quantiles (B, H, C, Q) after the origin rows, in the data's own unit.

        Args:
            panel: what may be read: nothing after the last origin of a series but future covariates.
            series_B: series of each forecast.
            origin_B: row of each origin.
            known_N: steps of each series that statistics of its own may be taken from.
        """
        share_BK = self._shares(panel, series_B)
        values_BHCQ = self._quantiles(share_BK, panel, series_B, origin_B, known_N)
        if not self.smoothing:
            return values_BHCQ
        factor_BHC, offset_BHC = self._shift(values_BHCQ, share_BK[:, -1], panel, series_B, origin_B)
        return (values_BHCQ * factor_BHC[..., None] + offset_BHC[..., None]).astype(values_BHCQ.dtype)

    def paths(
        self,
        panel: Panel,
        series_B: np.ndarray,
        origin_B: np.ndarray,
        known_N: np.ndarray,
        noise_BSHC: np.ndarray,
        joint_HH: np.ndarray,
    ) -> np.ndarray:
        """Sample paths (B, S, H, C) that have the quantiles of ``forecast``; of direct structures.

        Args:
            panel: as in ``forecast``.
            series_B: series of each forecast.
            origin_B: row of each origin.
            known_N: as in ``forecast``.
            noise_BSHC: independent standard normal numbers.
            joint_HH: correlation of the normal scores over the steps.
        """
        share_BK = self._shares(panel, series_B)

        def drawn(predictor: Predictor, reader: WindowReader) -> np.ndarray:
            return joined_paths(predictor, reader, series_B, origin_B, noise_BSHC, joint_HH)

        values_BSHC = self._mean(share_BK, panel, known_N, drawn)
        if not self.smoothing:
            return values_BSHC
        quantiles_BHCQ = self._quantiles(share_BK, panel, series_B, origin_B, known_N)
        factor_BHC, offset_BHC = self._shift(quantiles_BHCQ, share_BK[:, -1], panel, series_B, origin_B)
        return (values_BSHC * factor_BHC[:, None] + offset_BHC[:, None]).astype(values_BSHC.dtype)

    def _shares(self, panel: Panel, series_B: np.ndarray) -> np.ndarray:
        """(B, K) weights of the parts and, last, of the smoothing."""
        common_K = np.array([*(part.weight for part in self.parts), self.smoothing])
        if self.own is None:
            return np.broadcast_to(common_K, (len(series_B), len(common_K)))
        used, back_B = np.unique(series_B, return_inverse=True)
        return self.own.of((panel.ids[n] for n in used), common_K)[back_B]

    def _quantiles(
        self, share_BK: np.ndarray, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray
    ) -> np.ndarray:
        """(B, H, C, Q) of the parts alone, without the smoothing."""
        return self._mean(
            share_BK, panel, known_N, lambda predictor, reader: predictor.forecast(reader, series_B, origin_B)
        )

    def _mean(
        self,
        share_BK: np.ndarray,
        panel: Panel,
        known_N: np.ndarray,
        forecast: Callable[[Predictor, WindowReader], np.ndarray],
    ) -> np.ndarray:
        """The weighted mean of what each part forecasts."""
        ensembles = ((part.plan, part.ensemble) for part in self.parts)
        return _mean(share_BK, (forecast(one.predictor, one.reader(plan, panel, known_N)) for plan, one in ensembles))

    def _shift(
        self,
        values_BHCQ: np.ndarray,
        smoothing_B: np.ndarray,
        panel: Panel,
        series_B: np.ndarray,
        origin_B: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """What moves the median towards the smoothing: factors where all is positive, so that it stays so; and offsets.

        (B, H, C) each.
        """
        main = self.parts[0]
        median_BHC = values_BHCQ[..., main.ensemble.calibration.middle].astype(np.float64)
        smooth_BHC = smoothed(main.plan, panel, series_B, origin_B, median_BHC)
        wanted_BHC = median_BHC + smoothing_B[:, None, None] * (smooth_BHC - median_BHC)
        positive_BHC = (values_BHCQ > 0).all(axis=-1) & (wanted_BHC > 0)
        factor_BHC = np.where(positive_BHC, wanted_BHC / np.where(positive_BHC, median_BHC, 1), 1)
        return factor_BHC, np.where(positive_BHC, 0, wanted_BHC - median_BHC)


def fit_blend(
    plans: Sequence[Plan],
    panel: Panel,
    validation: Panel | None,
    *,
    quantiles: tuple[float, ...],
    refit: bool,
    alone: bool = False,
    deadline: float = math.inf,
    progress: Progress | None = None,
) -> Blend:
    """Train several structures, and again on everything those that the validation tails want in the blend.

    Args:
        plans: the structures, the most promising first; they have one horizon.
        panel: the data, observed part only.
        validation: a panel of its own to validate on: then the first structure is trained alone.
        quantiles: levels to give out.
        refit: train once more on everything.
        alone: the first structure alone.
        deadline: ``time.monotonic()`` at which to stop.
        progress: the progress line.
    """
    quiet = progress or Progress(False)
    if alone or validation is not None:
        told: dict[str, Any] = {"quantiles": quantiles, "refit": refit, "deadline": deadline, "progress": quiet}
        return Blend((Part(plans[0], fit_ensemble(plans[0], panel, validation, **told)),))
    begun = time.monotonic()
    middle = begun + (deadline - begun) * (0.5 if refit else 1.0)
    tried = _tried(plans, panel, quantiles, middle, quiet)
    if not tried:  # nothing can be held back
        return Blend((Part(plans[0], Trainer(plans[0], quantiles, deadline, quiet).run(panel, None)),))
    chosen = _chosen(tried, panel, quantiles, middle, quiet)
    if not refit or chosen.halted:
        return chosen
    return _in_turn(
        chosen, deadline, lambda part, end: Trainer(part.plan, quantiles, end, quiet).repeat(panel, part.ensemble)
    )


def _tried(
    plans: Sequence[Plan], panel: Panel, quantiles: tuple[float, ...], deadline: float, progress: Progress
) -> list[Part]:
    """All structures trained on what comes before the tail, or as many as time and the user allow, but one at least.

    Empty where nothing can be held back.
    """
    tried: list[Part] = []
    for k, open_plan in enumerate(plans):
        if tried and (time.monotonic() > deadline or tried[-1].ensemble.interrupted):
            break
        plan = copied(open_plan, tried[0].plan.training.augment) if tried else open_plan
        train = _validating(panel, quantiles, _slot(deadline, len(plans) - k), progress)
        try:
            if (ensemble := train(plan)) is None:
                continue
            tried.append(Part(plan, ensemble))
            if len(tried) == 1 and not ensemble.interrupted and worth_trying(panel, plan):
                tried[0] = Part(*insured(plan, ensemble, train, panel))
        except KeyboardInterrupt:
            if not tried:
                raise
            tried[-1] = replace(tried[-1], ensemble=replace(tried[-1].ensemble, interrupted=True))
    return tried


def _validating(
    panel: Panel, quantiles: tuple[float, ...], deadline: float, progress: Progress
) -> Callable[[Plan], Ensemble | None]:
    """Trains a plan on what comes before the tail, until a deadline."""
    return lambda plan: Trainer(plan, quantiles, deadline, progress).validated(panel)


def _chosen(
    tried: list[Part], panel: Panel, quantiles: tuple[float, ...], deadline: float, progress: Progress
) -> Blend:
    """The blend that the tails speak for; small data have several, which tell its intervals too."""
    halted = tried[-1].ensemble.interrupted
    first = measured(candidates := [(part.plan, part.ensemble) for part in tried], panel)
    if first is None:
        return Blend((tried[0],), halted=halted)
    judged = [Judged(candidates, panel, first)]
    try:
        if not halted:
            judged.extend(_earlier(tried, panel, quantiles, deadline, progress))  # keeps those before a Ctrl-C
    except KeyboardInterrupt:
        halted = True
    blend = replace(_blended(tried, joined([one.tail for one in judged]), panel.ids), halted=halted)
    if len(judged) == 1:
        return blend
    return blend.each(lambda part: pooled(part.plan, [(one.of(part.plan), one.panel) for one in judged], quantiles))


def _earlier(
    tried: Sequence[Part], panel: Panel, quantiles: tuple[float, ...], deadline: float, progress: Progress
) -> Iterator[Judged]:
    """The same structures, trained on less and judged by what comes next; none that would not be trained to its end.

    Raises:
        KeyboardInterrupt: the user wants to stop.
    """
    whole, plan = panel.total, tried[0].plan
    for _ in range(tails_of(panel) - 1):
        panel = before_tail(panel, plan)
        if panel.total < whole / 2:  # networks that have seen so little tell nothing of those that see all
            return
        candidates: list[Candidate] = []
        for k, part in enumerate(tried):
            end = _slot(deadline, len(tried) - k)
            ensemble = Trainer(part.plan, quantiles, end, progress).validated(panel) if time.monotonic() < end else None
            if ensemble is None or ensemble.out_of_time:
                return
            if ensemble.interrupted:
                raise KeyboardInterrupt
            candidates.append((part.plan, ensemble))
        tail = measured(candidates, panel)
        if tail is None:
            return
        yield Judged(candidates, panel, tail)


def trained_again(blend: Blend, panel: Panel, progress: Progress, deadline: float, *, warm: bool) -> Blend:
    """Every part trained on other data, see ``ensemble.train_again``; the weights stay."""
    return _in_turn(
        replace(blend, halted=False),
        deadline,
        lambda part, end: train_again(part.plan, panel, part.ensemble, progress, end, warm=warm),
    )


def _in_turn(blend: Blend, deadline: float, train: Callable[[Part, float], Ensemble]) -> Blend:
    """The blend with every part trained until its share of the time is over; as they were after Ctrl-C."""
    parts: list[Part] = []
    for k, part in enumerate(blend.parts):
        halted = bool(parts) and parts[-1].ensemble.interrupted
        ensemble = part.ensemble if halted else train(part, _slot(deadline, len(blend.parts) - k))
        parts.append(replace(part, ensemble=replace(ensemble, interrupted=ensemble.interrupted or halted)))
    return replace(blend, parts=tuple(parts))


def _slot(end: float, trainings: int) -> float:
    """When the first of some trainings has to stop, so that all are done at the end."""
    now = time.monotonic()
    return now + (end - now) / trainings


def _mean(share_BK: np.ndarray, values: Iterable[np.ndarray]) -> np.ndarray:
    """Of one array per part, by the weights that the parts have among themselves; all alike where they have none.

    Each (B, ...), one for each column of ``share_BK`` but the last, which is that of the smoothing.
    """
    part_BK = share_BK[:, :-1]
    if part_BK.shape[1] == 1:
        return next(iter(values))
    whole_B1 = part_BK.sum(axis=1, keepdims=True)
    share_BK = np.where(whole_B1 > 0, part_BK / np.where(whole_B1 > 0, whole_B1, 1), 1 / part_BK.shape[1])
    total: np.ndarray | None = None
    for share_B, array in zip(share_BK.T.astype(np.float32), values, strict=True):
        weighted = array * share_B.reshape(-1, *(1,) * (array.ndim - 1))
        total = weighted if total is None else np.add(total, weighted, out=total)
    assert total is not None
    return total


def _blended(tried: list[Part], tail: Tail, ids: tuple[str, ...]) -> Blend:
    """The weights that are best on the tails, as far as they are believed."""
    error_KBHC, weight_B = tail.error_KBHC, tail.weight_B
    twin_K = np.append(twins_of([part.plan.scaling for part in tried]), len(tried))
    share_K = shares(error_KBHC, weight_B, belief_in(tail.span_N[tail.span_N > 0]), twin_K)
    sharpness_N = sharpness(tail.span_N)
    share_NK = own_shares(error_KBHC, tail.series_B, share_K, sharpness_N)
    names = [part.plan.describe_structure() for part in tried] + ["exponential smoothing"]
    errors = [(name, mean_error(error_BHC, weight_B)) for name, error_BHC in zip(names, error_KBHC, strict=True)]
    errors.append(("blend", mean_error(np.einsum("bk,kbhc->bhc", share_NK[tail.series_B], error_KBHC), weight_B)))
    order = [k for k in np.argsort(-share_K[:-1], kind="stable") if share_K[k] > 0]
    parts = tuple(replace(tried[k], weight=float(share_K[k])) for k in order)
    own = OwnShares(ids, share_NK[:, [*order, -1]].astype(np.float32))
    return Blend(parts, float(share_K[-1]), tuple(errors), own if sharpness_N.any() else None)


def past_of(panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> tuple[Panel, np.ndarray]:
    """The panel without what lies after each series' latest origin, and the steps (N,) up to its earliest one.

    A series without an origin stays whole.
    """
    until_N, known_N = np.zeros(len(panel), np.int64), panel.stop.copy()
    np.maximum.at(until_N, series_B, origin_B + 1 - panel.first[series_B])
    np.minimum.at(known_N, series_B, origin_B + 1)
    return panel.slice(0, np.where(until_N > 0, until_N, panel.length)), known_N - panel.first
