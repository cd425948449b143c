"""Generated Parquet: series with a level, a week and noise, rows of a series together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

__all__ = ["make"]

PER_FILE = 2_000_000  # rows


def make(folder: Path, series: int, steps: int) -> Path:
    """Write the files of so many series, unless they are there; returns the folder."""
    folder = folder / f"{series}x{steps}"
    if (folder / "done").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    at_once = max(PER_FILE // steps, 1)
    for number, begin in enumerate(range(0, series, at_once)):
        count = min(at_once, series - begin)
        random = np.random.default_rng(number)
        level = random.lognormal(4, 1, (count, 1))
        week = 1 + 0.3 * np.sin(np.arange(steps) * 2 * np.pi / 7 + random.uniform(0, 6, (count, 1)))
        values = level * week * random.normal(1, 0.1, (count, steps))
        pl.DataFrame({
            "series": np.repeat([f"series-{begin + n:08d}" for n in range(count)], steps),
            "day": np.tile(np.datetime64("2020-01-01") + np.arange(steps), count),
            "y": values.ravel().astype(np.float32),
        }).write_parquet(folder / f"part-{number:05d}.parquet", row_group_size=200_000)  # fmt: skip
    (folder / "done").touch()
    return folder
