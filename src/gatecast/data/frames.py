"""Tables out: a panel, or columns of numpy arrays, as a frame of the user's own library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.frequency import Frequency, zone_of
from gatecast.data.schema import Column
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from gatecast.data.panel import Panel

__all__ = ["panel_to_frame", "table_to_frame", "time_column"]

_BACKENDS = ("pandas", "polars", "pyarrow")


def table_to_frame(columns: dict[str, Any], backend: str = "polars") -> Any:
    """Build a frame from columns of one length.

    Args:
        columns: name -> (R,) numpy array, list, or what ``time_column`` returned.
        backend: "pandas", "polars" or "pyarrow".

    Raises:
        ConfigError: the backend is unknown.
    """
    import polars as pl

    if backend not in _BACKENDS:
        raise ConfigError(f"there is no backend {backend!r}; choose 'pandas', 'polars' or 'pyarrow'.")
    if backend == "pandas":
        import pandas as pd

        return pd.DataFrame({name: _for_pandas(column) for name, column in columns.items()})
    frame = pl.DataFrame({name: _for_polars(column) for name, column in columns.items()})
    return frame.to_arrow() if backend == "pyarrow" else frame


def time_column(frequency: Frequency, times: np.ndarray) -> Any:
    """Stored times (R,) as a column that knows its time zone: a polars Series, or the array itself without a zone."""
    if frequency.timezone is None:
        return times
    import polars as pl

    instants = pl.Series(frequency.to_timestamps(times)).dt.replace_time_zone("UTC")
    return instants.dt.convert_time_zone(zone_of(frequency.timezone))


def _for_polars(column: Any) -> Any:
    return column.tolist() if isinstance(column, np.ndarray) and column.dtype.kind in "UO" else column


def _for_pandas(column: Any) -> Any:
    """Through numpy, for pandas may be there without pyarrow."""
    import pandas as pd
    import polars as pl

    if not isinstance(column, pl.Series):
        return column
    zone = getattr(column.dtype, "time_zone", None)
    if column.dtype in (pl.String, pl.Date):
        return column.to_list()
    if zone is None:
        return column.to_numpy()
    instants = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy()
    return pd.Series(instants).dt.tz_localize("UTC").dt.tz_convert(zone)


def panel_to_frame(panel: Panel, backend: str = "polars") -> Any:
    """The panel as a long table: series, time, targets, covariates; one-hot columns as their labels again.

    Args:
        panel: N series of R rows together.
        backend: "pandas", "polars" or "pyarrow".
    """
    series_R = np.repeat(np.arange(len(panel)), panel.length)
    step_R = np.arange(panel.total) - np.repeat(np.cumsum(panel.length) - panel.length, panel.length)
    rows_R = panel.first[series_R] + step_R
    times_R = panel.frequency.advance(panel.starts[series_R], step_R)
    keys = {panel.names[0]: _repeat_names(panel.ids, series_R), panel.names[1]: times_R}
    columns = panel.labels.columns(panel.names, keys, time_column(panel.frequency, times_R))
    for c, name in enumerate(panel.targets):
        columns[name] = panel.target_RC[rows_R, c]
    columns |= _decode(panel.schema.past, panel.past_RP, rows_R)
    columns |= _decode(panel.schema.future, panel.future_RF, rows_R)
    columns |= _decode(panel.schema.static, panel.static_NS, series_R)
    return table_to_frame(columns, backend)


def _repeat_names(ids: tuple[str, ...], series_R: np.ndarray) -> pl.Series:
    import polars as pl

    return pl.Series(ids, dtype=pl.String).gather(series_R)


def _decode(covariates: tuple[Column, ...], encoded_RV: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    """Columns by name: numbers as they are, categories as labels (None where missing)."""
    columns: dict[str, Any] = {}
    start = 0
    for covariate in covariates:
        block = encoded_RV[rows, start : start + covariate.width]
        start += covariate.width
        if covariate.categories is None:
            columns[covariate.name] = block[:, 0]
            continue
        labels = np.array([*covariate.categories, None], dtype=object)
        known = (block > 0.5).any(axis=1)
        columns[covariate.name] = labels[np.where(known, block.argmax(axis=1), len(labels) - 1)]
    return columns
