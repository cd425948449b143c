"""The way through the code: which modules a fit visits, in order, and how often it climbs back up.

    python -m tests.tour

A call from a module to one of a lower layer, or of its own, goes down; one to a module of a layer above it is a climb:
the reader has to know something of a layer that the module's own imports do not name. It comes about where a function
or an object is handed down and called from below: a listener, a job, an expert behind a protocol. Each pair of modules
counts once, however often the call is made.

That a call ends, and its caller goes on with the next one, is no climb: the caller's text stands before the reader all
the time. How often that brings the trip to a new module of a higher layer than the one visited before is printed too,
as a measure of how wide the fit is, not of how well it can be followed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from tests.test_architecture import LAYER, SOURCE, name_of, package_of

import gatecast as gc

__all__ = ["Trip", "main", "trip_of_fit"]


@dataclass
class Trip:
    """What a call visited.

    Args:
        modules: in the order of their first visit.
        climbs: (from, to) of calls into a higher layer, each pair once.
    """

    modules: list[str] = field(default_factory=list)
    climbs: list[tuple[str, str]] = field(default_factory=list)

    @property
    def returns(self) -> int:
        """How often the next new module is of a higher layer than the one before, after calls that ended."""
        return sum(height(after) > height(before) for before, after in pairwise(self.modules))

    def visit(self, caller: str | None, module: str) -> None:
        """Take in one call."""
        if module not in self.modules:
            self.modules.append(module)
        if caller is not None and height(module) > height(caller) and (caller, module) not in self.climbs:
            self.climbs.append((caller, module))


def height(module: str) -> int:
    """Layer of a module."""
    package = package_of(module)
    return 0 if package is None else LAYER[package]


@contextmanager
def travelling() -> Iterator[Trip]:
    """Note every call between modules of Gatecast while it lasts, in this thread."""
    trip = Trip()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and (module := module_of(frame)) is not None:
            caller = next_module(frame.f_back)
            if caller != module:
                trip.visit(caller, module)

    sys.setprofile(note)
    try:
        yield trip
    finally:
        sys.setprofile(None)


def module_of(frame: FrameType) -> str | None:
    """The module of a frame; None where it is not Gatecast's."""
    path = Path(frame.f_code.co_filename)
    return name_of(path) if path.is_relative_to(SOURCE) else None


def next_module(frame: FrameType | None) -> str | None:
    """The module of the nearest caller that is Gatecast's."""
    while frame is not None and module_of(frame) is None:
        frame = frame.f_back
    return None if frame is None else module_of(frame)


def trip_of_fit() -> Trip:
    """The trip of a default fit of a small table, on one thread so that all of it is seen."""
    import torch

    torch.set_num_threads(1)
    steps = np.arange(60)
    panel = gc.load_example("airline").slice(0, len(steps))
    model = gc.Forecaster(2, members=1, candidates=2, training={"max_epochs": 1, "steps_per_epoch": 1}, progress=False)
    with travelling() as trip:
        model.fit(panel)
    return trip


def main() -> int:
    """Print the trip."""
    trip = trip_of_fit()
    for module in trip.modules:
        print(f"{'  ' * (len(set(LAYER.values())) - height(module))}{module}")
    print(f"{len(trip.modules)} modules, {len(trip.climbs)} climbs back up; {trip.returns} times on at a higher layer")
    for caller, module in trip.climbs:
        print(f"  {caller} > {module}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
