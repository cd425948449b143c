"""SamplePaths: futures that a model holds for possible, with their timestamps and what can be read off them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gatecast.data.html import ROWS, html_head, labels
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError, InputError
from gatecast.forecasts.axes import Axes, WithAxes

__all__ = ["SamplePaths", "drawn"]


@dataclass(frozen=True, eq=False)
class SamplePaths(WithAxes):
    """S possible futures of N series over H steps. What holds of a whole path (a sum, a maximum) can be counted.

    Args:
        values_NSHC: (N, S, H, C) paths in the data's own unit.
        axes: series, targets and times; ``ids``, ``targets``, ``times`` and so on are read from it.
    """

    values_NSHC: np.ndarray
    axes: Axes

    def __repr__(self) -> str:
        return f"<SamplePaths of {len(self):,} series · {self.paths:,} paths · {self.horizon} steps>"

    @property
    def paths(self) -> int:
        """Paths S of each series."""
        return int(self.values_NSHC.shape[1])

    def quantile(self, level: float) -> np.ndarray:
        """(N, H, C) the value that this share of the paths stays below. Raises ConfigError for a level outside 0..1."""
        if not 0 < level < 1:
            raise ConfigError(f"quantile({level}) must be between 0 and 1.")
        result: np.ndarray = np.quantile(self.values_NSHC, level, axis=1)
        return result

    def crps(self, truth: ArrayLike) -> np.ndarray:
        """(N, H, C) continuous ranked probability score of the paths at each step; nan where the truth is.

        ``mean |x - y| - mean |x - x'| / 2`` over the paths x, and pairs of two different ones (Gneiting and Raftery
        2007; the fair form of Ferro 2014, which does not depend on the number of paths).

        Args:
            truth: (N, H, C), or (N, H) of one target.

        Raises:
            InputError: the truth has another shape.
        """
        y = np.asarray(truth, dtype=np.float64)
        shape = (len(self), self.horizon, len(self.targets))
        if y.shape != shape and y.shape != shape[:2]:
            raise InputError(f"the truth has shape {y.shape}; these paths need {shape}.")
        x_SNHC = np.sort(np.moveaxis(self.values_NSHC.astype(np.float64), 1, 0), axis=0)
        paths = self.paths
        error = np.abs(x_SNHC - y.reshape(shape)).mean(axis=0)
        # of sorted values the sum over all pairs of |x - x'| weighs the i-th one with 2 i + 1 - S
        weight_S = 2 * np.arange(paths) + 1 - paths
        apart = np.tensordot(weight_S, x_SNHC, axes=1) / max(paths * (paths - 1), 1)
        result: np.ndarray = error - apart
        return result

    def columns(self) -> dict[str, np.ndarray]:
        """Long table as columns: series, time, number of the path, and one column per target."""
        count, paths, horizon, _ = self.values_NSHC.shape
        table: dict[str, np.ndarray] = {
            self.axes.names[0]: np.repeat(np.asarray(self.ids, dtype=object), paths * horizon),
            self.axes.names[1]: np.repeat(self.times[:, None], paths, axis=1).reshape(-1),
            "path": np.tile(np.repeat(np.arange(paths), horizon), count),
        }
        return table | {target: self.values_NSHC[..., c].reshape(-1) for c, target in enumerate(self.targets)}

    def _repr_html_(self) -> str:
        count, times = min(len(self), ROWS), self.times[:ROWS]
        columns: dict[str, np.ndarray | list[str]] = {
            self.axes.names[0]: np.repeat(np.asarray(self.ids[:count], dtype=object), self.horizon),
            self.axes.names[1]: labels(self.frequency, times.ravel()),
        }
        for level in (0.1, 0.5, 0.9):
            values_NHC = np.quantile(self.values_NSHC[:count], level, axis=1)
            columns |= {f"{name}_q{level:g}": values_NHC[..., c].ravel() for c, name in enumerate(self.targets)}
        return html_head(repr(self).strip("<>"), columns, len(self) * self.horizon)

    def to_frame(self, backend: str | None = None) -> Any:
        """The paths as a long table, in the library that the data came from or in the one named."""
        return self.axes.frame(self.columns(), backend)


def drawn(history: Panel, paths: int, horizon: int, seed: int) -> np.ndarray:
    """(N, S, H, C) standard normal numbers, the same for a series wherever it stands in its panel."""
    place_N = np.argsort(np.argsort(np.array(history.ids)))
    noise = np.random.default_rng(seed).standard_normal((len(history), paths, horizon, len(history.targets)))
    result: np.ndarray = noise[place_N]
    return result
