"""The linear probe: which scaling and how much history suit the data, judged by ridge regressions in milliseconds.

For every candidate scaling the probe fits the network's own linear part on training windows and scores it on the
validation tail in the data's own unit. What is good for the line is a good start for the LSTM on top of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.data.batches import CovariateScale, Framing, WindowReader
from gatecast.data.panel import Panel
from gatecast.data.scaling import Scaling
from gatecast.data.windows import WindowIndex
from gatecast.selection.spans import Spans
from gatecast.training.ridge import PENALTIES, fit_ridge

__all__ = ["Probe", "probe"]

TRAIN_WINDOWS = 3000
VALIDATION_WINDOWS = 1500


@dataclass(frozen=True)
class Probe:
    """How one candidate did: its validation error relative to the naive one, and the steps of its linear part."""

    scaling: Scaling
    skip: int
    error: float


def probe(panel: Panel, cut_N: np.ndarray, scaling: Scaling, lookback: int, horizon: int, skips: list[int]) -> Probe:
    """Score one scaling with several lengths of the linear part; the best length and its error."""
    spans = Spans(lookback, horizon, padded=True, least=min(lookback, 3))
    train = panel.slice(0, cut_N)
    framing = Framing(lookback, horizon)
    covariates = CovariateScale.fit(train, scaling.scale != "none")
    fit_reader = WindowReader(train, scaling, framing, covariates)
    check_reader = WindowReader(panel, scaling, framing, covariates)
    x_train, y_train, _ = _rows(fit_reader, spans.all_windows(train), TRAIN_WINDOWS, skips[-1])
    tail = spans.tail_windows(panel, cut_N)
    x_tail, y_tail, unit = _rows(check_reader, tail, VALIDATION_WINDOWS, skips[-1])
    width = fit_reader.features
    best = Probe(scaling, 0, np.inf)
    for skip in skips:
        for ridge in fit_ridge(x_train[:, -skip * width :], y_train, PENALTIES):
            output = ridge.predict(x_tail[:, -skip * width :])
            error = float(np.abs(unit.restore(output) - unit.restore(y_tail)).mean(axis=1) @ unit.weight_M)
            if error < best.error:
                best = Probe(scaling, skip, error)
    return best


@dataclass(frozen=True)
class _Unit:
    """The way back from output units, and the weight of each window (1 / its series' naive error)."""

    reader: WindowReader
    centre_MY: np.ndarray
    spread_MY: np.ndarray
    weight_M: np.ndarray

    def restore(self, output_MY: np.ndarray) -> np.ndarray:
        scaling = self.reader.scaling
        u_MY = self.centre_MY + self.spread_MY * output_MY
        values: np.ndarray = scaling.inverse(scaling.bound(u_MY, self.centre_MY))
        return values


def _rows(reader: WindowReader, index: WindowIndex, most: int, skip: int) -> tuple[np.ndarray, np.ndarray, _Unit]:
    """Regression rows of evenly spread windows: (M, skip * F), (M, H * C), their unit; unknown truths are left out."""
    count = len(index)
    numbers = np.linspace(0, count - 1, min(most, count)).astype(np.int64)
    series_B, origin_B = index.locate(numbers)
    batch = reader.read(series_B, origin_B)
    assert batch.target_BKHC is not None
    x_MP = batch.context_BLF[:, -skip:].reshape(len(numbers), -1)
    y_MY = batch.target_BKHC.reshape(len(numbers), -1)
    centre_MY = batch.centre_BKHC.reshape(y_MY.shape)
    spread_MY = np.broadcast_to(batch.spread_BC[:, None], batch.target_BKHC[:, 0].shape).reshape(y_MY.shape)
    naive_M = _naive_error(reader.panel, series_B)
    known_M = (
        np.ones(len(y_MY), bool) if batch.weight_BKHC is None else batch.weight_BKHC.reshape(y_MY.shape).all(axis=1)
    )
    weight_M = known_M / np.maximum(naive_M, 1e-12)
    weight_M /= max(weight_M.sum(), 1e-300)
    unit = _Unit(reader, centre_MY[known_M], spread_MY[known_M], weight_M[known_M])
    return x_MP[known_M], y_MY[known_M], unit


def _naive_error(panel: Panel, series_B: np.ndarray) -> np.ndarray:
    """(B,) mean step of each window's series, so that large series do not decide alone."""
    wanted, back_B = np.unique(series_B, return_inverse=True)
    error = [np.nanmean(np.abs(np.diff(panel.series(int(n)), axis=0))) if panel.length[n] > 1 else 1.0 for n in wanted]
    size = [np.nanmean(np.abs(panel.series(int(n)))) for n in wanted]
    return np.where(np.array(error) > 0, np.array(error), np.maximum(np.array(size), 1e-12))[back_B]
