"""What a fit has seen: where the data of each series ended, which data it was, and with which versions.

No value is kept. The ends say later what a model may be scored on; the fingerprint, whether two fits saw the same data.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import metadata

import numpy as np

from gatecast.data.fingerprint import digest
from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel

__all__ = ["Ancestor", "Birth"]

_LIBRARIES = ("torch", "numpy")  # a forecast may depend on these


@dataclass(frozen=True)
class Ancestor:
    """A model that was trained further.

    Args:
        until: end of what it had seen, in words.
        metric: "mase" or "mae".
        before: its error on the newest steps of the later data.
        after: that of the model which was trained further.
    """

    until: str
    metric: str
    before: float
    after: float


@dataclass(frozen=True)
class Birth:
    """When and of what a model came about.

    Args:
        ends: (last time that the training saw, the series that end there), in the order of time; a time is an ISO 8601
            text as the frequency stores times, or a whole number.
        data_sha256: fingerprint of the data.
        versions: of the libraries, by name.
        lineage: the models that it was trained further from, the first one first.
    """

    ends: tuple[tuple[str, tuple[str, ...]], ...]
    data_sha256: str
    versions: dict[str, str]
    lineage: tuple[Ancestor, ...] = ()

    @classmethod
    def of(cls, history: Panel) -> Birth:
        """That of a fit to a history."""
        last_N = np.asarray(history.frequency.advance(history.starts, history.length - 1))
        times, place_N = np.unique(last_N, return_inverse=True)
        order = np.argsort(place_N, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(place_N[order])) + 1)
        ends = tuple(
            (_text(time), tuple(history.ids[n] for n in group)) for time, group in zip(times, groups, strict=True)
        )
        return cls(ends, digest(history), {name: _version(name) for name in _LIBRARIES})

    def until(self, frequency: Frequency) -> dict[str, np.datetime64 | np.int64]:
        """Last time that the training saw, by series."""
        return {name: _time(text, frequency) for text, names in self.ends for name in names}

    def problem(self, frequency: Frequency) -> str:
        """What is wrong with ends that come from a file; "" for nothing."""
        names = [name for _, names in self.ends for name in names]
        if not names or len(set(names)) < len(names):
            return "birth.ends names no series, or one twice"
        try:
            times = [_time(text, frequency) for text, _ in self.ends]
        except (ValueError, OverflowError):
            return "birth.ends holds what is no time"
        if any(np.isnat(time) for time in times if isinstance(time, np.datetime64)):
            return "birth.ends holds what is no time"
        return ""

    def describe(self, frequency: Frequency) -> str:
        """The ends in words: "1960-12", or "2024-01 to 2024-03 (by series)"."""
        labels = [frequency.label(_time(text, frequency)) for text, _ in self.ends]
        return labels[0] if len(labels) == 1 else f"{labels[0]} to {labels[-1]} (by series)"


@cache  # reading it takes a millisecond, and the instant preset fits in a few
def _version(library: str) -> str:
    return metadata.version(library)


def _text(time: np.datetime64 | np.int64) -> str:
    return str(np.datetime_as_string(time, unit="auto")) if isinstance(time, np.datetime64) else str(int(time))


def _time(text: str, frequency: Frequency) -> np.datetime64 | np.int64:
    return np.int64(text) if frequency.unit == "step" else np.datetime64(text, "us")
