"""The sizes of a window, and what one batch of windows holds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gatecast.windows.calendar import Cycle

__all__ = ["Batch", "Framing"]


@dataclass(frozen=True)
class Framing:
    """Sizes of a window: lookback L, horizon H, the K last steps whose forecasts are trained, and what is told.

    Args:
        lookback: L.
        horizon: H.
        training_origins: K.
        observed: a channel says what was observed.
        calendar: cycles in which each step's place is told.
        year_waves: by how many waves, in that of the year.
    """

    lookback: int
    horizon: int
    training_origins: int = 1
    observed: bool = False
    calendar: tuple[Cycle, ...] = ()
    year_waves: int = 1

    @property
    def warm_up(self) -> int:
        """Steps up to and with the first training origin: all that the window's statistics may use."""
        return self.lookback - self.training_origins + 1


@dataclass(frozen=True)
class Batch:
    """One batch of windows, ready for the network.

    Args:
        context_BLF: (B, L, F) what the LSTM reads.
        future_BKHF: (B, K, H, F) future covariates of every forecast step, F may be 0.
        target_BKHC: (B, K, H, C) scaled truth; 0 where unknown. None when only forecasts are wanted.
        weight_BKHC: (B, K, H, C) 1 where the truth is known, else 0; None where all of it is.
        reference_BKHC: (B, K, H, C) what an output of 0 means, in transformed units.
        spread_BC: (B, C) what an output of 1 adds to it.
        location_BC: (B, C) what a level of 0 means, in transformed units.
        level_BC: (B, C) what a level of 1 adds to it.
    """

    context_BLF: np.ndarray
    future_BKHF: np.ndarray
    target_BKHC: np.ndarray | None
    weight_BKHC: np.ndarray | None
    reference_BKHC: np.ndarray
    spread_BC: np.ndarray
    location_BC: np.ndarray
    level_BC: np.ndarray

    def with_windows(self, place_M: np.ndarray, others: Batch) -> Batch:
        """The batch with the windows at ``place_M`` replaced by other ones; its own arrays are written into."""
        target_BKHC = self.target_BKHC
        if target_BKHC is not None:
            target_BKHC[place_M] = others.target_BKHC
        reference_BKHC = self.reference_BKHC.copy()  # it may be a view of fewer numbers
        mine = (self.context_BLF, self.future_BKHF, reference_BKHC, self.spread_BC, self.location_BC, self.level_BC)
        theirs = (others.context_BLF, others.future_BKHF, others.reference_BKHC, others.spread_BC, others.location_BC,
                  others.level_BC)  # fmt: skip
        for values, replaced in zip(mine, theirs, strict=True):
            values[place_M] = replaced
        weight_BKHC = self.weight_BKHC
        if target_BKHC is not None and others.weight_BKHC is not None:
            weight_BKHC = np.ones(target_BKHC.shape, np.float32) if weight_BKHC is None else weight_BKHC
            weight_BKHC[place_M] = others.weight_BKHC
        return replace(self, weight_BKHC=weight_BKHC, reference_BKHC=reference_BKHC)
