"""How odd a value is: its place among the calibrated quantiles, and a conformal p-value from held-back errors.

    z   normal score of a value: linear between the quantiles, over the normal scores of their levels
    p   two-sided tail probability 2 Phi(-|z|) under the calibrated quantiles
    anomaly score = (number of held-back |z| that are as large + p) / (held-back + 1)

The score is a conformal p-value with |z| as nonconformity (Vovk, Gammerman and Shafer 2005, chapter 2; as a detector of
anomalies Laxhammar and Falkman 2014): where rows are as exchangeable as the calibrated errors of a good model, it is
uniform, whatever the quantiles are worth, and a limit of 0.001 alarms once in a thousand rows. Where the smoothed
p-value draws a random number to break ties, p stands: without held-back errors the score is p itself. Held back are
the errors of one step ahead that the model did not see in training: the last 2,000, of each target by itself.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from math import erfc, sqrt
from statistics import NormalDist

import numpy as np

from gatecast.live.state.alarms import FEWEST, OUTER, tail_chance

__all__ = ["HELD_BACK", "HeldBack", "Newest", "held_from", "normal_scores", "promised_sizes", "tail_probability"]

HELD_BACK = 2000  # errors that are kept of each target
# An outage, which is no error of the model: a lower score or tail, at more than twice the size that 99 % stay below.
# The largest would not do: rows of an outage that are not twice the largest stay in the ranks, and hide the next one.
ALARM, GROSS, USUAL = 1e-3, 2.0, 0.99
MOST_ALARMS = 0.05  # unless so many of the rows are
NONE = np.empty(0)
FARTHEST = 37.0  # of a normal score: the tail probability is still a number


def normal_scores(truth: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Normal scores (...) of truths (...) among quantiles (..., Q); nan where either is.

    Beyond the outermost quantiles the outer lines go on. A truth that several quantiles have in common is in their
    middle.

    >>> normal_scores(np.array([3.0, 9.0]), np.array([[1.0, 3.0, 5.0]] * 2), (0.1, 0.5, 0.9)).round(2).tolist()
    [0.0, 3.84]
    """
    score_Q = np.array([NormalDist().inv_cdf(level) for level in levels])
    known = np.isfinite(truth) & np.isfinite(quantiles).all(axis=-1)
    if len(levels) < 2:
        return np.full(truth.shape, np.nan)
    truth = np.where(known, truth, 0)[..., None]
    quantiles = np.where(known[..., None], quantiles, np.arange(len(levels)))
    below, up_to = (quantiles < truth).sum(axis=-1), (quantiles <= truth).sum(axis=-1)
    left = np.clip(below - 1, 0, len(levels) - 2)[..., None]
    low, high = (np.take_along_axis(quantiles, left + side, axis=-1) for side in (0, 1))
    least = np.maximum(np.abs(low) * 1e-7, np.finfo(np.float32).tiny)
    slope = (score_Q[left + 1] - score_Q[left]) / np.maximum(high - low, least)
    score = (score_Q[left] + (truth - low) * slope)[..., 0]
    at_one = up_to > below
    shared = (score_Q[np.minimum(below, len(levels) - 1)] + score_Q[np.maximum(up_to - 1, 0)]) / 2
    score = np.where(at_one, shared, np.clip(score, -FARTHEST, FARTHEST))
    return np.where(known, score, np.nan)


def tail_probability(score: np.ndarray) -> np.ndarray:
    """Two-sided tail probabilities (...) of normal scores (...), by numpy's own means; nan stays.

    >>> tail_probability(np.array([0.0, 1.959964])).round(4).tolist()
    [1.0, 0.05]
    """
    return np.array([erfc(abs(z) / sqrt(2)) for z in score.ravel().tolist()]).reshape(score.shape)


def promised_sizes(count: int) -> np.ndarray:
    """(count,) sizes of normal scores as they are where the intervals cover what they promise, evenly spread.

    >>> promised_sizes(3).round(2).tolist()
    [0.21, 0.67, 1.38]
    """
    return np.array([NormalDist().inv_cdf((1 + (k + 0.5) / count) / 2) for k in range(count)])


