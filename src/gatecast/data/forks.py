"""Forked processes: polars reads tables with threads of its own, which a copy of the process does not have.

A forked worker (gunicorn with ``preload``, ``multiprocessing`` with "fork") would wait for them for ever once its
parent has read a table. That can be foreseen, so it is an error that says what to do. Without a table, and where the
parent has read none, a fork is fine.
"""

from __future__ import annotations

import os

from gatecast.errors import ConfigError

__all__ = ["about_to_read_a_table"]

_state = {"read here": False, "read by the parent": False}


def about_to_read_a_table() -> None:
    """Note that polars starts its threads.

    Raises:
        ConfigError: this process was forked from one that had started them.
    """
    if _state["read by the parent"] and _threads_of_polars() > 1:
        raise ConfigError(
            "this process was forked from one that had already read a table: polars, which reads tables, would wait "
            "for threads that were not copied. Start workers with 'spawn' or 'forkserver', read no table before the "
            "fork, give a Panel that was read before it, or set POLARS_MAX_THREADS=1."
        )
    if not _state["read here"] and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_now_in_child)
    _state["read here"] = True


def _now_in_child() -> None:
    _state["read by the parent"] = True


def _threads_of_polars() -> int:
    import polars as pl

    return pl.thread_pool_size()
