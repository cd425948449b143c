"""What is trained on and what is scored: the competition's files, or the end of every training series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gatecast as gc
from benchmarks.accuracy.sets import DataError, Group

__all__ = ["ETTH1_ROWS", "etth1", "training", "truth"]

ETTH1_ROWS = {False: (11_520, 14_400), True: (8_640, 11_520)}  # inner -> rows of the targets; before them is training
ETTH1_SCALE = 8_640  # the rows whose mean and spread standardise


def training(group: Group, folder: Path, inner: bool, dtype: Any = None) -> gc.Panel:
    """The series to train on; inside, without their last H steps and without those too short for that."""
    panel = _whole(group, folder, inner, dtype)
    return panel.slice(0, panel.length - group.horizon) if inner else panel


def truth(group: Group, folder: Path, inner: bool) -> NDArray[np.float64]:
    """(N, H) what came after the training. The test file is opened here and nowhere else.

    Raises:
        DataError: the two files do not hold the same series.
    """
    panel = _whole(group, folder, inner, np.float64)
    if inner:
        after = panel.slice(panel.length - group.horizon, panel.length)
    else:
        after = gc.read(folder / f"{group.file}_test.parquet", dtype=np.float64)
        if after.ids != panel.ids or (after.length != group.horizon).any():
            raise DataError(f"{group.file}: the test file does not hold {group.horizon} steps of each training series.")
    return np.asarray(after.target_RC[after.first[:, None] + np.arange(group.horizon), 0], np.float64)


def etth1(folder: Path, inner: bool) -> gc.Panel:
    """Seven series, standardised by the first 12 months; without what comes after the scored rows."""
    import polars as pl

    table = pl.read_parquet(folder / "etth1.parquet").head(ETTH1_ROWS[inner][1])
    numbers = pl.exclude("date")
    known = numbers.head(ETTH1_SCALE)
    return gc.read(table.with_columns((numbers - known.mean()) / known.std(ddof=0)), time="date", wide=True)


def _whole(group: Group, folder: Path, inner: bool, dtype: Any) -> gc.Panel:
    panel = _read(group, folder, dtype)
    return panel.drop_short(2 * group.horizon + 2) if inner else panel


def _read(group: Group, folder: Path, dtype: Any) -> gc.Panel:
    """The training file, with the category of each series as a static covariate where there is one."""
    if not group.static:
        return gc.read(folder / f"{group.file}_train.parquet", dtype=dtype)
    import polars as pl

    categories = pl.read_parquet(folder / group.static).select("unique_id", "category")
    table = pl.read_parquet(folder / f"{group.file}_train.parquet")
    joined = table.join(categories, on="unique_id", how="left", maintain_order="left")
    return gc.read(joined, static="category", dtype=dtype)
