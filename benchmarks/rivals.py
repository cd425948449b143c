"""Naive forecasts and statistical rivals on M4's and M3's test parts, beside the figures published for them.

    python -m benchmarks.rivals m4-hourly m4-weekly m3-monthly
    python -m benchmarks.rivals m3-monthly --models auto_ets,optimized_theta --json

The files are looked for in GATECAST_DATA, or else in ../shared/data beside this project. One origin per series: the
whole train file before it, the whole test file after it. Scores are M4's: means over series, MASE and MSIS scaled by
the in-sample error of the seasonal naive forecast, intervals of 80 % and 95 %.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatecast.evaluation.metrics import acd, coverage, mase, msis, owa, smape
from gatecast.evaluation.scales import mase_scale
from gatecast.statistical.naive import TITLES, naive, seasonal_naive
from gatecast.statistical.naive2 import naive2
from gatecast.statistical.rivals import RIVALS, rival_forecasts

__all__ = ["main", "read", "score"]

Floats = NDArray[np.float64]
Row = dict[str, float | None]

QUANTILES = (0.025, 0.1, 0.9, 0.975)
INTERVALS = {0.95: (0, 3), 0.8: (1, 2)}
NAIVE = {"naive": naive, "seasonal_naive": seasonal_naive, "naive2": naive2}
COLUMNS = ("smape", "mase", "owa", "msis_0.95", "coverage_0.8", "acd_0.8", "coverage_0.95", "acd_0.95")


class Setting(NamedTuple):
    """What is known about a set: the season of the metric, the seasons of the rivals, published sMAPE, MASE, OWA.

    Published naive scores: M4-methods "Evaluation and Ranks.xlsx" (M4), recalculated for M3. Rivals: an earlier run of
    statsforecast 2.1.1.
    """

    m: int
    seasons: dict[str, int | tuple[int, ...]]
    published: dict[str, tuple[float | None, ...]]


SETS = {
    "m4-hourly": Setting(
        24,
        {"auto_ets": 24, "auto_arima": 24, "auto_theta": 168, "optimized_theta": 168, "mstl": (24, 168)},
        {
            "naive": (43.003, 11.608, 3.593),
            "seasonal_naive": (13.912, 1.193, 0.628),
            "naive2": (18.383, 2.395, 1.0),
            "auto_ets": (17.192, 1.606, 0.803),
            "optimized_theta": (13.353, 2.178, 0.818),
            "mstl": (13.763, 1.102, 0.604),
        },
    ),
    "m4-weekly": Setting(
        1,
        {"auto_ets": 1, "auto_arima": 1, "auto_theta": 52, "optimized_theta": 52, "mstl": 52},
        {
            **dict.fromkeys(NAIVE, (9.161, 2.777, 1.0)),
            "auto_ets": (8.706, 2.548, 0.934),
            "optimized_theta": (7.799, 2.480, 0.872),
        },
    ),
    "m3-monthly": Setting(
        12,
        dict.fromkeys(RIVALS, 12),
        {
            "naive": (18.181, 1.175, None),
            "seasonal_naive": (17.234, 1.146, None),
            "naive2": (16.764, 1.038, None),
            "optimized_theta": (13.725, None, None),
        },
    ),
}


@dataclass(frozen=True, eq=False)
class Data:
    """A set: all train rows below each other, and the truth.

    Args:
        values_R1: (R, 1) train values.
        first_N: (N,) first row of each series.
        last_N: (N,) its last row, the origin.
        truth_NH: (N, H) test values.
        scale_N: (N,) scale of MASE and MSIS.
    """

    values_R1: Floats
    first_N: NDArray[np.int64]
    last_N: NDArray[np.int64]
    truth_NH: Floats
    scale_N: Floats


def read(name: str, folder: Path) -> Data:
    """Read the train and the test file of a set."""
    train, test = (pl.read_parquet(folder / f"{name.replace('-', '_')}_{part}.parquet") for part in ("train", "test"))
    counts = train.group_by("unique_id", maintain_order=True).len()
    if not counts["unique_id"].equals(test["unique_id"].unique(maintain_order=True)):
        raise ValueError(f"{name}: the train and the test file hold different series.")
    length = counts["len"].to_numpy().astype(np.int64)
    values, first = train["y"].to_numpy()[:, None], np.cumsum(length) - length
    truth = test["y"].to_numpy().reshape(len(length), -1)
    return Data(values, first, first + length - 1, truth, mase_scale(values, first, length, SETS[name].m)[:, 0])


def score(data: Data, point_NH: Floats, quantiles_NHQ: Floats | None) -> Row:
    """M4's scores of one method; the interval scores where it has quantiles."""
    truth, scale = data.truth_NH, data.scale_N
    row: Row = {"smape": smape.over_series(truth, point_NH), "mase": mase.over_series(truth, point_NH, scale)}
    if quantiles_NHQ is None:
        return row
    for level, (low, high) in INTERVALS.items():
        ends = quantiles_NHQ[..., low], quantiles_NHQ[..., high]
        row[f"msis_{level}"] = msis.over_series(truth, *ends, level, scale)
        row[f"coverage_{level}"] = coverage(truth, *ends)
        row[f"acd_{level}"] = acd(coverage(truth, *ends), level)
    return row


