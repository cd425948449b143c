"""Observed: what ``Live.observe`` says of every row that it was given."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.html import html_head, labels
from gatecast.data.labels import PLAIN, Labels

__all__ = ["Observed"]


@dataclass(frozen=True, eq=False)
class Observed:
    """What became of R rows, in the order in which they were given, and how far off their forecasts were.

    Args:
        ids: (R,) the series of each row.
        times: (R,) their timestamps.
        targets: names of the C targets.
        values_RC: what was observed.
        forecast_RC: the median that was forecast for it one step ahead, from the row before; nan where there was none:
            the first row of a series, and rows that are not new.
        score_RC: normal score of the value among the quantiles of that forecast: 0 is the median, 1.96 the 97.5 %
            quantile.
        anomaly_RC: anomaly score, 0 to 1, uniform where all is as usual: a score below 0.001 comes once in a thousand
            rows. A conformal p-value of the two-sided tail probability (Vovk, Gammerman and Shafer 2005; Laxhammar and
            Falkman 2014), see ``gatecast.live.scoring``. nan where the model gives the median alone.
        alarm_RC: 1 for an alarm, 0 for none: the chance of an error as large is below 1 in 100,000 by the tail of those
            held back, and it is no echo of an alarm on the other side, which the forecast still reads. nan where fewer
            than 500 errors are held back. See ``gatecast.live.state.alarms``.
        kinds: (R,) "new", "known" (a repetition, ignored), "completed", "revised", "ahead" (covariates alone),
            "missing".
        cold_R: rows that a naive forecast was made for, as their series was too short for the model.
        frequency: step of the timestamps.
        backend: library of the frame given out.
        names: names of the series and time columns.
        labels: how the data write their series and times.
    """

    ids: np.ndarray
    times: np.ndarray
    targets: tuple[str, ...]
    values_RC: np.ndarray
    forecast_RC: np.ndarray
    score_RC: np.ndarray
    anomaly_RC: np.ndarray
    alarm_RC: np.ndarray
    kinds: np.ndarray
    cold_R: np.ndarray
    frequency: Frequency
    backend: str = "polars"
    names: tuple[str, str] = ("unique_id", "ds")
    labels: Labels = PLAIN

    def __len__(self) -> int:
        """Number of rows R."""
        return len(self.ids)

    def __repr__(self) -> str:
        counts = [f"{int((self.kinds == kind).sum()):,} {kind}" for kind in dict.fromkeys(self.kinds.tolist())]
        return f"<Observed {len(self):,} rows · {', '.join(counts) or 'none'}>"

    @property
    def error_RC(self) -> np.ndarray:
        """(R, C) value less forecast."""
        return np.asarray(self.values_RC - self.forecast_RC)

    def inside(self, coverage: float) -> np.ndarray:
        """(R, C) 1 where the value lay inside the central interval of this coverage, 0 where not, nan where unknown."""
        limit = NormalDist().inv_cdf((1 + coverage) / 2)
        held_RC = np.abs(self.score_RC) <= limit * (1 + 1e-9)
        return np.where(np.isfinite(self.score_RC), held_RC, np.nan)

    def columns(self) -> dict[str, np.ndarray]:
        """A row of columns for each row: series, time, what became of it; then of each target all that is said."""
        table: dict[str, np.ndarray] = {
            self.names[0]: np.asarray(self.ids, dtype=object),
            self.names[1]: self.times,
            "row": np.asarray(self.kinds, dtype=object),
            "cold": self.cold_R,
        }
        inside = {80: self.inside(0.8), 95: self.inside(0.95)}
        for c, target in enumerate(self.targets):
            table[target] = self.values_RC[:, c]
            table[f"{target}_forecast"] = self.forecast_RC[:, c]
            table[f"{target}_error"] = self.error_RC[:, c]
            for coverage, held_RC in inside.items():
                table[f"{target}_inside_{coverage}"] = held_RC[:, c]
            table[f"{target}_anomaly"] = self.anomaly_RC[:, c]
            table[f"{target}_alarm"] = self.alarm_RC[:, c]
        return table

    def to_frame(self, backend: str | None = None) -> Any:
        """The rows as a table, in the library that the data came from or in the one named."""
        from gatecast.data.frames import table_to_frame, time_column

        columns = self.columns()
        times = time_column(self.frequency, columns[self.names[1]])
        return table_to_frame(self.labels.columns(self.names, columns, times), backend or self.backend)

    def _repr_html_(self) -> str:
        columns: dict[str, np.ndarray | list[str]] = {**self.columns()}
        columns[self.names[1]] = labels(self.frequency, self.times)
        return html_head(repr(self).strip("<>"), columns, len(self))
