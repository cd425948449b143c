"""The store as one value: its parts by what they keep."""

from __future__ import annotations

from pathlib import Path

from gatecast.serving.store.engine import Opened, open_engine
from gatecast.serving.store.job_rows import JobRows
from gatecast.serving.store.migrations import migrate
from gatecast.serving.store.model_rows import ModelRows
from gatecast.serving.store.observed_rows import ObservedRows

__all__ = ["Store", "open_store"]


class Store:
    """Models, observed rows and jobs of one database."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self.models = ModelRows(opened.engine)
        self.rows = ObservedRows(opened.engine)
        self.jobs = JobRows(opened.engine)

    @property
    def folder(self) -> Path:
        """Where jobs keep where they stand."""
        return self._opened.folder

    def close(self) -> None:
        """Close it, and give it free for another process."""
        self._opened.close()


def open_store(url: str) -> Store:
    """Open a store, make it where there is none, and bring it up to date. Raises ConfigError where that fails."""
    opened = open_engine(url)
    try:
        with opened.engine.begin() as connection:
            migrate(connection)
    except BaseException:
        opened.close()
        raise
    return Store(opened)