def run(name: str, models: Sequence[str], folder: Path, processes: int | None) -> dict[str, Row]:
    """Score the naive forecasts and the models on one set: method -> score."""
    data, setting = read(name, folder), SETS[name]
    where = (data.values_R1, data.first_N, data.last_N, data.truth_NH.shape[1])
    rows = {key: score(data, forecast(*where, setting.m)[..., 0], None) for key, forecast in NAIVE.items()}
    for model in models:
        started = time.perf_counter()
        rival = rival_forecasts(
            *where, setting.seasons[model], [model], QUANTILES, on_progress=_progress(name, model), processes=processes
        )[model]
        assert rival.quantiles_BHCQ is not None
        rows[model] = score(data, rival.point_BHC[..., 0], rival.quantiles_BHCQ[:, :, 0])
        rows[model] |= {
            "seconds": rival.seconds,
            "wall_seconds": time.perf_counter() - started,
            "fallbacks": rival.fallbacks,
        }
    base_smape, base_mase = rows["naive2"]["smape"] or 0.0, rows["naive2"]["mase"] or 0.0
    for row in rows.values():
        row["owa"] = owa(row["smape"] or 0.0, row["mase"] or 0.0, base_smape, base_mase)
    return rows


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rivals", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sets", nargs="+", choices=SETS, metavar="SET", help=", ".join(SETS))
    parser.add_argument("--models", default="", help=f"comma-separated, of {', '.join(RIVALS)}; default none")
    parser.add_argument("--processes", type=int, default=None, help="default: as the work is worth")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    asked = parser.parse_args(words)
    models = [model for model in asked.models.split(",") if model]
    if unknown := [model for model in models if model not in RIVALS]:
        parser.error(f"no such model: {', '.join(unknown)}; there are {', '.join(RIVALS)}")
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GATECAST_DATA", default))
    if not folder.is_dir():
        parser.error(f"no data at {folder}; set GATECAST_DATA")
    results = {name: run(name, models, folder, asked.processes) for name in asked.sets}
    print(json.dumps(results, indent=1) if asked.json else "\n\n".join(_table(*pair) for pair in results.items()))
    return 0


# ---------------------------------------------------------------- on the screen


def _progress(name: str, model: str) -> _Line | None:
    return _Line(f"{name} {RIVALS[model]}") if sys.stderr.isatty() else None


@dataclass(frozen=True)
class _Line:
    text: str

    def __call__(self, done: int, total: int) -> None:
        print(f"\r{self.text}: {done:,} of {total:,}", end="\n" if done == total else "", file=sys.stderr)


def _table(name: str, rows: dict[str, Row]) -> str:
    heads = [*COLUMNS, "seconds", "fallbacks", "difference to published sMAPE, MASE, OWA"]
    lines = [f"## {name}", "", "| method | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for method, row in rows.items():
        cells = [_cell(row.get(column), 3) for column in COLUMNS]
        cells += [_cell(row.get("seconds"), 1), _cell(row.get("fallbacks"), 0)]
        known = SETS[name].published.get(method, ())
        pairs = zip(("smape", "mase", "owa"), known, strict=False)
        cells.append(", ".join("-" if p is None else f"{round(row[c] or 0.0, 3) - p:+.3f}" for c, p in pairs))
        lines.append(f"| {RIVALS.get(method) or TITLES[method]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
