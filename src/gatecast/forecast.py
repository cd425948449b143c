"""Forecast: what comes out, with its quantiles, its timestamps and its ways to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.errors import ConfigError, PanelError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gatecast.data.panel import Panel

__all__ = ["Forecast"]


@dataclass(frozen=True, eq=False)
class Forecast:
    """Quantile forecasts of N series over H steps.

    Args:
        values_NHCQ: (N, H, C, Q) quantiles in the data's own unit.
        quantiles: the Q levels, ascending.
        ids: N names.
        targets: C names.
        origins: (N,) timestamp of the last value that each forecast used.
        frequency: step of the timestamps.
        backend: library of the frames given out.
        names: names of the series and time columns.
        history: the panel that it continues, for plots; may be None.
    """

    values_NHCQ: np.ndarray
    quantiles: tuple[float, ...]
    ids: tuple[str, ...]
    targets: tuple[str, ...]
    origins: np.ndarray
    frequency: Frequency
    backend: str = "polars"
    names: tuple[str, str] = ("unique_id", "ds")
    history: Panel | None = None

    def __len__(self) -> int:
        """Number of series N."""
        return len(self.ids)

    def __repr__(self) -> str:
        levels = ", ".join(f"{q:g}" for q in self.quantiles)
        return f"<Forecast of {len(self):,} series · {self.horizon} steps · quantiles {levels}>"

    @property
    def horizon(self) -> int:
        """Steps H."""
        return self.values_NHCQ.shape[1]

    @property
    def values(self) -> np.ndarray:
        """(N, H, C) the point forecast: the middle quantile."""
        middle = min(range(len(self.quantiles)), key=lambda q: abs(self.quantiles[q] - 0.5))
        return self.values_NHCQ[..., middle]

    @property
    def times(self) -> np.ndarray:
        """(N, H) timestamps."""
        steps_H = np.arange(1, self.horizon + 1)
        return self.frequency.advance(np.asarray(self.origins)[:, None], steps_H[None, :])

    def quantile(self, level: float) -> np.ndarray:
        """(N, H, C) one of the quantiles that the model was trained for. Raises ConfigError for another one."""
        for q, known in enumerate(self.quantiles):
            if abs(known - level) < 1e-9:
                return self.values_NHCQ[..., q]
        levels = ", ".join(f"{q:g}" for q in self.quantiles)
        raise ConfigError(
            f"quantile {level:g} was not trained; this forecast has {levels}. "
            f"Train with Forecaster(quantiles=...) that contains it."
        )

    def interval(self, coverage: float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound (N, H, C) of the central interval that should cover this share of the truths."""
        if not 0 < coverage < 1:
            raise ConfigError(f"interval({coverage}) must be a share between 0 and 1, such as 0.8.")
        return self.quantile((1 - coverage) / 2), self.quantile((1 + coverage) / 2)

    @property
    def widest(self) -> float | None:
        """Coverage of the widest central interval there is; None with the median alone."""
        low, high = self.quantiles[0], self.quantiles[-1]
        return round(high - low, 9) if low < 0.5 < high and abs(low + high - 1) < 1e-9 else None

    def position(self, series: int | str) -> int:
        """Position of a series by name. Raises PanelError for an unknown one."""
        if not isinstance(series, str):
            return int(series)
        if series not in self.ids:
            raise PanelError(f"there is no series {series!r}{did_you_mean(series, self.ids)}.")
        return self.ids.index(series)

    def columns(self) -> dict[str, np.ndarray]:
        """Long table as columns: series, time, then per target the point forecast and its quantiles."""
        count, horizon = len(self), self.horizon
        table: dict[str, np.ndarray] = {
            self.names[0]: np.repeat(np.asarray(self.ids, dtype=object), horizon),
            self.names[1]: self.times.reshape(count * horizon),
        }
        for c, target in enumerate(self.targets):
            table[target] = self.values[:, :, c].ravel()
            for q, level in enumerate(self.quantiles):
                if len(self.quantiles) > 1:
                    table[f"{target}_q{level:g}"] = self.values_NHCQ[:, :, c, q].ravel()
        return table

    def to_frame(self, backend: str | None = None) -> Any:
        """The forecast as a long table, in the library that the data came from or in the one named."""
        from gatecast.data.frames import table_to_frame, time_column

        table = self.columns()
        table[self.names[1]] = time_column(self.frequency, table[self.names[1]])
        return table_to_frame(table, backend or self.backend)

    def plot(self, series: Sequence[int | str] | None = None, path: str | Path | None = None) -> Figure:
        """Fan chart: history, median and intervals. Saved to ``path`` if given."""
        from gatecast.plots import fan_chart

        return fan_chart(self, series, path)
