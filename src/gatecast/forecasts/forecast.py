"""Forecast: what comes out, with its quantiles, its timestamps and its ways to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.html import ROWS, html_head, labels
from gatecast.data.quantiles import middle
from gatecast.errors import Code, ConfigError, Setting
from gatecast.forecasts.axes import Axes, WithAxes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gatecast.data.panel import Panel

__all__ = ["Forecast"]


@dataclass(frozen=True, eq=False)
class Forecast(WithAxes):
    """Quantile forecasts of N series over H steps.

    Args:
        values_NHCQ: (N, H, C, Q) quantiles in the data's own unit.
        quantiles: the Q levels, ascending.
        axes: series, targets and times; ``ids``, ``targets``, ``times`` and so on are read from it.
        history: the panel that it continues, for plots; may be None.
        guarded: series in which a trained network was so far from what is plausible that the pretrained gate took its
            place.
        cold: series that a live model has seen too little of: their forecast is naive, the last value with the
            intervals of a random walk (nan before there are three values).
        bounded: series in which something was forecast that the data cannot be, and was moved into their range.
    """

    values_NHCQ: np.ndarray
    quantiles: tuple[float, ...]
    axes: Axes
    history: Panel | None = None
    guarded: tuple[str, ...] = ()
    cold: tuple[str, ...] = ()
    bounded: tuple[str, ...] = ()

    def __repr__(self) -> str:
        levels = ", ".join(f"{q:g}" for q in self.quantiles)
        return f"<Forecast of {len(self):,} series · {self.horizon} steps · quantiles {levels}>"

    @property
    def late(self) -> tuple[str, ...]:
        """Series whose last value is older than the newest one of all: their forecasts begin earlier."""
        newest = self.origins.max()
        return tuple(name for name, origin in zip(self.ids, self.origins, strict=True) if origin < newest)

    @property
    def values(self) -> np.ndarray:
        """(N, H, C) the point forecast: the middle quantile."""
        return self.values_NHCQ[..., middle(self.quantiles)]

    def quantile(self, level: float) -> np.ndarray:
        """(N, H, C) one of the quantiles that the model was trained for. Raises ConfigError for another one."""
        for q, known in enumerate(self.quantiles):
            if abs(known - level) < 1e-9:
                return self.values_NHCQ[..., q]
        levels = ", ".join(f"{q:g}" for q in self.quantiles)
        raise ConfigError(
            f"quantile {level:g} was not trained; this forecast has {levels}. Train with ",
            (Code("Forecaster("), Setting("quantiles", ..., of="forecaster"), Code(")")),
            " that contains it.",
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

    def columns(self) -> dict[str, np.ndarray]:
        """Long table as columns: series, time, then per target the point forecast and its quantiles."""
        count, horizon = len(self), self.horizon
        table: dict[str, np.ndarray] = {
            self.axes.names[0]: np.repeat(np.asarray(self.ids, dtype=object), horizon),
            self.axes.names[1]: self.times.reshape(count * horizon),
        }
        for c, target in enumerate(self.targets):
            table[target] = self.values[:, :, c].ravel()
            for q, level in enumerate(self.quantiles):
                if len(self.quantiles) > 1:
                    table[f"{target}_q{level:g}"] = self.values_NHCQ[:, :, c, q].ravel()
        return table

    def to_frame(self, backend: str | None = None) -> Any:
        """The forecast as a long table, in the library that the data came from or in the one named."""
        return self.axes.frame(self.columns(), backend)

    def to_database(self, address: str, model: str = "forecast") -> None:
        """Append the long table to a table of a database, with the model, the origin and the time of creation.

        Doing it twice is as good as once: what this model forecast for these series at these origins is replaced.

        Args:
            address: "postgresql://me@host/shop#forecasts", "sqlite:///shop.db#forecasts" or
                "duckdb:///shop.duckdb#forecasts"; the table is made where there is none.
            model: name to keep beside the rows.

        Raises:
            ConfigError: the address cannot be read, or its driver is not installed.
            PanelError: the database refused it, or the table has other columns; nothing was written.
        """
        from gatecast.data.tables.databases.address import parse_address
        from gatecast.data.tables.databases.appending import require_appendable
        from gatecast.forecasts.database import append_forecast

        there = parse_address(address)
        require_appendable(there)
        append_forecast(self, there, model)

    def _repr_html_(self) -> str:
        head = replace(self, values_NHCQ=self.values_NHCQ[:ROWS], axes=self.axes.first(ROWS))
        columns: dict[str, np.ndarray | list[str]] = {**head.columns()}
        columns[self.axes.names[1]] = labels(self.frequency, head.times.ravel())
        return html_head(repr(self).strip("<>"), columns, len(self) * self.horizon)

    def plot(
        self,
        series: Sequence[int | str] | None = None,
        path: str | Path | None = None,
        *,
        title: str | None = None,
        size: tuple[int, int] | None = None,
    ) -> Figure:
        """Fan chart: history, median and intervals. Saved to ``path`` if given.

        Args:
            series: which series, by position or name; None = the first ones, at most 12.
            path: file to save to: .png, .pdf or .svg.
            title: title of the picture; None = target and horizon, "" = none.
            size: width and height of a PNG in pixels, such as (1600, 900).
        """
        from gatecast.forecasts.plots import fan_chart

        return fan_chart(self, series, path, title=title, size=size)

    def chart(self, series: int | str = 0, target: int = 0, *, width: int = 80, ascii_only: bool = False) -> str:
        """The same of one series as text of so many columns, for a terminal.

        Args:
            series: position or name.
            target: position.
            width: columns.
            ascii_only: use no other characters than those of ASCII.
        """
        from gatecast.forecasts.terminal import text_chart

        return "\n".join(line.text for line in text_chart(self, series, target, width=width, ascii_only=ascii_only))
