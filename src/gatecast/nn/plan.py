"""Sizes: of a layer, which do not change from call to call, and of one call."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from torch import Tensor

__all__ = ["Plan", "Task", "plan_of"]


class Plan(NamedTuple):
    """Sizes of an LSTM, worked out once for all layers of the same sizes."""

    directions: int
    width: int  # features of the output: hidden size times directions
    states: int  # layers times directions
    weights: tuple[tuple[str, tuple[int, ...]], ...]  # name and shape, in the order of nn.LSTM
    flops: int  # of the matrix products, per row and step


class Task(NamedTuple):
    """One call: everything but the tensors that may want a gradient."""

    batch: int
    steps: int
    features: int
    hidden: int
    layers: int
    directions: int
    keep: int  # last steps that are wanted
    batch_first: bool
    bias: bool
    lengths: Tensor | None  # (B,) int64, falling; None = every row has all steps
    threads: int
    dropout: float  # between the layers; 0 where none is drawn
    seed: int
    halves: bool = False  # products of two bf16 for each number will do


@lru_cache(maxsize=64)
def plan_of(features: int, hidden: int, layers: int, bias: bool, both_ways: bool) -> Plan:
    """Sizes for ``torch.nn.LSTM(features, hidden, layers, bias=bias, bidirectional=both_ways)``."""
    directions = 2 if both_ways else 1
    weights: list[tuple[str, tuple[int, ...]]] = []
    flops = 0
    for layer in range(layers):
        inputs = features if layer == 0 else hidden * directions
        for way in ("", "_reverse")[:directions]:
            weights.append((f"weight_ih_l{layer}{way}", (4 * hidden, inputs)))
            weights.append((f"weight_hh_l{layer}{way}", (4 * hidden, hidden)))
            if bias:
                weights.append((f"bias_ih_l{layer}{way}", (4 * hidden,)))
                weights.append((f"bias_hh_l{layer}{way}", (4 * hidden,)))
            flops += 8 * hidden * (inputs + hidden)
    return Plan(directions, hidden * directions, layers * directions, tuple(weights), flops)
