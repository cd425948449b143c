"""A candidate with all that a training needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.data.panel import Panel
from gatecast.model.config import NetworkConfig
from gatecast.training.config import TrainingConfig
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing
from gatecast.windows.spans import Spans, validation_cut

__all__ = ["Plan", "Tried"]

Tried = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Plan:
    """Everything that a training needs, chosen or given.

    Args:
        scaling: how values are scaled.
        framing: sizes of a window.
        network: sizes of the network.
        training: settings of the training.
        members: networks of different seeds.
        season: the main seasonal period, 1 = none; the baselines use it too.
        padded: short series take part, their windows begin before they do.
        penalty: of the ridge start.
        spread: H rows of C mean absolute errors in output units, out of sample; empty where unknown.
        candidates: (scaling, relative validation error) of all that were tried.
    """

    scaling: Scaling
    framing: Framing
    network: NetworkConfig
    training: TrainingConfig
    members: int
    season: int
    padded: bool
    penalty: float = 1e-2
    spread: tuple[tuple[float, ...], ...] = ()
    candidates: Tried = ()

    @property
    def spans(self) -> Spans:
        """The window ranges of this plan."""
        least = min(self.framing.lookback, 3)
        return Spans(self.framing.lookback, self.framing.horizon, self.padded, least)

    def cut(self, panel: Panel) -> np.ndarray:
        """(N,) steps of each series before the tail that validates."""
        return validation_cut(panel, self.framing.horizon, self.training.validation)

    @property
    def history_needed(self) -> int | None:
        """Steps of history that a forecast reads; None = all, for a usual value or a smoothing began long ago."""
        before = self.scaling.reference.history_needed
        if before is None or self.scaling.fitted:
            return None
        return self.framing.lookback + before + self.framing.horizon

    def describe_candidate(self) -> str:
        """Lookback and scaling: what distinguishes it from other candidates."""
        return f"lookback {self.framing.lookback} · {self.scaling.describe()}"

    def describe(self) -> str:
        """One line: what was chosen."""
        members = f" · {self.members} members" if self.members > 1 else ""
        copies = " · augmented series" if self.training.augment else ""
        return (
            f"lookback {self.framing.lookback} · {self.scaling.describe()} · {self.network.describe()}{members}{copies}"
        )
