"""Which rows are alarms: so far out that chance hardly brings them, and no echo of an alarm before.

    sizes |z| held back ──▶ their 90 and 97 % quantiles ──▶ a tail through both ──▶ chance of a size as large < 1e-5
                                                       └──▶ on the other side of an alarm that the forecast still
                                                            reads: an echo

A rank among 2,000 errors says nothing of chances below 1 / 2,001. The tail is a generalised Pareto distribution, which
all usual distributions have far out (Pickands 1975; for alarms in streams Siffer, Fouque, Termier and Largouet 2017).
Its scale comes from two quantiles, and its shape is fixed: a fit to the largest errors takes the outages among them for
a heavy tail, and finds no further ones.

A forecast that has read an outage is too low, one season later too: the row then is far above it, and no news. Large
errors of such rows, and of those that follow an alarm within a horizon, say nothing of the tail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["FEWEST", "OUTER", "RATE", "Alarms", "tail_chance"]

RATE = 1e-5  # chance of a row to be as far out
FEWEST = 500  # errors held back, below which nothing is said of their tail
OUTER, INNER = 0.03, 0.1  # errors beyond the two quantiles
SHAPE = 0.1  # heavier than normal and Laplace, lighter than t with 4 degrees (0.25)
ECHOES = 2  # times the steps that a forecast reads: recursions fade more slowly
UNBOUNDED = 1000  # steps, where forecasts read all of a history
ABOVE, BELOW, SIDES = 0, 1, 2
NEVER = -1.0


def tail_chance(sizes: Sequence[float], size: float) -> float:
    """Chance of an error as large, by the tail of those before it.

    Args:
        sizes: held back, sorted.
        size: of the error; one among the first 90 % gets 1.

    >>> usual = [k / 1000 for k in range(1000)]
    >>> tail_chance(usual, 0.5), tail_chance(usual, 1.5) < 1e-4, tail_chance(usual, 2.0) < 1e-5
    (1.0, True, True)
    """
    begin, outer = (sizes[int((1 - share) * len(sizes))] for share in (INNER, OUTER))
    if size <= begin or outer <= begin:
        return 1.0
    steep = ((INNER / OUTER) ** SHAPE - 1) / (outer - begin)  # shape over scale, so that OUTER lie beyond ``outer``
    return float(INNER * (1 + steep * (size - begin)) ** (-1 / SHAPE))


class Alarms:
    """The last alarm above and below of every series and target.

    Args:
        targets: C.
        reads: steps that forecasts read; None = all of a history.
        lasts: steps after an alarm whose rows belong to it.
        last_NCS: (N, C, 2) step of the last alarm above and below; -1 = none.
    """

    def __init__(self, targets: int, reads: int | None, lasts: int) -> None:
        self.last_NCS = np.empty((0, targets, SIDES))
        self._echo, self._lasts = UNBOUNDED if reads is None else ECHOES * reads, lasts

    def add(self, count: int) -> None:
        """Make room for further series."""
        self.last_NCS = np.concatenate([self.last_NCS, np.full((count, *self.last_NCS.shape[1:]), NEVER)])

    def judging(
        self, series_R: np.ndarray, target: int, step_R: np.ndarray, z_R: np.ndarray
    ) -> Callable[[int, float], tuple[bool, bool]]:
        """``judge`` for rows by their place."""
        return lambda r, chance: self.judge(int(series_R[r]), target, int(step_R[r]), float(z_R[r]), chance)

    def judge(self, series: int, target: int, step: int, z: float, chance: float) -> tuple[bool, bool]:
        """Whether a row is an alarm, and whether it, or one before it, has to do with its error.

        Rows come in the order of time; those that are not among the largest errors need not come.
        """
        last_S, side = self.last_NCS[series, target], ABOVE if z > 0 else BELOW
        own, other = last_S[side], last_S[1 - side]
        echo = other != NEVER and step - other <= self._echo
        if chance < RATE and not echo:
            last_S[side] = step
            return True, True
        return False, bool(echo or (own != NEVER and step - own <= self._lasts))
