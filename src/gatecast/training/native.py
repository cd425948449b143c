"""The native engine: whole training steps in the compiled kernels, with the parameters where torch has them.

One call takes many steps over batches that lie one after the other; between two steps there is no Python. It serves
networks that read forwards, with the losses that say so, in float32 on the CPU; everything else is the torch engine's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, TypeGuard

import torch
from torch import Tensor

from gatecast.data.quantiles import middle
from gatecast.model.heads import SIDE_WEIGHT, Head, QuantileHead
from gatecast.model.lstm import LSTMNetwork
from gatecast.model.protocol import Network
from gatecast.nn.kernels import load
from gatecast.nn.threads import kernel_threads, worthwhile_threads
from gatecast.training.batch import BatchRun, TensorBatch
from gatecast.training.config import TrainingConfig
from gatecast.training.engine import FlatParameters, Steps, TorchEngine, sums_of_errors

__all__ = ["NativeEngine", "make_engine", "serves"]

MOST_LEVELS = 64  # of the kernels' pinball loss
MOST_PARTS = 8  # of a batch: sums over windows depend on them, and so they do not depend on the threads
WORK_OF_A_SUM = 48  # multiplications for each weight that pay for another sum of its gradients
STEP_UNITS = 16  # of the kernels' step readout
SECONDS_OF_A_CALL = 0.2  # Ctrl-C and deadlines are seen between two calls


def make_engine(network: Network, head: Head, training: TrainingConfig) -> TorchEngine | NativeEngine:
    """The fastest engine that serves a network here."""
    if serves(network, head):
        return NativeEngine(network, head, training)
    return TorchEngine(network, head, training)


def serves(network: Network, head: Head) -> TypeGuard[LSTMNetwork]:
    """Whether the native engine can train this network here: the kernels know LSTMs alone."""
    if not isinstance(network, LSTMNetwork):
        return False
    parameters = list(network.parameters())
    plain = all(p.device.type == "cpu" and p.dtype == torch.float32 and p.requires_grad for p in parameters)
    alike = not isinstance(head, QuantileHead) or head.side_weight == SIDE_WEIGHT  # built into the kernels
    known = head.about.native and head.raws <= MOST_LEVELS and alike
    fitting = network.steps is None or network.steps.from_state.out_features == STEP_UNITS
    return load() is not None and plain and known and fitting and not network.config.bidirectional


class NativeEngine:
    """Loss, gradient and update in the kernels.

    Args:
        network: what to train; its parameters become views of one flat tensor.
        head: its outputs.
        training: loss, optimiser, clipping, seed of the dropout.
        threads: that may share the windows of a batch; small ones use fewer. None = as many as are free at each call.
    """

    def __init__(self, network: LSTMNetwork, head: Head, training: TrainingConfig, threads: int | None = None) -> None:
        kernels = load()
        assert kernels is not None
        self.kernels = kernels
        self.network = network
        self.head = head
        self.training = training
        self.threads = threads
        self.parameters = FlatParameters(network)
        # what the optimiser remembers of each parameter
        self._memory = (torch.zeros_like(self.parameters.gradient), torch.zeros_like(self.parameters.gradient))
        self.step = 0
        self._parts: dict[tuple[int, int], int] = {}  # by lookback and origins
        self._trainer: tuple[tuple[int, int, int], Any] | None = None
        self._seconds = 0.0  # of one step, as measured

    def take_steps(self, run: BatchRun, rates: Sequence[float], deadline: float) -> Steps:
        """One step for each batch of a run; fewer where the deadline comes first."""
        results: list[Tensor] = []
        row = done = 0
        while done < len(run.sizes):
            count = max(1, int(SECONDS_OF_A_CALL / self._seconds)) if self._seconds else 1
            sizes = run.sizes[done : done + count]
            begun = time.monotonic()
            results.append(self._call(run.batch, row, sizes, rates[done : done + count]))
            ended = time.monotonic()
            self._seconds = (ended - begun) / len(sizes)
            done += len(sizes)
            row += sum(sizes)
            if ended > deadline:
                break
        loss_error_norm = torch.cat(results)
        return Steps(loss_error_norm[:, 0], loss_error_norm[:, 1] if self.training.track_mae else None)

    @torch.no_grad()
    def errors(self, batch: TensorBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Sums over one validation batch: loss, absolute error, and the number of truths they cover."""
        return sums_of_errors(self.network, self.head, batch)

    def memory(self) -> dict[str, Tensor]:
        """What the optimiser remembers of each parameter; the dropout is drawn from the seed and the step."""
        first, second = self._memory
        return {"first": first.clone(), "second": second.clone()}

    def remember(self, memory: dict[str, Tensor], step: int) -> None:
        """Go on from what ``memory`` gave after so many steps."""
        for kept, value in zip(self._memory, (memory["first"], memory["second"]), strict=True):
            kept.copy_(value)
        self.step = step

    def _call(self, batch: TensorBatch, row: int, sizes: Sequence[int], rates: Sequence[float]) -> Tensor:
        """(S, 3) loss, mean absolute error and gradient norm of the steps over the batches that begin at ``row``."""
        context_BLF, target_BKHC = batch.context_BLF, batch.target_BKHC
        parts = [
            None if part is None else part.contiguous()
            for part in (context_BLF, target_BKHC, batch.weight_BKHC, batch.future_BKHF)
        ]
        widths = [0 if part is None else part[0].numel() for part in parts]
        context, target, weight, future = (
            0 if part is None else part.data_ptr() + 4 * row * width for part, width in zip(parts, widths, strict=True)
        )
        results_S3 = torch.empty(len(sizes), 3)
        trainer = self._trainer_for(sizes[0], context_BLF.shape[1], target_BKHC.shape[1])
        self.kernels.train(
            trainer, (context, target, weight, future), (widths[0], widths[1], widths[3]),
            tuple(sizes), tuple(rates), self.step, results_S3.data_ptr(),
        )  # fmt: skip
        self.step += len(sizes)
        return results_S3

    def _trainer_for(self, rows: int, lookback: int, origins: int) -> Any:
        """The trainer for windows of this size on the threads that are free; the first batch says what is worth it."""
        if (lookback, origins) not in self._parts:
            self._parts[lookback, origins] = self._worthwhile_parts(rows, lookback, origins)
        parts = self._parts[lookback, origins]
        threads = min(kernel_threads() if self.threads is None else self.threads, parts)
        if self._trainer is None or self._trainer[0] != (lookback, origins, threads):
            self._trainer = ((lookback, origins, threads), self._make_trainer(lookback, origins, threads, parts))
        return self._trainer[1]

    def _worthwhile_parts(self, rows: int, lookback: int, origins: int) -> int:
        """Of a batch: what each of them sums up by itself is added up at the end, all weights of it."""
        config, lstm = self.network.config, self.network.lstm
        flops = 8 * rows * lookback * config.hidden_size * (config.hidden_size + lstm.input_size) * config.num_layers
        after = self.parameters.gradient.numel() - sum(weights.numel() for weights in lstm.parameters())
        work = flops // 2 + rows * origins * after
        return worthwhile_threads(rows, flops, min(MOST_PARTS, work // (WORK_OF_A_SUM * after)))

    def _make_trainer(self, lookback: int, origins: int, threads: int, parts: int) -> Any:
        network, training, config = self.network, self.training, self.network.config
        horizon, targets, raws = network.shape
        shape = (
            lookback, network.features, config.patch, config.hidden_size, config.num_layers,
            origins, horizon, targets, raws, config.skip,
            0 if network.steps is None else network.steps.from_future.in_features,
        )  # fmt: skip
        levels = self.head.quantiles if self.head.about.kind == "quantile" else ()
        settings = (
            self.head.about.name, levels, middle(levels) if levels else 0, training.optimizer, training.momentum,
            training.weight_decay, training.clip or 0.0, network.lstm.dropout, training.seed, threads, parts,
        )  # fmt: skip
        values, gradient = self.parameters.values.data, self.parameters.gradient
        flat = (values.numel(), *[t.data_ptr() for t in (values, gradient, *self._memory)])
        tensors = _in_order(network)
        addresses = tuple(0 if p is None else p.data_ptr() for p in tensors)
        gradients = tuple(0 if p is None or p.grad is None else p.grad.data_ptr() for p in tensors)
        return self.kernels.trainer(shape, settings, addresses, gradients, flat)


def _in_order(network: LSTMNetwork) -> list[Tensor | None]:
    """The parameters as the kernels want them: four of each layer, readout, its bias, skip, step readout."""
    lstm = [
        network.lstm.get_parameter(f"{name}_l{layer}")
        for layer in range(network.config.num_layers)
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    skip = None if network.skip is None else network.skip.weight
    after = [network.readout.weight, network.readout.bias, skip]
    if network.steps is None:
        return [*lstm, *after, None, None, None, None]
    from_state = network.steps.from_state
    return [
        *lstm,
        *after,
        from_state.weight,
        from_state.bias,
        network.steps.from_future.weight,
        network.steps.out.weight,
    ]
