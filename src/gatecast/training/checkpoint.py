"""Where trainings stand, kept outside of the process, so that the same work goes on after it was killed.

    first run    training a ──▶ state ──▶ state ──┤ killed      every state under the key of its training
    same again   training a              state ──▶ state ──▶ end

Nothing is replayed: a state holds all that a training needs, and a finished one is a state as well.
"""

from __future__ import annotations

from typing import Protocol

from gatecast.training.state import TrainingState

__all__ = ["Checkpoint"]


class Checkpoint(Protocol):
    """Keeps the newest state of each training. ``storage.checkpoint`` writes files."""

    def read(self, key: str) -> TrainingState | None:
        """Where the training with this key stood; None = it never began.

        Args:
            key: hexadecimal digits that are others for whatever would train otherwise.
        """
        ...

    def keep(self, key: str, state: TrainingState) -> None:
        """Take a state in place of the one before; any thread may call. It need not be written at once."""
        ...
