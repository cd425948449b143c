"""Location and spread of the covariates, learned on the training span."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.rows import rows_of, series_groups

__all__ = ["CovariateScale"]

Parts = Callable[[], Iterable[np.ndarray]]


@dataclass(frozen=True)
class CovariateScale:
    """Location and spread of the covariate columns, learned on the training span; categories pass as they are."""

    location_V: np.ndarray
    spread_V: np.ndarray

    @classmethod
    def fit(cls, panel: Panel, enabled: bool) -> CovariateScale:
        """Statistics of numeric past, future and static columns over all rows of the panel's series."""
        schema = panel.schema
        columns = [*schema.past, *schema.future, *schema.static]
        numeric_V = np.repeat([c.categories is None and enabled for c in columns], [c.width for c in columns])
        if not numeric_V.any():
            return cls(np.zeros(len(numeric_V), np.float32), np.ones(len(numeric_V), np.float32))
        rows = _mean_and_spread(lambda: _covariate_rows(panel), panel.values_RV.shape[1] - len(panel.targets))
        static = _mean_and_spread(lambda: [panel.static_NS], panel.static_NS.shape[1])
        location_V, spread_V = (np.concatenate(part) for part in zip(rows, static, strict=True))
        # in the buffer's own precision: a large location in float32 would shift every value
        kind = panel.values_RV.dtype
        return cls(np.where(numeric_V, location_V, 0).astype(kind), np.where(numeric_V, spread_V, 1).astype(kind))

    def scaled(self, raw_BTV: np.ndarray, columns: slice) -> np.ndarray:
        """Some columns as the network reads them, (B, T, V); a missing value is the column's mean, which is 0."""
        batch, steps, width = raw_BTV.shape
        # all steps in one row: numpy is slow along short rows
        scaled_BX = raw_BTV.reshape(batch, steps * width) - np.tile(self.location_V[columns], steps)
        scaled_BX /= np.tile(self.spread_V[columns], steps)
        scaled_BX = scaled_BX.astype(np.float32, copy=False)
        if not np.isfinite(scaled_BX).all():
            np.nan_to_num(scaled_BX, copy=False)
        return scaled_BX.reshape(batch, steps, width)


def _covariate_rows(panel: Panel) -> Iterable[np.ndarray]:
    """The past and future covariates of all series, some series at a time."""
    for group in series_groups(panel.length):
        yield rows_of(panel.values_RV[:, len(panel.targets) :], panel.first[group], panel.length[group])


def _mean_and_spread(parts: Parts, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (V,) of what is not missing: 0 and 1 for an empty column, 1 for a constant one."""
    count_V, sum_V, square_V = np.zeros(width, np.int64), np.zeros(width), np.zeros(width)
    for values_RV in parts():
        seen_RV = np.isfinite(values_RV)
        count_V += seen_RV.sum(axis=0)
        sum_V += np.where(seen_RV, values_RV, 0).sum(axis=0, dtype=np.float64)
    count_V = np.maximum(count_V, 1)
    mean_V = sum_V / count_V
    for values_RV in parts():
        square_V += (np.where(np.isfinite(values_RV), values_RV - mean_V, 0) ** 2).sum(axis=0)
    spread_V = np.sqrt(square_V / count_V)
    return mean_V, np.where(spread_V > 0, spread_V, 1)
