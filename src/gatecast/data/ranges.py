"""What values have shown of the range that they stay in, without the values: of rows that are no longer kept.

Shapes: N series, C targets, K the tops that shares have, 1 and 100.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

__all__ = ["TOPS", "Ranges"]

TOPS = (1.0, 100.0)


@dataclass(frozen=True)
class Ranges:
    """Ranges of N series.

    Args:
        lowest_NC: lowest known value; nan = there is none.
        highest_NC: highest one.
        tops_NCK: values that were exactly 1, and exactly 100.
        parts_NC: values that were no whole numbers.
    """

    lowest_NC: np.ndarray
    highest_NC: np.ndarray
    tops_NCK: np.ndarray
    parts_NC: np.ndarray

    @classmethod
    def unknown(cls, series: int, targets: int) -> Ranges:
        """Of series of which nothing is known."""
        nothing = np.full((series, targets), np.nan)
        return cls(nothing, nothing.copy(), np.zeros((series, targets, len(TOPS))), np.zeros((series, targets)))

    def after(self, more: int) -> Ranges:
        """The same with so many further series."""
        other = Ranges.unknown(more, self.lowest_NC.shape[1])
        parts = [np.concatenate([getattr(self, one.name), getattr(other, one.name)]) for one in fields(self)]
        return Ranges(*parts)

    def take_in(self, series: int, values_TC: np.ndarray) -> None:
        """Add values of one series, in place; what is not finite says nothing."""
        for c, values_T in enumerate(np.asarray(values_TC, np.float64).T):
            known_T = values_T[np.isfinite(values_T)]
            if not len(known_T):
                continue
            at = series, c
            self.lowest_NC[at] = np.fmin(self.lowest_NC[at], known_T.min())
            self.highest_NC[at] = np.fmax(self.highest_NC[at], known_T.max())
            self.tops_NCK[at] += [(known_T == top).sum() for top in TOPS]
            self.parts_NC[at] += (known_T != np.round(known_T)).sum()

    def of(self, series_B: np.ndarray) -> Ranges:
        """Those of some series, one for each forecast."""
        return Ranges(*(getattr(self, one.name)[series_B] for one in fields(self)))
