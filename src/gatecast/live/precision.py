"""In which precision to compute: what ``choose_dtype`` says of the whole history, from sums that are carried along."""

from __future__ import annotations

from typing import Any

import numpy as np

from gatecast.data.tables.numbers import SIGNAL_LOST

__all__ = ["Precision"]


class Precision:
    """float32, unless rounding to it would lose digits that carry signal; see ``data.tables.numbers.choose_dtype``.

    Args:
        targets: columns C.
        wide: compute in float64 whatever comes.
    """

    def __init__(self, targets: int, wide: bool = False) -> None:
        self.wide = wide
        self.last_NC, self.log_NC, self.moves_NC, self.worst_NC = (np.empty((0, targets)) for _ in range(4))

    def add(self, count: int) -> None:
        """So many series more."""
        nothing_MC = np.zeros((count, self.last_NC.shape[1]))
        self.last_NC = np.concatenate([self.last_NC, np.full_like(nothing_MC, np.nan)])
        self.log_NC, self.moves_NC, self.worst_NC = (
            np.concatenate([old, nothing_MC]) for old in (self.log_NC, self.moves_NC, self.worst_NC)
        )

    def follow(self, series_R: np.ndarray, step_R: np.ndarray, target_RC: np.ndarray) -> None:
        """Take new rows in, sorted by series and step; nan where a target is missing."""
        if not len(series_R):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            error_RC = np.abs(target_RC - target_RC.astype(np.float32))
        error_RC = np.minimum(error_RC, np.abs(target_RC))  # float32 has nothing for what is beyond 3e38
        head_R = np.diff(series_R, prepend=-1) != 0
        beside_R = np.diff(step_R, prepend=step_R[0] - 1) == 1
        before_RC = np.concatenate([target_RC[:1] * np.nan, target_RC[:-1]])
        before_RC[~beside_R] = np.nan
        before_RC[head_R] = self.last_NC[series_R[head_R]]
        change_RC = np.abs(target_RC - before_RC)
        moved_RC = change_RC > 0
        log_RC = np.log(change_RC, out=np.zeros_like(change_RC), where=moved_RC)
        np.add.at(self.log_NC, series_R, log_RC)
        np.add.at(self.moves_NC, series_R, moved_RC)
        np.fmax.at(self.worst_NC, series_R, error_RC)
        ends_R = np.diff(series_R, append=-1) != 0
        self.last_NC[series_R[ends_R]] = target_RC[ends_R]

    @property
    def dtype(self) -> np.dtype[Any]:
        """What to compute in, by all rows so far."""
        if self.wide or not self.worst_NC.any():
            return np.dtype(np.float64 if self.wide else np.float32)
        typical_NC = np.exp(self.log_NC / np.maximum(self.moves_NC, 1))
        loses = ((self.worst_NC > SIGNAL_LOST * typical_NC) & (self.moves_NC > 0)).any()
        return np.dtype(np.float64 if loses else np.float32)
