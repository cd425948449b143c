"""What an evaluation gives back: forecasts, truths and scores of all windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.panel import Panel
from gatecast.evaluation.layout import score_html
from gatecast.evaluation.scores import Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Evaluation"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Forecasts, truths and scores of B windows.

    Args:
        scores: the table, the skill and the verdict.
        panel: what was forecast.
        series_B: (B,) position of each window's series.
        origin_B: (B,) row of each window's origin.
        forecast_BHCQ: (B, H, C, Q) the model's quantiles.
        baselines: name -> (B, H, C) naive forecasts.
    """

    scores: Scores
    panel: Panel
    series_B: np.ndarray
    origin_B: np.ndarray
    forecast_BHCQ: np.ndarray
    baselines: dict[str, np.ndarray]

    def __str__(self) -> str:
        return str(self.scores)

    def _repr_html_(self) -> str:
        return score_html(self.scores)

    def with_reference(self, name: str, forecast_BHC: np.ndarray) -> Evaluation:
        """The same with one more method that is shown and does not compete, such as a noise-free curve."""
        forecasts = {**self.scores.forecasts, name: forecast_BHC}
        return replace(
            self, scores=replace(self.scores, forecasts=forecasts, references=(*self.scores.references, name))
        )

    @property
    def point_BHC(self) -> np.ndarray:
        """(B, H, C) the model's point forecasts."""
        return np.asarray(self.scores.forecasts["lstm"])

    @property
    def times_BH(self) -> np.ndarray:
        """(B, H) timestamps of the forecasts."""
        panel = self.panel
        step_B = self.origin_B - panel.first[self.series_B]
        horizon = self.forecast_BHCQ.shape[1]
        return panel.frequency.advance(
            panel.starts[self.series_B][:, None], step_B[:, None] + np.arange(1, horizon + 1)
        )

    @property
    def verdict(self) -> str:
        """Whether the model was worth it, in words."""
        return self.scores.verdict

    def plot(self, series: Sequence[int | str] | None = None, path: str | Path | None = None) -> Figure:
        """The forecasts over the truth, and the best naive forecast, as a matplotlib Figure.

        Args:
            series: which series, by position or name; None = the first ones.
            path: file to save to: .png, .pdf or .svg.

        Raises:
            PanelError: there is no such series.
            ConfigError: the file cannot be written.
        """
        from gatecast.forecasts.plots import backtest_chart

        return backtest_chart(self, series, path)

    def to_dict(self) -> dict[str, object]:
        """The scores as plain data for JSON."""
        return self.scores.to_dict()
