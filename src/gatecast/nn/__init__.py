"""Layers of their own use: drop-in replacements for torch's, faster on a CPU; and the kernels that make them so.

>>> import torch
>>> from gatecast.nn import LSTM
>>> output, (h_n, c_n) = LSTM(3, 8, batch_first=True)(torch.zeros(2, 5, 3))
>>> output.shape, h_n.shape
(torch.Size([2, 5, 8]), torch.Size([1, 2, 8]))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatecast.nn.lstm import LSTM

__all__ = ["LSTM"]


def __getattr__(name: str) -> Any:
    """On first use, so that the kernels can be asked for without torch."""
    if name != "LSTM":
        raise AttributeError(f"module 'gatecast.nn' has no attribute {name!r}")
    return importlib.import_module("gatecast.nn.lstm").LSTM
