"""How many steps of a series have to be kept, and what has to be remembered of those that are not.

expert                          reads                                       kept
network, no reference, the      its lookback and what its reference          these steps
  last value, a season          looks back
network, smooth                 a recursion over all steps                   its lookback; level and season before
network, category-difference    the last values of each category             its lookback; these values before
pretrained gate                 some hundred steps                           these; whether a value was below 0
exponential smoothing           windows that begin every K steps             two of them, begun at such a step
network, fitted to the series   all steps of a series new to the model       all of these series
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.ensemble.expert import Expert, SmoothingExpert
from gatecast.ensemble.fitted import Fitted
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.statistical.exponential import window_step
from gatecast.windows.references.reference import REAL_STEPS, Reference

__all__ = ["Kept", "kept_of", "steps_read"]


@dataclass(frozen=True)
class Kept:
    """What is kept.

    Args:
        reads: steps that ``predict`` cuts a history to; None = it reads all, so that what is dropped is remembered.
        steps: steps of a series that are kept at least; None = all of them.
        multiple: K, where dropped steps have to be a multiple of it from the first value on; 1 = any number.
        why: in words.
    """

    reads: int | None
    steps: int | None
    multiple: int
    why: str

    @property
    def most(self) -> int | None:
        """Steps of a series from which on some are dropped, so that each row costs the same in the long run."""
        return None if self.steps is None else self.steps + max(self.steps, 2 * self.multiple)

    def droppable(self, target_TC: np.ndarray) -> int:
        """First steps of a series, up to its last observed one (T, C), that may go; 0 = none."""
        if self.steps is None or len(target_TC) <= self.steps:
            return 0
        wanted = len(target_TC) - self.steps
        seen_TC = np.isfinite(target_TC)
        if self.reads is not None:  # back to the values that fill a gap there, as ``recent_part`` has it
            before_TC = seen_TC[: wanted + 1]
            back_C = np.where(before_TC.any(axis=0), wanted - before_TC[::-1].argmax(axis=0), wanted)
            return int(back_C.min())
        whole_T = seen_TC.all(axis=1)
        if self.multiple > 1:
            begin_C = seen_TC.argmax(axis=0)
            if (begin_C != begin_C[0]).any() or not seen_TC.any(axis=0).all():
                return 0  # the windows of the targets begin at different steps
            since_T = np.arange(len(whole_T)) - begin_C[0]
            newest = self.multiple * ((since_T[-1]) // self.multiple - 1)
            whole_T &= (since_T >= 0) & (since_T % self.multiple == 0) & (since_T <= newest)
        fine = np.flatnonzero(whole_T[: wanted + 1])
        return int(fine[-1]) if len(fine) else 0


def kept_of(fitted: Fitted) -> Kept:
    """What has to be kept of each series of a model."""
    experts = fitted.blend.experts
    reads = fitted.blend.history_needed
    if reads is not None:
        return Kept(reads, reads, 1, f"forecasts read the last {reads:,} steps")
    stuck = [reason for expert in experts if (reason := _reads_all(expert, fitted.recursive))]
    if stuck:
        return Kept(None, None, 1, f"all steps are kept: {stuck[0]}")
    steps = max(steps_read(expert) for expert in experts)
    multiple = max((window_step(one.season) for one in experts if isinstance(one, SmoothingExpert)), default=1)
    if multiple > 1:
        steps = max(steps, multiple)
    carried = dict.fromkeys(
        one.plan.scaling.reference.describe() for one in fitted.candidates if one.plan.scaling.reference.goes_on
    )
    why = f"forecasts read the last {steps:,} steps"
    if carried:
        why += f", and {' and '.join(carried)} goes on from what it was before them"
    return Kept(None, steps, multiple, why)


def _reads_all(expert: Expert, recursive: bool) -> str:
    """Why an expert needs every step there was; "" where it does not."""
    if isinstance(expert, SmoothingExpert) or expert.history_needed is not None:
        return ""
    if not isinstance(expert, TrainedCandidate):
        return f"{expert.describe()} reads them"
    reference = expert.plan.scaling.reference
    if reference.history_needed is not None:
        return ""  # what is fitted to series: of those of the training it is known
    if recursive:
        return f"one step at a time {reference.describe()} reads them"
    return "" if reference.goes_on else f"{reference.describe()} reads them"


def steps_read(expert: Expert) -> int:
    """Steps of history that a forecast reads, what is remembered of earlier ones apart."""
    if isinstance(expert, TrainedCandidate):
        framing = expert.plan.framing
        return framing.lookback + _looks_back(expert.plan.scaling.reference) + framing.horizon
    return expert.history_needed or 1


def _looks_back(reference: Reference) -> int:
    needed = reference.history_needed
    return 2 * reference.period + REAL_STEPS if needed is None else needed
