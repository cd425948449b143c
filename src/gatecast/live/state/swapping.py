"""Another model in the place of the one that follows the series: what is remembered of these stays."""

from __future__ import annotations

from collections.abc import Sequence

from gatecast.ensemble.fitted import Fitted
from gatecast.live.carried import Remembered, kept_of
from gatecast.live.drift import Wagers
from gatecast.live.live import Live
from gatecast.live.scoring import HeldBack
from gatecast.live.state.forgetting import known_scale

__all__ = ["swap"]


def swap(live: Live, fitted: Fitted, held: Sequence[HeldBack]) -> None:
    """Put a model that was trained further into a live one, between two of its calls.

    Rows, and the states of references before them, depend on what was chosen, which is the same, not on weights.

    Args:
        live: what goes on.
        fitted: the model, with the candidates of the one before.
        held: of each target, errors on the steps that it was judged by: what later rows are compared with.
    """
    with live._lock:
        kept = kept_of(fitted)
        assert kept == live._kept, "another choice needs other steps"
        remembered = Remembered(fitted, live._memory, kept)
        remembered.begun, remembered.ranges = live._remembered.begun, live._remembered.ranges
        assert remembered.states.keys() == live._remembered.states.keys()
        remembered.states = live._remembered.states
        live.fitted, live._remembered, live._known_scale = fitted, remembered, known_scale(fitted)
        live._held = list(held)
        live._wagers = Wagers(len(live._held))
        live._wagers.add(len(live._memory))
        live._file = None
