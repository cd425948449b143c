"""SequenceRegressor: one series in, another out, step by step; it may look both ways.

    inputs   x_1 x_2 x_3 ... x_T     known at every step, before and after
    output   y_1 y_2 y_3 ... y_T     one for each

Not a forecast: the inputs of the whole sequence are known when it is read.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np
import torch

from gatecast.data.panel import Panel
from gatecast.data.rows import row_ranges
from gatecast.data.tables.intake import as_panel, require_same_columns
from gatecast.errors import ConfigError, PanelError, Setting, require_count, shown
from gatecast.export.observe import export_steps
from gatecast.live.sequences import LiveSequences
from gatecast.model.config import LSTMConfig
from gatecast.model.heads import make_head
from gatecast.model.losses import loss_named, losses_of
from gatecast.model.lstm import LSTMNetwork
from gatecast.progress import Listener, listening, stopping
from gatecast.training.batch import BatchRun, TensorBatch
from gatecast.training.config import TrainingConfig
from gatecast.training.device import computing, pick_device
from gatecast.training.loop import Record, train
from gatecast.training.member import NetworkShape
from gatecast.training.native import make_engine
from gatecast.training.start import ridge_start

__all__ = ["SequenceRegressor"]

PENALTIES = (1e-6, 1e-4, 1e-2)


class SequenceRegressor:
    """Maps input series (the past and future covariates of a panel) to its targets with an LSTM, step by step.

    Args:
        interleave: read each series as so many interleaved sequences; sequence j takes the steps j, j + interleave, ...
        scaled: standardise inputs and targets with the training data's mean and spread.
        network: sizes of the LSTM, ``bidirectional`` allowed; None = 32 units that read forward.
        training: settings; the batch is always all sequences.
        seed: seed of everything random, where ``training`` is not given.
        progress: show one progress line on a terminal.

    Fitted attributes: ``network_``, ``history_`` (list of plain dicts), ``record_``.
    """

    def __init__(
        self,
        *,
        interleave: int = 1,
        scaled: bool = True,
        network: LSTMConfig | None = None,
        training: TrainingConfig | None = None,
        seed: int = 0,
        progress: bool = True,
    ) -> None:
        interleave = require_count("interleave", interleave)
        for name, given, kind in (("network", network, LSTMConfig), ("training", training, TrainingConfig)):
            if given is not None and not isinstance(given, kind):
                raise ConfigError(f"{name} takes {kind.__name__}(...); got {shown(given)}.")
        if network is not None and (network.readout != 0 or network.patch != 1):
            wanted = (Setting("readout", 0, of="network"), ", ", Setting("patch", 1, of="network"))
            raise ConfigError("a sequence regressor reads out at every step: use LSTMConfig(", wanted, ").")
        self.interleave = interleave
        self.scaled = scaled
        self.network = network
        self.training = training
        self.seed = seed
        self.progress = progress

    def fit(self, data: Any) -> Self:
        """Train on a panel: its covariates are the inputs, its targets the outputs.

        Raises:
            PanelError: there are no inputs, or no targets.
        """
        started = time.monotonic()
        panel = as_panel(data)
        self.schema_ = panel.schema
        self.scale_ = _Scale.fit(panel, self.scaled)
        training = self.training or TrainingConfig(
            loss="mse", optimizer="adam", lr=1e-2, max_epochs=300, patience=50, log_every=10, seed=self.seed
        )
        if loss_named(training.loss).kind != "point":
            known = ", ".join(losses_of("point"))
            raise ConfigError(f"a sequence regressor gives one number per step: use one of the losses {known}.")
        if training.augment:
            raise ConfigError("a sequence regressor makes up no copies of its sequences: leave augment at 0.")
        config = self.network or LSTMConfig(hidden_size=32, readout=0)
        self.network_, record = self._train(panel, config, training)
        self.history_ = record.history
        self.config_ = config
        self.record_ = {"seconds": time.monotonic() - started, "epochs": record.best_epoch}
        return self

    def describe(self) -> str:
        """One line: what was trained."""
        config = self.config_
        ways = " both ways" if config.bidirectional else ""
        pieces = f" · {self.interleave} interleaved sequences" if self.interleave > 1 else ""
        return f"sequence regression · LSTM {config.hidden_size} x {config.num_layers}{ways}{pieces}"

    def predict(self, data: Any) -> np.ndarray:
        """(R, C) outputs for all steps of a panel, series after series, in the targets' own unit."""
        if not hasattr(self, "network_"):
            raise ConfigError("this SequenceRegressor is not fitted yet: call fit() first.")
        panel = as_panel(data, self.schema_)
        require_same_columns(self.schema_, panel.schema)
        sequences = self._sequences(panel)
        device = next(self.network_.parameters()).device
        with torch.inference_mode():
            raw_BTHCR, _ = self.network_(torch.from_numpy(sequences.inputs_BTF).to(device))
        output_BTC = raw_BTHCR[:, :, 0, :, 0].cpu().numpy()
        output_RC = np.empty((len(panel.values_RV), len(panel.targets)))
        output_RC[sequences.row_BT[sequences.real_BT]] = output_BTC[sequences.real_BT]
        rows = row_ranges(panel.first, panel.length)
        return self.scale_.in_unit(output_RC[rows])

    def live(self, sequences: int = 1) -> LiveSequences:
        """The network on inputs as they come: it carries h and c and reads one step at a time.

        Args:
            sequences: how many go on together.

        Raises:
            ConfigError: not fitted, or the network reads both ways or interleaved sequences.
        """
        if not hasattr(self, "network_"):
            raise ConfigError("this SequenceRegressor is not fitted yet: call fit() first.")
        if self.interleave > 1:
            raise ConfigError(f"interleaved sequences are read {self.interleave} steps apart: train one with 1.")
        return LiveSequences(cast("LSTMNetwork", self.network_), self.scale_.scaled, self.scale_.in_unit, sequences)

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write an ONNX graph that goes on from a state by any number of steps (extra ``onnx``).

        Inputs are ``inputs`` (B, T, F) and the state ``h`` and ``c`` (layers, B, D), with a linear skip also ``recent``
        (B, skip - 1, F); all 0 at the beginning. What comes out are ``outputs`` (B, T, C) in the targets' own unit, and
        the state to go on with. See ``docs/howto-onnx.md``.

        Raises:
            ConfigError: not fitted, onnx is missing, or the network reads both ways or interleaved sequences.
            ModelFileError: the file cannot be written.
        """
        if not hasattr(self, "network_"):
            raise ConfigError("this SequenceRegressor is not fitted yet: call fit() first.")
        export_steps(path, self.network_, self.scale_, self.schema_, self.interleave)

    def _train(self, panel: Panel, config: LSTMConfig, training: TrainingConfig) -> tuple[torch.nn.Module, Record]:
        """With a validation share, blocks of targets held out say when to stop; then all targets are trained on."""
        device, listener = pick_device(training.device), listening(self.progress)
        sequences = self._sequences(panel)
        everything = sequences.batch(np.ones_like(sequences.real_BT), device)
        held_BT = sequences.blocks(training.validation)
        if not held_BT.any() or held_BT[sequences.real_BT].all():
            return _train(everything, None, config, training, listener, PENALTIES[:1])[:2]
        early, checked = sequences.batch(~held_BT, device), sequences.batch(held_BT, device)
        trained, record, penalty = _train(early, checked, config, training, listener, PENALTIES)
        if record.interrupted:
            return trained, record
        network, _, _ = _train(everything, None, config, training, listener, (penalty,), record.best_epoch)
        return network, record

    def _sequences(self, panel: Panel) -> _Sequences:
        """The panel's series, interleaved and padded at their ends to one length."""
        length_N = -(-panel.length // self.interleave)
        steps = np.arange(int(length_N.max())) * self.interleave
        begin_B = (panel.first[:, None] + np.arange(self.interleave)).ravel()
        stop_B = np.repeat(panel.stop, self.interleave)
        row_BT = begin_B[:, None] + steps
        real_BT = row_BT < stop_B[:, None]
        row_BT = np.minimum(row_BT, stop_B[:, None] - 1)
        return self.scale_.sequences(panel, row_BT, real_BT)


@dataclass(frozen=True)
class _Sequences:
    """B sequences of T steps: the buffer rows they come from, which of them are real, and their scaled numbers."""

    row_BT: np.ndarray
    real_BT: np.ndarray
    inputs_BTF: np.ndarray
    targets_BTC: np.ndarray

    def blocks(self, share: float) -> np.ndarray:
        """(B, T) True for evenly spread blocks of steps that hold this share of them.

        The inputs of the blocks are read all the same: a cut in time would start the tail without its neighbours.
        """
        if share <= 0:
            return np.zeros_like(self.real_BT)
        steps = self.real_BT.shape[1]
        block = max(steps // 25, 1)
        every = max(round(1 / share), 2)
        held_T = (np.arange(steps) // block) % every == every // 2
        return np.broadcast_to(held_T, self.real_BT.shape)

    def batch(self, counts_BT: np.ndarray, device: torch.device) -> TensorBatch:
        """As a training batch in which only some steps count."""
        known_BTC = np.isfinite(self.targets_BTC) & (counts_BT & self.real_BT)[:, :, None]
        target_BTC = np.where(known_BTC, self.targets_BTC, 0).astype(np.float32)
        weight = None if known_BTC.all() else torch.from_numpy(known_BTC.astype(np.float32))[:, :, None].to(device)
        inputs_BTF = torch.from_numpy(self.inputs_BTF).to(device)
        return TensorBatch(inputs_BTF, None, torch.from_numpy(target_BTC)[:, :, None].to(device), weight)


@dataclass(frozen=True)
class _Scale:
    """Mean and spread of inputs and targets on the training data."""

    input_mean_F: np.ndarray
    input_spread_F: np.ndarray
    target_mean_C: np.ndarray
    target_spread_C: np.ndarray

    @classmethod
    def fit(cls, panel: Panel, enabled: bool) -> _Scale:
        inputs_RF = panel.values_RV[row_ranges(panel.first, panel.length), len(panel.targets) :]
        targets_RC = panel.target_RC[row_ranges(panel.first, panel.length)]
        if not inputs_RF.shape[1] or not targets_RC.shape[1] or not np.isfinite(targets_RC).any():
            past, future = Setting("past", of="read"), Setting("future", of="read")
            inputs = ("inputs (", past, " or ", future, " columns)")
            raise PanelError("a sequence regressor needs ", inputs, " and targets with values.")
        if not enabled:
            width, targets = inputs_RF.shape[1], targets_RC.shape[1]
            return cls(np.zeros(width), np.ones(width), np.zeros(targets), np.ones(targets))
        moments = []
        for columns in (inputs_RF, targets_RC):
            spread = np.nanstd(columns, axis=0)
            moments += [np.nanmean(columns, axis=0), np.where(spread > 0, spread, 1)]
        return cls(*moments)

    def sequences(self, panel: Panel, row_BT: np.ndarray, real_BT: np.ndarray) -> _Sequences:
        values_BTV = panel.values_RV[row_BT]
        targets = len(panel.targets)
        targets_BTC = (values_BTV[..., :targets] - self.target_mean_C) / self.target_spread_C
        return _Sequences(row_BT, real_BT, self.scaled(values_BTV[..., targets:]), targets_BTC)

    def scaled(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs (..., F) as the network reads them; a missing one counts as the mean."""
        return np.nan_to_num((inputs - self.input_mean_F) / self.input_spread_F).astype(np.float32)

    def in_unit(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs (..., C) of the network in the targets' own unit."""
        return np.asarray(outputs * self.target_spread_C + self.target_mean_C)


@dataclass(frozen=True)
class _WholeBatch:
    """A batch source of one batch: all sequences."""

    only: TensorBatch

    def steps(self) -> int:
        return 1

    def runs(self, rng: np.random.Generator) -> Iterator[BatchRun]:
        yield BatchRun(self.only, (len(self.only.context_BLF),))


def _train(
    batch: TensorBatch,
    tail: TensorBatch | None,
    config: LSTMConfig,
    training: TrainingConfig,
    listener: Listener,
    penalties: tuple[float, ...],
    until: int | None = None,
) -> tuple[torch.nn.Module, Record, float]:
    """One training; of several penalties for the start the one with the least error on the tail is used."""
    features, targets = batch.context_BLF.shape[2], batch.target_BKHC.shape[3]
    head = make_head(training.loss, (0.5,))
    with computing(training.seed):
        network = NetworkShape(features, 1, targets, 0).build(config, head).to(batch.context_BLF.device)
        engine = make_engine(network, head, training)
        penalty = penalties[0]
        if training.start == "ridge":
            errors = []
            for candidate in penalties if tail is not None else ():
                ridge_start(network, head, [batch], candidate, None)
                errors.append(float(engine.errors(tail)[0]) if tail is not None else math.inf)
            penalty = penalties[int(np.argmin(errors))] if errors else penalty
            ridge_start(network, head, [batch], penalty, None)
        validation = None if tail is None else lambda: [tail]
        with stopping(listener):
            record = train(
                engine,
                _WholeBatch(batch),
                training,
                validation=validation,
                until=until,
                report=lambda row, epochs: listener.on_progress(
                    "training · epoch", int(row["epoch"]), epochs, {"loss": row["train_loss"]}
                ),
                stop=listener.stop.is_set,
            )
    listener.end()
    return network, record, penalty
