"""A live model that is trained further in a thread, and swapped in one step.

    remembered + panel ──▶ update in a thread ──▶ better? ──▶ swap
    observe, forecast  ──── the model as it was ────────────┤ the new one, which knows all rows

What is remembered of the series belongs to no model, so that rows observed during the training need no replay.
"""

from __future__ import annotations

import atexit
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.backtesting.newer.update import Update, held_origins, update
from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.errors import Argument, ConfigError, WindowError, require_seconds
from gatecast.forecaster import Forecaster
from gatecast.live.ahead import panel_of
from gatecast.live.live import Live
from gatecast.live.state.joined import joined
from gatecast.live.state.swapping import swap
from gatecast.progress import Silent

if TYPE_CHECKING:
    from gatecast.ensemble.fitted import Fitted

__all__ = ["Refresh", "begun"]

FEWEST_WINDOWS = 16  # that a network is trained further on: fewer teach it these windows by heart


class Refresh:
    """A training that goes on beside a live model; ``Live.refresh`` begins one.

    Args:
        live: whose model is trained further.
        work: what trains it.
    """

    def __init__(self, live: Live, work: _Work) -> None:
        self._live, self._work = live, work
        self._made: Update | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="gatecast-refresh", daemon=True)
        atexit.register(self._end)
        self._thread.start()

    def __repr__(self) -> str:
        told = "goes on" if not self.done() else self._error or self._made
        return f"<Refresh {told}>"

    def done(self) -> bool:
        """Whether it has come to an end, well or not."""
        return not self._thread.is_alive()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, so many seconds at most; whether it has come."""
        self._thread.join(timeout)
        return self.done()

    def result(self, timeout: float | None = None) -> Update:
        """Wait for the end, and say what came of it: ``better`` where the new model was kept.

        Raises:
            TimeoutError: it goes on after so many seconds.
            GatecastError, or whatever else ended the training.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"the refresh goes on after {timeout:g} seconds.")
        if self._error is not None:
            raise self._error
        assert self._made is not None
        return self._made

    def stop(self) -> None:
        """End the training soon; the model stays as it is."""
        self._work.listener.stop.set()

    def _run(self) -> None:
        try:
            made = update(self._work.model, self._work.history, time_limit=self._work.time_limit)
            for one in (made.model, made.tried):
                one.progress = False
            if made.better and not self._work.listener.stop.is_set():
                judged = _judged(made, self._work.history, self._live)
                swap(self._live, made.model.fitted_, judged._held)
            elif made.better:
                made = Update(Forecaster.around(self._live.fitted), False, made.before, made.after, made.tried)
            self._made = made
        except BaseException as error:
            self._error = error
        finally:
            atexit.unregister(self._end)

    def _end(self) -> None:
        """At the end of the process: torch must not be in the middle of something."""
        self.stop()
        self._thread.join()


@dataclass(frozen=True)
class _Work:
    """What a thread trains.

    Args:
        model: a Forecaster around what the live model learned.
        history: what it is trained on.
        time_limit: seconds; None = no limit.
        listener: ends it.
    """

    model: Forecaster
    history: Panel
    time_limit: float | None
    listener: Silent


def begun(live: Live, panel: Any, time_limit: float | None, before: Refresh | None) -> Refresh:
    """Check what there is to train on, and begin. See ``Live.refresh``."""
    require_seconds(Argument("time_limit", of="refresh"), time_limit)
    if before is not None and not before.done():
        raise ConfigError("a refresh of this live model goes on: wait for it, or stop it.")
    with live._lock:
        fitted = live.fitted
        fitted.require_trained("trained further")
        model, listener = Forecaster.around(fitted), Silent()
        model.progress = listener
        history = observed_part(_remembered(live, None if panel is None else model.panel_of(panel)))
    history = _long_enough(model, history)
    return Refresh(live, _Work(model, history, time_limit, listener))


def _remembered(live: Live, given: Panel | None) -> Panel:
    """What is known of all series, with a history that is given."""
    kept = panel_of(live.fitted, live._memory, np.arange(len(live)), live._precision.dtype, live._labels)
    if given is None:
        return kept
    live.fitted.require_same_columns(given)
    return joined(live.fitted, given, kept, live.most_missing, live._labels)


def _long_enough(model: Forecaster, history: Panel) -> Panel:
    """The series that a model can be trained further on and judged by. Raises WindowError where they are too few."""
    fitted, horizon = model.fitted_, model.horizon
    new_N = fitted.new_steps(history) if len(history) else np.zeros(1, np.int64)
    new = int(new_N.max())
    if new <= horizon:
        unit = history.frequency.plural
        raise WindowError(
            f"too little to refresh with: {new:,} {unit(new)} came after the training, until "
            f"{fitted.birth.describe(fitted.frequency)}, and more than {horizon:,} are needed to judge by. Observe "
            "more first, or give newer series as a panel."
        )
    held = held_origins(model, history) * horizon
    long = history.drop_short(fitted.least_history + held + 1)
    windows = _windows(fitted, long, held) if len(long) else 0
    if windows < FEWEST_WINDOWS:
        raise WindowError(
            f"too little to train on: what is remembered has {windows:,} windows before the newest {held:,} steps, "
            f"which are held back, and {FEWEST_WINDOWS} are needed. Give the history too: refresh(panel)."
        )
    return long


def _windows(fitted: Fitted, history: Panel, held: int) -> int:
    """Windows that the poorest candidate is trained on."""
    seen = history.slice(0, history.length - held)
    return min(len(one.plan.spans.all_windows(seen)) for one in fitted.candidates)


def _judged(made: Update, history: Panel, live: Live) -> Live:
    """A live model of the one that did not see the newest steps, which has followed these."""
    held = made.before.scores.origins * made.model.horizon
    return Live.after(made.tried.fitted_, history, held, live.most_missing, adaptive=live.adaptive)
