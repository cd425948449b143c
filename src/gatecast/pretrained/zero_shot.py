"""Forecasts of series that the gate has never seen: from values to quantiles in the data's own unit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from gatecast.pretrained.bank import SHORTEST, Bank, Seasons, bank_of, history_for, steps_read
from gatecast.pretrained.gate import LEVELS, MIDDLE, Gate
from gatecast.pretrained.packed import packed
from gatecast.training.device import lean

__all__ = ["forecasts"]

SERIES_AT_ONCE = 512  # the kernels share them among threads; more need memory, and are no faster


def forecasts(
    gate: Gate, values_R: np.ndarray, first_B: np.ndarray, length_B: np.ndarray, horizon: int, seasons: Seasons
) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles at ``LEVELS`` and the weights of the experts for the steps after the end of each series.

    Missing values at the end of a series lengthen its horizon. A series of fewer than three values is continued as if
    its first one had been there before.

    Args:
        gate: the trained network.
        values_R: values with the series anywhere in it; nan = missing.
        first_B: row of the first value of each.
        length_B: its steps.
        horizon: steps H.
        seasons: periods of all series.

    Returns:
        (B, H, Q) quantiles, nan where a series has no value, and (B, H, K) weights.
    """
    begin = int(np.min(first_B, initial=len(values_R)))  # the buffer may hold many more series than are asked for
    end = int(np.max(np.add(first_B, length_B), initial=begin))
    prepared = _prepared(values_R[begin:end], np.asarray(first_B) - begin, length_B, seasons)
    values_R, first_B, length_B, late_B = prepared
    quantiles_BHQ = np.full((len(first_B), horizon, len(LEVELS)), np.nan)
    weights_BHK = np.zeros((len(first_B), horizon, gate.logits.out_features), np.float32)
    read_B = np.minimum(length_B, steps_read(seasons))

    with lean(), torch.inference_mode():
        for at in _groups(read_B, late_B):
            late, steps = int(late_B[at[0]]), int(read_B[at[0]])
            bank = bank_of(values_R, first_B[at], length_B[at], late + horizon, seasons, steps)
            units_BHQ, weights_BHK[at] = _weighed(gate, bank, late, seasons)
            quantiles_BHQ[at] = bank.restored(units_BHQ)
    return quantiles_BHQ, weights_BHK


def _weighed(gate: Gate, bank: Bank, late: int, seasons: Seasons) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles (B, H, Q) in units of each series, and weights (B, H, K) of the experts, without the first steps."""
    output_BTD = gate.last_outputs(torch.from_numpy(bank.channel_BTC))
    units_BHQ, weights_BHK = packed(gate).weigh(output_BTD, bank, late, seasons.short)
    median_BH1, wider = units_BHQ[..., MIDDLE : MIDDLE + 1], gate.widths.of(seasons.short)
    return median_BH1 + wider * (units_BHQ - median_BH1), weights_BHK


def _prepared(
    values_R: np.ndarray, first_B: np.ndarray, length_B: np.ndarray, seasons: Seasons
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Values, first rows and lengths without missing ends, at most as long as is looked at; steps missing at the end.

    A series without any value has length 0.
    """
    values_R = np.asarray(values_R, np.float64)
    first_B = np.asarray(first_B, np.int64)
    end_B = first_B + np.asarray(length_B, np.int64)
    begin_B, stop_B = _known(values_R, first_B, end_B, history_for(seasons))
    empty_B = begin_B >= end_B
    length_B = np.where(empty_B, 0, stop_B - begin_B)
    late_B = np.where(empty_B, 0, end_B - stop_B)
    short_B = np.flatnonzero((length_B > 0) & (length_B < SHORTEST))
    if len(short_B):  # copies with the first value repeated, at the end of the buffer
        copies = [
            np.concatenate([np.full(SHORTEST - length_B[b], values_R[begin_B[b]]), values_R[begin_B[b] : stop_B[b]]])
            for b in short_B
        ]
        begin_B[short_B] = len(values_R) + SHORTEST * np.arange(len(short_B))
        length_B[short_B] = SHORTEST
        values_R = np.concatenate([values_R, *copies])
    return values_R, begin_B, length_B, late_B


def _known(values_R: np.ndarray, first_B: np.ndarray, end_B: np.ndarray, history: int) -> tuple[np.ndarray, np.ndarray]:
    """Row of the first and row after the last known value of each series, in the history before the last one.

    A series without any has its begin behind its end.
    """
    known_R = np.isfinite(values_R)
    if known_R.all():
        return np.maximum(first_B, end_B - history), end_B
    row_R = np.arange(len(values_R))
    last_R = np.maximum.accumulate(np.where(known_R, row_R, -1))
    next_R1 = np.append(np.minimum.accumulate(np.where(known_R, row_R, len(row_R))[::-1])[::-1], len(row_R))
    stop_B = last_R[end_B - 1] + 1
    begin_B: np.ndarray = next_R1[np.maximum(first_B, stop_B - history)]
    return begin_B, stop_B


def _groups(read_B: np.ndarray, late_B: np.ndarray) -> Iterator[np.ndarray]:
    """Places of series of which the network reads equally many steps and equally many are late, not too many at once.

    Those that are late need a longer horizon: by themselves, for it would be one of all others too.
    """
    order = np.lexsort((late_B, read_B))
    order = order[read_B[order] > 0]
    ends = 1 + np.flatnonzero(np.diff(read_B[order]) | np.diff(late_B[order]))
    for alike in np.split(order, ends):
        for begin in range(0, len(alike), SERIES_AT_ONCE):
            yield alike[begin : begin + SERIES_AT_ONCE]
