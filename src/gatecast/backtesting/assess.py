"""Scoring a forecaster and the naive forecasts on the same origins.

─────── trained on ────────┤o1·····H·····
                           ├──stride──o2·····H·····
                                      ├──stride──o3·····H·····|   end of the panel
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

import numpy as np

from gatecast.backtesting.fit_facts import fit_facts
from gatecast.backtesting.given import require_model
from gatecast.backtesting.result import Evaluation
from gatecast.data.panel import Panel
from gatecast.data.quantiles import middle
from gatecast.data.scan.source import PanelSource
from gatecast.data.tables.future import observed_part
from gatecast.data.tables.intake import as_panel
from gatecast.errors import Argument, Code, ConfigError, WindowError, listed, optional_count
from gatecast.evaluation.scales import mase_scale, rmsse_scale
from gatecast.evaluation.scores import Scores
from gatecast.forecasts.finite import require_finite
from gatecast.statistical.naive import baseline_forecasts
from gatecast.statistical.rivals import RIVALS
from gatecast.windows.index import WindowIndex, last_origins, windows_between

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatecast.data.frequency import TimeLike
    from gatecast.evaluation.streamed import StreamedScores
    from gatecast.forecaster import Forecaster
    from gatecast.groups.grouped import GroupedForecaster
    from gatecast.groups.scores import GroupedScores
    from gatecast.statistical.rivals import Rival

__all__ = ["category_codes", "evaluate", "origin_numbers", "origins_that_fit", "score_forecasts", "training_part"]


class _Asked(TypedDict, total=False):
    """Arguments of ``evaluate`` for a panel."""

    origins: int | Literal["all"] | None
    stride: int | None
    begin: TimeLike | None
    end: TimeLike | None
    season: int | None
    in_sample: bool
    checkpoint: str | os.PathLike[str] | None


@overload
def evaluate(
    model: Forecaster | GroupedForecaster,
    data: PanelSource,
    *,
    origins: int | None = None,
    stride: int | None = None,
    season: int | None = None,
) -> StreamedScores: ...


@overload
def evaluate(model: GroupedForecaster, data: Any, **asked: Unpack[_Asked]) -> GroupedScores: ...


@overload
def evaluate(model: Forecaster, data: Any, **asked: Unpack[_Asked]) -> Evaluation: ...


def evaluate(
    model: Forecaster | GroupedForecaster,
    data: Any,
    *,
    origins: int | Literal["all"] | None = None,
    stride: int | None = None,
    begin: TimeLike | None = None,
    end: TimeLike | None = None,
    season: int | None = None,
    in_sample: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Evaluation | StreamedScores | GroupedScores:
    """Score a model beside the naive forecasts, on data that it has not seen.

    A model that is not fitted is first trained on what lies before the first origin, and stays so; series too short to
    be cut take no part. A fitted one is scored as it is: on the last ``origins`` of each series, or, with "all" of them
    or a span (``begin``, ``end``), from every origin there, one step after the other.

    Args:
        model: a Forecaster; or a GroupedForecaster, of which each group is scored, and ``GroupedScores`` come back.
        data: a Panel, or what ``gatecast.read`` takes; the last H steps of each series are the last truth. Of a source
            (``gatecast.scan``) all series are scored, a shard at a time, and ``StreamedScores`` come back.
        origins: rolling origins per series; "all" = every one that has a truth. None = 1, or all of a span.
        stride: steps between two origins; None = the horizon.
        begin: time of the first target (a date label or a step); None = the first one after a whole lookback, or after
            one season where the lookback was chosen and may be padded.
        end: time of the last target; None = the end of the panel.
        season: m of MASE and of the seasonal naive forecast; None = the season that the model found.
        in_sample: allow origins that the training has seen. This shows how the model fits, which is no score.
        checkpoint: a folder that keeps where the training stands, as for ``Forecaster.fit``.

    Raises:
        WindowError: a series is too short for the origins, or no window fits.
        ConfigError: the model has seen what it would be scored on, or the arguments do not go together.
    """
    from gatecast.groups.grouped import GroupedForecaster

    if not isinstance(model, GroupedForecaster):
        require_model(model, "evaluate")
    if not isinstance(origins, str):
        origins = optional_count(Argument("origins", of="evaluate"), origins)
    elif origins != "all":
        raise ConfigError(Argument("origins", of="evaluate"), f" must be a whole number, or 'all'; got {origins!r}.")
    stride = optional_count(Argument("stride", of="evaluate"), stride)
    season = optional_count("season", season)
    if isinstance(data, PanelSource):
        return _of_a_source(model, data, origins, stride, season, (begin, end, in_sample, checkpoint))
    if isinstance(model, GroupedForecaster):
        span: dict[str, Any] = {"begin": begin, "end": end, "season": season, "in_sample": in_sample}
        return model._evaluated(data, origins, stride, checkpoint=checkpoint, **span)
    if origins == "all" or begin is not None or end is not None:
        if isinstance(origins, int) or stride is not None:
            origins_, stride_ = Argument("origins", of="evaluate"), Argument("stride", of="evaluate")
            raise ConfigError("a span has all its origins: leave out ", origins_, " and ", stride_, ".")
        return _over_a_span(model, data, begin, end, season, in_sample)
    count = 1 if origins is None else origins
    if not model.is_fitted:
        before, whole = training_part(as_panel(data), model.horizon, count, stride)
        return _last_origins(model.fit(before, checkpoint=checkpoint), whole, count, stride, season, in_sample)
    return _last_origins(model, data, count, stride, season, in_sample)


def _of_a_source(
    model: Forecaster | GroupedForecaster,
    source: PanelSource,
    origins: Any,
    stride: int | None,
    season: int | None,
    others: Sequence[Any],
) -> StreamedScores:
    """Score all series of a source, a shard at a time."""
    from gatecast.scale.evaluate import evaluate_source

    if origins == "all" or any(others):
        raise ConfigError("a source is scored on its last origins: give origins and stride alone.")
    count = 1 if origins is None else origins
    return evaluate_source(model, source, count, stride, season)


def _last_origins(
    model: Forecaster, data: Any, origins: int, stride: int | None, season: int | None, in_sample: bool
) -> Evaluation:
    """Score a fitted model on the last origins of every series."""
    panel = observed_part(model.panel_of(data))
    model.fitted_.require_same_columns(panel)
    origin_NO = last_origins(panel, model.horizon, origins, stride or model.horizon)
    short = np.flatnonzero(origin_NO[:, 0] < panel.first + 1)
    if len(short):
        raise WindowError(
            f"{listed([repr(panel.ids[n]) for n in short], 3)} ({len(short):,} of {len(panel):,} series) are too short "
            f"for {origins} origins of {model.horizon} steps. Use fewer origins, or ",
            Code("panel.drop_short()", "leave such series out"),
            ".",
        )
    if not in_sample:
        _require_unseen(model, panel, origin_NO[:, 0])
    series_B = np.repeat(np.arange(len(panel)), origins)
    return _scored(model, panel, series_B, origin_NO.ravel(), season or model.fitted_.season, origins)


def _over_a_span(
    model: Forecaster, data: Any, begin: TimeLike | None, end: TimeLike | None, season: int | None, in_sample: bool
) -> Evaluation:
    """Score a fitted model on every origin of a span."""
    panel = observed_part(model.panel_of(data))
    model.fitted_.require_same_columns(panel)
    windows = _windows_of(model, panel, begin, end)
    series_B, origin_B = windows.locate(np.arange(len(windows)))
    if not in_sample:
        first_N = panel.stop - 1
        np.minimum.at(first_N, series_B, origin_B)
        _require_unseen(model, panel, first_N)
    most = int(np.bincount(series_B).max())
    return _scored(model, panel, series_B, origin_B, season or model.fitted_.season, most)


def _windows_of(model: Forecaster, panel: Panel, begin: TimeLike | None, end: TimeLike | None) -> WindowIndex:
    """All windows with their targets in a span. Raises WindowError where there is none."""
    horizon, least = model.horizon, model.fitted_.least_history
    low_N = panel.first + least
    if begin is not None:
        low_N = np.maximum(panel.first + 1, panel.first + panel.frequency.steps_until(panel.starts, begin))
    high_N = panel.stop.copy()
    if end is not None:
        high_N = np.minimum(high_N, panel.first + panel.frequency.steps_until(panel.starts, end, after=True))
    windows = windows_between(low_N - 1, high_N - 1 - horizon)
    if not len(windows):
        raise WindowError(
            f"no window fits: {least} steps of history + horizon {horizon} against {panel.describe()}"
            f"{'' if begin is None else f', targets from {begin}'}. Give more history."
        )
    return windows


def training_part(panel: Panel, horizon: int, origins: int, stride: int | None = None) -> tuple[Panel, Panel]:
    """(what lies before the first origin, the whole) of the series that are long enough to be cut."""
    observed = observed_part(panel)
    held = horizon + (origins - 1) * (stride or horizon)
    whole = observed.drop_short(held + 2)
    if not len(whole):
        raise WindowError(
            f"no series has more than {held + 1} steps, which {origins} origins of {horizon} steps need. "
            f"Use a shorter horizon or fewer origins."
        )
    return whole.slice(0, whole.length - held), whole


def origins_that_fit(panel: Panel, horizon: int, most: int = 3) -> int:
    """How many origins, a horizon apart, can be held out and leave two thirds of a typical series for training."""
    room = int(np.median(panel.length)) // 3
    return int(np.clip(room // horizon, 1, most))


def _scored(
    model: Forecaster, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, season: int, origins: int
) -> Evaluation:
    """One pass of the model and of every baseline over all windows."""
    forecast_BHCQ = model.forecast_from(panel, series_B, origin_B)
    require_finite(forecast_BHCQ, panel, model.file_, series_B)
    return score_forecasts(model, panel, series_B, origin_B, forecast_BHCQ, season, origins)


def score_forecasts(
    model: Forecaster,
    panel: Panel,
    series_B: np.ndarray,
    origin_B: np.ndarray,
    forecast_BHCQ: np.ndarray,
    season: int,
    origins: int,
    rivals: Mapping[str, Rival] | None = None,
    seconds: float | None = None,
) -> Evaluation:
    """Put forecasts that were made at some origins beside the truth, the baselines and the rivals there.

    Args:
        model: the forecaster that made them (the last one, where several did).
        panel: what was forecast, with the truth.
        series_B: (B,) position of each window's series.
        origin_B: (B,) row of each window's origin.
        forecast_BHCQ: (B, H, C, Q) the model's quantiles.
        season: m of MASE and of the seasonal naive forecast.
        origins: number of distinct origins.
        rivals: name -> what a statistical method forecast for the same windows.
        seconds: what training and forecasting took; shown beside the rivals'.
    """
    rivals = rivals or {}
    horizon, quantiles = model.horizon, model.fitted_.levels
    target_RC = panel.target_RC
    first_B = panel.first[series_B]
    truth_BHC = target_RC[origin_B[:, None] + np.arange(1, horizon + 1)].astype(np.float64)
    baselines = baseline_forecasts(
        target_RC, first_B, origin_B, horizon, season, category_R=category_codes(model, panel)
    )
    scales = _naive_scales(panel, series_B, origin_B, season)
    points = {name: rival.point_BHC for name, rival in rivals.items()}
    ranges = {name: rival.quantiles_BHCQ for name, rival in rivals.items() if rival.quantiles_BHCQ is not None}
    scores = Scores(
        truth_BHC,
        {"lstm": forecast_BHCQ[..., middle(quantiles)].astype(np.float64), **points, **baselines},
        rivals=tuple(rivals),
        targets=panel.targets,
        mase_scale_BC=scales[0],
        rmsse_scale_BC=scales[1],
        quantiles=quantiles,
        quantile_forecasts={"lstm": forecast_BHCQ, **ranges},
        season=season,
        origins=origins,
        series=len(panel),
        series_B=series_B,
        origin_B=origin_numbers(series_B, origin_B),
        stride=_stride(series_B, origin_B),
        seconds=({"lstm": seconds} if seconds and rivals else {}) | {name: r.seconds for name, r in rivals.items()},
        facts=fit_facts(model, panel, series_B, origin_B, baselines["naive"][:, 0], season),
        unit=panel.frequency.plural(horizon),
        titles=RIVALS,
    )
    return Evaluation(scores, panel, series_B, origin_B, forecast_BHCQ, baselines)


def origin_numbers(series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
    """(B,) number of each origin inside its series, 0..O-1 in the order of time; the last one of each series is O-1.

    >>> origin_numbers(np.array([0, 0, 1]), np.array([5, 7, 20]))
    array([0, 1, 1])
    """
    order = np.lexsort((origin_B, series_B))
    series = series_B[order]
    number = np.empty(len(series), np.int64)
    # place of each window in the sorted list, less the place of its series' last one
    number[order] = np.arange(len(series)) - np.searchsorted(series, series, side="right")
    return np.asarray(number - number.min(initial=0))


def _stride(series_B: np.ndarray, origin_B: np.ndarray) -> int | None:
    """Fewest steps between two origins of one series; None where no series has two."""
    order = np.lexsort((origin_B, series_B))
    apart = np.diff(origin_B[order])[np.diff(series_B[order]) == 0]
    return int(apart.min()) if len(apart) else None


def _naive_scales(
    panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, season: int
) -> tuple[np.ndarray, np.ndarray]:
    """(B, C) scales of MASE and RMSSE, from what lies before each series' first origin."""
    earliest_N = panel.first.copy() + panel.length - 1
    np.minimum.at(earliest_N, series_B, origin_B)
    length_N = earliest_N - panel.first + 1
    mase_NC, rmsse_NC = (scale(panel.target_RC, panel.first, length_N, season) for scale in (mase_scale, rmsse_scale))
    return mase_NC[series_B], rmsse_NC[series_B]


