"""SamplePaths: futures that a model holds for possible, with their timestamps and what can be read off them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gatecast.data.frequency import Frequency
from gatecast.errors import ConfigError, InputError

__all__ = ["SamplePaths"]


@dataclass(frozen=True, eq=False)
class SamplePaths:
    """S possible futures of N series over H steps. What holds of a whole path (a sum, a maximum) can be counted.

    Args:
        values_NSHC: (N, S, H, C) paths in the data's own unit.
        ids: N names.
        targets: C names.
        origins: (N,) timestamp of the last value that each forecast used.
        frequency: step of the timestamps.
        backend: library of the frames given out.
        names: names of the series and time columns.
    """

    values_NSHC: np.ndarray
    ids: tuple[str, ...]
    targets: tuple[str, ...]
    origins: np.ndarray
    frequency: Frequency
    backend: str = "polars"
    names: tuple[str, str] = ("unique_id", "ds")

    def __len__(self) -> int:
        """Number of series N."""
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<SamplePaths of {len(self):,} series · {self.paths:,} paths · {self.horizon} steps>"

    @property
    def paths(self) -> int:
        """Paths S of each series."""
        return int(self.values_NSHC.shape[1])

    @property
    def horizon(self) -> int:
        """Steps H."""
        return int(self.values_NSHC.shape[2])

    @property
    def times(self) -> np.ndarray:
        """(N, H) timestamps."""
        steps_H = np.arange(1, self.horizon + 1)
        return self.frequency.advance(np.asarray(self.origins)[:, None], steps_H[None, :])

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
            self.names[0]: np.repeat(np.asarray(self.ids, dtype=object), paths * horizon),
            self.names[1]: np.repeat(self.times[:, None], paths, axis=1).reshape(-1),
            "path": np.tile(np.repeat(np.arange(paths), horizon), count),
        }
        return table | {target: self.values_NSHC[..., c].reshape(-1) for c, target in enumerate(self.targets)}

    def to_frame(self, backend: str | None = None) -> Any:
        """The paths as a long table, in the library that the data came from or in the one named."""
        from gatecast.data.frames import table_to_frame, time_column

        table = self.columns()
        table[self.names[1]] = time_column(self.frequency, table[self.names[1]])
        return table_to_frame(table, backend or self.backend)