class Newest:
    """The last 2,000 sizes, in their order and sorted.

    Args:
        sizes: those there are, the oldest first.
    """

    def __init__(self, sizes: np.ndarray) -> None:
        self.queue = deque(sizes.tolist())
        self.sorted = sorted(self.queue)

    def take(self, size: float) -> None:
        """One more; the oldest goes where they are too many."""
        insort(self.sorted, size)
        self.queue.append(size)
        if len(self.queue) > HELD_BACK:
            del self.sorted[bisect_left(self.sorted, self.queue.popleft())]


class HeldBack:
    """The sizes of the last normal scores of one target, and where new ones stand among them.

    Args:
        sizes: those there are, the oldest first.
        rows: rows that were scored.
        alarms: how many of them were left out as outages: else a few of them would hide the next ones.
        tail: those that say how far out a size is: large ones that an alarm has brought are left out too; None = all.
        left: how many rows were left out of these.
    """

    def __init__(
        self, sizes: np.ndarray = NONE, rows: int = 0, alarms: int = 0, tail: np.ndarray | None = None, left: int = 0
    ) -> None:
        self._ranks, self._tail = Newest(sizes), Newest(sizes if tail is None else tail)
        self.rows, self.alarms, self.left = rows, alarms, left

    def __len__(self) -> int:
        return len(self._ranks.queue)

    @property
    def sizes(self) -> np.ndarray:
        """The sizes, the oldest first."""
        return np.array(self._ranks.queue, np.float64)

    @property
    def tail(self) -> np.ndarray:
        """Those that the tail is drawn through, the oldest first."""
        return np.array(self._tail.queue, np.float64)

    def judged(
        self, z_R: np.ndarray, judge: Callable[[int, float], tuple[bool, bool]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Anomaly scores (R,) and alarms (R,): 1 for one, 0 for none, nan where nothing can be said.

        Rows come one after the other; each is held back for those after it.

        Args:
            z_R: normal scores.
            judge: says of a large error, by its row and the chance of it (nan where errors held back are few), whether
                it is an alarm, and whether it is one's doing: then it says nothing of the tail.
        """
        tail_R = tail_probability(z_R)
        score_R, alarm_R = np.full(len(z_R), np.nan), np.full(len(z_R), np.nan)
        for r in np.flatnonzero(np.isfinite(z_R)).tolist():
            size, ranks, tail = abs(float(z_R[r])), self._ranks.sorted, self._tail.sorted
            larger = len(ranks) - bisect_left(ranks, size)
            score_R[r] = (larger + tail_R[r]) / (len(ranks) + 1)
            alarm, doing, known = False, False, len(tail) >= FEWEST
            if len(tail) - bisect_left(tail, size) < OUTER * len(tail):
                alarm, doing = judge(r, tail_chance(tail, size) if known else np.nan)
            if known:
                alarm_R[r] = alarm
            self._take(size, min(score_R[r], tail_R[r]), doing)
        return score_R, alarm_R

    def _take(self, size: float, chance: float, doing: bool) -> None:
        self.rows += 1
        ranks = self._ranks.sorted
        gross = chance < ALARM and size > GROSS * (ranks[int(USUAL * len(ranks))] if ranks else 0.0)
        if (gross or doing) and self.left < MOST_ALARMS * self.rows:
            self.left += 1
        else:
            self._tail.take(size)
        if gross and self.alarms < MOST_ALARMS * self.rows:
            self.alarms += 1
        else:
            self._ranks.take(size)


def held_from(held_N: np.ndarray, length_N: np.ndarray) -> np.ndarray:
    """(N,) first step of each series whose error is held back, of ``held_N`` last ones; some 2,000 in all count."""
    most = max(HELD_BACK // max(int((held_N > 0).sum()), 1), 1)
    return np.asarray(length_N - np.minimum(held_N, most))
