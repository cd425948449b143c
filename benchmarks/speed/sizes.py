"""The one model of ``train`` and ``predict``, the same for every contestant."""

from __future__ import annotations

__all__ = ["BATCH", "HIDDEN", "HORIZON", "LOOKBACK", "PANELS", "RATE"]

LOOKBACK, HORIZON, HIDDEN, BATCH, RATE = 48, 24, 64, 128, 1e-3
PANELS = {"414 x 700": (414, 700), "2,000 x 1,000": (2000, 1000)}  # series x steps
