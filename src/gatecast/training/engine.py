"""The torch engine: loss and gradient of one batch, on parameters that are views of one flat tensor."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gatecast.model.heads import Head
from gatecast.model.lstm import LSTMNetwork
from gatecast.training.batch import TensorBatch

__all__ = ["FlatParameters", "TorchEngine", "masked_mean"]


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


class TorchEngine:
    """Loss and gradient through autograd."""

    def __init__(self, network: LSTMNetwork, head: Head, clip: float | None, track_mae: bool = False) -> None:
        self.network = network
        self.head = head
        self.clip = clip
        self.track_mae = track_mae
        self.parameters = FlatParameters(network)

    def value_and_grad(self, batch: TensorBatch) -> tuple[Tensor, Tensor, Tensor | None]:
        """Loss, gradient norm and (where tracked) mean absolute error; the gradient lies in ``parameters``."""
        gradient = self.parameters.gradient
        gradient.zero_()
        raw_BKHCR, _ = self.network(batch.context_BLF, batch.future_BKHF)
        loss = masked_mean(self.head.loss(raw_BKHCR, batch.target_BKHC, batch.units), batch.weight_BKHC)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.linalg.vector_norm(gradient)
        if self.clip is not None:
            gradient.mul_(torch.clamp(self.clip / (norm + 1e-6), max=1.0))
        error = None
        if self.track_mae:
            error = masked_mean((raw_BKHCR.detach()[..., 0] - batch.target_BKHC).abs(), batch.weight_BKHC)
        return loss.detach(), norm, error

    @torch.no_grad()
    def errors(self, batch: TensorBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Sums over one validation batch: loss, absolute error, and the number of truths they cover."""
        raw_BKHCR, _ = self.network(batch.context_BLF, batch.future_BKHF, origins=batch.target_BKHC.shape[1])
        loss = self.head.loss(raw_BKHCR, batch.target_BKHC, batch.units)
        error = (raw_BKHCR[..., 0] - batch.target_BKHC).abs()
        weight = torch.ones_like(loss) if batch.weight_BKHC is None else batch.weight_BKHC
        return (loss * weight).sum(), (error * weight).sum(), weight.sum()


def masked_mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """Mean over the truths that are known (weight 1)."""
    if weight is None:
        return values.mean()
    return (values * weight).sum() / weight.sum().clamp_min(1)
