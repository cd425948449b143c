"""What the user asked for, and how a task gets its contestants."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.speed.contestant import ROOT, Contestant, ContestantError, peers_python

__all__ = ["Options", "Stage", "progress"]


@dataclass(frozen=True)
class Options:
    """Settings of a run.

    Args:
        threads: threads of every contestant.
        repeats: rounds; None = as many as the task needs for a steady median.
        full: all that was published, where the default is a shorter part that tells the same.
    """

    threads: int = 2
    repeats: int | None = None
    full: bool = False

    def rounds(self, usual: int) -> int:
        """The rounds asked for, or the task's own number."""
        return self.repeats or usual

    @property
    def ridership(self) -> str | None:
        """The local archive of ridership; None = there is none."""
        folder = Path(os.environ.get("GATECAST_DATA", ROOT.parent / "shared" / "data"))
        path = folder / "ridership.tgz"
        return str(path) if path.exists() else None


@dataclass
class Stage(ExitStack):
    """Starts contestants, and ends them all when the task is done.

    Args:
        threads: of each.
        skipped: who could not come, and why.
    """

    threads: int
    skipped: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def start(self, name: str, module: str, *arguments: str) -> Contestant:
        """One that runs in Gatecast's own environment."""
        return self.enter_context(Contestant(name, module, arguments, threads=self.threads))

    def peer(self, name: str, module: str, *arguments: str) -> Contestant | None:
        """One that runs in the peers' environment; None where it cannot, and ``skipped`` says why."""
        python, reason = peers_python()
        if python is None:
            self.skipped[name] = reason
            return None
        try:
            return self.enter_context(Contestant(name, module, arguments, threads=self.threads, python=python))
        except ContestantError as error:
            self.skipped[name] = str(error)
            return None


def progress(text: str) -> None:
    """One changing line on a terminal; nothing in a file."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
