"""A contestant for the tests."""

from __future__ import annotations

import os

from benchmarks.speed.worker import peak_mb, serve


def double(value: int) -> int:
    print("a library that prints")
    if not value:
        raise ValueError("no 0")
    return 2 * value


def grow(megabytes: int) -> float | None:
    assert len(bytearray(os.urandom(1000 * 1000) * megabytes)) == megabytes * 1000 * 1000
    return peak_mb()


if __name__ == "__main__":
    serve(
        {"double": double, "grow": grow, "threads": lambda: os.environ["OMP_NUM_THREADS"], "leave": lambda: os._exit(3)}
    )
