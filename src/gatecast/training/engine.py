"""The torch engine: loss and gradient of one batch, on parameters that are views of one flat tensor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from gatecast.model.heads import Head
from gatecast.model.protocol import Network
from gatecast.training.batch import BatchRun, TensorBatch
from gatecast.training.config import TrainingConfig
from gatecast.training.schedule import make_optimizer

__all__ = ["Engine", "FlatParameters", "Steps", "TorchEngine", "masked_mean", "sums_of_errors"]


RANDOM = "random"


class FlatParameters:
    """All parameters of a module as views of ONE tensor, their gradients as views of another.

    Clipping, zeroing and the optimiser's update are then one call each instead of one per parameter.
    """

    def __init__(self, module: nn.Module) -> None:
        parameters = list(module.parameters())
        self.values = nn.Parameter(torch.cat([p.detach().reshape(-1) for p in parameters]))
        self.values.grad = torch.zeros_like(self.values)
        at = 0
        for parameter in parameters:
            views = [t[at : at + parameter.numel()].view_as(parameter) for t in (self.values.data, self.values.grad)]
            parameter.data, parameter.grad = views
            at += parameter.numel()

    @property
    def gradient(self) -> Tensor:
        """The flat gradient."""
        assert self.values.grad is not None
        return self.values.grad

    def copy(self) -> Tensor:
        """A copy of the values, to come back to."""
        return self.values.detach().clone()

    def restore(self, values: Tensor) -> None:
        """Go back to a copy."""
        with torch.no_grad():
            self.values.copy_(values)


@dataclass(frozen=True)
class Steps:
    """What some training steps gave.

    Args:
        losses: (S,) loss of each step, before its update.
        errors: (S,) mean absolute error of each, where it is tracked.
    """

    losses: Tensor
    errors: Tensor | None


class Engine(Protocol):
    """Takes training steps and measures validation errors."""

    parameters: FlatParameters

    @property
    def network(self) -> Network:
        """What is trained."""
        ...

    def take_steps(self, run: BatchRun, rates: Sequence[float], deadline: float) -> Steps:
        """One step for each batch of a run, with its learning rate; fewer where the deadline comes first."""
        ...

    def errors(self, batch: TensorBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Sums over one validation batch: loss, absolute error, and the number of truths they cover."""
        ...

    def memory(self) -> dict[str, Tensor]:
        """Copies of all that the engine remembers from one step to the next, but for the parameters."""
        ...

    def remember(self, memory: dict[str, Tensor], step: int) -> None:
        """Go on from what ``memory`` gave after so many steps."""
        ...


class TorchEngine:
    """Loss and gradient through autograd: serves every network on every device, and is the native engine's oracle."""

    def __init__(self, network: Network, head: Head, training: TrainingConfig) -> None:
        self.network = network
        self.head = head
        self.training = training
        self.parameters = FlatParameters(network)
        self.optimizer = make_optimizer(self.parameters.values, training)

    def take_steps(self, run: BatchRun, rates: Sequence[float], deadline: float) -> Steps:
        """One step for each batch of a run; fewer where the deadline comes first."""
        losses, errors = [], []
        for batch, rate in zip(run.batches(), rates, strict=True):
            loss, _, error = self.value_and_grad(batch)
            self.optimizer.param_groups[0]["lr"] = rate
            self.optimizer.step()
            losses.append(loss)
            if error is not None:
                errors.append(error)
            if time.monotonic() > deadline:
                break
        return Steps(torch.stack(losses), torch.stack(errors) if errors else None)

    def value_and_grad(self, batch: TensorBatch) -> tuple[Tensor, Tensor, Tensor | None]:
        """Loss, gradient norm and (where tracked) mean absolute error; the gradient lies in ``parameters``."""
        gradient = self.parameters.gradient
        gradient.zero_()
        raw_BKHCR, _ = self.network(batch.context_BLF, batch.future_BKHF)
        loss = masked_mean(self.head.loss(raw_BKHCR, batch.target_BKHC, batch.units), batch.weight_BKHC)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.linalg.vector_norm(gradient)
        if self.training.clip is not None:
            gradient.mul_(torch.clamp(self.training.clip / (norm + 1e-6), max=1.0))
        error = None
        if self.training.track_mae:
            error = masked_mean((raw_BKHCR.detach()[..., 0] - batch.target_BKHC).abs(), batch.weight_BKHC)
        return loss.detach(), norm, error

    @torch.no_grad()
    def errors(self, batch: TensorBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Sums over one validation batch: loss, absolute error, and the number of truths they cover."""
        return sums_of_errors(self.network, self.head, batch)

    def memory(self) -> dict[str, Tensor]:
        """What the optimiser remembers, and where torch's random numbers (of the dropout) stand."""
        kept = {name: value.clone() for name, value in self.optimizer.state[self.parameters.values].items()}
        return kept | {RANDOM: torch.get_rng_state()}

    def remember(self, memory: dict[str, Tensor], step: int) -> None:
        """Go on from what ``memory`` gave; the optimiser counts its steps itself."""
        values = self.parameters.values
        self.optimizer.state[values] = {name: value.clone() for name, value in memory.items() if name != RANDOM}
        torch.set_rng_state(memory[RANDOM])


def sums_of_errors(network: Network, head: Head, batch: TensorBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Sums over one batch: loss, absolute error, and the number of truths they cover."""
    raw_BKHCR, _ = network(batch.context_BLF, batch.future_BKHF, origins=batch.target_BKHC.shape[1])
    loss = head.loss(raw_BKHCR, batch.target_BKHC, batch.units)
    error = (raw_BKHCR[..., 0] - batch.target_BKHC).abs()
    weight = torch.ones_like(loss) if batch.weight_BKHC is None else batch.weight_BKHC
    return (loss * weight).sum(), (error * weight).sum(), weight.sum()


def masked_mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """Mean over the truths that are known (weight 1)."""
    if weight is None:
        return values.mean()
    return (values * weight).sum() / weight.sum().clamp_min(1)
