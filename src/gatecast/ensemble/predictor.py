"""From trained networks to quantiles in the data's own unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from gatecast.data.panel import Panel
from gatecast.data.rows import row_ranges
from gatecast.ensemble.calibration import Calibration
from gatecast.model.heads import Head, Units
from gatecast.model.networks import multiplications
from gatecast.model.protocol import Network
from gatecast.nn.kernels import load
from gatecast.training.batch import units_of
from gatecast.training.device import lean
from gatecast.windows.reader import WindowReader
from gatecast.windows.shape import Batch

__all__ = ["Predictor"]

WINDOWS_AT_ONCE = 2048 if load() else 256  # the kernels split them over threads; what torch computes stays in the cache


@dataclass(frozen=True)
class Predictor:
    """An ensemble that forecasts from any origins of a panel.

    Args:
        networks: K members; their scaled outputs are averaged.
        head: what their outputs mean.
        calibration: widens or narrows the quantiles.
        device: where to compute.
    """

    networks: Sequence[Network]
    head: Head
    calibration: Calibration
    device: torch.device

    def outputs(self, reader: WindowReader, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """Scaled head outputs (B, H, C, Q), averaged over the members, not yet calibrated."""
        with lean(self._work):
            parts = [self._chunk(reader, series_B[at], origin_B[at])[0] for at in _chunks(len(origin_B))]
        return np.concatenate(parts)

    def forecast(self, reader: WindowReader, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """Calibrated quantiles (B, H, C, Q) of the H steps after each origin row, in the data's own unit."""
        parts = []
        with lean(self._work):
            for at in _chunks(len(origin_B)):
                output_BHCQ, batch = self._chunk(reader, series_B[at], origin_B[at])
                parts.append(reader.restore(batch, self.calibration.apply(output_BHCQ)))
        return self.settled(np.concatenate(parts))

    @property
    def _work(self) -> float:
        """Multiplications of one step over a chunk."""
        first = self.networks[0]
        return WINDOWS_AT_ONCE * multiplications(first.config, first.features)

    def settled(self, values: np.ndarray) -> np.ndarray:
        """Forecasts as they may be: counts are whole numbers from 0 on, after averages and calibration too."""
        return np.maximum(np.rint(values), 0) if self.head.counts else values

    def every_step(self, reader: WindowReader, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """Point forecasts (B, K, H, C) of all K training origins of the windows that end at the origin rows."""
        middle, parts = self.calibration.middle, []
        for at in _chunks(len(origin_B)):
            batch = reader.read(series_B[at], origin_B[at], targets=False)
            context_BLF, future_BKHF = self.tensors(batch)
            with torch.inference_mode():
                raws = [
                    net(context_BLF, future_BKHF, origins=reader.framing.training_origins)[0] for net in self.networks
                ]
            units = self.units(reader, batch)
            output_BKHCQ = _mean([self.head.outputs(raw, units) for raw in raws])
            parts.append(reader.restore_every(batch, output_BKHCQ)[..., min(middle, output_BKHCQ.shape[-1] - 1)])
        return self.settled(np.concatenate(parts))

    def recursive(self, reader: WindowReader, series_B: np.ndarray, origin_B: np.ndarray, horizon: int) -> np.ndarray:
        """One step at a time, each median fed back as if observed: (B, horizon, C, Q).

        Every origin gets rows of its own, so that no forecast is written into the data.
        """
        panel, rows = _private_rows(reader, origin_B, series_B, horizon)
        middle = self.calibration.middle
        forecasts = []
        for step in range(horizon):
            stepped = WindowReader(panel, reader.scaling, reader.framing, reader.covariates, _rows_of(reader, series_B))
            steps_BHCQ = self.forecast(stepped, np.arange(len(panel)), rows + step)
            forecasts.append(steps_BHCQ[:, 0])
            panel.target_RC[rows + step + 1] = steps_BHCQ[:, 0, :, middle]
        return np.stack(forecasts, axis=1)

    def _chunk(self, reader: WindowReader, series_B: np.ndarray, origin_B: np.ndarray) -> tuple[np.ndarray, Batch]:
        batch = reader.read(series_B, origin_B, targets=False, origins=1)
        context_BLF, future_BKHF = self.tensors(batch)
        units = self.units(reader, batch, last=True)
        with torch.inference_mode():
            raws = [net.last_origin(context_BLF, future_BKHF) for net in self.networks]
        return _mean([self.head.outputs(raw, units) for raw in raws]), batch

    def units(self, reader: WindowReader, batch: Batch, last: bool = False) -> Units | None:
        """What the head has to know of a batch: for counts the way to the data's unit, of the last origin or of all."""
        if not self.head.counts:
            return None
        units = units_of(batch, reader.scaling, self.device)
        return Units(units.centre[:, -1], units.spread[:, 0]) if last else units

    def tensors(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Context and future covariates (None without any) on the device."""
        context_BLF = torch.from_numpy(batch.context_BLF).to(self.device)
        future_BKHF = torch.from_numpy(batch.future_BKHF).to(self.device) if batch.future_BKHF.shape[-1] else None
        return context_BLF, future_BKHF


def _mean(outputs: list[torch.Tensor]) -> np.ndarray:
    """Of the members' outputs."""
    mean: np.ndarray = (outputs[0] if len(outputs) == 1 else torch.stack(outputs).mean(0)).cpu().numpy()
    return mean


def _chunks(count: int) -> list[slice]:
    return [slice(at, min(at + WINDOWS_AT_ONCE, count)) for at in range(0, count, WINDOWS_AT_ONCE)] or [slice(0, 0)]


def _rows_of(reader: WindowReader, series_B: np.ndarray) -> np.ndarray | None:
    return None if reader.fitted is None else reader.fitted[series_B]


def _private_rows(
    reader: WindowReader, origin_B: np.ndarray, series_B: np.ndarray, horizon: int
) -> tuple[Panel, np.ndarray]:
    """A panel with one short series per origin (its history and ``horizon`` rows to fill), and its origin rows."""
    panel = reader.panel
    history_B = origin_B - panel.first[series_B] + 1
    length_B = history_B + horizon
    first_B = np.cumsum(length_B) - length_B
    rows = row_ranges(origin_B - history_B + 1, length_B)
    values_RV = panel.values_RV[np.minimum(rows, len(panel.values_RV) - 1)]
    origin_rows = first_B + history_B - 1
    future = (origin_rows[:, None] + np.arange(1, horizon + 1)).ravel()
    values_RV[future, : len(panel.targets)] = np.nan
    values_RV[future, panel.schema.past_slice] = np.nan
    private = replace(
        panel,
        values_RV=values_RV,
        first=first_B,
        length=length_B,
        ids=tuple(f"{panel.ids[n]}@{b}" for b, n in enumerate(series_B)),
        starts=panel.starts[series_B],
        static_NS=panel.static_NS[series_B],
    )
    return private, origin_rows
