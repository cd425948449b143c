"""``Forecaster.export``: the whole way from a history to quantiles as one ONNX graph.

    history (B, W, C) ──▶ scaling ──▶ LSTM of each member ──▶ head ──▶ mean ──▶ calibration ──▶ way back ──┐
    series (B,) ──▶ statistics and weights of its own                       ... of each candidate          ├─▶ blend
                                                                                                           ▼
                                                          forecast (B, H, C, Q) ◀── bounds ◀───────────────┘

It gives what ``predict`` does for a series whose last W steps are complete, and nan where a value is missing or has no
logarithm.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gatecast.data.allowed import Bounds
from gatecast.ensemble.blend import Blend
from gatecast.ensemble.fitted import Fitted
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.errors import ConfigError, did_you_mean
from gatecast.export.given import Given, column_names, time_unit
from gatecast.export.graph import Graph, Value, require_onnx
from gatecast.export.heads import calibrated, head_outputs
from gatecast.export.network import raw_outputs
from gatecast.export.reasons import require_exportable
from gatecast.export.scaling import rows_read, window_of
from gatecast.model.lstm import LSTMNetwork
from gatecast.storage.container import KEY, write_atomically
from gatecast.storage.files import naming
from gatecast.windows.channels import Layout

__all__ = ["FORMAT", "Part", "export", "networks_of"]

Part = Literal["all", "networks"]
PARTS = ("all", "networks")
FORMAT = "gatecast-forecast-1"


def export(fitted: Fitted, path: str | os.PathLike[str], part: Part = "all", bounds: Any = None) -> dict[str, Any]:
    """Write a fitted model as an ONNX file; see ``Forecaster.export``.

    Returns:
        What the metadata of the file say.
    """
    if part not in PARTS:
        raise ConfigError(f"part must be 'all' or 'networks'; got {part!r}{did_you_mean(str(part), PARTS)}.")
    range_ = Bounds(fitted.settings.bounds) if bounds is None else Bounds.of(bounds)
    require_onnx()
    require_exportable(fitted, range_, part == "networks")
    whole = networks_of(fitted) if part == "networks" else fitted
    whole = replace(whole, settings=replace(whole.settings, bounds=range_.text))
    told = _metadata(whole, part)
    with naming(path, "The model was not exported."):
        write_atomically(Path(path), _written(whole, told))
    return told


def networks_of(fitted: Fitted) -> Fitted:
    """The trained candidates alone, with their weights among themselves, which every series shares."""
    experts = fitted.blend.experts
    weights = [w for w, e in zip(fitted.blend.weights, experts, strict=True) if isinstance(e, TrainedCandidate)]
    total = sum(weights)
    shares = tuple(w / total if total > 0 else 1 / len(weights) for w in weights)
    return replace(fitted, blend=Blend(fitted.candidates, shares, interrupted=fitted.blend.interrupted))


# ---------------------------------------------------------------- the graph


def _written(fitted: Fitted, told: Mapping[str, Any]) -> bytes:
    graph, candidates, ids = Graph(), fitted.candidates, told["series"]
    given, targets = Given.of(graph, fitted.schema, told), len(fitted.schema.targets)
    history, place_B = given.history, given.others.get("series")
    values = [_candidate(one, fitted, given, ids) for one in candidates]
    forecast = _within(_blended(fitted, values, ids, place_B), Bounds(fitted.settings.bounds))
    # 0 or, where anything is missing or has no logarithm, nan: functions of a runtime may lose a nan on the way
    logs = any(one.plan.scaling.log for one in candidates)
    known = ((history.function("Log") if logs else history) * 0.0).sum(1).reshape(0, 1, targets, 1)
    forecast = forecast + known.sum(2)
    shape = ("windows", fitted.horizon, targets, len(fitted.levels))
    graph.output("forecast", forecast, shape, "quantiles of the steps after the last one, in the data's own unit")
    texts = {KEY: json.dumps(told, ensure_ascii=False)}
    return graph.written("forecast", f"Forecasts {fitted.horizon} steps.", texts, told["gatecast"])


def _candidate(one: TrainedCandidate, fitted: Fitted, given: Given, ids: Sequence[str]) -> Value:
    """(B, H, C, Q) calibrated quantiles of one candidate, float64."""
    plan, lookback, history = one.plan, one.plan.framing.lookback, given.history
    fitted_B3C = None
    if one.statistics is not None:
        rows = history.graph.constant(_by_series(one.statistics, one.ids, ids, np.nan))
        fitted_B3C = rows.take(given.others["series"], 0)
    layout = Layout(fitted.schema, plan.scaling, plan.framing, fitted.frequency)
    channels = given.channels(layout, one.covariates)
    window = window_of(history[:, -rows_read(plan.scaling, lookback) :], layout, channels, fitted_B3C)
    ahead_BHF = given.ahead(fitted.schema, one.covariates)
    outputs = []
    for member in one.members:
        assert isinstance(member.network, LSTMNetwork)
        outputs.append(head_outputs(one.head, raw_outputs(member.network, window.context_BLF, lookback, ahead_BHF)))
    mean = outputs[0]
    for output in outputs[1:]:
        mean = mean + output
    mean = mean if len(outputs) == 1 else mean / float(len(outputs))
    return window.restored(calibrated(one.calibration, mean), member.network.shape[1])


def _blended(fitted: Fitted, values: list[Value], ids: Sequence[str], place_B: Value | None) -> Value:
    """The weighted mean; see ``ensemble.blend``."""
    if len(values) == 1:
        return values[0]
    graph, blend = values[0].graph, fitted.blend
    common_E = np.array(blend.weights)
    if blend.own is None:
        return _sum([value * weight for value, weight in zip(values, _shares(common_E), strict=True)])
    assert place_B is not None
    weight_NE = _shares(_by_series(blend.own.weight_NE, blend.own.ids, ids, common_E))
    weight_BE = graph.constant(weight_NE).take(place_B, 0)
    columns = [weight_BE[:, e : e + 1].reshape(-1, 1, 1, 1) for e in range(len(values))]
    return _sum([value * column for value, column in zip(values, columns, strict=True)])


def _shares(weight: np.ndarray) -> np.ndarray:
    """Weights (..., E) that add up to 1, rounded as those of ``predict``."""
    whole = weight.sum(axis=-1, keepdims=True)
    shares = np.where(whole > 0, weight / np.where(whole > 0, whole, 1), 1 / weight.shape[-1])
    return shares.astype(np.float32).astype(np.float64)


def _sum(values: list[Value]) -> Value:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _within(forecast: Value, bounds: Bounds) -> Value:
    return forecast if bounds.fixed is None else forecast.clip(*bounds.fixed)


# ---------------------------------------------------------------- series


def _named_series(fitted: Fitted) -> tuple[str, ...]:
    """The series that have numbers of their own; none where all are treated alike."""
    lists = [one.ids for one in fitted.candidates if one.statistics is not None]
    if fitted.blend.own is not None and len(fitted.candidates) > 1:
        lists.append(fitted.blend.own.ids)
    return tuple(dict.fromkeys(name for ids in lists for name in ids))


def _by_series(array: np.ndarray, known: Sequence[str], ids: Sequence[str], otherwise: Any) -> np.ndarray:
    """Rows of ``array`` (of the series ``known``) in the order of ``ids``, and one more for any other series.

    A runtime reads the last row at place -1.
    """
    place = {name: n for n, name in enumerate(known)}
    rows = np.empty((len(ids) + 1, *array.shape[1:]))
    rows[:] = otherwise
    for n, name in enumerate(ids):
        if name in place:
            rows[n] = array[place[name]]
    return rows


# ---------------------------------------------------------------- what programs may read of it


def _metadata(fitted: Fitted, part: Part) -> dict[str, Any]:
    """By name, as ``docs/howto-onnx.md`` has it; in the file one JSON object."""
    import gatecast

    schema, (series, time) = fitted.schema, fitted.names
    reads_time = any(one.plan.framing.calendar for one in fitted.candidates)
    return {
        "format": FORMAT,
        "gatecast": gatecast.__version__,
        "targets": schema.targets,
        "past": column_names(schema.past),
        "future": column_names(schema.future),
        "static": column_names(schema.static),
        "time": time_unit(fitted.frequency, reads_time),
        "series_column": series,
        "time_column": time,
        "frequency": fitted.frequency.to_text(),
        "history": max(rows_read(one.plan.scaling, one.plan.framing.lookback) for one in fitted.candidates),
        "horizon": fitted.horizon,
        "quantiles": fitted.levels,
        "bounds": fitted.settings.bounds,
        "part": part,
        "experts": fitted.blend.described(),
        "series": _named_series(fitted),
    }
