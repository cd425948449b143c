"""How many threads a call of the kernels is worth."""

from __future__ import annotations

__all__ = ["FLOPS_PER_THREAD", "ROWS_PER_THREAD", "worthwhile_threads"]

ROWS_PER_THREAD = 4  # rows of the batch; fewer do not fill the registers of a matrix product
FLOPS_PER_THREAD = 400_000  # operations that pay for waking a thread


def worthwhile_threads(rows: int, flops: int, most: int) -> int:
    """Threads for a batch of ``rows`` that takes ``flops`` operations forward; at least 1, ``most`` at most.

    >>> worthwhile_threads(rows=64, flops=10**9, most=8), worthwhile_threads(rows=9, flops=10**9, most=8)
    (8, 2)
    >>> worthwhile_threads(rows=64, flops=1000, most=8)
    1
    """
    if most == 1:
        return 1
    return max(1, min(most, rows // ROWS_PER_THREAD, flops // FLOPS_PER_THREAD))
