"""Backtest: what the forecasts would have been, had the model been used all along.

─────── trained on ────────┤o1·····H·····
                           ├──stride──o2·····H·····           a fold: origins that one training serves
───────────────── trained on ────────────────┤o3·····H·····   the next fold, where the model is refitted
                                             ├──stride──o4·····H·····|   end of the panel

All that is learned (scaling, validation, calibration, weights) is learned inside each fold, before its first origin.
One pass forecasts all origins of a fold; no window is copied out of the panel.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

import numpy as np

from gatecast.backtesting.assess import score_forecasts
from gatecast.backtesting.folder import BacktestFolder
from gatecast.backtesting.folds import long_enough, make_folds, require_rolling, stride_that_fits
from gatecast.backtesting.given import require_model
from gatecast.backtesting.record import FoldRecord
from gatecast.backtesting.result import Evaluation
from gatecast.backtesting.rolling import Rolling
from gatecast.data.scan.source import PanelSource
from gatecast.data.tables.future import observed_part
from gatecast.data.tables.intake import as_panel
from gatecast.errors import ConfigError, listed, optional_count
from gatecast.evaluation.layout import score_html
from gatecast.progress import Listener, listening
from gatecast.statistical.rivals import require_rivals, rival_forecasts, worthwhile_at
from gatecast.windows.index import last_origins

if TYPE_CHECKING:
    from gatecast.evaluation.scores import Scores, Table
    from gatecast.forecaster import Forecaster
    from gatecast.scale.backtest import StreamedBacktest
    from gatecast.statistical.rivals import Rival

__all__ = ["Backtest", "backtest"]


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts from rolling origins beside the naive ones, their scores, and how they came about.

    Args:
        evaluation: forecasts, truths and scores of all windows.
        folds: how each training went.
        model: the forecaster of the last fold.
        origins: origins per series that were forecast.
        planned: origins that were asked for; more than ``origins`` after Ctrl-C.
        stride: steps between two origins.
        refit: when training was repeated.
        window: "expanding" or "sliding".
        adaptive: whether the intervals follow what was observed on the way.
        left_out: names of the series that were too short.
        notes: one sentence each on what was left out and why.
    """

    evaluation: Evaluation
    folds: tuple[FoldRecord, ...]
    model: Forecaster
    origins: int
    planned: int
    stride: int
    refit: bool | int
    window: str
    adaptive: bool = False
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def scores(self) -> Scores:
        """The table, the skill and the verdict."""
        return self.evaluation.scores

    @property
    def interrupted(self) -> bool:
        """Stopped by Ctrl-C before all origins were forecast."""
        return self.origins < self.planned

    def per_series(self) -> dict[str, Table]:
        """Series -> method -> metric -> score."""
        ids = self.evaluation.panel.ids
        return {ids[n]: table for n, table in self.scores.grouped(self.evaluation.series_B).items()}

    def per_origin(self) -> dict[int, Table]:
        """Number of the origin, 0 the oldest -> method -> metric -> score."""
        return self.scores.grouped(np.tile(np.arange(self.origins), len(self.evaluation.panel)))

    def to_dict(self) -> dict[str, Any]:
        """Everything but the forecasts themselves as plain data for JSON."""
        return {**self.facts(), **self.scores.to_dict()}

    def facts(self) -> dict[str, Any]:
        """How it was done, without the scores, as plain data."""
        return {
            "origins": self.origins,
            "planned": self.planned,
            "stride": self.stride,
            "refit": self.refit,
            "window": self.window,
            "adaptive": self.adaptive,
            "folds": [
                {"origins": [r.fold.begin, r.fold.end], "steps": r.steps, "seconds": r.seconds, "epochs": r.epochs}
                for r in self.folds
            ],
            "left_out": list(self.left_out),
            "notes": list(self.notes),
        }

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write all this as one self-contained HTML page; see ``gatecast.report.write_report``."""
        from gatecast.report import write_report

        write_report(self, path)

    def __str__(self) -> str:
        return "\n".join([str(self.scores), *self.notes])

    def _repr_html_(self) -> str:
        return score_html(self.scores, self.notes)


class _Asked(TypedDict, total=False):
    """Arguments of ``backtest`` for panels and sources."""

    origins: int
    stride: int | None
    refit: bool | int
    window: Literal["expanding", "sliding"]
    warm: bool
    season: int | None
    checkpoint: str | os.PathLike[str] | None
    progress: bool | Listener


class _AskedOfPanel(_Asked, total=False):
    """Those for panels alone besides."""

    adaptive: bool
    rivals: Sequence[str] | Literal["auto"]


@overload
def backtest(
    model: Forecaster, data: PanelSource, *, memory_limit: int | str = "1GB", **asked: Unpack[_Asked]
) -> StreamedBacktest: ...


@overload
def backtest(model: Forecaster, data: Any, **asked: Unpack[_AskedOfPanel]) -> Backtest: ...


def backtest(
    model: Forecaster,
    data: Any,
    *,
    origins: int = 8,
    stride: int | None = None,
    refit: bool | int = False,
    window: Literal["expanding", "sliding"] = "expanding",
    warm: bool = False,
    adaptive: bool = False,
    season: int | None = None,
    rivals: Sequence[str] | Literal["auto"] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool | Listener = True,
    memory_limit: int | str = "1GB",
) -> Backtest | StreamedBacktest:
    """Forecast from rolling origins, training before them, and score beside the naive forecasts.

    The model that is given stays as it is: every fold trains a copy with its settings.

    Args:
        model: a Forecaster, fitted or not.
        data: a Panel, or what ``gatecast.read`` takes; the last H steps of each series are the last truth. Of a source
            (``gatecast.scan``) the models see a sample, all series are scored, a shard at a time, and a
            ``StreamedBacktest`` comes back.
        origins: rolling origins per series.
        stride: steps between two origins; None = the horizon, or less where that would take half of the data.
        refit: False = train once, before the first origin; True = anew at every origin; K = at every K-th.
        window: train on everything before a fold, or on as many steps as before the first one.
        warm: later folds go on from the weights of the one before, with all that was chosen there.
        adaptive: correct the quantiles at each origin by what was observed until then.
        season: m of MASE and of the seasonal naive forecast; None = the season that the model found.
        rivals: statistical methods to fit at every origin (``evaluation.rivals.RIVALS``); "auto" = those that take
            about a minute, if ``statsforecast`` is installed.
        checkpoint: a folder that keeps each finished fold, and where the trainings of the next one stand; the same
            backtest with the same folder goes on there, whatever ended the one before.
        progress: show one progress line on a terminal; or a ``Listener``, which hears of every step and may stop it.
        memory_limit: of a source: bytes that the trainings may take for the sample.

    Raises:
        WindowError: no series is long enough for the origins.
        ConfigError: a setting is out of range, or the folder holds another backtest.

    Source: rolling-origin evaluation, Tashman 2000.
    """
    require_model(model, "backtest")
    season = optional_count("season", season)
    if isinstance(data, PanelSource):
        from gatecast.scale.backtest import backtest_source

        if adaptive or rivals:
            raise ConfigError("a backtest of a source has no adaptive intervals and no rivals: read a panel for them.")
        return backtest_source(
            model, data, origins=origins, stride=stride, refit=refit, window=window, warm=warm, season=season,
            checkpoint=checkpoint, memory_limit=memory_limit, progress=progress,
        )  # fmt: skip
    origins, stride = require_rolling(origins, stride, window)
    if rivals != "auto":
        rivals = (rivals,) if isinstance(rivals, str) else tuple(rivals)
        require_rivals(rivals)
    folds = make_folds(origins, refit)
    observed = observed_part(as_panel(data))
    step = stride or stride_that_fits(observed.length, model.horizon, origins)
    panel = long_enough(observed, model.horizon, origins, step)
    origin_NO = last_origins(panel, model.horizon, origins, step)
    kept = None if checkpoint is None else BacktestFolder.open(checkpoint, model, panel, origin_NO, refit, window, warm)
    run = Rolling(model, panel, origin_NO, window, warm, kept, listening(progress))
    run.folds(folds)
    done = run.records[-1].fold.end
    series_B, origin_B = np.repeat(np.arange(len(panel)), done), origin_NO[:, :done].ravel()
    forecast_NOHCQ = run.adapted(step) if adaptive else run.forecast_NOHCQ[:, :done]
    season = season or run.last.fitted_.season
    forecast_BHCQ = forecast_NOHCQ.reshape(-1, *forecast_NOHCQ.shape[2:])
    fitted, notes = _rivals(rivals, run, series_B, origin_B, season)
    result = score_forecasts(run.last, panel, series_B, origin_B, forecast_BHCQ, season, done, fitted, run.seconds)
    if done < origins:
        notes = (f"Interrupted: {done:,} of {origins:,} origins are scored.", *notes)
    elif run.last.record_["interrupted"]:
        notes = ("Interrupted: the last training was cut short; its forecasts are scored.", *notes)
    used = set(panel.ids)
    out = tuple(name for name in observed.ids if name not in used)
    if out:
        notes = (*notes, f"{len(out):,} of {len(observed):,} series are too short and left out: {listed(out, 3)}.")
    return Backtest(
        result, tuple(run.records), run.last, done, origins, step, refit, window, adaptive, out, notes
    )  # fmt: skip


def _rivals(
    wanted: Sequence[str] | str, run: Rolling, series_B: np.ndarray, origin_B: np.ndarray, season: int
) -> tuple[dict[str, Rival], tuple[str, ...]]:
    """Forecasts of the rivals, and a sentence on those that are left out."""
    panel, names, note = run.panel, tuple(wanted), ""
    if wanted == "auto":
        names, note = worthwhile_at(panel.first[series_B], origin_B, len(panel.targets), season)
    notes = (note,) if note else ()
    if not names:
        return {}, notes
    if run.listener.stop.is_set() or run.last.record_["interrupted"]:
        return {}, (*notes, "Interrupted: the statistical rivals are left out.")
    quantiles = run.last.fitted_.levels
    try:
        fitted = rival_forecasts(
            panel.target_RC,
            panel.first[series_B],
            origin_B,
            run.model.horizon,
            season,
            names,
            quantiles,
            workers=run.model.running.workers_here,
            on_progress=lambda done, count: run.listener.on_progress("backtest · statistical rivals, fit", done, count),
        )
    except KeyboardInterrupt:
        return {}, (*notes, "Interrupted: the statistical rivals are left out.")
    finally:
        run.listener.end()
    return fitted, notes