def category_codes(model: Forecaster, panel: Panel) -> np.ndarray | None:
    """(R,) code of the categorical future covariate that the naive forecast may use; None without one."""
    named = [column.name for column in panel.schema.future if column.categories is not None]
    if not named:
        return None
    blend = model.fitted_.blend
    name = (None if blend.untrained else blend.main.plan.scaling.category) or named[0]
    onehot_RG = panel.values_RV[:, panel.schema.category_slice(name)]
    code_R: np.ndarray = onehot_RG.argmax(axis=1)
    return code_R


def _require_unseen(model: Forecaster, panel: Panel, first_origin_N: np.ndarray) -> None:
    """Raise ConfigError where an origin lies before the end of what the model was trained on."""
    trained = model.trained_until()
    origin_N = panel.frequency.advance(panel.starts, first_origin_N - panel.first)
    seen = [n for n, name in enumerate(panel.ids) if name in trained and trained[name] > origin_N[n]]
    if seen:
        n = seen[0]
        label = panel.frequency.label
        raise ConfigError(
            f"the model was trained on {panel.ids[n]!r} until {label(trained[panel.ids[n]])}, after the origin "
            f"{label(origin_N[n])}: its score there would mean nothing. Evaluate a model that is not fitted",
            Code(", such as model.clone()"),
            f": it is then trained on what lies before the first origin. {len(seen):,} of {len(panel):,} series are "
            "affected.",
        )
