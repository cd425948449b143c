"""Values that cannot be: the range that a forecast stays in, from what each series has shown up to its origin.

    no value below 0                                             not below 0
    and none above 1 (100), which it reaches again and again,    not above 1 (100)
    or whose column is called a share or a percentage

Only what is known at the origin decides, so that a later value changes no earlier forecast. Whole numbers stay as they
are forecast, not rounded: the median of rare events is 0, and sums of rounded medians would be lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatecast.data.allowed import Bounds
from gatecast.data.ranges import TOPS, Ranges

__all__ = ["bounded"]

_REACHED = 3  # values at the very top that are no coincidence
_TWICE_READ = 8  # times that the buffer is read at most before running extremes are cheaper
_NAMED = re.compile(
    r"%|(^|[\W_])(share|percent|percentage|pct|fraction|probability|prob|anteil|prozent|humidity|occupancy|"
    r"utili[sz]ation|auslastung)($|[\W_])",
    re.IGNORECASE,
)


def bounded(
    bounds: Bounds,
    values: np.ndarray,
    target_RC: np.ndarray,
    first_B: np.ndarray,
    origin_B: np.ndarray,
    names: Sequence[str],
    axis: int = 2,
    before: Ranges | None = None,
) -> np.ndarray:
    """Forecasts within their bounds; the same array where nothing lies outside.

    Args:
        bounds: which ones.
        values: (B, ...) forecasts.
        target_RC: what was observed.
        first_B: row of the first value of each forecast's series.
        origin_B: row of its origin.
        names: the C targets.
        axis: of the targets in ``values``.
        before: what earlier values of each forecast's series have shown, that ``target_RC`` has no more.
    """
    if bounds.text == "none":
        return values
    parts = np.moveaxis(values, axis, 1)
    result = None
    for c, name in enumerate(names):
        seen = _Seen(target_RC[:, c], first_B, origin_B, name, c, before)
        low_B, high_B = _limits(bounds, seen, parts[:, c])
        shape = (-1, *(1,) * (parts.ndim - 2))
        low, high = low_B.reshape(shape), high_B.reshape(shape)
        if (parts[:, c] < low).any() or (parts[:, c] > high).any():
            result = values.copy() if result is None else result
            np.moveaxis(result, axis, 1)[:, c] = np.clip(parts[:, c], low, high)
    return values if result is None else result


@dataclass(frozen=True)
class _Seen:
    """What is known of one target at B origins."""

    target_R: np.ndarray
    first_B: np.ndarray
    origin_B: np.ndarray
    name: str
    c: int
    before: Ranges | None

    def extremes(self, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest known value for some of the origins; nan where there is none."""
        lowest_A, highest_A = _extremes(self.target_R, self.first_B[asked], self.origin_B[asked])
        if self.before is None:
            return lowest_A, highest_A
        earlier = self.before.lowest_NC[asked, self.c], self.before.highest_NC[asked, self.c]
        return np.fmin(lowest_A, earlier[0]), np.fmax(highest_A, earlier[1])

    def is_share(self, b: int, top: int) -> bool:
        """Whether a series is called a share, or reaches the very top again and again and is no count."""
        if _NAMED.search(self.name):
            return True
        known_T = self.target_R[self.first_B[b] : self.origin_B[b] + 1]
        known_T = known_T[np.isfinite(known_T)]
        reached, parts = int((known_T == TOPS[top]).sum()), int((known_T != np.round(known_T)).sum())
        if self.before is not None:
            reached += int(self.before.tops_NCK[b, self.c, top])
            parts += int(self.before.parts_NC[b, self.c])
        return reached >= _REACHED and parts > 0


def _limits(bounds: Bounds, seen: _Seen, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B,) lowest and highest value that each forecast may have; looked for where it matters alone."""
    low_B, high_B = np.full(len(values), -np.inf), np.full(len(values), np.inf)
    if bounds.fixed is not None:
        return np.fmax(low_B, bounds.fixed[0]), np.fmin(high_B, bounds.fixed[1])
    rest = tuple(range(1, values.ndim))
    least_B, most_B = values.min(axis=rest), values.max(axis=rest)
    asked = np.flatnonzero((least_B < 0) | (most_B > TOPS[0]))
    if not len(asked):
        return low_B, high_B
    lowest_A, highest_A = seen.extremes(asked)
    low_B[asked[lowest_A >= 0]] = 0.0
    for k, top in enumerate(TOPS):
        for b in asked[(lowest_A >= 0) & (highest_A <= top) & (most_B[asked] > top) & np.isinf(high_B[asked])]:
            if seen.is_share(int(b), k):
                high_B[b] = top
    return low_B, high_B


def _extremes(target_R: np.ndarray, first_B: np.ndarray, origin_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B,) lowest and highest known value from each first row to its origin; nan where there is none."""
    if (origin_B - first_B + 1).sum() <= _TWICE_READ * len(target_R):
        # ``reduceat`` needs ends inside the buffer: the last value is added by hand. What lies behind is not read.
        target_R = target_R[: origin_B.max(initial=0) + 1]
        ends = np.stack([first_B, origin_B], axis=1).ravel()
        return tuple(found(found.reduceat(target_R, ends)[::2], target_R[origin_B]) for found in (np.fmin, np.fmax))
    lowest_B, highest_B = np.empty(len(first_B)), np.empty(len(first_B))
    for first in np.unique(first_B):  # many origins of few series
        at = np.flatnonzero(first_B == first)
        part = target_R[first : origin_B[at].max() + 1]
        lowest_B[at] = np.fmin.accumulate(part)[origin_B[at] - first]
        highest_B[at] = np.fmax.accumulate(part)[origin_B[at] - first]
    return lowest_B, highest_B
