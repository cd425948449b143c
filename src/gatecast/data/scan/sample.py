"""A sample of the series of a source that fits into memory: seeded, stratified by length and size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.scan.source import PanelSource
from gatecast.errors import Argument, ConfigError, WindowError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["BYTES_PER_VALUE", "Sample", "bytes_of", "require_held_back", "sampled"]

BYTES_PER_VALUE = 90  # of memory that a fit takes for each value, as measured: rows as read, panel, windows
STRATA = 4  # of length, and of size in each
UNITS = {"": 1, "B": 1, "K": 10**3, "KB": 10**3, "M": 10**6, "MB": 10**6, "G": 10**9, "GB": 10**9}


@dataclass(frozen=True)
class Sample:
    """Which series of a source a fit has seen.

    Args:
        series: how many.
        of: series of the source.
        rows: their rows.
        of_rows: rows of the source.
        seed: of the choice.
    """

    series: int
    of: int
    rows: int
    of_rows: int
    seed: int

    def describe(self) -> str:
        """In words."""
        if self.series == self.of:
            return f"all {self.of:,} series"
        return (
            f"{self.series:,} of {self.of:,} series ({self.rows:,} of {self.of_rows:,} rows), drawn by length and size "
            f"with seed {self.seed}"
        )


def bytes_of(limit: int | str) -> int:
    """Bytes of a limit.

    >>> bytes_of("500 MB"), bytes_of(1024)
    (500000000, 1024)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?B?)\s*", str(limit), re.IGNORECASE)
    if found is None or isinstance(limit, bool) or not float(found[1]):
        raise ConfigError(Argument("memory_limit", of="fit"), f" is bytes, or text such as '2GB'; got {limit!r}.")
    return int(float(found[1]) * UNITS[found[2].upper()])


def require_held_back(held_back: int, of_a_source: bool) -> None:
    """Raise ConfigError where ``held_back`` is no number of steps, or would be passed over in silence."""
    argument = Argument("held_back", of="fit")
    if isinstance(held_back, bool) or not isinstance(held_back, int | np.integer) or held_back < 0:
        raise ConfigError(argument, f" must be a whole number of steps, 0 or more; got {held_back!r}.")
    if held_back and not of_a_source:
        raise ConfigError(argument, " is of a source (gatecast.scan): fit a panel on the first part of its split().")


def sampled(source: PanelSource, limit: int | str, seed: int, least: int) -> tuple[pl.DataFrame, Sample]:
    """Rows of the index of the series to see, and what they are.

    Every stratum (fourths by length, in each fourths by size) gives the same share; series shorter than ``least`` give
    nothing. The choice depends on the seed and the source alone.

    Raises:
        WindowError: no series has ``least`` steps, or not even one fits.
    """
    room = bytes_of(limit) // (BYTES_PER_VALUE * max(source.schema.width, 1))
    length_N = source.index["rows"].to_numpy()
    long_enough = np.flatnonzero(length_N >= least)
    if not len(long_enough):
        raise WindowError(f"no series of the source has {least:,} steps. Use a shorter horizon.")
    if room < length_N[long_enough].min():
        raise WindowError(f"the memory limit holds {room:,} rows, less than one series. Give more memory.")
    size_N = source.index["size"].to_numpy()
    order = _by_turns(length_N[long_enough], size_N[long_enough], np.random.default_rng(seed))
    chosen = long_enough[order]
    chosen = np.sort(chosen[np.cumsum(length_N[chosen]) <= room])
    if not len(chosen):
        chosen = long_enough[[int(length_N[long_enough].argmin())]]
    rows = int(length_N[chosen].sum())
    return source.index[chosen.tolist()], Sample(len(chosen), len(source), rows, int(length_N.sum()), seed)


def _by_turns(length_N: np.ndarray, size_N: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """An order of the series in which every beginning has the same share of each stratum, but for one series."""
    count = len(length_N)
    position = np.empty(count)
    for part in np.array_split(np.argsort(length_N, kind="stable"), STRATA):
        for stratum in np.array_split(part[np.argsort(size_N[part], kind="stable")], STRATA):
            mixed = random.permutation(stratum)
            position[mixed] = (np.arange(len(mixed)) + random.random()) / max(len(mixed), 1)
    return np.argsort(position, kind="stable")
