"""The data of a page: one entry per series and target, as its script draws and lists them."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.frequency import to_wall
from gatecast.data.quantiles import middle
from gatecast.data.tables.future import observed_part
from gatecast.forecasts.digits import digits_of
from gatecast.forecasts.writing import key_columns, write_forecast, written_frame
from gatecast.report.forecasts.sentences import of_all, of_series
from gatecast.report.forecasts.shown import plain_numbers
from gatecast.report.forecasts.totals import year_before

if TYPE_CHECKING:
    from gatecast.forecasts.forecast import Forecast
    from gatecast.report.forecasts.alternatives import Alternative
    from gatecast.report.forecasts.shown import Shown
    from gatecast.report.forecasts.totals import Totals
    from gatecast.workflow import ForecastResult

__all__ = ["Content", "page_data", "spreadsheet"]

MOST_CELLS = 20_000  # of a spreadsheet inside a page, about 0.15 MB


@dataclass(frozen=True, eq=False)
class Content:
    """All that a page says, before it is written."""

    result: ForecastResult
    shown: Shown
    sums: Totals
    alternatives: Sequence[Alternative]

    def first(self, count: int) -> Content:
        """The same page with fewer series."""
        fewer = [one.first(count) for one in self.alternatives]
        return Content(self.result, self.shown.first(count), self.sums.first(count), fewer)


def page_data(content: Content) -> dict[str, Any]:
    """Plain data for the script: grids of times, entries of series, and what the alternatives are."""
    shown = content.shown
    grids = _Grids(shown)
    entries = [
        _entry(content, grids, k, c) for c in range(len(shown.forecast.targets)) for k in range(len(shown.forecast))
    ]
    together = [one for c in range(len(shown.forecast.targets)) if (one := _together(content, grids, c))]
    return {
        "time": shown.forecast.frequency.unit != "step",
        "step": shown.forecast.frequency.name,
        "levels": list(shown.forecast.quantiles),
        "targets": list(shown.forecast.targets),
        "heads": grids.heads,
        "alternatives": [{"covariate": one.covariate, "word": one.word} for one in content.alternatives],
        "grids": grids.found,
        "entries": [*together, *entries],
    }


def spreadsheet(forecast: Forecast) -> str:
    """The long table of all series as a data: URI; "" where it is too large, or XlsxWriter is missing."""
    if forecast.values_NHCQ.size > MOST_CELLS or find_spec("xlsxwriter") is None:
        return ""
    file = io.BytesIO()
    write_forecast(forecast, file, ".xlsx")
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return f"data:application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;base64,{text}"


# ---------------------------------------------------------------- times


class _Grids:
    """Times of history and horizon, each kept once however many series share them."""

    def __init__(self, shown: Shown) -> None:
        made = shown.forecast
        self.shown, self.found, self._known = shown, list[dict[str, Any]](), dict[bytes, int]()
        names, times = key_columns(made)
        frame = written_frame(made, ".csv")
        self.heads = frame.columns[: names + times]
        self.cells = [[str(cell) for cell in row] for row in frame.select(self.heads).iter_rows()]
        self.names = names

    def of(self, k: int) -> int:
        """Position of the grid of a series among those found."""
        shown, horizon = self.shown, self.shown.forecast.horizon
        past_T = shown.history.times(k)[-shown.steps :]
        times = np.concatenate([past_T, shown.forecast.times[k]])
        key = times.tobytes()
        if key not in self._known:
            self._known[key] = len(self.found)
            rows = self.cells[k * horizon : (k + 1) * horizon]
            self.found.append(
                {
                    "past": len(past_T),
                    "x": _milliseconds(self.shown.forecast, times),
                    "names": [shown.forecast.axes.time_label(time) for time in times],
                    "written": [row[self.names :] for row in rows],
                }
            )
        return self._known[key]

    def keys(self, k: int) -> list[str]:
        """What names a series in the table."""
        return self.cells[k * self.shown.forecast.horizon][: self.names]


def _milliseconds(made: Forecast, times: np.ndarray) -> list[int]:
    """Times as a chart takes them: whole steps, or milliseconds of what clocks show."""
    frequency = made.frequency
    if frequency.unit == "step":
        return [int(time) for time in times]
    if frequency.stores_utc and frequency.timezone is not None:
        times = to_wall(times, frequency.timezone)
    return [int(time) for time in np.asarray(times, "datetime64[ms]").astype(np.int64)]


# ---------------------------------------------------------------- entries


def _entry(content: Content, grids: _Grids, k: int, c: int) -> dict[str, Any]:
    shown, sums = content.shown, content.sums
    made, n = shown.forecast, int(shown.place_K[k])
    values_HQ = made.values_NHCQ[k, :, c]
    past_T = shown.history.series(k)[-shown.steps :, c]
    return {
        "name": made.ids[k],
        "target": c,
        "grid": grids.of(k),
        "keys": grids.keys(k),
        "digits": digits_of(np.concatenate([values_HQ.ravel().astype(np.float64), past_T[-made.horizon :]])),
        "history": plain_numbers(past_T),
        "quantiles": plain_numbers(values_HQ.T),
        "before": _or_nothing(year_before(shown.history, made.horizon, k)[:, c].astype(past_T.dtype)),
        "said": of_series(shown, sums, k, c),
        "summed": bool(sums.summed_C[c]),
        "total": float(sums.now_NC[n, c]),
        "other": [
            [None if math.isnan(one.value_K[k]) else float(str(one.value_K[k])), plain_numbers(one.point_KHC[k, :, c])]
            for one in content.alternatives
        ],
    }


def _or_nothing(values_H: np.ndarray) -> Any:
    """Plain numbers, or an empty list where none is known."""
    return plain_numbers(values_H) if np.isfinite(values_H).any() else []


def _together(content: Content, grids: _Grids, c: int) -> dict[str, Any] | None:
    """Sums over all series, where they end at one time; without intervals, for errors of series go together."""
    result, sums = content.result, content.sums
    made, panel = result.forecast, result.panel
    said = of_all(made, sums, c)
    if not said or len(np.unique(made.times[:, 0])) > 1:
        return None
    history = observed_part(panel)
    steps = min(int(history.length.min()), content.shown.steps)
    rows_NT = history.stop[:, None] + np.arange(-steps, 0)
    past_T = history.target_RC[rows_NT, c].astype(np.float64).sum(axis=0)
    before_H = np.sum([year_before(history, made.horizon, n)[:, c] for n in range(len(history))], axis=0)
    now_H = made.values[..., c].astype(np.float64).sum(axis=0)
    longest = int(np.argmax(content.shown.history.length))
    grid = grids.of(longest)
    missing = [None] * (grids.found[grid]["past"] - steps)
    levels = [[None] * made.horizon for _ in made.quantiles]
    levels[middle(made.quantiles)] = plain_numbers(now_H)
    return {
        "name": f"All {len(made):,} series together", "target": c, "grid": grid, "keys": None,
        "digits": digits_of(np.concatenate([now_H, past_T[-made.horizon :]])),
        "history": missing + plain_numbers(past_T), "quantiles": levels, "before": _or_nothing(before_H),
        "said": said, "summed": True, "total": float(sums.now_NC[:, c].sum()), "other": _other(content, c),
    }  # fmt: skip


def _other(content: Content, c: int) -> list[Any]:
    """Alternatives of the sum, where all series are on the page and share the value."""
    if len(content.shown.forecast) < content.shown.whole:
        return []
    return [
        [
            float(str(one.value_K[0])) if len(set(one.value_K.tolist())) == 1 else None,
            plain_numbers(one.point_KHC[..., c].astype(np.float64).sum(axis=0)),
        ]
        for one in content.alternatives
    ]
