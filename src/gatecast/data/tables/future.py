"""Where the past ends: trimming a panel to what was observed, and adding rows for what is to be forecast.

panel      ─────observed──────┤ covariates known, targets missing
history    ───────────────────┤
extended   ──(tail of)history─┤·········H·········┤     targets missing, future covariates filled in
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.rows import last_observed, row_ranges, rows_of, series_groups
from gatecast.errors import Code, CovariateError, PanelError, Setting, listed

__all__ = ["continued", "extend", "observed_part", "recent_part", "row_ranges", "with_dates_read"]


def observed_part(panel: Panel) -> Panel:
    """The panel without the rows after each series' last observed target.

    Raises:
        PanelError: a series has no observed target at all (all such series are named).
    """
    if not len(panel) or not panel.targets:
        raise PanelError("the panel has no target values: nothing to learn from or to continue.")
    last_N = last_observed(panel.target_RC, panel.first, panel.stop).max(axis=1)
    empty = np.flatnonzero(last_N < panel.first)
    if len(empty):
        raise PanelError(
            f"every target value is missing in {listed([repr(panel.ids[n]) for n in empty])} "
            f"({len(empty):,} of {len(panel):,} series). Drop such series, or fill in values."
        )
    return panel.slice(0, last_N - panel.first + 1)


def extend(history: Panel, panel: Panel, horizon: int, future: Any, keep: int | None = None) -> Panel:
    """A compact copy of each series' last ``keep`` steps with ``horizon`` rows after them.

    Args:
        history: the observed part.
        panel: the panel that it was cut from; its rows after the history may hold the future covariates.
        horizon: rows to add.
        future: covariates given by the user: a panel, a table, or a mapping of constants; None = those in ``panel``.
        keep: steps of history to keep; None = all.

    Raises:
        CovariateError: a future covariate is missing in some series and times of the horizon.
    """
    kept = history if keep is None else recent_part(history, keep)
    length = kept.length + horizon
    first = np.cumsum(length) - length
    values_RV = np.full((int(length.sum()), history.values_RV.shape[1]), np.nan, history.values_RV.dtype)
    for group in series_groups(kept.length):
        place = row_ranges(first[group], kept.length[group])
        values_RV[place] = rows_of(history.values_RV, kept.first[group], kept.length[group])
    if history.schema.future:
        ahead = row_ranges(first + kept.length, np.full(len(kept), horizon))
        values_RV[ahead, history.schema.future_slice] = _future_rows(history, panel, horizon, future)
    else:
        _refuse_covariates(future)
    return replace(kept, values_RV=values_RV, first=first, length=length)


def continued(
    history: Panel, panel: Panel, horizon: int, future: Any, keep: int | None, *, rows: bool
) -> tuple[Panel, np.ndarray]:
    """What a forecast reads, and the row (N,) of each series that it starts from.

    The history lies where it is, unless there are future covariates to add or ``rows`` are asked for: then as
    ``extend``, whose arguments these are.
    """
    if history.schema.future or rows:
        extended = extend(history, panel, horizon, future, keep)
        return extended, extended.stop - 1 - horizon
    _refuse_covariates(future)
    kept = history if keep is None else recent_part(history, keep)
    return kept, kept.stop - 1


def _refuse_covariates(future: Any) -> None:
    """Raise CovariateError where future covariates are given to a model that knows none."""
    if future is not None:
        raise CovariateError("future covariates were given, but the model was trained without any.")


def recent_part(history: Panel, keep: int) -> Panel:
    """At least the last ``keep`` steps of each series, from early enough to know the values that fill a gap there."""
    wanted_N = np.maximum(history.stop - keep, history.first)
    last_NC = last_observed(history.target_RC, history.first, wanted_N + 1)
    known_NC = np.where(last_NC >= 0, last_NC, wanted_N[:, None])
    return history.slice(known_NC.min(axis=1) - history.first, history.length)


def _future_rows(history: Panel, panel: Panel, horizon: int, future: Any) -> np.ndarray:
    """(N * H, F) future covariates of the horizon. Raises CovariateError where one is missing."""
    ahead = panel.future if future is None else _as_future_panel(future, history, horizon)
    found_NHF = np.full((len(history), horizon, ahead.values_RV.shape[1]), np.nan, history.values_RV.dtype)
    begin = history.frequency.advance(history.starts, history.length)
    given = {name: m for m, name in enumerate(ahead.ids)}
    for n, name in enumerate(history.ids):
        if name in given:
            m = given[name]
            offset = int(ahead.frequency.steps_until(ahead.starts[m : m + 1], begin[n])[0])
            rows = ahead.values_RV[ahead.rows(m)][max(offset, 0) : max(offset + horizon, 0)]
            late = max(-offset, 0)  # steps of the horizon before the covariates begin
            found_NHF[n, late : late + len(rows)] = rows
    _require_all(found_NHF, history, begin, horizon)
    return found_NHF.reshape(len(history) * horizon, -1)


def _as_future_panel(future: Any, history: Panel, horizon: int) -> Panel:
    """A panel as it is; anything else through the reader of covariates."""
    if isinstance(future, Panel):
        if future.schema.future != history.schema.future:
            wanted = [column.name for column in history.schema.future]
            given = [column.name for column in future.schema.future]
            raise CovariateError(
                f"future covariates must be {listed(wanted)} with the same categories; got {listed(given)}."
            )
        if future.frequency != history.frequency:
            raise CovariateError(
                f"future covariates must have steps of one {history.frequency.name}; got steps of one "
                f"{future.frequency.name}."
            )
        return future.future
    from gatecast.data.tables.reading import read_covariates

    return read_covariates(future, history, horizon=horizon if isinstance(future, Mapping) else None)


def with_dates_read(future: Any, history: Panel, day_first: bool) -> Any:
    """Future covariates whose dates have the day first, or not; what is no table stays as it is."""
    if future is None or isinstance(future, Panel | Mapping):
        return future
    from gatecast.data.tables.reading import read_covariates

    return read_covariates(future, history, day_first=day_first)


def _require_all(found_NHF: np.ndarray, history: Panel, begin: np.ndarray, horizon: int) -> None:
    """Raise CovariateError for every covariate that is missing somewhere in the horizon."""
    missing_NHF = np.isnan(found_NHF)
    if not missing_NHF.any():
        return
    problems, column_at = [], 0
    for column in history.schema.future:
        missing_NH = missing_NHF[:, :, column_at : column_at + column.width].any(axis=2)
        column_at += column.width
        if missing_NH.any():
            n = int(np.flatnonzero(missing_NH.any(axis=1))[0])
            steps = np.flatnonzero(missing_NH[n])
            ends = history.frequency.advance(begin[n], steps[[0, -1]])
            span = "..".join(history.frequency.label(end) for end in ends)
            others = int(missing_NH.any(axis=1).sum()) - 1
            more = f" and {others:,} more series" if others else ""
            problems.append(f"future covariate {column.name!r} is missing for {span} in {history.ids[n]!r}{more}")
    told, needing = f"{'; '.join(problems)}. ", Code("predict()", "The forecast")
    remedy = Setting("future", of="predict")
    raise CovariateError(told, needing, f" needs it over all {horizon} steps: give it as ", remedy, ".")
