"""Layers of their own use: drop-in replacements for torch's, faster on a CPU.

>>> import torch
>>> from gatecast.nn import LSTM
>>> output, (h_n, c_n) = LSTM(3, 8, batch_first=True)(torch.zeros(2, 5, 3))
>>> output.shape, h_n.shape
(torch.Size([2, 5, 8]), torch.Size([1, 2, 8]))
"""

from gatecast.nn.lstm import LSTM

__all__ = ["LSTM"]
