"""What is remembered of dropped steps, so that forecasts stay those of the whole history.

It is moved on when steps are dropped, never row by row: a row that is kept can be replaced, and all that follows from
it is computed anew.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.ranges import Ranges
from gatecast.ensemble.expert import Expert, SmoothingExpert
from gatecast.ensemble.fitted import Dropped, Fitted
from gatecast.ensemble.trained import Carried, TrainedCandidate
from gatecast.live.kept import Kept, Need, kept_by, need_of_network, need_of_smoothing
from gatecast.live.memory import Memory
from gatecast.windows.references.reference import Before

__all__ = ["Remembered", "kept_of"]


def kept_of(fitted: Fitted) -> Kept:
    """What has to be kept of each series of a model."""
    return kept_by([_need(expert, fitted.recursive) for expert in fitted.blend.experts])


def _need(expert: Expert, recursive: bool) -> Need:
    if isinstance(expert, TrainedCandidate):
        return need_of_network(expert.plan, recursive=recursive)
    if isinstance(expert, SmoothingExpert):
        return need_of_smoothing(expert.season)
    needed = expert.history_needed
    return Need(needed, needed or 1, stuck="" if needed else f"{expert.describe()} reads them")


class Remembered:
    """States of references, and signs of dropped values, of the N series of a memory.

    Args:
        fitted: whose experts need them.
        memory: what they go with.
        kept: what the memory keeps.

    Attributes: ``begun``, the step (N,) of the first observed target of series that have dropped steps; ``ranges``,
    what dropped values have shown of the range; ``states``, of each trained candidate whose reference goes on, by its
    place among these.
    """

    def __init__(self, fitted: Fitted, memory: Memory, kept: Kept) -> None:
        self._fitted, self._memory, self._kept = fitted, memory, kept
        targets = len(fitted.schema.targets)
        self.begun = np.empty(0, np.int64)
        self.ranges = Ranges.unknown(0, targets)
        self.states: dict[int, np.ndarray] = {}
        self._going_on: Fitted | None = None
        self.add()

    def add(self) -> None:
        """Room for the series that are new in the memory."""
        self._going_on = None
        more = len(self._memory) - len(self.begun)
        self.begun = np.concatenate([self.begun, np.zeros(more, np.int64)])
        self.ranges = self.ranges.after(more)
        for place, expert in enumerate(self._fitted.candidates):
            if expert.plan.scaling.reference.goes_on:
                shape = expert.plan.scaling.reference.state_shape(self._fitted.schema)
                held = self.states.get(place, np.empty((0, *shape)))
                self.states[place] = np.concatenate([held, np.full((more, *shape), np.nan)])

    def fitted(self) -> Fitted:
        """The model with experts that go on from what is remembered."""
        if self._going_on is None:
            blend = self._fitted.blend
            places = {id(one): place for place, one in enumerate(self._fitted.candidates)}
            experts = tuple(self._gone_on(places.get(id(expert), -1), expert) for expert in blend.experts)
            dropped = Dropped(self._memory.places, self.ranges) if self._kept.reads is None else None
            self._going_on = replace(self._fitted, blend=replace(blend, experts=experts), dropped=dropped)
        return self._going_on if self._memory.dropped.any() else self._fitted

    def _gone_on(self, place: int, expert: Expert) -> Expert:
        memory = self._memory
        if isinstance(expert, TrainedCandidate) and place in self.states:
            steps_N = np.where(memory.dropped > 0, memory.dropped - self.begun, 0)
            return replace(expert, carried=Carried(memory.places, Before(steps_N, self.states[place])))
        return expert

    def drop(self, panel: Panel, series_M: np.ndarray, count_M: np.ndarray) -> None:
        """Take in the first steps of some series, and drop them.

        Args:
            panel: all that is kept of these series.
            series_M: their places in the memory.
            count_M: first steps that go, 1 at least.
        """
        memory, targets = self._memory, len(panel.targets)
        row_M = panel.first + count_M
        going = self.fitted().candidates
        for place, states in self.states.items():
            found = going[place].reader(panel).reference.state_at(np.arange(len(panel)), row_M)
            states[series_M] = found
        for m, (n, count) in enumerate(zip(series_M.tolist(), count_M.tolist(), strict=True)):
            gone_TC = panel.target_RC[panel.first[m] : panel.first[m] + count, :targets]
            self.ranges.take_in(n, gone_TC)
            if memory.dropped[n] == 0:
                seen_T = np.isfinite(panel.target_RC[panel.rows(m)]).any(axis=1)
                self.begun[n] = int(seen_T.argmax())
            memory.drop(n, count)
        self._going_on = None
