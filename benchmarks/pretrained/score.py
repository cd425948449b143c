"""Scores a pretrained gate on real series: ``python -m benchmarks.pretrained.score WEIGHTS [--test]``.

Without ``--test`` on the last horizon inside the training parts; the test parts stay closed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from safetensors.torch import load_file

from benchmarks.accuracy.sets import data_folder
from gatecast.pretrained.bank import Seasons
from gatecast.pretrained.gate import LEVELS, MIDDLE, Gate, GateSizes, Widths
from gatecast.pretrained.weights import WIDTHS
from gatecast.pretrained.zero_shot import forecasts

DECILES = [LEVELS.index(level / 10) for level in range(1, 10)]
M3 = {"yearly": (6, ()), "quarterly": (8, (4,)), "monthly": (18, (12,)), "other": (8, ())}
M4 = {"weekly": (13, (52,)), "hourly": (48, (24, 168))}


@dataclass(frozen=True)
class Scores:
    """Of each series: MASE, MASE of the last value, loss at the deciles, size of the truth; what 80, 95 % hold."""

    mase_B: np.ndarray
    last_B: np.ndarray
    loss_B: np.ndarray
    size_B: np.ndarray
    held: tuple[float, float]
    smape_B: np.ndarray

    @property
    def wql(self) -> float:
        """Sum of the deciles' losses over the sum of the truths."""
        return float(self.loss_B.sum() / self.size_B.sum())


def load_gate(path: Path) -> Gate:
    """A gate from a file of weights or of a training."""
    arrays = load_file(path)
    if any(name.startswith("weight.") for name in arrays):
        arrays = {name[7:]: value for name, value in arrays.items() if name.startswith("weight.")}
    gate = Gate(GateSizes(arrays["lstm.weight_hh_l0"].shape[1], arrays["mix.bias"].shape[0]))
    gate.load_state_dict({name: value.to(torch.float32) for name, value in arrays.items()})
    gate.widths = Widths(*WIDTHS.get(path.stem, ()))
    return gate


def score(
    gate: Gate, histories: Sequence[np.ndarray], truths: Sequence[np.ndarray], seasons: Seasons, m: int
) -> Scores:
    """Forecast every history and compare with what followed; m is the season of MASE."""
    length_B = np.array([len(x) for x in histories])
    horizon = len(truths[0])
    quantiles_BHQ, _ = forecasts(
        gate, np.concatenate(histories), np.cumsum(length_B) - length_B, length_B, horizon, seasons
    )
    truth_BH = np.stack(truths)
    scale_B = np.array([np.abs(x[m:] - x[:-m]).mean() for x in histories])
    scale_B = np.where(scale_B > 0, scale_B, np.nan)
    error_BH = np.abs(truth_BH - quantiles_BHQ[..., MIDDLE])
    last_BH = np.abs(truth_BH - np.array([x[-1] for x in histories])[:, None])
    levels = np.array(LEVELS)[DECILES]
    over = truth_BH[..., None] - quantiles_BHQ[..., DECILES]
    loss_B = 2 * np.maximum(levels * over, (levels - 1) * over).mean(2).sum(1)
    held = tuple(
        float(((truth_BH >= quantiles_BHQ[..., q]) & (truth_BH <= quantiles_BHQ[..., -1 - q])).mean()) for q in (1, 0)
    )
    smape_B = (200 * error_BH / (np.abs(truth_BH) + np.abs(quantiles_BHQ[..., MIDDLE]))).mean(1)
    return Scores(
        error_BH.mean(1) / scale_B, last_BH.mean(1) / scale_B, loss_B, np.abs(truth_BH).sum(1), held, smape_B
    )  # fmt: skip


def _cut(series: Sequence[np.ndarray], horizon: int, inner: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Histories and truths, ``inner`` horizons before the end."""
    kept = [x for x in series if len(x) - horizon * (inner + 1) >= 8]
    return [x[: len(x) - horizon * (inner + 1)] for x in kept], [
        x[len(x) - horizon * (inner + 1) : len(x) - horizon * inner or None] for x in kept
    ]


def singles(gate: Gate, test: bool) -> dict[str, float]:
    """Geometric means of MASE over that of the last value, of the classic single series, each alone."""
    ratios: list[tuple[int, float]] = []
    held = []
    frame = pl.read_parquet(data_folder() / "singles.parquet")
    for part in frame.partition_by("unique_id", maintain_order=True):
        y, m, h = part["y"].to_numpy(), int(part["seasonality"][0]), int(part["horizon"][0])
        for inner in (0,) if test else (1, 2):
            histories, truths = _cut([y], h, inner)
            if not histories:
                continue
            one = score(gate, histories, truths, Seasons.of((m,)), m if len(histories[0]) > m else 1)
            ratios.append((m, float(one.mase_B[0] / max(one.last_B[0], 1e-9))))
            held.append(one.held)
    log = np.log([max(ratio, 1e-3) for _, ratio in ratios])
    season = np.array([m for m, _ in ratios])
    found = {"all": float(np.exp(log.mean()))}
    found |= {f"m={m}": float(np.exp(log[season == m].mean())) for m in np.unique(season)}
    return found | {"worst": float(np.exp(log.max())), "80%": np.mean(held, 0)[0], "95%": np.mean(held, 0)[1]}


def panel_set(gate: Gate, name: str, horizon: int, periods: tuple[int, ...], m: int, test: bool) -> dict[str, float]:
    """MASE, sMAPE, WQL, coverage and seconds of one set of many series."""
    folder = data_folder()
    parts = [pl.read_parquet(folder / f"{name}_train.parquet")]
    parts += [pl.read_parquet(folder / f"{name}_test.parquet")] if test else []
    grouped = pl.concat(parts).group_by("unique_id", maintain_order=True).agg("y")["y"]
    histories, truths = _cut([x.to_numpy() for x in grouped], horizon, 0)
    begun = time.monotonic()
    one = score(gate, histories, truths, Seasons.of(periods), m)
    return {
        "MASE": float(np.nanmean(one.mase_B)), "last": float(np.nanmean(one.last_B)),
        "sMAPE": float(one.smape_B.mean()), "WQL": one.wql, "80%": one.held[0], "95%": one.held[1],
        "seconds": time.monotonic() - begun,
    }  # fmt: skip


def table(gate: Gate, test: bool) -> dict[str, dict[str, float]]:
    """All sets."""
    found = {"singles": singles(gate, test)}
    for name, (horizon, periods) in M3.items():
        found[f"m3 {name}"] = panel_set(gate, f"m3_{name}", horizon, periods, periods[0] if periods else 1, test)
    for name, (horizon, periods) in M4.items():
        m = 24 if name == "hourly" else 1
        found[f"m4 {name}"] = panel_set(gate, f"m4_{name}", horizon, periods, m, test)
    return found


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--test", action="store_true", help="the test parts: once per released state")
    options = parser.parse_args()
    for name, figures in table(load_gate(options.weights), options.test).items():
        print(f"{name:14s}", "  ".join(f"{key} {value:.4g}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
