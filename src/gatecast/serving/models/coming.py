"""The rows that come next: series and times as the data write them, with what is known of the covariates there."""

from __future__ import annotations

from typing import Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.forecasts.axes import Axes

__all__ = ["columns_ahead", "coming_rows"]

MOST = 2_000  # rows; of more a form is no help


def coming_rows(panel: Panel, horizon: int) -> dict[str, Any]:
    """The rows of the horizon, to be filled in or changed, and sent as future covariates.

    A covariate that is not known there has its last known value, and is named in ``filled``.

    Args:
        panel: series with their covariates, beyond the last target as far as these are known.
        horizon: rows of each series.

    Returns:
        ``keys``, the columns that name series and time; ``columns``, the future covariates with their categories;
        ``rows``; ``filled``, pairs of a row's position and a covariate. No rows where there would be very many.
    """
    history = observed_part(panel)
    columns = columns_ahead(panel)
    axes = Axes.after(history, horizon)
    if len(panel) * horizon > MOST:
        return {"keys": list(_keys(axes.first(1))[0]), "columns": columns, "rows": [], "filled": []}
    keys = _keys(axes)
    rows, filled = [dict(key) for key in keys], list[tuple[int, str]]()
    for n in range(len(panel)):
        _fill(rows, filled, panel, n, int(history.length[n]), horizon)
    return {"keys": list(keys[0]), "columns": columns, "rows": rows, "filled": filled}


def columns_ahead(panel: Panel) -> list[dict[str, Any]]:
    """Covariates that a forecast needs over its horizon, with their categories."""
    return [
        {"name": column.name, "categories": None if column.categories is None else list(column.categories)}
        for column in panel.schema.future
    ]


def _keys(axes: Axes) -> list[dict[str, Any]]:
    """Series and time of every row, in the columns of the data."""
    names = axes.names
    held = {names[0]: np.repeat(np.array(axes.ids, object), axes.horizon), names[1]: axes.times.ravel()}
    return [{name: _cell(cell) for name, cell in row.items()} for row in axes.frame(held, "polars").to_dicts()]


def _cell(cell: Any) -> Any:
    return cell.isoformat().removesuffix("T00:00:00") if hasattr(cell, "isoformat") else cell


def _fill(
    rows: list[dict[str, Any]], filled: list[tuple[int, str]], panel: Panel, n: int, begin: int, horizon: int
) -> None:
    """The covariates of one series."""
    at, start = n * horizon, panel.schema.future_slice.start
    for column in panel.schema.future:
        values_TV = panel.values_RV[panel.rows(n)][:, start : start + column.width]
        start += column.width
        known_T = np.isfinite(values_TV).all(axis=1)
        for h in range(horizon):
            t = begin + h
            given = t < len(known_T) and known_T[t]
            if not given:
                filled.append((at + h, column.name))
            before = np.flatnonzero(known_T[: t + 1])
            value_V = values_TV[before[-1]] if len(before) else None
            rows[at + h][column.name] = _value(value_V, column.categories)


def _value(value_V: np.ndarray | None, categories: tuple[str, ...] | None) -> Any:
    if value_V is None:
        return None
    # float32 in the fewest digits that read back as the same number
    return float(str(value_V[0])) if categories is None else categories[int(np.argmax(value_V))]
