"""Gates to test with."""

from __future__ import annotations

import torch

from gatecast.pretrained.gate import Gate, GateSizes

SMALL = GateSizes(8, 16)  # of 8 outputs torch sums up otherwise by the place of a row, on some processors


def fresh(sizes: GateSizes = SMALL) -> Gate:
    """One at the start of its training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Gate(sizes)


def shaken(seed: int, size: float, sizes: GateSizes = SMALL) -> Gate:
    """One with random weights."""
    gate, random = fresh(sizes), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in gate.parameters():
            parameter.add_(size * torch.randn(parameter.shape, generator=random))
    return gate
