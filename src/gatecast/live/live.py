"""Live: a fitted model that follows its data as they come."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.labels import PLAIN, Labels
from gatecast.data.panel import Panel
from gatecast.data.quantiles import middle
from gatecast.data.schema import width_of
from gatecast.ensemble.fitted import Fitted
from gatecast.errors import Argument, ConfigError, optional_count, require_count
from gatecast.forecasts.forecast import Forecast
from gatecast.live.ahead import Ahead, panel_of
from gatecast.live.carried import Remembered, kept_of
from gatecast.live.drift import Drift, Wagers
from gatecast.live.memory import Memory
from gatecast.live.observed import Observed
from gatecast.live.precision import Precision
from gatecast.live.rows.arrivals import NEW, WORDS, Arrivals, Rules, arrivals
from gatecast.live.rows.given import Incoming, Known
from gatecast.live.rows.incoming import read_rows
from gatecast.live.scoring import HeldBack, held_from, normal_scores, promised_sizes
from gatecast.live.state.alarms import Alarms
from gatecast.live.state.asked import asked
from gatecast.live.state.forecasting import forecast_of
from gatecast.live.state.forgetting import forget, known_scale
from gatecast.live.state.gates import GateWindow, gate_windows
from gatecast.live.state.widths import Widths

if TYPE_CHECKING:
    from gatecast.refreshing.refresh import Refresh

__all__ = ["MOST_MISSING", "Live"]

MOST_MISSING = 1000


class Live:
    """A fitted forecaster that follows its series row by row. ``Forecaster.live`` makes one; ``load_live`` reads one.

    ``forecast`` gives what ``Forecaster.predict`` would give on the whole history, to six digits, however the rows
    came; what is kept of a series is bounded by what its forecasts read. ``describe`` says how much that is.

    No state of an LSTM is carried from row to row: a forecast starts its networks at the beginning of their lookback,
    as in training, and a state that has read on for longer would forecast something else.

    A series that is new, or has fewer steps than the model needs (``least_history``), is cold: its forecast is the last
    value, with the intervals of a random walk, and the results name it.

    Calls from several threads wait for each other.

    Args:
        fitted: what was learned.
        most_missing: steps of a series that may be missing in a row; a row after more is refused.
        adaptive: the widths of intervals follow what is observed of each series, see ``live.state.widths``; forecasts
            are then those of ``predict`` in their medians alone.
    """

    def __init__(self, fitted: Fitted, most_missing: int = MOST_MISSING, adaptive: bool = False) -> None:
        most_missing = require_count(Argument("most_missing", of="live"), most_missing, least=0)
        schema = fitted.schema
        self.fitted = fitted
        self.most_missing = most_missing
        self._labels: Labels = PLAIN
        self._memory = Memory(fitted.frequency, schema.width, width_of(schema.static))
        self._kept = kept_of(fitted)
        self._remembered = Remembered(fitted, self._memory, self._kept)
        self._known_scale = known_scale(fitted)
        self._precision = Precision(len(schema.targets))
        self._held = [HeldBack() for _ in schema.targets]
        self._wagers = Wagers(len(schema.targets))
        self._alarms = Alarms(len(schema.targets), self._kept.steps, fitted.horizon)
        self._widths = Widths.of(fitted.levels, len(schema.targets)) if adaptive else None
        self._file: str | None = None
        self._lock = threading.RLock()  # a refresh swaps the model between two calls
        self._refresh: Refresh | None = None

    @classmethod
    def after(
        cls, fitted: Fitted, history: Panel | None, held_back: int | None = None, most_missing: int = MOST_MISSING,
        promised: int = 0, adaptive: bool = False,
    ) -> Live:  # fmt: skip
        """One that has seen a history.

        Args:
            fitted: what was learned.
            history: where to begin; None = with no series at all.
            held_back: last steps of each series that training did not see: their errors make the anomaly scores; None =
                as many as came after it.
            most_missing: as for ``Live``.
            promised: errors, as the calibrated intervals promise them, that count as held back besides.
            adaptive: as for ``Live``.
        """
        live = cls(fitted, most_missing, adaptive)
        held_back = optional_count(Argument("held_back", of="live"), held_back, least=0)
        if promised:
            live._held = [HeldBack(promised_sizes(promised)) for _ in live._held]
        if history is not None:
            new_N = fitted.new_steps(history) if held_back is None else np.minimum(history.length, held_back)
            live._begin(history, held_from(new_N, history.length))
        return live

    # ---------------------------------------------------------------- what it is

    def __len__(self) -> int:
        """Number of series that are followed."""
        return len(self._memory)

    def __repr__(self) -> str:
        return f"<Live {self.describe()}>"

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the series, in the order in which they came."""
        return tuple(self._memory.ids)

    @property
    def horizon(self) -> int:
        """Steps H of a forecast."""
        return self.fitted.horizon

    @property
    def least_history(self) -> int:
        """Steps of a series below which it is cold."""
        return self.fitted.least_history

    @property
    def steps_kept(self) -> int:
        """Steps of all series together that are kept."""
        return int(self._memory.length.sum())

    @property
    def nbytes(self) -> int:
        """Bytes that the rows of all series take."""
        return self._memory.nbytes

    @property
    def adaptive(self) -> bool:
        """Whether the widths of intervals follow what is observed."""
        return self._widths is not None

    def describe(self) -> str:
        """Series, steps that are kept of each at least, and why so many, in one line."""
        return f"{len(self):,} series · {self._kept.why} · {self.fitted.describe()}"

    # ---------------------------------------------------------------- rows in

    def observe(self, rows: Any, *, revise: bool = False) -> Observed:
        """Take new rows in, and say of each what was forecast for it and how odd it is.

        All rows are checked before any is taken. A row that repeats a known one is ignored. Steps without a row become
        missing ones. Future covariates may come with their row, before it or after it.

        Args:
            rows: values by column name ({"ds": "2024-01-31", "sales": 5.0}), columns by name, a list of such records,
                a frame of any library, a panel; of one or many series, one or many steps, in any order. Times are
                written as in the history; without a time column rows of whole steps follow each other.
            revise: rows that contradict what is known replace it. A missing value never replaces a known one.

        Raises:
            PanelError: rows lie in the past, contradict what is known, lie off the grid, come after more than
                ``most_missing`` missing steps, cannot be read, or have no logarithm where the model takes it.
            CovariateError: a category is unknown, or a new series lacks its static covariates.
        """
        with self._lock:
            return self._observe(rows, revise)

    def _observe(self, rows: Any, revise: bool) -> Observed:
        incoming = read_rows(rows, self._known)
        logarithms = any(one.plan.scaling.log for one in self.fitted.candidates)
        rules = Rules(self.fitted.schema, revise, self.most_missing, logarithms)
        came = arrivals(self._memory, incoming, rules)
        self._know_labels(incoming)
        self._take(came)
        quantiles_RCQ, cold_R = self._one_step(came)
        observed = self._told(incoming, came, quantiles_RCQ, cold_R)
        self._forget(np.unique(came.series_R))
        return observed

    def _begin(self, history: Panel, held_from_N: np.ndarray) -> None:
        """Take a history in, and the errors of the steps that training did not see."""
        incoming = read_rows(history, self._known)
        self._labels = history.labels
        self._precision.wide = history.values_RV.dtype == np.float64
        self._memory.add(history.ids, history.starts, incoming.static_MS)
        step_R = np.arange(len(incoming)) - np.repeat(np.cumsum(history.length) - history.length, history.length)
        seen_RC = np.isfinite(incoming.values_RV[:, : len(history.targets)])
        kind_R = np.full(len(incoming), NEW)
        came = Arrivals(
            np.arange(len(incoming)), incoming.series_R, step_R, incoming.values_RV, kind_R, seen_RC
        )  # fmt: skip
        self._take(came)
        late = np.flatnonzero(step_R >= np.repeat(held_from_N, history.length))
        if len(late):
            came = Arrivals(*(part[late] for part in vars(came).values()))
            quantiles_RCQ, cold_R = self._one_step(came)
            self._scored(came, quantiles_RCQ, cold_R)
        self._forget(np.arange(len(history)))
        self._memory.tighten()

    def _take(self, came: Arrivals) -> None:
        """Write rows into the memory."""
        targets = len(self.fitted.schema.targets)
        more = len(self._memory) - len(self._precision.last_NC)
        if more:
            self._precision.add(more)
            self._wagers.add(more)
            self._alarms.add(more)
            self._remembered.add()
            if self._widths is not None:
                self._widths.add(more)
        self._memory.write(came.series_R, came.step_R, came.values_RV)
        seen_R = came.seen_RC.any(axis=1)
        self._memory.saw(came.series_R[seen_R], came.step_R[seen_R])
        fresh = np.flatnonzero((came.kind_R == NEW) & seen_R)
        self._precision.follow(came.series_R[fresh], came.step_R[fresh], came.values_RV[fresh, :targets])

    def _forget(self, series: np.ndarray) -> None:
        forget(self._memory, self._remembered, self._kept, self._known_scale, series, self._panel)

    def _panel(self, series_M: np.ndarray) -> Panel:
        """All that is kept of some series."""
        return panel_of(self.fitted, self._memory, series_M, self._precision.dtype, self._labels)

    # ---------------------------------------------------------------- what was forecast for them

    def _one_step(self, came: Arrivals) -> tuple[np.ndarray, np.ndarray]:
        """Quantiles (R, C, Q) of each new row from the row before, and where they are naive (R,)."""
        targets, levels = len(self.fitted.schema.targets), len(self.fitted.levels)
        quantiles_RCQ = np.full((len(came.series_R), targets, levels), np.nan)
        cold_R = np.zeros(len(came.series_R), np.bool_)
        rows = np.flatnonzero(came.scored_R)
        if len(rows):
            series_M, code_B = np.unique(came.series_R[rows], return_inverse=True)
            panel = self._panel(series_M)
            origin_B = panel.first[code_B] + came.step_R[rows] - 1 - self._memory.dropped[series_M[code_B]]
            cold_R[rows] = came.step_R[rows] < self.least_history
            made_BCQ = self._ahead.one_step(panel, code_B, origin_B, cold_R[rows])
            if self._widths is not None:
                made_BCQ = self._widths.follow(came, rows, ~cold_R[rows], made_BCQ)
                made_BCQ = self._ahead.in_range(made_BCQ[:, None], panel, code_B, origin_B)[:, 0]
            quantiles_RCQ[rows] = made_BCQ
        return quantiles_RCQ, cold_R

    def _scored(self, came: Arrivals, quantiles_RCQ: np.ndarray, cold_R: np.ndarray) -> tuple[np.ndarray, ...]:
        """Normal and anomaly scores, alarms (R, C), and the rows scored in the order of time: none of cold series."""
        value_RC = np.where(came.seen_RC, came.values_RV[:, : came.seen_RC.shape[1]], np.nan)
        score_RC = normal_scores(value_RC, quantiles_RCQ, self.fitted.levels)
        anomaly_RC, alarm_RC = np.full(score_RC.shape, np.nan), np.full(score_RC.shape, np.nan)
        warm = np.flatnonzero(~cold_R)
        warm = warm[np.lexsort((came.order_R[warm], self._times(came)[warm]))]
        for c, held in enumerate(self._held):
            judge = self._alarms.judging(came.series_R[warm], c, came.step_R[warm], score_RC[warm, c])
            anomaly_RC[warm, c], alarm_RC[warm, c] = held.judged(score_RC[warm, c], judge)
        return score_RC, anomaly_RC, alarm_RC, warm

    def _told(self, incoming: Incoming, came: Arrivals, quantiles_RCQ: np.ndarray, cold_R: np.ndarray) -> Observed:
        """The result, in the order of the rows given."""
        score_RC, anomaly_RC, alarm_RC, in_time = self._scored(came, quantiles_RCQ, cold_R)
        self._wagers.bet(came.series_R[in_time], anomaly_RC[in_time])
        back_R = np.argsort(came.order_R)
        targets = self.fitted.schema.targets
        return Observed(
            ids=np.array(incoming.ids, dtype=object)[incoming.series_R],
            times=self._times(came)[back_R],
            targets=targets,
            values_RC=incoming.values_RV[:, : len(targets)],
            forecast_RC=quantiles_RCQ[..., middle(self.fitted.levels)][back_R],
            score_RC=score_RC[back_R],
            anomaly_RC=anomaly_RC[back_R],
            alarm_RC=alarm_RC[back_R],
            kinds=np.array(WORDS, dtype=object)[came.kind_R[back_R]],
            cold_R=cold_R[back_R],
            frequency=self.fitted.frequency,
            backend=self.fitted.backend,
            names=self.fitted.names,
            labels=self._labels,
        )

    def _times(self, came: Arrivals) -> np.ndarray:
        return self.fitted.frequency.advance(self._memory.starts[came.series_R], came.step_R)

    def drift(self, false_alarms: float = 0.01) -> Drift:
        """Whether the errors of observed rows have left what those before them, and those held back, were.

        A sequential test on the anomaly scores, which may be asked after every row; see ``live.drift``. Errors that
        stay larger become what later ones are compared with, but the p-value does not rise again.

        Args:
            false_alarms: chance that it ever says "drift" while errors are exchangeable, which autocorrelated ones are
                not quite.

        Raises:
            ConfigError: ``false_alarms`` is not between 0 and 1.
        """
        if not 0 < false_alarms < 1:
            limit = Argument("false_alarms", of="drift")
            raise ConfigError(limit, f" must be a chance between 0 and 1; got {false_alarms}.")
        with self._lock:
            return self._wagers.drift(self._memory.ids, false_alarms)

    # ---------------------------------------------------------------- forecasts out

    def forecast(self, ids: str | int | Iterable[str | int] | None = None, *, future: Any | None = None) -> Forecast:
        """Forecast the H steps after the last observed target: what ``predict`` gives on the whole history.

        Args:
            ids: names of series, in the order wanted; None = all that have a value.
            future: future covariates, as for ``predict``; those that were observed ahead need not be given.

        Returns:
            A forecast; ``cold`` names the series that were too short for the model.

        Raises:
            PanelError: a series is unknown, or has no observed target; or a forecast is not finite.
            CovariateError: a future covariate is missing somewhere in the horizon.
        """
        with self._lock:
            series_M = asked(self._memory, ids)
            panel = self._panel(series_M)
            return forecast_of(self._ahead, self._memory, series_M, panel, future, self._file, self._widths)

    def gates(self, series: str | int) -> GateWindow:
        """Gates and cells of the LSTM over the window that the next forecast of a series reads.

        Raises:
            PanelError: there is no such series, or it has no observed target.
            ConfigError: nothing was trained, or the network is no LSTM that reads forwards.
        """
        with self._lock:
            place = asked(self._memory, series)
            last = self._memory.observed[place] - self._memory.dropped[place]
            return gate_windows(self._remembered.fitted(), self._panel(place), last)[0]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write model and memory to one file, atomically; ``gatecast.load_live`` reads it. See ``docs/format.md``.

        The file holds the rows that are kept: unlike a model file it contains data.

        Raises:
            ModelFileError: the file cannot be written.
        """
        from gatecast.live import files

        with self._lock:
            files.save(self, path)

    # ---------------------------------------------------------------- trained again

    def refresh(self, panel: Any = None, *, time_limit: float | None = None) -> Refresh:
        """Train the model further in a thread, and swap it in one step where that forecasts the newest steps better.

        Trained as ``gatecast.update`` does, on what is remembered of the series and on ``panel``. Rows are observed and
        forecasts made meanwhile, by the model as it was; the new one knows all of these rows. Its anomaly scores begin
        with its errors on the newest steps, which it was judged by, and ``drift`` begins anew.

        Args:
            panel: the history of the series before what is remembered, and other series to learn from: a Panel, or
                what ``gatecast.read`` takes. Where both have a value the remembered one counts.
            time_limit: seconds that the trainings may take together, roughly.

        Returns:
            A handle to ask and to wait: ``done()``, ``wait()``, ``result()``, ``stop()``.

        Raises:
            WindowError: what is remembered, with ``panel``, is too little to train on, or has no more than a horizon
                of new steps.
            ConfigError: nothing of the model is trained, or another refresh goes on.
            PanelError, ModelFileError: the panel does not go with the model, or with what was observed.
        """
        from gatecast.refreshing.refresh import begun

        self._refresh = begun(self, panel, time_limit, self._refresh)
        return self._refresh

    # ---------------------------------------------------------------- its parts

    @property
    def _ahead(self) -> Ahead:
        return Ahead(self._remembered.fitted(), self._kept.reads)

    @property
    def _known(self) -> Known:
        fitted = self.fitted
        return Known(fitted.schema, fitted.frequency, fitted.names, self._memory.ids)

    def _know_labels(self, incoming: Incoming) -> None:
        """Remember how the rows write the names of new series."""
        known = dict(self._labels.values)
        if new := [(name, value) for name, value in incoming.labels if name not in known]:
            self._labels = replace(self._labels, values=(*self._labels.values, *new))
