"""How many steps of a series have to be kept, and what has to be remembered of those that are not.

expert                          reads                                       kept
network, no reference, the      its lookback and what its reference          these steps
  last value, a season          looks back
network, smooth                 a recursion over all steps                   its lookback; level and season before
network, category-difference    the last values of each category             its lookback; these values before
pretrained gate                 some hundred steps                           these
exponential smoothing           windows that begin every K steps             two of them, begun at such a step
the range of the data           all values                                  these; lowest and highest before
network, fitted to the series   all steps of a series new to the model       all of these series
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatecast.planning.plan import Plan
from gatecast.pretrained.bank import Seasons, history_for
from gatecast.statistical.exponential import window_step
from gatecast.storage.document import FittedDocument
from gatecast.windows.references.reference import REAL_STEPS

__all__ = ["Kept", "Need", "kept_by", "kept_of_document", "need_of_network", "need_of_smoothing"]


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


@dataclass(frozen=True)
class Need:
    """What one expert reads of a series.

    Args:
        history: steps of history, as ``Expert.history_needed`` says; None = all.
        steps: steps that are read where what is remembered of earlier ones is at hand.
        multiple: K, where windows begin every so many steps.
        goes_on: what is remembered; "" = nothing has to be.
        stuck: why all steps have to be kept; "" where they have not.
    """

    history: int | None
    steps: int = 1
    multiple: int = 1
    goes_on: str = ""
    stuck: str = ""


def need_of_network(plan: Plan, *, recursive: bool) -> Need:
    """That of the networks of a plan."""
    reference, framing = plan.scaling.reference, plan.framing
    back = reference.history_needed
    if back is not None:  # also where the scaling is fitted: of the series of the training it is known
        return Need(plan.history_needed, framing.lookback + back + framing.horizon)
    name, steps = reference.describe(), framing.lookback + 2 * reference.period + REAL_STEPS + framing.horizon
    if recursive or not reference.goes_on:
        how = "one step at a time " if recursive else ""
        return Need(None, steps, stuck=f"{how}{name} reads them")
    return Need(None, steps, goes_on=name)


def need_of_smoothing(season: int) -> Need:
    """That of the exponential smoothing."""
    return Need(None, window_step(season), window_step(season))


def kept_by(needs: Sequence[Need]) -> Kept:
    """What has to be kept where these forecast together."""
    histories = [need.history for need in needs]
    known = [history for history in histories if history is not None]
    if len(known) == len(histories):
        reads = max(known)
        return Kept(reads, reads, 1, f"forecasts read the last {reads:,} steps")
    stuck = [need.stuck for need in needs if need.stuck]
    if stuck:
        return Kept(None, None, 1, f"all steps are kept, for {stuck[0]}")
    steps, multiple = max(need.steps for need in needs), max(need.multiple for need in needs)
    carried = dict.fromkeys(need.goes_on for need in needs if need.goes_on)
    why = f"forecasts read the last {steps:,} steps"
    if carried:
        why += f", and {' and '.join(carried)} goes on from what it was before them"
    return Kept(None, steps, multiple, why)


def kept_of_document(document: FittedDocument) -> Kept:
    """What has to be kept of each series by a model in a file."""
    recursive = document.settings.recursive
    needs = [need_of_network(one.plan, recursive=recursive) for one in document.candidates]
    if document.gate is not None:
        steps = history_for(Seasons.of(document.gate.periods))
        needs.append(Need(steps, steps))
    if document.smoothing:
        needs.append(need_of_smoothing(document.candidates[0].plan.season))
    return kept_by(needs)
